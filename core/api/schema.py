"""How drf-spectacular reads our views."""

from drf_spectacular.openapi import AutoSchema


class ContractSchema(AutoSchema):
    """Serializers named `Input` and outputs given by `extend_schema`; refusals are problem documents."""

"""Bodies that the schema shows."""

from drf_spectacular.utils import OpenApiExample

TERMINAL = OpenApiExample("A till", {"name": "Till 1"}, request_only=True)

"""The catalogue for operators."""

from catalog.admin import fee_schedules, goods

__all__ = ["fee_schedules", "goods"]

"""How many levels of people may be paid because one brought the other: docs/referrals.md has the sources."""

from django.conf import settings


def referral_levels_max(scheme: str | None) -> int:
    """
    Return the most levels that may be paid where a store stands, by its scheme of areas (`CN`); None for the house.

    `REFERRAL_LEVELS_MAX` names the jurisdictions that know a number of their own; `""` is everybody else's.
    """
    limits: dict[str, int] = settings.REFERRAL_LEVELS_MAX
    return limits.get(scheme or "", limits[""])


def most_referral_levels() -> int:
    """Return the most levels that may be paid anywhere: a plan holds everywhere, and each place cuts it to its own."""
    return max(settings.REFERRAL_LEVELS_MAX.values())

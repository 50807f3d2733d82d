"""What distribution hears; importing a module registers its consumers."""

from distribution.consumers import referring, seats

__all__ = ["referring", "seats"]

"""What distribution hears; importing a module registers its consumers."""

from distribution.consumers import allocating, referring, seats

__all__ = ["allocating", "referring", "seats"]

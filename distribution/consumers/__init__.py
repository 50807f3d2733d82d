"""What distribution hears; importing a module registers its consumers."""

from distribution.consumers import allocating, placing, referring, seats

__all__ = ["allocating", "placing", "referring", "seats"]

"""What sharing hears; importing a module registers its consumers."""

from sharing.consumers import charging, closing

__all__ = ["charging", "closing"]

"""What payments are measured against: the least that a DRF view can do to take money, in the house's own server."""

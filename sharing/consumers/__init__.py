"""What sharing hears; each module registers its own."""

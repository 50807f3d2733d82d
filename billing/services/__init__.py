"""What billing does for its callers; one module per subject."""

"""Reading areas and their borders from files, and finding the area of a point."""

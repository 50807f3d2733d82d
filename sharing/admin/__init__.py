"""The operators' pages of sharing, a file for each part."""

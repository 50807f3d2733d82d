"""The tables of distribution, a file for each part."""

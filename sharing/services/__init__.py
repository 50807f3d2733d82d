"""What may be done with share programs, shares, scans and share charges; one function per use case."""

__all__: list[str] = []

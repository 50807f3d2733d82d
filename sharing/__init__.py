"""Share programs, shares, scans, and who brought the customer of a sale."""

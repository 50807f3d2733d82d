"""What the benchmarks share: scratch databases, worker processes, and the page with the results."""

"""The counter: tills of stores, trades at them, and what became of each."""

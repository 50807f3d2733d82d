"""Payout targets: where an account wants its withdrawals to go."""

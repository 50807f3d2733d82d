"""What sellers do: items, stores, orders, refunds, share programs, earnings."""

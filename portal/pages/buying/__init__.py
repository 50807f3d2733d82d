"""What buyers do: cart, checkout, orders, refunds, wallet, pay codes."""

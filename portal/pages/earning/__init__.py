"""What comes in for others' sales: sharers, agents, the network, and where an order's money went."""

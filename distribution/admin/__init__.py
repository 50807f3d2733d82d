"""What operators see and do of areas, agents, people and plans."""

from distribution.admin import allocations, areas, areas_placements, cockpit, people_agents, people_referrals, plans

__all__ = ["allocations", "areas", "areas_placements", "cockpit", "people_agents", "people_referrals", "plans"]

"""What operators see and do of areas, agents, people and plans."""

from distribution.admin import areas, areas_placements, people_agents, people_referrals

__all__ = ["areas", "areas_placements", "people_agents", "people_referrals"]

"""What operators see and do of areas, agents, people and plans."""

from distribution.admin import people_agents, people_referrals

__all__ = ["people_agents", "people_referrals"]

"""What may be done with areas, placements, seats, referrals and plans; one function per use case."""

from distribution.services.moving_up import move_up_children
from distribution.services.referring import bind_referral, end_closed, end_referral, move_referral, place_registered
from distribution.services.seats import appoint_agent, end_agent, end_seats_of, replace_agent

__all__ = [
    "appoint_agent",
    "bind_referral",
    "end_agent",
    "end_closed",
    "end_referral",
    "end_seats_of",
    "move_referral",
    "move_up_children",
    "place_registered",
    "replace_agent",
]

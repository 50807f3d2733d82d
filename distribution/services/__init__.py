"""What may be done with areas, placements, seats, referrals and plans; one function per use case."""

from distribution.services.allocating import allocate_sales
from distribution.services.areas import Loaded, load_areas
from distribution.services.completing import complete_sales
from distribution.services.escrow import settle_escrow
from distribution.services.hearing import hear_what_waits
from distribution.services.moving_up import move_up_children
from distribution.services.placing import StoreNews, decide_placement, follow_stores
from distribution.services.plans import activate_plan, check_draft, draft_plan
from distribution.services.previewing import request_preview
from distribution.services.referring import bind_referral, end_closed, end_referral, move_referral, place_registered
from distribution.services.reversing import reverse_refunded
from distribution.services.reviewing import PlanReview, review_plan, written_problems
from distribution.services.seats import appoint_agent, end_agent, end_seats_of, replace_agent

__all__ = [
    "Loaded",
    "PlanReview",
    "StoreNews",
    "activate_plan",
    "allocate_sales",
    "appoint_agent",
    "bind_referral",
    "check_draft",
    "complete_sales",
    "decide_placement",
    "draft_plan",
    "end_agent",
    "end_closed",
    "end_referral",
    "end_seats_of",
    "follow_stores",
    "hear_what_waits",
    "load_areas",
    "move_referral",
    "move_up_children",
    "place_registered",
    "replace_agent",
    "request_preview",
    "reverse_refunded",
    "review_plan",
    "settle_escrow",
    "written_problems",
]

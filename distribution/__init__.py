"""Areas, agents and referrals: who has a part in a sale, by place and by people."""

"""Billing for operators: the rules, what comes from outside, what was set aside, and what puts the book right."""

from billing.admin import cockpit, corrections, outside, rule_sets, unposted

__all__ = ["cockpit", "corrections", "outside", "rule_sets", "unposted"]

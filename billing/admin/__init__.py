"""Billing for operators: the rules, what comes from outside, what was set aside, and what puts the book right."""

from billing.admin import corrections, outside, rule_sets, start, unposted

__all__ = ["corrections", "outside", "rule_sets", "start", "unposted"]

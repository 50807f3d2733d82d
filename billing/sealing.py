"""What a batch depends on beside its own rows: the version of the rules that it was booked by."""

from ledger.seals import Source, add_source

RULE_SETS = Source(  # All but the status: it becomes `retired` when another version follows.
    table="billing_ruleset",
    key="r.id",
    name="r.public_id",
    plain=("id", "public_id", "name", "version", "document", "created_by_id", "activated_by_id"),
    moments=("effective_from", "created_at", "activated_at"),
    rows="""
        JOIN LATERAL (SELECT DISTINCT rule_set_id FROM ledger_journal WHERE batch_id = asked.id) pinned ON true
        JOIN billing_ruleset r ON r.id = pinned.rule_set_id
    """,
)


def register() -> None:
    """Let every seal cover the rules of its batch; a version is sealed with the first batch that it books."""
    add_source(RULE_SETS)

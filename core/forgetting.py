"""Deleting what nobody needs any more, however much of it there is."""

from django.db.models import QuerySet

CHUNK_ROWS = 5000


def delete_in_chunks(rows: QuerySet) -> int:
    """
    Delete rows in transactions of their own, each within the limit of a statement; return how many.
    """
    deleted = 0
    while keys := list(rows.order_by().values_list("pk", flat=True)[:CHUNK_ROWS]):
        deleted += rows.model._default_manager.filter(pk__in=keys).delete()[0]
    return deleted

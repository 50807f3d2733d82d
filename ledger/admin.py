"""The book, for reading only: nobody edits a booked row."""

from typing import Any

from django.contrib import admin
from django.contrib.admin import SimpleListFilter
from django.db.models import OuterRef, Q, QuerySet, Subquery
from django.http import HttpRequest
from django.utils.html import format_html_join
from unfold.decorators import display

from core.admin import ReadOnlyAdmin, link_to, list_link, page_link, shown_money, table
from core.ids import decode_key, encode_key
from core.money import format_minor
from ledger import (
    cockpit,  # noqa: F401 - its tiles are registered
    codes,
)
from ledger.models import LEG_BITS, LEGS_MAX, Batch, Hold, Journal, LedgerAccount, Movement, Seal, Transfer

SEAL_SHOWN = 12  # digits
CODE_HELP = "a code, or acc_…"


def accounts_named(term: str, *, beginning: bool = False) -> QuerySet[LedgerAccount]:
    """Return the accounts that a term names: by their owner's id, or by a code or its beginning and a currency."""
    if term.startswith("acc_"):
        return LedgerAccount.objects.filter(code__in=[codes.wallet(term), codes.pending(term), codes.debt(term)])
    code, _, currency = term.partition(" ")
    found = LedgerAccount.objects.filter(**{"code__startswith" if beginning else "code": code})
    return found.filter(currency=currency.strip().upper()) if currency else found


def account_ids_named(term: str) -> list[int]:
    """As numbers, not as a subquery: PostgreSQL then knows which of them are busy."""
    return list(accounts_named(term).values_list("pk", flat=True))


class BookAdmin(ReadOnlyAdmin):
    """Booked rows name each other by number: a public id of any kind finds what belongs to it."""

    sortable_by = ()
    list_select_related: Any = False

    def find(self, queryset: QuerySet, term: str) -> QuerySet:
        """Unlike other lists: what is no id and no code finds nothing."""
        for prefix, finder in self.finders().items():
            key = decode_key(prefix, term)
            if key is not None:
                return queryset.filter(finder(key))
        return self.find_by_code(queryset, term)

    def finders(self) -> dict[str, Any]:
        """By prefix of public ids: which rows an id's key names."""
        return {}

    def find_by_code(self, queryset: QuerySet, term: str) -> QuerySet:
        return queryset.none()


class PurposeFilter(SimpleListFilter):
    """By what an account is for: the beginning of its code."""

    title = "purpose"
    parameter_name = "purpose"
    purposes = ("wallet", "pending", "debt", "escrow", "platform", "clearing", "cash", "suspense")

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(purpose, purpose) for purpose in self.purposes]

    def queryset(self, request: HttpRequest, queryset: QuerySet) -> QuerySet:
        return queryset.filter(code__startswith=f"{self.value()}:") if self.value() else queryset


@admin.register(LedgerAccount)
class LedgerAccountAdmin(BookAdmin):
    icon = "account_balance"
    list_display = ("code", "currency", "balance", "held", "available", "debits", "credits")
    list_filter = (PurposeFilter,)
    ordering = ("code", "currency")
    search_fields = ("code__startswith",)
    search_help_text = "How a code begins, or acc_…"
    fields = (*list_display, "must_cover", "must_owe", "look_further")
    readonly_fields = fields

    def find(self, queryset: QuerySet, term: str) -> QuerySet:
        return queryset & accounts_named(term, beginning=True)

    @display(description="balance")
    def balance(self, account: LedgerAccount) -> str:
        return format_minor(account.balance_minor, account.currency)

    @display(description="held")
    def held(self, account: LedgerAccount) -> str:
        return format_minor(account.held_minor, account.currency)

    @display(description="available")
    def available(self, account: LedgerAccount) -> str:
        return format_minor(account.available_minor, account.currency)

    @display(description="debits")
    def debits(self, account: LedgerAccount) -> str:
        return format_minor(account.debits_minor, account.currency)

    @display(description="credits")
    def credits(self, account: LedgerAccount) -> str:
        return format_minor(account.credits_minor, account.currency)

    @display(description="look further")
    def look_further(self, account: LedgerAccount) -> str:
        query = f"q={account.code}+{account.currency}"
        lists = [("ledger.transfer", "transfers"), ("ledger.movement", "movements"), ("ledger.hold", "holds")]
        return format_html_join(" · ", "{}", ((list_link(label, query, text),) for label, text in lists))


@admin.register(Hold)
class HoldAdmin(BookAdmin):
    icon = "lock_clock"
    list_display = ("id", "code", "amount", "key", "placed_at", "expires_at")
    list_select_related = ("account",)
    search_fields = ("key__exact",)
    search_help_text = f"An event's key, {CODE_HELP}"
    fields = ("code", "amount", "key", "placed_at", "expires_at")
    readonly_fields = fields

    def find_by_code(self, queryset: QuerySet, term: str) -> QuerySet:
        by_key = queryset.filter(key=term)
        return by_key if by_key.exists() else queryset.filter(account_id__in=account_ids_named(term))

    @display(description="account")
    def code(self, hold: Hold) -> str:
        return link_to("ledger.ledgeraccount", hold.account_id, hold.account.code)

    @display(description="amount")
    def amount(self, hold: Hold) -> str:
        return shown_money(hold.amount_minor, hold.account.currency)


@admin.register(Batch)
class BatchAdmin(BookAdmin):
    icon = "inventory_2"
    list_display = (
        "shown_id",
        "shown_trigger",
        "events",
        "transfers",
        "accounts",
        "opened_at",
        "booked_at",
        "seal",
    )
    search_fields = ("id",)
    search_help_text = "bat_…"
    fields = (
        "shown_id",
        "shown_trigger",
        "events",
        "transfers",
        "accounts",
        "opened_at",
        "booked_at",
        "whole_seal",
        "look_further",
    )
    readonly_fields = fields

    def get_queryset(self, request: HttpRequest) -> QuerySet[Batch]:
        sealed = Seal.objects.filter(batch_id=OuterRef("pk")).values("digest")
        return super().get_queryset(request).annotate(seal_digest=Subquery(sealed))

    def finders(self) -> dict[str, Any]:
        return {"bat": lambda key: Q(pk=key)}

    @display(description="batch", ordering="pk")
    def shown_id(self, batch: Batch) -> str:
        return batch.public_id

    @display(description="trigger", label=True)
    def shown_trigger(self, batch: Batch) -> str:
        return batch.trigger

    @display(description="events")
    def events(self, batch: Batch) -> int:
        return batch.events_count

    @display(description="transfers")
    def transfers(self, batch: Batch) -> int:
        return batch.transfers_count

    @display(description="accounts")
    def accounts(self, batch: Batch) -> int:
        return batch.accounts_count

    @display(description="seal")
    def seal(self, batch: Any) -> str:
        """Its beginning; the page of the batch has all of it."""
        return f"{bytes(batch.seal_digest).hex()[:SEAL_SHOWN]}…" if batch.seal_digest else "not sealed yet"

    @display(description="seal")
    def whole_seal(self, batch: Any) -> str:
        return bytes(batch.seal_digest).hex() if batch.seal_digest else "not sealed yet"

    @display(description="look further")
    def look_further(self, batch: Batch) -> str:
        lists = [("ledger.journal", "journals"), ("ledger.movement", "movements")]
        links = ((list_link(label, f"q={batch.public_id}", text),) for label, text in lists)
        return format_html_join(" · ", "{}", links)


@admin.register(Journal)
class JournalAdmin(BookAdmin):
    icon = "menu_book"
    list_display = ("shown_id", "rule", "batch", "effective_at", "reverses")
    search_fields = ("event_id",)
    search_help_text = "jrn_…, evt_…, trf_… or bat_…"
    fields = (
        "shown_id",
        "event",
        "rule_set",
        "rule",
        "batch",
        "effective_at",
        "reverses",
        "reversed_by",
        "transfers",
    )
    readonly_fields = fields

    def finders(self) -> dict[str, Any]:
        return {
            "jrn": lambda key: Q(pk=key),
            "evt": lambda key: Q(pk=key),
            "trf": lambda key: Q(pk=key >> LEG_BITS),
            "bat": lambda key: Q(batch_id=key),
        }

    @display(description="journal", ordering="pk")
    def shown_id(self, journal: Journal) -> str:
        return journal.public_id

    @display(description="event")
    def event(self, journal: Journal) -> str:
        return link_to("events.eventrecord", journal.event_id, encode_key("evt", journal.event_id))

    @display(description="rule set")
    def rule_set(self, journal: Journal) -> str:
        return link_to("billing.ruleset", journal.rule_set_id, "the version that decided")

    @display(description="batch")
    def batch(self, journal: Journal) -> str:
        return link_to("ledger.batch", journal.batch_id, encode_key("bat", journal.batch_id))

    @display(description="takes back")
    def reverses(self, journal: Journal) -> str:
        if journal.reverses_id is None:
            return "-"
        return link_to("ledger.journal", journal.reverses_id, encode_key("jrn", journal.reverses_id))

    @display(description="taken back by")
    def reversed_by(self, journal: Journal) -> str:
        """Or where to ask for it; `billing` has that page."""
        by = Journal.objects.filter(reverses_id=journal.pk).values_list("pk", flat=True).first()
        if by is not None:
            return link_to("ledger.journal", by, encode_key("jrn", by))
        if journal.reverses_id is not None:
            return "-"
        return page_link(
            "billing_journalreversal_ask", "ask for it to be taken back", query=f"journal={journal.public_id}"
        )

    @display(description="transfers")
    def transfers(self, journal: Journal) -> str:
        first = journal.event_id << LEG_BITS
        found = with_codes(Transfer.objects.filter(id__gte=first, id__lt=first + LEGS_MAX)).order_by("id")
        lines = (
            (
                link_to("ledger.transfer", transfer.pk, transfer.public_id),
                link_to("ledger.ledgeraccount", transfer.debit_id, transfer.debit_code),
                link_to("ledger.ledgeraccount", transfer.credit_id, transfer.credit_code),
                shown_money(transfer.amount_minor, transfer.currency),
                why_link(transfer),
            )
            for transfer in found
        )
        return table(["transfer", "debit", "credit", "amount", ""], lines, numbers={"amount"})


def with_codes(transfers: QuerySet) -> QuerySet:
    """Transfers with the codes of their two accounts, which they name without foreign keys."""
    debit = LedgerAccount.objects.filter(pk=OuterRef("debit_id")).values("code")
    credit = LedgerAccount.objects.filter(pk=OuterRef("credit_id")).values("code")
    return transfers.annotate(debit_code=Subquery(debit), credit_code=Subquery(credit))


@admin.register(Transfer)
class TransferAdmin(BookAdmin):
    icon = "swap_horiz"
    list_display = ("shown_id", "debit", "credit", "amount", "journal")
    search_fields = ("id",)
    search_help_text = f"trf_…, jrn_…, evt_…, {CODE_HELP}"
    fields = (*list_display, "batch", "why")
    readonly_fields = fields

    def get_queryset(self, request: HttpRequest) -> QuerySet[Transfer]:
        return with_codes(super().get_queryset(request))

    def finders(self) -> dict[str, Any]:
        return {"trf": lambda key: Q(pk=key), "jrn": of_journal, "evt": of_journal}

    def find_by_code(self, queryset: QuerySet, term: str) -> QuerySet:
        ids = account_ids_named(term)
        return queryset.filter(Q(debit_id__in=ids) | Q(credit_id__in=ids))

    @display(description="transfer", ordering="pk")
    def shown_id(self, transfer: Transfer) -> str:
        return transfer.public_id

    @display(description="debit")
    def debit(self, transfer: Any) -> str:
        return link_to("ledger.ledgeraccount", transfer.debit_id, transfer.debit_code)

    @display(description="credit")
    def credit(self, transfer: Any) -> str:
        return link_to("ledger.ledgeraccount", transfer.credit_id, transfer.credit_code)

    @display(description="amount")
    def amount(self, transfer: Transfer) -> str:
        return shown_money(transfer.amount_minor, transfer.currency)

    @display(description="journal")
    def journal(self, transfer: Transfer) -> str:
        return link_to("ledger.journal", transfer.journal_id, encode_key("jrn", transfer.journal_id))

    @display(description="batch")
    def batch(self, transfer: Transfer) -> str:
        return link_to("ledger.batch", transfer.batch_id, encode_key("bat", transfer.batch_id))

    @display(description="explanation")
    def why(self, transfer: Transfer) -> str:
        return why_link(transfer)


def why_link(transfer: Transfer) -> str:
    """Lead to the explanation, which `billing` gives."""
    return page_link("billing_ruleset_explain", "why?", transfer.public_id)


def of_journal(key: int) -> Q:
    """The transfers of one journal: a range of the primary key."""
    return Q(pk__gte=key << LEG_BITS, pk__lt=(key + 1) << LEG_BITS)


@admin.register(Movement)
class MovementAdmin(BookAdmin):
    icon = "trending_up"
    list_display = ("id", "code", "debits", "credits", "balance_after", "batch", "booked_at")
    search_fields = ("id",)
    search_help_text = f"bat_…, {CODE_HELP}"
    fields = (*list_display, "effective_min", "effective_max")
    readonly_fields = fields

    def get_queryset(self, request: HttpRequest) -> QuerySet[Movement]:
        account = LedgerAccount.objects.filter(pk=OuterRef("account_id"))
        return (
            super()
            .get_queryset(request)
            .annotate(
                account_code=Subquery(account.values("code")), account_currency=Subquery(account.values("currency"))
            )
        )

    def finders(self) -> dict[str, Any]:
        return {"bat": lambda key: Q(batch_id=key)}

    def find_by_code(self, queryset: QuerySet, term: str) -> QuerySet:
        return queryset.filter(account_id__in=account_ids_named(term))

    @display(description="account")
    def code(self, movement: Any) -> str:
        return link_to(
            "ledger.ledgeraccount", movement.account_id, f"{movement.account_code} {movement.account_currency}"
        )

    @display(description="debits")
    def debits(self, movement: Any) -> str:
        return format_minor(movement.debits_minor, movement.account_currency)

    @display(description="credits")
    def credits(self, movement: Any) -> str:
        return format_minor(movement.credits_minor, movement.account_currency)

    @display(description="balance after")
    def balance_after(self, movement: Any) -> str:
        return format_minor(movement.credits_after_minor - movement.debits_after_minor, movement.account_currency)

    @display(description="batch")
    def batch(self, movement: Movement) -> str:
        return link_to("ledger.batch", movement.batch_id, encode_key("bat", movement.batch_id))

from core.errors import Conflict, Forbidden, Refusal, Unprocessable


class NoRule(Refusal):
    status = 409
    code = "no_rule"
    message = "No rule of the version in force matches this event."


class SameAccount(Refusal):
    status = 409
    code = "same_account"
    message = "A transfer's debit and credit are the same ledger account."


class InsufficientCover(Refusal):
    status = 409
    code = "insufficient_cover"
    message = "A debit without a hold is more than the wallet has available, or a repayment more than is owed."


class AccountFull(Refusal):
    status = 409
    code = "account_full"
    message = "The totals of a ledger account would be larger than the book can count."


class AmountsDisagree(Refusal):
    status = 409
    code = "amounts_disagree"
    message = "The parts of an amount come to more than the whole."


class EventTypeInternal(Forbidden):
    code = "event_type_internal"
    message = "Events of this type are not sent from outside, or not with this key."


class UnknownEventType(Unprocessable):
    code = "unknown_event_type"
    message = "No event type of this name is declared."


class UnknownParameter(Unprocessable):
    code = "unknown_parameter"
    message = "The event type declares no such parameter."


class CurrencyContradicted(Unprocessable):
    code = "currency_invalid"
    message = "The parameter currency names another currency than the event."


class BadParty(Unprocessable):
    code = "bad_party"
    message = "The parties are not those that the event type declares."


class BadAmounts(Unprocessable):
    code = "bad_amounts"
    message = "The amounts are not those that the event type declares."


class OccurredInFuture(Unprocessable):
    code = "occurred_in_future"
    message = "An event that has not happened yet cannot be booked."


class TypeExists(Conflict):
    code = "type_exists"
    message = "An event type of this name is declared."


class TypeDocumentInvalid(Unprocessable):
    code = "event_type_invalid"
    message = "The declaration contradicts itself."


class DailyLimitExceeded(Conflict):
    code = "daily_limit_exceeded"
    message = "This would exceed the key's limit of the day."


class SecondPersonRequired(Conflict):
    code = "second_person_required"
    message = "Another operator than the one who made it must do that."


class RuleSetNotSound(Conflict):
    code = "rule_set_not_sound"
    message = "The rule set does not pass its check."


class RuleSetNotDraft(Conflict):
    code = "rule_set_not_draft"
    message = "Only a draft can be activated."


class DocumentInvalid(Unprocessable):
    code = "rule_set_invalid"
    message = "The document is not a rule set."


class EffectiveInPast(Unprocessable):
    code = "effective_in_past"
    message = "A version takes effect at its activation or later; the past is corrected by repair."


class OperatorLimitExceeded(Forbidden):
    code = SecondPersonRequired.code
    message = "This is more than one operator may send in a day: another one must send it."


class PeriodInvalid(Unprocessable):
    code = "period_invalid"
    message = "The period ends before it begins."


class RuleSetNotActivated(Conflict):
    code = "rule_set_not_activated"
    message = "Only a version that a second person has activated can repair the book."


class JournalAlreadyReversed(Conflict):
    code = "journal_already_reversed"
    message = "This journal was taken back before."


class JournalNotReversible(Conflict):
    code = "journal_not_reversible"
    message = "This journal takes another one back; what was wrong about that is corrected by a new event."


class JournalTakenBack(Conflict):
    code = "journal_taken_back"
    message = "Later events take back a part of this journal: those have to be reversed first."


class ReversalRequested(Conflict):
    code = "reversal_requested"
    message = "This reversal waits for its approval."


class ReversalNotRequested(Conflict):
    code = "reversal_not_requested"
    message = "Nobody has asked for this journal to be reversed."

"""What an event says about a person is of a type that the store seals."""

from collections.abc import Iterator

import msgspec
from msgspec import inspect

from duecourse.case.events import EVENT_CLASSES

# Neither typed by people nor about a person. Whoever adds a field here has to be sure of it.
IN_CLEAR = {
    "CaseOpened.creditor_name",
    "CaseOpened.debtor.time_zone",
    "CaseOpened.debtor.jurisdiction",
    "DebtorMoved.time_zone",
    "DebtorMoved.jurisdiction",
    "PossiblePlaceAdded.time_zone",
    "PossiblePlaceAdded.jurisdiction",
    "ContactPermitted.step",
    "ContactPermitted.medium",
    "ContactRefused.medium",
    "ContactRefused.point_id",
    "ContactRefused.template",
    "ContactRefused.rule",
    "ContactRefused.citation",
    "ContactRefused.confidence",
    "ContactRefused.says",
    "ContactRefused.inputs",
    "ContactRefused.step",
    "ContactDispatching.key",
    "ContactDispatching.body_sha256",
    "ContactAccepted.reference",
    "ReceiptRecorded.receipt_id",
    "ReplyReceived.point_id",
    "ConversationLogged.point_id",
    "PaymentRecorded.citation",
    "PaymentReallocated.citation",
    "InterestAccrued.lines.percent",
    "InterestAccrued.lines.fraction",
    "InterestAccrued.lines.amount",
    "InterestAccrued.lines.authority",
    "InterestCorrected.debts.lines.percent",
    "InterestCorrected.debts.lines.fraction",
    "InterestCorrected.debts.lines.amount",
    "InterestCorrected.debts.lines.authority",
    "InterestAccrued.citation",
    "InterestCapped.citation",
    "InterestCapped.says",
    "InterestCorrected.payment_id",
    "AdjustmentProposed.proposed_by",
    "AdjustmentDeclined.declined_by",
    "DebtAdjusted.proposed_by",
    "DebtAdjusted.approved_by",
    "DebtWrittenOff.proposed_by",
    "DebtWrittenOff.approved_by",
    "LegalReferralProposed.proposed_by",
    "PlanOffered.approval.proposed_by",
    "PlanOffered.approval.approved_by",
    "PlanProposed.offer.approval.proposed_by",
    "PlanProposed.offer.approval.approved_by",
    "PlanProposed.proposed_by",
    "PlanInterestCharged.payment_id",
    "PlanRescheduled.payment_id",
    "LegalReferralApproved.approved_by",
    "LegalReferralDeclined.declined_by",
    "ActionRefused.rule",
    "ActionRefused.citation",
    "ActionRefused.confidence",
    "ActionRefused.says",
    "ActionRefused.inputs",
    "HoldPlaced.citation",
    "HoldPlaced.deadlines.citation",
    "HoldAnswered.deadlines.citation",
    "HoldEndSet.citation",
    "DeadlineMissed.citation",
    "LimitationWarned.citation",
    "LimitationExpired.citation",
    "ClaimFiled.bundle_sha256",
    "ClaimFiled.documents.name",
    "ClaimFiled.documents.sha256",
}


def texts_in_clear(kind: inspect.Type, path: str) -> Iterator[str]:
    """Every free text below `kind` that is not marked as personal; codes have a pattern."""
    match kind:
        case inspect.Metadata(type=inner, extra=extra):
            if not (extra or {}).get("personal"):
                yield from texts_in_clear(inner, path)
        case inspect.StrType(pattern=None):
            yield path
        case inspect.StructType(fields=fields):
            for field in fields:
                yield from texts_in_clear(field.type, f"{path}.{field.name}")
        case inspect.VarTupleType(item_type=item):
            yield from texts_in_clear(item, path)
        case inspect.DictType(value_type=value):
            yield from texts_in_clear(value, path)
        case inspect.UnionType(types=types):
            for each in types:
                yield from texts_in_clear(each, path)
        case _:
            pass


def test_every_free_text_of_an_event_is_sealed_unless_it_is_listed_here() -> None:
    found = {
        path
        for kind in EVENT_CLASSES
        for path in texts_in_clear(msgspec.inspect.type_info(kind), kind.__name__)
    }
    assert found == IN_CLEAR

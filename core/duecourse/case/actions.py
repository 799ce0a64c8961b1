"""What else goes out about a debt than a contact: legal action and reports to a credit bureau.

They pass the same gate as a contact does, and a no of the rules is an event just the same.
"""

from collections.abc import Collection
from typing import Final, Literal
from uuid import UUID

from duecourse.case import commands as c
from duecourse.case import events as e
from duecourse.case.contacts import check_debts
from duecourse.case.context import Context
from duecourse.case.limitation import RECORDED, standing
from duecourse.case.situation import about_accounts, situation
from duecourse.case.state import Case
from duecourse.rules.gate import judge

_TIME_BARRED: Final = "Nobody is sued over a debt whose limitation period has run out."
_NOT_SURE: Final = (
    "Nobody is sued over a debt whose limitation period may have run out: only what is not sure"
    " keeps it alive. Have the law checked."
)


def refused_action(
    case: Case,
    context: Context,
    act: Literal["legal_action", "bureau_report"],
    ref: UUID,
    debts: Collection[UUID],
    *,
    moment: Literal["request", "approval", "filing"],
) -> e.ActionRefused | None:
    """The refusal of an act about these debts; None when every rule agrees."""
    seen = situation(case, "", "", context.at, act=act, debts=debts)
    verdict = judge(context.rules, seen, context.at)
    first = verdict.first
    if first is None:
        return _too_late(case, context, ref, debts, moment) if act == "legal_action" else None
    return e.ActionRefused(
        at=context.at,
        act=act,
        ref=ref,
        moment=moment,
        rule=first.rule,
        citation=first.citation,
        confidence=first.confidence,
        says=first.says,
        inputs=first.inputs,
        next_lawful_at=verdict.next_lawful_at,
    )


def _too_late(
    case: Case,
    context: Context,
    ref: UUID,
    debts: Collection[UUID],
    moment: Literal["request", "approval", "filing"],
) -> e.ActionRefused | None:
    """Where the law of the place says nothing, we do not go to court after the period either.

    Nor while only what is not sure keeps the period alive.
    """
    today = case.today(context.at)
    for account in about_accounts(case, debts):
        debt_id = account.debt.debt_id
        now = standing(case, debt_id, today)
        is_over = now.status == "expired" or not now.is_sure
        if is_over and account.outstanding.total:
            return e.ActionRefused(
                at=context.at,
                act="legal_action",
                ref=ref,
                moment=moment,
                rule="time_barred",
                citation=now.clock.citation if now.clock else RECORDED,
                confidence="house",
                says=_TIME_BARRED if now.status == "expired" else _NOT_SURE,
                inputs={"debt": str(debt_id), "until": str(now.expires_on)},
                next_lawful_at=None,
            )
    return None


def request_bureau_report(
    case: Case, command: c.RequestBureauReport, context: Context
) -> list[e.Event]:
    """Permit one report, or say which rule forbids it. Whoever sends it has to ask again then."""
    if command.report_id in case.bureau_reports:
        return []
    check_debts(case, command.debts)
    owing = [each for each in about_accounts(case, command.debts) if each.outstanding.total]
    debts = tuple(each.debt.debt_id for each in owing)
    refused = refused_action(
        case, context, "bureau_report", command.report_id, debts, moment="request"
    )
    if refused is not None:
        return [refused]
    return [
        e.BureauReportPermitted(
            at=context.at,
            report_id=command.report_id,
            bureau=command.bureau,
            debt_ids=debts,
            expires_at=context.at + context.treatment.permission_lifetime,
        )
    ]

"""The case as the rules see it: everything that any rule may look at."""

from collections.abc import Collection, Iterator, Mapping
from datetime import date, datetime
from typing import Final, Literal, TypeVar
from uuid import UUID

from msgspec.structs import replace

from duecourse.case.arrangements import arrangements
from duecourse.case.limitation import limitation
from duecourse.case.state import Case, Contact, Conversation, DebtAccount
from duecourse.case.words import MANUAL_CHANNELS, NOT_CONNECTED, ReceiptStatus, point_kind
from duecourse.rules.gate import ActiveHold, PastContact, Situation
from duecourse.rules.hours import EVERY_DAY, Hours
from duecourse.rules.situation import Act
from duecourse.rules.treatment import Treatment

V = TypeVar("V")

LOST: Final[frozenset[ReceiptStatus]] = frozenset({"failed", "bounced", "expired", "returned"})
"""A message with one of these receipts has reached nobody."""
_READ: Final = frozenset({"delivered", "read"})


def situation(
    case: Case,
    channel: str,
    point_id: str,
    at: datetime,
    without: UUID | None = None,
    *,
    act: Act = "contact",
    debts: Collection[UUID] = (),
    content: Collection[str] | None = None,
    medium: str = "",
    treatment: Treatment | None = None,
) -> Situation:
    """All that is known at `at`. `without` leaves out the contact that is being judged.

    An account is a debt here, so the ids of the debts stand for both. `medium` is what the rules
    call the channel; left out, it is its name. `treatment` says how many days of grace a promise
    has; left out, one stands until it is judged.
    """
    medium = medium or channel
    point = case.points.get(point_id)
    fits = point is not None and point.kind == point_kind(channel) and bool(point.address)
    about = _texts(debts)
    accounts = about_accounts(case, debts)
    owing = [account for account in accounts if account.outstanding.total]
    return Situation(
        act=act,
        channel=medium,
        point_id=_address_of(case, point_id) or point_id,
        holder=point.holder if point is not None and fits else "",
        jurisdiction=case.debtor.jurisdiction,
        time_zone=case.debtor.time_zone,
        other_places=case.other_places,
        stage=case.stage,
        is_closed=case.is_closed,
        has_debt=bool(owing),
        licence=case.licence,
        holds=tuple(_holds(case, debts, point.holder if fits and point else "")),
        opted_out=_opt_outs(case, medium),
        refused_media=frozenset(case.refused_media),
        consents=frozenset(_consents(case, {"", channel, medium}, point_id, at)),
        agreed_hours=tuple(_agreed_hours(case)),
        past=tuple(past_of(case, without)),
        pending=tuple(pending_of(case, at, without)),
        debt_types=frozenset([account.debt.product for account in accounts]),
        limitation=limitation(case, owing, case.today(at)),
        debts=about,
        accounts=about,
        point_use=point.use if point is not None else "",
        content=None if content is None else frozenset(content),
        facts=facts(case),
        arrangements=tuple(arrangements(case, owing, treatment)),
        due_on=min([account.debt.due_on for account in owing], default=None),
    )


def about_accounts(case: Case, debts: Collection[UUID]) -> list[DebtAccount]:
    """The debts of these ids that were not withdrawn; all of them when none are named."""
    return [
        account
        for key, account in case.debts.items()
        if not account.withdrawn and (not debts or key in debts)
    ]


def _texts(ids: Collection[UUID]) -> tuple[str, ...]:
    return tuple([str(each) for each in ids]) if ids else ()


def facts(case: Case) -> dict[str, date]:
    """What was recorded, and what letters that arrived tell: the day on which each first left.

    A letter counts once it was accepted and not returned, another message once it was delivered.
    """
    found: dict[str, date] = {}
    for contact in case.contacts.values():
        if contact.content and contact.dispatched_at and _is_proof(contact):
            day = case.today(contact.dispatched_at)
            for content in contact.content:
                found[content] = min(day, found.get(content, day))
    return {**found, **case.facts}


def _is_proof(contact: Contact) -> bool:
    if contact.status != "accepted" or contact.delivery in LOST:
        return False
    return point_kind(contact.channel) == "postal" or contact.delivery in _READ


def _holds(case: Case, debts: Collection[UUID], holder: str) -> Iterator[ActiveHold]:
    """Those about any of these debts. Who represents the debtor is spoken to all the same."""
    for key, hold in case.holds.items():
        if not hold.protects(debts):
            continue
        blocks = hold.blocks
        if hold.kind == "represented" and holder == "representative":
            blocks = tuple(each for each in blocks if each != "outreach")
        yield ActiveHold(
            hold_id=key,
            kind=hold.kind,
            blocks=blocks,
            until=hold.until,
            debt_id="" if hold.debt_id is None else str(hold.debt_id),
        )


def _opt_outs(case: Case, channel: str) -> frozenset[str]:
    """Those that count for a channel: who wanted nothing any more may have wanted this again."""
    return frozenset(case.opted_out) - ({"all"} if channel in case.opted_in else set())


def _consents(case: Case, channels: Collection[str], point_id: str, at: datetime) -> Iterator[str]:
    """The names of the consents for this way of contact that were given and not withdrawn since."""
    for given in case.consents.values():
        covers = given.channel in channels and given.point_id in ("", point_id)
        withdrawn = any(
            gone.consent == given.consent
            and gone.channel in channels
            and gone.point_id in ("", point_id)
            and gone.withdrawn_at >= given.given_at
            for gone in case.withdrawals
        )
        if covers and given.given_at <= at and not withdrawn:
            yield given.consent


def _agreed_hours(case: Case) -> Iterator[Hours]:
    for agreed in case.agreed_hours.values():
        for each in agreed:
            yield Hours(
                start=each.start,
                end=each.end,
                days=each.days or EVERY_DAY,
                channels=each.channels or ("*",),
            )


# --- contacts --------------------------------------------------------------------------------


def past_of(case: Case, without: UUID | None) -> Iterator[PastContact]:
    """What was made or reported; what each contact and conversation comes to is its own."""
    for contact in _others(case.contacts, without):
        # A message whose fate is unknown may have arrived, so it counts.
        if contact.status in {"dispatching", "accepted", "unknown"}:
            yield _as_past(case, contact, contact.dispatched_at or contact.permitted_at)
    for talk in _others(case.conversations, without):
        about = _texts(talk.debts)
        yield PastContact(
            at=talk.occurred_at,
            channel=talk.channel,
            point_id=_address_of(case, talk.point_id),
            initiator=talk.initiator,
            kind=_kind(talk),
            party=talk.party,
            # An engaged line was never reached; one that rang was.
            number_reached=talk.outcome != "busy",
            debts=about,
            accounts=about,
            consented_at=talk.consented_at,
            by=talk.by,
        )


def _others(many: Mapping[UUID, V], without: UUID | None) -> Collection[V]:
    if without is None:
        return many.values()
    return [each for key, each in many.items() if key != without]


def _kind(talk: Conversation) -> Literal["attempt", "conversation"]:
    return "attempt" if talk.outcome in NOT_CONNECTED else "conversation"


def pending_of(case: Case, at: datetime, without: UUID | None) -> Iterator[PastContact]:
    """Permissions that may still be used: any moment until they expire."""
    for contact in _others(case.contacts, without):
        if contact.status == "permitted" and contact.expires_at > at:
            pending = _as_past(case, contact, contact.permitted_at)
            yield replace(pending, expires_at=contact.expires_at)


def _address_of(case: Case, point_id: str) -> str:
    """The first contact point of the same address, so that two of them are no two addresses.

    Empty for one that is kept no longer: what it was used for counts for every address.
    """
    point = case.points.get(point_id)
    if point is None:
        return ""
    same = (point.kind, point.address)
    return next(key for key, each in case.points.items() if (each.kind, each.address) == same)


def _as_past(case: Case, contact: Contact, at: datetime) -> PastContact:
    about = _texts(contact.debts)
    return PastContact(
        at=at,
        channel=contact.medium or contact.channel,
        point_id=_address_of(case, contact.point_id),
        initiator="creditor",
        kind="conversation" if contact.channel in MANUAL_CHANNELS else "message",
        party=contact.holder,
        debts=about,
        accounts=about,
    )

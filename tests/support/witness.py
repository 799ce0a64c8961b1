"""A second opinion on what was sent: who is told all events of a case, and knows the law.

It keeps its own account of the case, in the plainest way, and shares no code with rules or state.
A call that was handed over may have become a conversation; a message that nobody denied was sent.
"""

from collections.abc import Callable, Iterator
from datetime import date, datetime, timedelta
from functools import cache
from typing import Any, Final
from zoneinfo import ZoneInfo

from naive_law import IN_PERSON, UNANSWERED, Act, Made, breaks

from duecourse.case import events as e

Parts = list[tuple[object, int]]


A_DAY_OF_GRACE: Final = timedelta(days=1)
# How long a debt can be taken to court at least, from the day it fell due.
YEARS: Final = {"CN": 3, "DE": 3, "GB": 5, "US-CA": 4, "US-MA": 6}


class Witness:
    """What is known of one case at the end of the events that were told."""

    def __init__(self, *, house: bool, licence: str = "") -> None:
        self.house, self.licence = house, licence
        self.places: list[tuple[str, str]] = []
        self.points: dict[str, e.ContactPoint] = {}
        self.owed: dict[object, int] = {}
        self.products: dict[object, str] = {}
        self.due: dict[object, date] = {}
        self.promises: dict[object, date] = {}
        self.payments: dict[str, Parts] = {}
        self.waivers: dict[object, Parts] = {}
        self.holds: dict[str, e.HoldPlaced] = {}
        self.said: list[tuple[str, bool]] = []
        self.refused: set[str] = set()
        self.agreed: dict[str, tuple[e.AgreedHours, ...]] = {}
        self.consents: list[e.ConsentGiven] = []
        self.withdrawn: list[e.ConsentWithdrawn] = []
        self.facts: dict[str, Any] = {}
        self.closed = False
        self.permits: dict[object, e.ContactPermitted] = {}
        self.channels: dict[object, str] = {}
        self.made: list[Made] = []
        self.sent: dict[object, tuple[Made, e.ContactPermitted]] = {}

    def told(self, event: e.Event) -> list[str]:
        """Take note; of a contact, say what it breaks."""
        found = HEARD.get(type(event))
        return [] if found is None else found(self, event) or []

    # --- the case ----------------------------------------------------------------------------

    def opened(self, event: e.CaseOpened) -> None:
        self.places = [(event.debtor.jurisdiction, event.debtor.time_zone)]
        self.points = {point.point_id: point for point in event.contact_points}

    def moved(self, event: e.DebtorMoved) -> None:
        self.places = [(event.jurisdiction, event.time_zone)]

    def may_live(self, event: e.PossiblePlaceAdded) -> None:
        self.places.append((event.jurisdiction, event.time_zone))

    def closing(self, event: e.CaseClosed | e.CaseReopened) -> None:
        self.closed = isinstance(event, e.CaseClosed)

    def point_added(self, event: e.ContactPointAdded) -> None:
        self.points[event.point.point_id] = event.point

    def point_retired(self, event: e.ContactPointRetired) -> None:
        del self.points[event.point_id]

    def hold_placed(self, event: e.HoldPlaced) -> None:
        self.holds[event.hold_id] = event

    def hold_ended(self, event: e.HoldLifted | e.HoldExpired) -> None:
        del self.holds[event.hold_id]

    def fact(self, event: e.FactRecorded) -> None:
        self.facts.pop(event.fact, None)
        if event.on is not None:
            self.facts[event.fact] = event.on

    # --- what the debtor said ----------------------------------------------------------------

    def opted(self, event: e.ChannelOptedOut | e.ChannelOptedIn) -> None:
        self.said.append((event.channel, isinstance(event, e.ChannelOptedOut)))

    def replied(self, event: e.ReplyReceived) -> None:
        if event.text == "STOP":
            self.said.append((event.channel, True))

    def receipt(self, event: e.ReceiptRecorded) -> None:
        if event.status == "complained":
            self.said.append((self.channels[event.contact_id], True))

    def medium(self, event: e.MediumRefused | e.MediumAllowed) -> None:
        self.refused.discard(event.medium)
        if isinstance(event, e.MediumRefused):
            self.refused.add(event.medium)

    def hours_agreed(self, event: e.HoursAgreed) -> None:
        self.agreed[event.agreement_id] = event.hours

    def hours_ended(self, event: e.AgreedHoursEnded) -> None:
        del self.agreed[event.agreement_id]

    def consent(self, event: e.ConsentGiven) -> None:
        self.consents.append(event)

    def no_consent(self, event: e.ConsentWithdrawn) -> None:
        self.withdrawn.append(event)

    # --- money -------------------------------------------------------------------------------

    def placed(self, event: e.DebtPlaced) -> None:
        self.owed[event.debt.debt_id] = event.debt.balance.total
        self.products[event.debt.debt_id] = event.debt.product
        self.due[event.debt.debt_id] = event.debt.due_on

    def taken_back(self, event: e.DebtWithdrawn) -> None:
        del self.owed[event.debt_id], self.products[event.debt_id]

    def paid(self, event: e.PaymentRecorded) -> None:
        self.payments[event.payment_id] = [
            (each.debt_id, each.paid.total) for each in event.allocations
        ]
        self._take(self.payments[event.payment_id], -1)

    def bounced(self, event: e.PaymentReversed) -> None:
        self._take(self.payments.get(event.payment_id, []), 1)

    def used(self, event: e.PaymentReallocated) -> None:
        parts = [(each.debt_id, each.paid.total) for each in event.allocations]
        self.payments[event.payment_id] = [*self.payments[event.payment_id], *parts]
        self._take(parts, -1)

    def waived(self, event: e.BalanceWaived) -> None:
        self.waivers[event.plan_id] = [(each.debt_id, each.paid.total) for each in event.waived]
        self._take(self.waivers[event.plan_id], -1)

    def not_waived(self, event: e.WaiverRevoked) -> None:
        self._take(self.waivers.pop(event.plan_id), 1)

    def promised(self, event: e.PromiseMade) -> None:
        self.promises[event.promise_id] = event.due_on

    def promise_over(self, event: e.PromiseKept | e.PromiseBroken | e.PromiseWithdrawn) -> None:
        self.promises.pop(event.promise_id, None)

    def _take(self, parts: Parts, sign: int) -> None:
        for debt, amount in parts:
            if debt in self.owed:
                self.owed[debt] += sign * amount

    # --- contacts ----------------------------------------------------------------------------

    def permitted(self, event: e.ContactPermitted) -> list[str]:
        """The answer to whoever calls or visits is yes, and they go and do it."""
        self.permits[event.contact_id] = event
        self.channels[event.contact_id] = event.channel
        return self.breaks(event.at, event) if event.channel in IN_PERSON else []

    def void(self, event: e.ContactCancelled | e.ContactRefused) -> None:
        self.permits.pop(event.contact_id, None)

    def left(self, event: e.ContactDispatching) -> list[str]:
        permit = self.permits.pop(event.contact_id, None)
        if permit is None:
            return ["without a permission, or with a used one"]
        broken = self.breaks(event.at, permit)
        if event.at >= permit.expires_at:
            broken.append("with a permission that had expired")
        point = self.points.get(permit.point_id)
        made = Made(
            at=event.at,
            channel=permit.channel,
            address="" if point is None else point.address,
            party="" if point is None else point.holder,
            how="talk" if permit.channel in IN_PERSON else "sent",
            by_us=True,
            debts=permit.debts,
        )
        self.made.append(made)
        self.sent[event.contact_id] = made, permit
        return broken

    def rejected(self, event: e.ContactRejected) -> None:
        self._did_not_leave(event.contact_id)

    def postponed(self, event: e.ContactPostponed) -> None:
        self.permits[event.contact_id] = self._did_not_leave(event.contact_id)

    def _did_not_leave(self, contact_id: object) -> e.ContactPermitted:
        made, permit = self.sent.pop(contact_id)
        self.made.remove(made)
        return permit

    def talked(self, event: e.ConversationLogged) -> None:
        self.permits.pop(event.contact_id, None)
        where = self.points.get(event.point_id)
        how = "unanswered" if event.outcome in UNANSWERED else "talk"
        self.made.append(
            Made(
                at=event.occurred_at,
                channel=event.channel,
                address="" if where is None else where.address,
                party=event.party,
                how="engaged" if event.outcome == "busy" else how,
                by_us=event.initiator == "creditor",
                debts=event.debts,
            )
        )
        if event.outcome == "asked_to_stop":
            self.said.append(("all", True))

    # --- what it breaks ----------------------------------------------------------------------

    def breaks(self, at: datetime, permit: e.ContactPermitted) -> list[str]:
        """The laws and principles that a contact breaks."""
        point = self.points.get(permit.point_id)
        broken = list(self._everywhere(permit, point))
        for place, zone_name in self.places:
            zone = _zone(zone_name)
            if zone is None:
                broken.append("nobody knows what time it is there")
            else:
                act = self._act(at, permit, point, zone)
                broken += breaks(act, place, house=self.house)
                broken += self._demands(permit, act.local.date())
        return broken

    def _everywhere(
        self, permit: e.ContactPermitted, point: e.ContactPoint | None
    ) -> Iterator[str]:
        channel = permit.channel
        if self.closed:
            yield "the case is closed"
        if sum(self.owed.get(debt, 0) for debt in permit.debts or self.owed) == 0:
            yield "nothing is owed"
        if point is None:
            yield "there is no such address"
        elif point.holder not in {"debtor", "representative"}:
            yield "a third party was addressed"
        latest = [is_out for said, is_out in self.said if said in {channel, "all"}]
        if latest and latest[-1]:
            yield "the debtor had opted out"
        at_work = point is not None and point.use == "work" and "workplace" in self.refused
        if self.refused & {channel, "all"} or at_work:
            yield "the debtor had refused the medium"

    def _demands(self, permit: e.ContactPermitted, today: date) -> Iterator[str]:
        """Asking for everything: not before it is overdue, nor while somebody keeps their word."""
        if "asks_whole_sum" not in (permit.content or ()):
            return
        if any(today <= due_on + A_DAY_OF_GRACE for due_on in self.promises.values()):
            yield "a promise to pay was open"
        about = [debt for debt in permit.debts or self.owed if self.owed.get(debt, 0) > 0]
        if about and all(today <= self.due[debt] for debt in about):
            yield "it was not due yet"

    def _act(
        self, at: datetime, permit: e.ContactPermitted, point: e.ContactPoint | None, zone: ZoneInfo
    ) -> Act:
        local = at.astimezone(zone)
        today = local.date()
        return Act(
            at=at,
            local=local,
            channel=permit.channel,
            address="" if point is None else point.address,
            holder="" if point is None else point.holder,
            use="" if point is None else point.use,
            debts=permit.debts,
            content=permit.content,
            past=[
                (made, (today - made.at.astimezone(zone).date()).days)
                for made in self.made
                if made.at <= at
            ],
            holds=[
                hold
                for hold in self.holds.values()
                if (hold.until is None or today <= hold.until)
                and (hold.debt_id is None or not permit.debts or hold.debt_id in permit.debts)
                # Who represents the debtor is the one to speak with.
                and not (hold.kind == "represented" and point and point.holder == "representative")
            ],
            agreed=[each for hours in self.agreed.values() for each in hours],
            consents=set(self._consented(at, permit)),
            facts=self.facts,
            licence=self.licence,
            products={self.products.get(debt, "") for debt in permit.debts or self.products},
            may_be_barred=self._may_be_barred(today, permit),
        )

    def _may_be_barred(self, today: date, permit: e.ContactPermitted) -> bool:
        """Nothing is sure of a place whose period is not known here; what happened is left out."""
        if any(place not in YEARS for place, _ in self.places):
            return True
        years = min(YEARS[place] for place, _ in self.places)
        about = [debt for debt in permit.debts or self.owed if self.owed.get(debt)]
        then = (today.year - years, today.month, today.day)
        return any(_in_numbers(self.due[debt]) < then for debt in about)

    def _consented(self, at: datetime, permit: e.ContactPermitted) -> Iterator[str]:
        for given in self.consents:
            ended = any(
                gone.consent == given.consent
                and gone.withdrawn_at >= given.given_at
                and gone.channel in {"", permit.channel}
                and gone.point_id in {"", permit.point_id}
                for gone in self.withdrawn
            )
            covers = given.channel in {"", permit.channel}
            covers = covers and given.point_id in {"", permit.point_id}
            if covers and given.given_at <= at and not ended:
                yield given.consent


def _in_numbers(day: date) -> tuple[int, int, int]:
    return day.year, day.month, day.day


@cache
def _zone(name: str) -> ZoneInfo | None:
    try:
        return ZoneInfo(name) if name else None
    except (ValueError, OSError, KeyError):
        return None


HEARD: dict[type[e.Event], Callable[[Witness, Any], list[str] | None]] = {
    e.CaseOpened: Witness.opened,
    e.DebtorMoved: Witness.moved,
    e.PossiblePlaceAdded: Witness.may_live,
    e.CaseClosed: Witness.closing,
    e.CaseReopened: Witness.closing,
    e.ContactPointAdded: Witness.point_added,
    e.ContactPointRetired: Witness.point_retired,
    e.HoldPlaced: Witness.hold_placed,
    e.HoldLifted: Witness.hold_ended,
    e.HoldExpired: Witness.hold_ended,
    e.FactRecorded: Witness.fact,
    e.ChannelOptedOut: Witness.opted,
    e.ChannelOptedIn: Witness.opted,
    e.ReplyReceived: Witness.replied,
    e.ReceiptRecorded: Witness.receipt,
    e.MediumRefused: Witness.medium,
    e.MediumAllowed: Witness.medium,
    e.HoursAgreed: Witness.hours_agreed,
    e.AgreedHoursEnded: Witness.hours_ended,
    e.ConsentGiven: Witness.consent,
    e.ConsentWithdrawn: Witness.no_consent,
    e.DebtPlaced: Witness.placed,
    e.DebtWithdrawn: Witness.taken_back,
    e.PaymentRecorded: Witness.paid,
    e.PaymentReversed: Witness.bounced,
    e.PaymentReallocated: Witness.used,
    e.PromiseMade: Witness.promised,
    e.PromiseKept: Witness.promise_over,
    e.PromiseBroken: Witness.promise_over,
    e.PromiseWithdrawn: Witness.promise_over,
    e.BalanceWaived: Witness.waived,
    e.WaiverRevoked: Witness.not_waived,
    e.ContactPermitted: Witness.permitted,
    e.ContactCancelled: Witness.void,
    e.ContactRefused: Witness.void,
    e.ContactDispatching: Witness.left,
    e.ContactRejected: Witness.rejected,
    e.ContactPostponed: Witness.postponed,
    e.ConversationLogged: Witness.talked,
}

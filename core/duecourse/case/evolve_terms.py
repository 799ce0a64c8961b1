"""How a case changes with what the debtor agreed to or asked for, and with what is learnt."""

from collections.abc import Callable, Mapping
from typing import Any, Final

from msgspec.structs import replace

from duecourse.case import events as e
from duecourse.case.state import Case, Consent, Withdrawal
from duecourse.rules.situation import Place


def _consent_given(case: Case, event: e.ConsentGiven) -> Case:
    consent = Consent(
        consent=event.consent,
        channel=event.channel,
        point_id=event.point_id,
        given_at=event.given_at,
        how=event.how,
        evidence=event.evidence,
    )
    return replace(case, consents={**case.consents, event.consent_id: consent})


def _consent_withdrawn(case: Case, event: e.ConsentWithdrawn) -> Case:
    gone = Withdrawal(
        consent=event.consent,
        channel=event.channel,
        point_id=event.point_id,
        withdrawn_at=event.withdrawn_at,
    )
    return replace(case, withdrawals=(*case.withdrawals, gone))


def _hours_agreed(case: Case, event: e.HoursAgreed) -> Case:
    return replace(case, agreed_hours={**case.agreed_hours, event.agreement_id: event.hours})


def _agreed_hours_ended(case: Case, event: e.AgreedHoursEnded) -> Case:
    ended = event.agreement_id
    kept = {key: hours for key, hours in case.agreed_hours.items() if key != ended}
    return replace(case, agreed_hours=kept, past_agreements=(*case.past_agreements, ended))


def _medium_refused(case: Case, event: e.MediumRefused) -> Case:
    return replace(case, refused_media=(*case.refused_media, event.medium))


def _medium_allowed(case: Case, event: e.MediumAllowed) -> Case:
    kept = tuple(medium for medium in case.refused_media if medium != event.medium)
    return replace(case, refused_media=kept)


def _licence_recorded(case: Case, event: e.LicenceRecorded) -> Case:
    return replace(case, licence=event.licence)


def _possible_place_added(case: Case, event: e.PossiblePlaceAdded) -> Case:
    place = Place(jurisdiction=event.jurisdiction, time_zone=event.time_zone)
    return replace(case, other_places=(*case.other_places, place))


def _fact_recorded(case: Case, event: e.FactRecorded) -> Case:
    others = {fact: day for fact, day in case.facts.items() if fact != event.fact}
    return replace(case, facts=others if event.on is None else {**others, event.fact: event.on})


def _limitation_recorded(case: Case, event: e.LimitationRecorded) -> Case:
    account = replace(case.debts[event.debt_id], limitation_expires_on=event.expires_on)
    return replace(case, debts={**case.debts, event.debt_id: account})


# Any: each function takes its own event class.
APPLY_TERMS: Final[Mapping[type[e.Event], Callable[[Case, Any], Case]]] = {
    e.ConsentGiven: _consent_given,
    e.ConsentWithdrawn: _consent_withdrawn,
    e.HoursAgreed: _hours_agreed,
    e.AgreedHoursEnded: _agreed_hours_ended,
    e.MediumRefused: _medium_refused,
    e.MediumAllowed: _medium_allowed,
    e.LicenceRecorded: _licence_recorded,
    e.PossiblePlaceAdded: _possible_place_added,
    e.FactRecorded: _fact_recorded,
    e.LimitationRecorded: _limitation_recorded,
}

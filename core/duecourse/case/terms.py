"""What the debtor agreed to or asked for, and what is known of the case that rules look at."""

from typing import Final

from duecourse.case import commands as c
from duecourse.case import events as e
from duecourse.case.context import Context
from duecourse.case.errors import Invalid, Unknown
from duecourse.case.lifecycle import recall, recall_calls, recall_reports
from duecourse.case.state import Case, Withdrawal
from duecourse.rules.names import ALL, WORKPLACE
from duecourse.rules.situation import Place

MOST_PLACES: Final = 20


def record_consent(case: Case, command: c.RecordConsent, context: Context) -> list[e.Event]:
    """Keep a consent. One given before it was withdrawn stays withdrawn, whenever it is recorded."""
    if command.consent_id in case.consents:
        return []
    return [
        e.ConsentGiven(
            at=context.at,
            consent_id=command.consent_id,
            consent=command.consent,
            channel=command.channel,
            point_id=command.point_id,
            given_at=command.given_at,
            how=command.how,
            evidence=command.evidence,
        )
    ]


def withdraw_consent(case: Case, command: c.WithdrawConsent, context: Context) -> list[e.Event]:
    """From now on, and whatever waits on the channel and for the address is called back."""
    gone = Withdrawal(
        consent=command.consent,
        channel=command.channel,
        point_id=command.point_id,
        withdrawn_at=command.withdrawn_at,
    )
    if gone in case.withdrawals:
        return []
    withdrawn = e.ConsentWithdrawn(
        at=context.at,
        consent=command.consent,
        channel=command.channel,
        point_id=command.point_id,
        withdrawn_at=command.withdrawn_at,
        how=command.how,
    )
    why = f"a consent was withdrawn: {command.consent}"
    return [
        withdrawn,
        *recall(case, context, why, channel=command.channel, point=command.point_id),
    ]


def agree_hours(case: Case, command: c.AgreeHours, context: Context) -> list[e.Event]:
    """Permissions given under the hours before are called back: the new ones may be narrower."""
    if command.agreement_id in case.agreed_hours or command.agreement_id in case.past_agreements:
        return []
    agreed = e.HoursAgreed(
        at=context.at, agreement_id=command.agreement_id, hours=command.hours, how=command.how
    )
    return [agreed, *recall(case, context, "other hours were agreed")]


def end_agreed_hours(case: Case, command: c.EndAgreedHours, context: Context) -> list[e.Event]:
    if command.agreement_id in case.past_agreements:
        return []
    if command.agreement_id not in case.agreed_hours:
        raise Unknown(f"the case has no agreement {command.agreement_id!r}", "agreement_id")
    ended = e.AgreedHoursEnded(at=context.at, agreement_id=command.agreement_id, how=command.how)
    return [ended, *recall(case, context, "the agreed hours ended")]


def refuse_medium(case: Case, command: c.RefuseMedium, context: Context) -> list[e.Event]:
    medium = context.medium_of(command.medium)
    if medium in case.refused_media:
        return []
    refused = e.MediumRefused(at=context.at, medium=medium, how=command.how)
    why = f"the debtor asked not to be reached like this: {medium}"
    if medium == WORKPLACE:
        at_work = [key for key, point in case.points.items() if point.use == "work"]
        calls = [each for key in at_work for each in recall(case, context, why, point=key)]
        return [refused, *calls]
    stopped = "" if medium == ALL else medium
    return [refused, *recall(case, context, why, channel=stopped)]


def allow_medium(case: Case, command: c.AllowMedium, context: Context) -> list[e.Event]:
    medium = context.medium_of(command.medium)
    if medium not in case.refused_media:
        return []
    return [e.MediumAllowed(at=context.at, medium=medium, how=command.how)]


def add_possible_place(case: Case, command: c.AddPossiblePlace, context: Context) -> list[e.Event]:
    """Permissions given for the places known before are called back: this one may be stricter."""
    place = Place(jurisdiction=command.jurisdiction, time_zone=command.time_zone)
    known = Place(jurisdiction=case.debtor.jurisdiction, time_zone=case.debtor.time_zone)
    if place == known or place in case.other_places:
        return []
    if len(case.other_places) >= MOST_PLACES:
        raise Invalid(f"a case may have {MOST_PLACES} other places; settle where the debtor lives")
    added = e.PossiblePlaceAdded(
        at=context.at, time_zone=command.time_zone, jurisdiction=command.jurisdiction
    )
    return [added, *recall(case, context, "the debtor may live somewhere else")]


def record_fact(case: Case, command: c.RecordFact, context: Context) -> list[e.Event]:
    if case.facts.get(command.fact) == command.on:
        return []
    recorded = e.FactRecorded(at=context.at, fact=command.fact, on=command.on, how=command.how)
    why = f"something new is known: {command.fact}"
    return [recorded, *recall_calls(case, context, why), *recall_reports(case, context, why)]


def record_limitation(case: Case, command: c.RecordLimitation, context: Context) -> list[e.Event]:
    account = case.debts.get(command.debt_id)
    if account is None:
        raise Unknown(f"the case has no debt {command.debt_id}", "debt_id")
    if account.limitation_expires_on == command.expires_on:
        return []
    recorded = e.LimitationRecorded(
        at=context.at,
        debt_id=command.debt_id,
        expires_on=command.expires_on,
        how=command.how,
    )
    return [recorded, *recall_calls(case, context, "the limitation of a debt was recorded")]


def licence_recorded(case: Case, context: Context) -> list[e.Event]:
    """What the collector is, put on record where the settings say something new about it."""
    licence = context.licence_of(case.creditor)
    return [] if licence == case.licence else [e.LicenceRecorded(at=context.at, licence=licence)]

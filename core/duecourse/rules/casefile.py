"""A hypothetical case in JSON, so that anyone can ask the rules without a database."""

from collections.abc import Iterator
from datetime import date, datetime
from typing import Annotated, Literal

import msgspec

from duecourse.rules.hours import Hours
from duecourse.rules.names import ALL, HOLDS, WORKPLACE, Names
from duecourse.rules.situation import (
    Act,
    ActiveHold,
    Arrangement,
    ContactKind,
    Initiator,
    Limitation,
    Party,
    PastContact,
    Place,
    PointUse,
    Situation,
)
from duecourse.rules.toml_files import BadFile

Moment = Annotated[datetime, msgspec.Meta(tz=True)]
Blocks = Literal["outreach", "legal", "accrual", "bureau"]


class FileContact(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A past contact; `at` is RFC 3339 with its offset."""

    at: Moment
    channel: str = "call"
    kind: ContactKind = "conversation"
    point_id: str = "point-1"
    initiator: Initiator = "creditor"
    party: Party = "debtor"
    debts: tuple[str, ...] = ()
    accounts: tuple[str, ...] = ()
    by: Literal["us", "group"] = "us"
    number_reached: bool = True
    consented_at: Moment | None = None


class FileHold(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A hold in force. `blocks` left out means all that a hold can block."""

    kind: str
    blocks: Annotated[tuple[Blocks, ...], msgspec.Meta(min_length=1)] = (
        "outreach",
        "legal",
        "accrual",
        "bureau",
    )
    until: date | None = None


class CaseFile(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What may be said of the case. All of it may be left out."""

    act: Act = "contact"
    jurisdiction: str = ""
    other_places: Annotated[tuple[Place, ...], msgspec.Meta(max_length=20)] = ()
    holder: Literal["debtor", "representative", "third_party", "attorney"] = "debtor"
    point_id: Annotated[str, msgspec.Meta(min_length=1)] = "point-1"
    point_use: PointUse = ""
    stage: str = "reminder"
    has_debt: bool = True
    licence: str = ""
    debt_types: frozenset[str] = frozenset()
    limitation: Limitation = ""
    debts: Annotated[tuple[str, ...], msgspec.Meta(max_length=100)] = ()
    accounts: Annotated[tuple[str, ...], msgspec.Meta(max_length=100)] = ()
    holds: tuple[FileHold, ...] = ()
    opted_out: frozenset[str] = frozenset()
    refused_media: frozenset[str] = frozenset()
    consents: frozenset[str] = frozenset()
    agreed_hours: tuple[Hours, ...] = ()
    content: frozenset[str] | None = None
    facts: dict[str, date] = {}
    arrangements: Annotated[tuple[Arrangement, ...], msgspec.Meta(max_length=100)] = ()
    due_on: date | None = None
    past: Annotated[tuple[FileContact, ...], msgspec.Meta(max_length=10_000)] = ()

    def situation(self, channel: str, time_zone: str) -> Situation:
        return Situation(
            act=self.act,
            channel=channel,
            point_id=self.point_id,
            holder=self.holder,
            jurisdiction=self.jurisdiction,
            time_zone=time_zone,
            stage=self.stage,
            is_closed=self.stage == "closed",
            has_debt=self.has_debt,
            holds=tuple(
                ActiveHold(
                    hold_id=f"hold-{number}", kind=each.kind, blocks=each.blocks, until=each.until
                )
                for number, each in enumerate(self.holds, 1)
            ),
            opted_out=self.opted_out,
            past=tuple(
                msgspec.convert(each, PastContact, from_attributes=True) for each in self.past
            ),
            licence=self.licence,
            debt_types=self.debt_types,
            limitation=self.limitation,
            debts=self.debts,
            accounts=self.accounts,
            point_use=self.point_use,
            refused_media=self.refused_media,
            consents=self.consents,
            agreed_hours=self.agreed_hours,
            content=self.content,
            facts=self.facts,
            other_places=self.other_places,
            arrangements=self.arrangements,
            due_on=self.due_on,
        )


def read_case(raw: bytes, name: str) -> CaseFile:
    """Raises BadFile for what is no JSON, and msgspec.ValidationError for what is no case file."""
    try:
        return msgspec.json.decode(raw, type=CaseFile)
    except msgspec.ValidationError:
        raise
    except (msgspec.DecodeError, RecursionError) as error:
        raise BadFile(f"{name}: is not JSON: {error}; mend it there") from error


def check_names(case: CaseFile, names: Names, file: str) -> None:
    """Raises BadFile for a word that no rule looks for: it would let every rule pass it by."""
    for field, word, known in _words(case, names):
        if word not in known:
            there_are = ", ".join(sorted(known))
            raise BadFile(f"{file}: {field}: no rule knows {word!r}; there are: {there_are}")


def _words(case: CaseFile, names: Names) -> Iterator[tuple[str, str, frozenset[str]]]:
    """Each word of a case file with its field, and the words that are known there."""
    channels = names.channels
    if case.licence:
        yield "licence", case.licence, names.licences
    for field, words, known in (
        ("consents", case.consents, names.consents),
        ("content", case.content or (), names.contents),
        ("facts", case.facts, names.facts),
        ("opted_out", case.opted_out, channels | {ALL}),
        ("refused_media", case.refused_media, channels | {ALL, WORKPLACE}),
    ):
        yield from ((field, word, known) for word in sorted(words))
    for number, hold in enumerate(case.holds):
        yield f"holds[{number}].kind", hold.kind, names.holds | HOLDS
    for number, hours in enumerate(case.agreed_hours):
        at = f"agreed_hours[{number}].channels"
        yield from ((at, word, channels | {"*"}) for word in hours.channels)
    for number, contact in enumerate(case.past):
        yield f"past[{number}].channel", contact.channel, channels

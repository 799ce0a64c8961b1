"""The treatment schedule: what is done on which day past due, and how long the debtor is let be.

A schedule only asks. Whether a contact leaves is for the rules to say.
"""

from datetime import time, timedelta
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Annotated, Final, Literal

import msgspec

from duecourse.rules.toml_files import BadFile, read

Code = Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9][A-Za-z0-9._:-]*$", max_length=100)]
ChannelName = Annotated[str, msgspec.Meta(pattern=r"^[a-z][a-z0-9-]{0,31}$")]
Days = Annotated[int, msgspec.Meta(ge=0, le=366)]
Percent = Annotated[str, msgspec.Meta(pattern=r"^(0|[1-9][0-9]?)(\.[0-9]{1,4})?\Z")]
"""Text, as it is worked with exactly; below 100."""
_PLAN_KEYS: Final = ("instalments", "first_after_days", "offer_days")


class TreatmentError(BadFile):
    """A schedule that must not be used. Names the step and the fix."""


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """One step, due `dpd` days after the oldest unpaid due date.

    After its contact the schedule rests for `pause_days`. A plan is offered as `instalments`
    monthly parts, the first due `first_after_days` after the offer, which stands for
    `offer_days`; `channel` and `template` announce it.
    """

    id: str
    dpd: int
    do: Literal["contact", "offer_plan", "propose_referral"]
    channel: str = ""
    template: str = ""
    pause_days: int = 0
    instalments: int = 0
    first_after_days: int = 0
    offer_days: int = 0


class Treatment(msgspec.Struct, frozen=True, kw_only=True):
    """A schedule and the house's terms. Steps are due from `contact_from` on the debtor's clock.

    An instalment or a promise is judged when the days of grace after its due day are over;
    so many missed instalments break a plan. A promise is kept when no more of it is missing than
    the percentage or the amount of tolerance, whichever is more. More re-plans than
    `replans_per_year` within twelve months need a second person, and so does a plan above the
    surplus of a form that is not older than `assessment_valid_days`.
    """

    name: str
    version: str
    contact_from: time
    permission_lifetime: timedelta
    promise_grace_days: int
    instalment_grace_days: int
    missed_instalments_break_plan: int
    steps: tuple[Step, ...]
    promise_tolerance_percent: Percent = "0"
    promise_tolerance_minor: int = 0
    replans_per_year: int = 2
    assessment_valid_days: int = 365


class _StepInFile(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A step as written: what is left out comes from the treatment, or must not be there."""

    id: Code
    dpd: Annotated[int, msgspec.Meta(ge=0, le=3660)]
    do: Literal["contact", "offer_plan", "propose_referral"]
    channel: ChannelName | None = None
    template: Code | None = None
    pause_days: Days | None = None
    instalments: Annotated[int, msgspec.Meta(ge=1, le=360)] | None = None
    first_after_days: Annotated[int, msgspec.Meta(ge=1, le=366)] | None = None
    offer_days: Annotated[int, msgspec.Meta(ge=1, le=366)] | None = None


class _File(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    name: Code
    version: Annotated[str, msgspec.Meta(min_length=1, max_length=40)]
    contact_from: Annotated[time, msgspec.Meta(tz=False)]
    permission_minutes: Annotated[int, msgspec.Meta(ge=1, le=7 * 24 * 60)]
    pause_days: Days
    promise_grace_days: Days
    instalment_grace_days: Days
    missed_instalments_break_plan: Annotated[int, msgspec.Meta(ge=1, le=360)]
    promise_tolerance_percent: Percent = "0"
    promise_tolerance_minor: Annotated[int, msgspec.Meta(ge=0, le=10**9)] = 0
    replans_per_year: Annotated[int, msgspec.Meta(ge=0, le=12)] = 2
    assessment_valid_days: Annotated[int, msgspec.Meta(ge=1, le=1096)] = 365
    steps: Annotated[tuple[_StepInFile, ...], msgspec.Meta(min_length=1, max_length=200)]


def load_treatment(path: Path | None = None) -> Treatment:
    """Load the schedule at `path`, or the standard one. Raises BadFile, naming step and fix."""
    standard = resources.files("duecourse.rules") / "treatments" / "standard.toml"
    file: Traversable = standard if path is None else path
    written = read(file, _File)
    _check_order(written, file.name)
    return Treatment(
        name=written.name,
        version=written.version,
        contact_from=written.contact_from,
        permission_lifetime=timedelta(minutes=written.permission_minutes),
        promise_grace_days=written.promise_grace_days,
        instalment_grace_days=written.instalment_grace_days,
        missed_instalments_break_plan=written.missed_instalments_break_plan,
        steps=tuple(_step(step, written, file.name) for step in written.steps),
        promise_tolerance_percent=written.promise_tolerance_percent,
        promise_tolerance_minor=written.promise_tolerance_minor,
        replans_per_year=written.replans_per_year,
        assessment_valid_days=written.assessment_valid_days,
    )


def _check_order(written: _File, file: str) -> None:
    seen: set[str] = set()
    last = 0
    for step in written.steps:
        where = f"{file}: step {step.id}"
        if step.id in seen:
            raise TreatmentError(f"{where}: there are two steps of this id; rename one")
        if step.dpd < last:
            raise TreatmentError(f"{where}: dpd {step.dpd} comes after {last}; put it in order")
        seen.add(step.id)
        last = step.dpd


def _step(step: _StepInFile, written: _File, file: str) -> Step:
    given = {name: getattr(step, name) for name in step.__struct_fields__}
    given = {name: value for name, value in given.items() if value is not None}
    _check_keys(step.do, set(given), f"{file}: step {step.id}")
    if step.channel is not None:
        given.setdefault("pause_days", written.pause_days)
    return Step(**given)


def _check_keys(do: str, given: set[str], where: str) -> None:
    """What a step needs and what makes no sense in it depend on what it does."""
    contact, plan = {"channel", "template"}, set(_PLAN_KEYS)
    needed, senseless = {
        "contact": (contact, plan),
        "offer_plan": (contact | plan, set[str]()),
        "propose_referral": (set[str](), contact | plan | {"pause_days"}),
    }[do]
    if missing := sorted(needed - given):
        raise TreatmentError(f'{where}: do = "{do}" needs `{missing[0]}`; add it')
    if extra := sorted(senseless & given):
        raise TreatmentError(f'{where}: `{extra[0]}` means nothing with do = "{do}"; remove it')

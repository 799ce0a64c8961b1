"""Limitation as data: the period of each place, and what each act does to it."""

from datetime import date
from functools import cache
from typing import Annotated, Final, Literal

import msgspec

from duecourse.money.books import BadProfile, read_book
from duecourse.money.figures import Confidence, Refused

Act = Literal[
    "demand", "acknowledgement", "part_payment", "plan", "negotiation", "filing", "suspension",
    "breathing_space", "consumer_loan_default", "judgment", "enforcement",
]  # fmt: skip
Effect = Literal[
    "restart", "suspend", "obstacle", "pause", "pending", "floor", "judgment", "none"
]  # fmt: skip
Feature = Literal["arrived", "in_writing", "signed", "served"]
AfterExpiry = Literal["", "binds", "no_reclaim", "may_revive"]
Contract = Literal["written", "open_account", "oral"]
Months = Annotated[int, msgspec.Meta(ge=0, le=120)]


class ActRule(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What an act does, if it has what it `needs`; `strict_effect`, where courts differ, at least."""

    act: Act
    effect: Effect
    citation: str
    confidence: Confidence
    needs: frozenset[Feature] = frozenset()
    while_pending: bool = False
    tail_months: Months = 0
    floor_months: Months = 0
    floor_days: Annotated[int, msgspec.Meta(ge=0, le=1_000)] = 0
    max_years: Annotated[int, msgspec.Meta(ge=0, le=100)] = 0
    years: Annotated[int, msgspec.Meta(ge=0, le=100)] = 0
    after_expiry: AfterExpiry = ""
    strict_effect: Effect | Literal[""] = ""


class Earlier(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The period of a claim from before `until`, the first day of the present law.

    `then` says what became of one that was still running: the present `years` from the `same_start`,
    or `anew` from `until`, where what was left by the law of before counts if it ends sooner.
    """

    until: date
    years: Annotated[int, msgspec.Meta(ge=1, le=100)]
    shortest_years: Annotated[int, msgspec.Meta(ge=0, le=100)] = 0
    then: Literal["same_start", "anew"]
    note: str
    citation: str
    confidence: Confidence


class Law(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The ordinary period of contract debts in one place."""

    name: str
    title: str
    jurisdiction: str
    years: Annotated[int, msgspec.Meta(ge=1, le=100)]
    starts: Literal["day", "year_end"]
    start_note: str = ""
    long_stop_years: Annotated[int, msgspec.Meta(ge=0, le=100)] = 0
    long_stop: Literal["", "always", "first_period"] = ""
    extinguishes: bool = False
    citation: str
    confidence: Confidence
    after_expiry: str
    acts: tuple[ActRule, ...]
    after_judgment: tuple[ActRule, ...] = ()
    earlier: Earlier | None = None

    def rules(self, *, is_judged: bool = False) -> tuple[ActRule, ...]:
        return self.after_judgment if is_judged else self.acts

    def rule_of(self, act: Act, *, is_judged: bool = False) -> ActRule | None:
        rules = self.rules(is_judged=is_judged)
        return next((each for each in rules if each.act == act), None)


class _Book(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    laws: tuple[Law, ...]


class _State(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    state: Annotated[str, msgspec.Meta(pattern=r"^US-[A-Z]{2}\Z")]
    written: int
    open_account: int
    oral: int
    revives: frozenset[Literal["payment", "writing"]]
    citation: str


class _States(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    states: tuple[_State, ...]


_SIGNED: Final[frozenset[Feature]] = frozenset({"in_writing", "signed"})


@cache
def _laws() -> dict[str, Law]:
    laws = {each.name: each for each in read_book("limitation.toml", _Book).laws}
    for law in laws.values():
        if any(len({each.act for each in rules}) != len(rules) for rules in _both(law)):
            raise BadProfile(f"limitation.toml: {law.name}: an act comes twice")
    return laws


def _both(law: Law) -> tuple[tuple[ActRule, ...], ...]:
    return law.acts, law.after_judgment


@cache
def _states() -> dict[str, _State]:
    return {each.state: each for each in read_book("limitation-us.toml", _States).states}


def law_names() -> tuple[str, ...]:
    return (*_laws(), *_states())


def limitation_law(name: str, contract: Contract = "written") -> Law:
    """`cn`, `de`, `uk-ew`, `uk-sc`, or a state of the US such as `US-CA`, by kind of contract."""
    if name in _laws():
        return _laws()[name]
    if name in _states():
        return _of_state(_states()[name], contract)
    raise Refused(
        "law", f"there is no limitation law {name!r}", f"there are {', '.join(law_names())}"
    )


def _of_state(state: _State, contract: Contract) -> Law:
    def rule(
        act: Act, effect: Effect, *, needs: frozenset[Feature] = frozenset(), restarts: bool = False
    ) -> ActRule:
        return ActRule(
            act=act,
            effect=effect,
            needs=needs,
            citation=state.citation,
            confidence="C",
            after_expiry="may_revive" if restarts else "",
        )

    payment, writing = "payment" in state.revives, "writing" in state.revives
    return Law(
        name=state.state,
        title=f"{state.state}: {getattr(state, contract)} years ({contract.replace('_', ' ')})",
        jurisdiction=state.state,
        years=getattr(state, contract),
        starts="day",
        start_note="From the day of the breach, or of the last payment where state law says so.",
        citation=state.citation,
        confidence="C",
        after_expiry="No suit and no threat of one (12 CFR 1006.26(b)). In some states a payment or"
        " a signed writing revives the debt.",
        acts=(
            rule("demand", "none"),
            rule("part_payment", "restart" if payment else "none", restarts=payment),
            rule(
                "acknowledgement",
                "restart" if writing else "none",
                needs=_SIGNED if writing else frozenset(),
                restarts=writing,
            ),
            rule(
                "plan",
                "restart" if writing else "none",
                needs=_SIGNED if writing else frozenset(),
                restarts=writing,
            ),
            rule("filing", "pending"),
        ),
    )

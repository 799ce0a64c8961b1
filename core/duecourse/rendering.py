"""Making the text of a message from a packaged template and the facts of a case.

A template is one TOML file per language, read by a compliance officer as it stands. Values are
only ever printed: they are cleaned first, and nothing in them is read as a template. A template
in which the message lint finds anything is not used.
"""

import hashlib
import re
import unicodedata
from collections.abc import Mapping
from datetime import date
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Any, Final, Literal

import minijinja
import msgspec

from duecourse.case.words import ASKS_WHOLE_SUM, ERASED, Language, Word
from duecourse.rules.lint import LintFacts
from duecourse.rules.lint_memory import lints_of

Medium = Literal["sms", "email", "letter"]

_LANGUAGES: Final[tuple[Language, ...]] = ("en", "zh")
FUEL: Final = 50_000
MOST_LINE: Final = 300
MOST_INSTALMENTS: Final = 120
MOST_SHOWN_OF_ACCOUNT: Final = 4
MOST_BODY: Final[Mapping[Medium, int]] = {"sms": 1_000, "email": 20_000, "letter": 20_000}
_AMOUNT: Final = re.compile(r"[0-9]+(\.[0-9]+)?", re.ASCII)
_CURRENCY: Final = re.compile(r"[A-Z]{3}", re.ASCII)
_WEB_ADDRESS: Final = re.compile(r"://|\bwww\.", re.IGNORECASE)
# Joiners that some scripts need; every other invisible or bidirectional mark is taken out.
_KEPT_FORMAT_CHARACTERS: Final = frozenset("\u200c\u200d")
_NAMES: Final = frozenset({"debtor_name", "creditor_name", "reference", "account_last4"})
_MONTHS: Final = {
    1: "January",
    2: "February",
    3: "March",
    4: "April",
    5: "May",
    6: "June",
    7: "July",
    8: "August",
    9: "September",
    10: "October",
    11: "November",
    12: "December",
}


class TemplateProblem(ValueError):
    """The message cannot be made. Says which template or which fact, never the fact itself."""


class PlanLine(msgspec.Struct, frozen=True, kw_only=True):
    """One instalment; `amount` is a plain decimal such as `250.00`."""

    due_on: date
    amount: str


class MessageFacts(msgspec.Struct, frozen=True, kw_only=True):
    """What a message may say. Every text is one line; amounts are plain decimals.

    Facts that are empty or None are missing, and a template that needs one is refused.
    """

    debtor_name: str
    creditor_name: str
    amount: str
    currency: str
    due_on: date
    days_past_due: int
    account_last4: str
    ways_to_pay: str
    contact_line: str
    reference: str
    plan: tuple[PlanLine, ...] = ()
    paid_amount: str = ""
    paid_on: date | None = None
    answer_by: date | None = None


_SAMPLE: Final = MessageFacts(
    debtor_name="Robin Testperson",
    creditor_name="Sample Finance",
    amount="1250.00",
    currency="CNY",
    due_on=date(2026, 3, 2),
    days_past_due=42,
    account_last4="4321",
    ways_to_pay="https://pay.example.com",
    contact_line="400-000-0000",
    reference="00C0FFEE",
    plan=(
        PlanLine(due_on=date(2026, 4, 1), amount="650.00"),
        PlanLine(due_on=date(2026, 5, 1), amount="600.00"),
    ),
    paid_amount="300.00",
    paid_on=date(2026, 3, 1),
)
_SAMPLE_AMOUNTS: Final = frozenset({"1250.00", "650.00", "600.00", "300.00"})


class Message(msgspec.Struct, frozen=True, kw_only=True):
    """The very text that leaves. An SMS has no subject."""

    subject: str = ""
    body: str


class TemplateInfo(msgspec.Struct, frozen=True, kw_only=True):
    """`contains` names, by medium, what rules ask of a message (`opt_out_line`)."""

    code: str
    language: Language
    media: tuple[Medium, ...]
    contains: Mapping[Medium, tuple[Word, ...]]


class _Source(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A template file. `subject` and `text` make the e-mail and the letter.

    `referral` is how far the legal referral is, at least, of any case to which it may be sent.
    `contains` names what rules ask of a message, in every medium; `sms_contains` what the SMS has.
    """

    media: tuple[Medium, ...]
    contains: tuple[Word, ...] = ()
    sms_contains: tuple[Word, ...] = ()
    referral: Literal["none", "proposed", "approved", "filed"] = "none"
    sms: str = ""
    subject: str = ""
    text: str = ""


class _Closing(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What written messages of one language share: how to get help, and the ending."""

    help: str
    email: str
    letter: str
    email_contains: tuple[Word, ...] = ()


def render(template_code: str, medium: str, language: Language, facts: MessageFacts) -> Message:
    """Make the message. Raises TemplateProblem; the same facts always give the same text."""
    source = _sources().get((language, template_code))
    if source is None:
        known = ", ".join(sorted(code for of, code in _sources() if of == language))
        raise TemplateProblem(f"no template {template_code!r} in {language}; there are: {known}")
    found = next((each for each in source.media if each == medium), None)
    if found is None:
        media = ", ".join(source.media)
        raise TemplateProblem(f"template {template_code} is made for {media}, not for {medium}")
    if problem := _unfit().get((language, template_code)):
        raise TemplateProblem(problem)
    return _render(template_code, found, language, facts)


def check_message(message: Message, language: Language, facts: LintFacts) -> None:
    """Have the lint read the very text. Raises TemplateProblem with its rules, never the text."""
    found = lints_of(f"{message.subject}\n\n{message.body}", language, facts)
    if found:
        raise TemplateProblem(f"the message lint refuses it: {', '.join(sorted(found))}")


def check_templates() -> Mapping[tuple[Language, str], str]:
    """What is wrong with each template that cannot be used; empty when all are fit to be sent."""
    return _unfit()


def _render(code: str, found: Medium, language: Language, facts: MessageFacts) -> Message:
    values = _values(facts, language)
    name = f"{language}/{code}.{found}"
    body = _tidy(_print(name, values))
    if len(body) > MOST_BODY[found]:
        raise TemplateProblem(f"{name} is longer than {MOST_BODY[found]} characters")
    subject = "" if found == "sms" else _print(f"{language}/{code}.subject", values)
    return Message(subject=subject, body=body)


def body_sha256(message: Message) -> str:
    """The hash that goes into the case history: over subject, line feed, body, in UTF-8."""
    return hashlib.sha256(f"{message.subject}\n{message.body}".encode()).hexdigest()


def list_templates() -> tuple[TemplateInfo, ...]:
    return tuple(
        TemplateInfo(
            code=code,
            language=language,
            media=source.media,
            contains={medium: _contains(language, source, medium) for medium in source.media},
        )
        for (language, code), source in sorted(_sources().items())
    )


def asks_whole_sum(code: str, language: Language) -> bool:
    """Whether the template says of itself that it asks for all that is overdue."""
    source = _sources().get((language, code))
    return source is not None and ASKS_WHOLE_SUM in source.contains


def _contains(language: Language, source: _Source, medium: Medium) -> tuple[Word, ...]:
    """What the template declares, for one medium, with what the ending of an e-mail adds."""
    own = {"sms": source.sms_contains, "email": _closing(language).email_contains, "letter": ()}
    return (*source.contains, *own[medium])


@cache
def _unfit() -> Mapping[tuple[Language, str], str]:
    """Each template, made with the sample facts and read by the lint, once per process."""
    problems: dict[tuple[Language, str], str] = {}
    for (language, code), source in _sources().items():
        true = LintFacts(stage="reminder", referral=source.referral, amounts=_SAMPLE_AMOUNTS)
        for medium in source.media:
            try:
                check_message(_render(code, medium, language, _SAMPLE), language, true)
            except TemplateProblem as problem:
                problems[language, code] = f"template {language}/{code}.{medium}: {problem}"
    return problems


def _print(name: str, values: Mapping[str, Any]) -> str:
    try:
        return _environment().render_template(name, **values)
    except minijinja.TemplateError as error:
        said = error.detail or error.kind
        line = f", line {error.line}" if error.line else ""
        raise TemplateProblem(f"template {name}{line}: {said} (is a fact missing?)") from None


def _tidy(text: str) -> str:
    lines = "\n".join(line.rstrip() for line in text.strip().splitlines())
    return re.sub(r"\n{3,}", "\n\n", lines)


@cache
def _sources() -> Mapping[tuple[Language, str], _Source]:
    return {
        (language, file.name.removesuffix(".toml")): msgspec.toml.decode(
            file.read_bytes(), type=_Source
        )
        for language in _LANGUAGES
        for file in _folder(language).iterdir()
        if file.name.endswith(".toml") and file.name != "closing.toml"
    }


def _folder(language: Language) -> Traversable:
    return files("duecourse") / "templates" / language


@cache
def _closing(language: Language) -> _Closing:
    raw = (_folder(language) / "closing.toml").read_bytes()
    return msgspec.toml.decode(raw, type=_Closing)


@cache
def _environment() -> minijinja.Environment:
    """Every template, in a sandbox: no loader, no Python attributes, bounded work."""
    templates: dict[str, str] = {}
    for language in _LANGUAGES:
        closing = _closing(language)
        templates[f"{language}/help"] = closing.help
        for (of, code), source in _sources().items():
            if of == language:
                templates |= _parts(f"{language}/{code}", source, closing)
    return minijinja.Environment(
        templates=templates,
        undefined_behavior="strict",
        auto_escape_callback=lambda _: False,
        fuel=FUEL,
        trim_blocks=True,
        lstrip_blocks=True,
        debug=False,
        pycompat=False,
    )


def _parts(name: str, source: _Source, closing: _Closing) -> dict[str, str]:
    return {
        f"{name}.sms": source.sms,
        f"{name}.subject": source.subject,
        f"{name}.email": f"{source.text}\n\n{closing.email}",
        f"{name}.letter": f"{source.text}\n\n{closing.letter}",
    }


def _values(facts: MessageFacts, language: Language) -> dict[str, Any]:
    """The facts as they are printed; what is missing is left out, so that using it fails."""
    lines = {
        field: _line(field, getattr(facts, field))
        for field in (*_NAMES, "ways_to_pay", "contact_line")
    }
    if len(lines["account_last4"]) > MOST_SHOWN_OF_ACCOUNT:
        raise TemplateProblem("account_last4 holds more than four characters of the account")
    if facts.days_past_due < 0 or len(facts.plan) > MOST_INSTALMENTS:
        raise TemplateProblem("days_past_due is negative or the plan is too long")
    dates = {"due_on": facts.due_on, "paid_on": facts.paid_on, "answer_by": facts.answer_by}
    values: dict[str, Any] = {
        **lines,
        **{name: _date(day, language) for name, day in dates.items() if day},
        "amount": _money("amount", facts.amount, facts.currency, language),
        "days_past_due": facts.days_past_due,
    }
    if facts.paid_amount:
        values["paid_amount"] = _money("paid_amount", facts.paid_amount, facts.currency, language)
    if facts.plan:
        values["plan"] = [_instalment(line, facts.currency, language) for line in facts.plan]
    return values


def _instalment(line: PlanLine, currency: str, language: Language) -> dict[str, str]:
    return {
        "due_on": _date(line.due_on, language),
        "amount": _money("plan", line.amount, currency, language),
    }


def _line(field: str, text: str) -> str:
    """One printable line: breaks become spaces, control and direction marks are taken out."""
    spaced = " ".join(unicodedata.normalize("NFC", text).split())
    clean = "".join(each for each in spaced if _is_printed(each)).strip()
    if not clean:
        raise TemplateProblem(f"{field} is empty")
    if clean == ERASED:
        raise TemplateProblem(f"{field} has been erased; nothing is sent to an erased person")
    if len(clean) > MOST_LINE:
        raise TemplateProblem(f"{field} is longer than {MOST_LINE} characters")
    if field in _NAMES and _WEB_ADDRESS.search(clean):
        # A phone makes a link of it, in a message that seems to come from the creditor.
        raise TemplateProblem(f"{field} holds a web address")
    return clean


def _is_printed(character: str) -> bool:
    category = unicodedata.category(character)
    return category not in {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"} or (
        character in _KEPT_FORMAT_CHARACTERS
    )


def _money(field: str, amount: str, currency: str, language: Language) -> str:
    if not _AMOUNT.fullmatch(amount):
        raise TemplateProblem(f"{field} must be a plain decimal such as 1250.00")
    if not _CURRENCY.fullmatch(currency):
        raise TemplateProblem("currency must be an ISO 4217 code such as CNY")
    return f"{amount}元" if (language, currency) == ("zh", "CNY") else f"{currency} {amount}"


def _date(day: date, language: Language) -> str:
    if language == "zh":
        return f"{day.year}年{day.month}月{day.day}日"
    return f"{day.day} {_MONTHS[day.month]} {day.year}"

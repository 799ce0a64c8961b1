"""A verdict in words: one text for the collector, one for the debtor, in Chinese or English.

Pure. The words hold no name, address or account number: a verdict has none to tell.
"""

from collections.abc import Iterator
from datetime import datetime
from typing import Final

import msgspec
from msgspec.structs import replace

from duecourse.rules.inputs import (
    contact_of,
    label_of,
    show_moment,
    value_of,
    what_was_seen,
    with_utc,
)
from duecourse.rules.situation import Finding, Verdict
from duecourse.rules.vocabulary import (
    ARRANGED,
    ARRANGED_UNTIL,
    CONFIDENCE,
    DATA,
    DATA_CITATIONS,
    DATA_TO_DEBTOR,
    DEED,
    DEEDS,
    HOLD_BACK,
    INTERVAL,
    LABELS,
    NOBODY_ELSE,
    NOT_BEFORE,
    NOT_DUE,
    OUTCOMES,
    REACHED,
    REPRESENTED,
    RESTS,
    RESTS_UNTIL,
    RULE_SAYS,
    TIME_HAS_TO_PASS,
    TO_DEBTOR,
    Both,
    Language,
)

__all__ = ["Asked", "ForBorrower", "ForCollector", "Language", "Reason", "explain"]

_ENGLISH_ONLY: Final = "（此规则没有中文说明，以上为英文原文）"


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """What was asked. `time_zone` is the debtor's; any other text than a zone is not known."""

    channel: str
    at: datetime
    time_zone: str


class Reason(msgspec.Struct, frozen=True, kw_only=True):
    """One rule that spoke. `saw` is what it was told; `until` when it falls silent by itself."""

    rule: str
    outcome: str
    says: str
    saw: str
    source: str
    until: str


class ForCollector(msgspec.Struct, frozen=True, kw_only=True):
    """`next_moment` is empty when the contact may be made at once."""

    summary: str
    reasons: tuple[Reason, ...]
    next_moment: str


class ForBorrower(msgspec.Struct, frozen=True, kw_only=True):
    """Addressed to the debtor: no rule ids, no marks, each reason with its source."""

    summary: str
    reasons: tuple[str, ...]
    next_moment: str


def explain(verdict: Verdict, asked: Asked, language: Language) -> tuple[ForCollector, ForBorrower]:
    """The same verdict for both who read it."""
    # Moments are shown rounded up; the one that was asked about must not slip into the next hour.
    asked = replace(asked, at=asked.at.replace(microsecond=0))
    return _for_collector(verdict, asked, language), _for_borrower(verdict, asked, language)


# --- for the collector -----------------------------------------------------------------------


def _for_collector(verdict: Verdict, asked: Asked, language: Language) -> ForCollector:
    channel, at = contact_of(asked.channel, language), with_utc(asked.at, asked.time_zone, language)
    outcome = OUTCOMES[verdict.outcome].into(language)
    summary = Both(f"{channel} at {at}: {outcome}.", f"{channel}，{at}：{outcome}。").into(language)
    return ForCollector(
        summary=summary[0].upper() + summary[1:],
        reasons=tuple(_reason(each, asked, language) for each in verdict.findings),
        next_moment=_next(
            verdict,
            asked,
            language,
            Both("The earliest lawful moment is {}.", "最早可以合法联系的时刻是{}。"),
            Both("No lawful moment is known yet.", "目前还不知道何时可以合法联系。"),
        ),
    )


def _next(verdict: Verdict, asked: Asked, language: Language, known: Both, unknown: Both) -> str:
    if verdict.permitted:
        return ""
    if verdict.next_lawful_at is None:
        return unknown.into(language)
    moment = with_utc(verdict.next_lawful_at, asked.time_zone, language)
    return known.into(language).format(moment)


def _reason(finding: Finding, asked: Asked, language: Language) -> Reason:
    stop = Both(".", "。").into(language)
    until = finding.next_lawful_at
    return Reason(
        rule=finding.rule,
        outcome=RULE_SAYS[finding.outcome].into(language),
        says=_says(finding, language),
        saw=_sentence(what_was_seen(finding, language), language),
        source=_source(finding, language) + stop,
        until="" if until is None else _until(with_utc(until, asked.time_zone, language), language),
    )


def _until(moment: str, language: Language) -> str:
    return Both(f"Until {moment}.", f"直至{moment}。").into(language)


def _says(finding: Finding, language: Language) -> str:
    if language == "en":
        return finding.says
    if finding.zh is not None:
        return finding.zh.says
    if finding.layer == "data" and finding.rule in DATA:
        return DATA[finding.rule]
    return finding.says + _ENGLISH_ONLY


def _source(finding: Finding, language: Language) -> str:
    mark = CONFIDENCE[finding.confidence].into(language)
    citation, pack = _citation(finding, language), finding.inputs.get("pack", "")
    if language == "zh":
        return f"{citation}（{mark}{f'；规则包 {pack}' if pack else ''}）"
    return f"{citation} ({mark}{f'; pack {pack}' if pack else ''})"


def _citation(finding: Finding, language: Language) -> str:
    if language == "en":
        return finding.citation
    if finding.zh is not None and finding.zh.citation:
        return finding.zh.citation
    return DATA_CITATIONS.get(finding.citation, finding.citation)


def _sentence(parts: Iterator[str], language: Language) -> str:
    text = Both("; ", "；").into(language).join(parts)
    return text and text[0].upper() + text[1:] + Both(".", "。").into(language)


# --- for the debtor --------------------------------------------------------------------------


def _for_borrower(verdict: Verdict, asked: Asked, language: Language) -> ForBorrower:
    deed = DEEDS.get(asked.channel, DEED).into(language)
    at = show_moment(asked.at, asked.time_zone, language)
    if verdict.permitted:
        summary = Both(f"At {at} we may {deed}.", f"{at}，我们可以{deed}。")
    else:
        summary = Both(f"At {at} we may not {deed}.", f"{at}，我们不能{deed}。")
    return ForBorrower(
        summary=summary.into(language),
        reasons=tuple(_to_debtor(verdict, language)),
        next_moment=_next(
            verdict,
            asked,
            language,
            Both("The earliest moment for it is {}.", "最早可以这样做的时刻是{}。"),
            Both(
                "We cannot say yet from when on we may do so.",
                "目前还不能确定从何时起可以这样做。",
            ),
        ),
    )


def _to_debtor(verdict: Verdict, language: Language) -> Iterator[str]:
    """What several rules say alike is said once, with the sources of all."""
    told: dict[str, dict[str, None]] = {}
    for finding in verdict.findings:
        sources = told.setdefault(_told(finding, language), {})
        sources[_source_for_debtor(finding, language)] = None
    for sentence, sources in told.items():
        named = Both("; ", "；").into(language).join(sources)
        yield Both(f"{sentence} (Source: {named})", f"{sentence}（依据：{named}）").into(language)


def _source_for_debtor(finding: Finding, language: Language) -> str:
    if finding.layer == "law":
        return _citation(finding, language)
    return Both("our own policy", "本机构自定规则").into(language)


def _told(finding: Finding, language: Language) -> str:
    """What the rule saw, said to the debtor; where there are no such words, the rule's own."""
    if finding.layer == "data" and finding.rule in DATA_TO_DEBTOR:
        return DATA_TO_DEBTOR[finding.rule].into(language)
    shown = {key: value_of(key, value, language) for key, value in finding.inputs.items()}
    if withheld := _told_of_content(finding, shown, language):
        return withheld
    simple = next((key for key in TO_DEBTOR if key in shown), None)
    if simple is not None:
        return TO_DEBTOR[simple].into(language).format(shown[simple])
    return _told_with_more(finding, shown, language) or _says(finding, language)


def _told_of_content(finding: Finding, shown: dict[str, str], language: Language) -> str:
    """What a message must not contain as long as something stands, or is not due."""
    content = shown.get("contains") or shown.get("must_not_contain")
    if content is None:
        return ""
    if "due_on" in shown:
        template = NOT_DUE
    elif {"arrangements", "until"} <= shown.keys():
        template = ARRANGED if finding.inputs["until"] == "judged" else ARRANGED_UNTIL
    else:
        return ""
    return template.into(language).format(**shown, content=content)


def _told_with_more(finding: Finding, shown: dict[str, str], language: Language) -> str:
    if {"count", "limit", "window"} <= shown.keys():
        template = REACHED if finding.outcome != "advise" else HOLD_BACK
        if finding.inputs["window"].endswith("minutes"):
            template = INTERVAL
    elif {"holds", "until"} <= shown.keys():
        template = RESTS if finding.inputs["until"] == "lifted" else RESTS_UNTIL
    elif "days" in shown:
        fact = next((key for key in shown if key not in LABELS and key != "pack"), "")
        shown |= {"fact": label_of(fact, language), "since": shown.get(fact, "")}
        template = NOT_BEFORE if shown["days"] == "0" else TIME_HAS_TO_PASS
    elif "holder" in shown:
        template = REPRESENTED if finding.inputs["holder"] == "debtor" else NOBODY_ELSE
    else:
        return ""
    return template.into(language).format(**shown)

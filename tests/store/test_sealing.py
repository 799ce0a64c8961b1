"""Personal texts can be read by nobody without the key, and nowhere but where they belong."""

import json
import os
import uuid
from collections.abc import Callable
from typing import Annotated
from uuid import UUID

import msgspec
import psycopg
import pytest
from psycopg import sql

from duecourse.case import commands as c
from duecourse.case import events as e
from duecourse.case.words import ERASED, PersonalText
from duecourse.store.engine import Engine, Request
from duecourse.store.errors import (
    SealBroken,
    StateUnreadable,
    UnknownTopic,
)
from duecourse.store.mapper import Envelope, Mapper, Upcaster
from duecourse.store.sealing import key_ids, marks_of
from duecourse.store.vault import SubjectKey, Vault

CASE = UUID(int=1)
CANARIES = {
    "name": "Canary Nobody 金丝雀",
    "address": "+8619900001234",
    "national_id": "110101190001011234",
    "borrower_ref": "canary-ref-778899",
}


class Sample(msgspec.Struct, frozen=True, kw_only=True, tag=True, tag_field="type"):
    """An event made up for these tests."""

    note: PersonalText
    other: PersonalText = ""
    count: int = 0


@pytest.fixture
def key(vault: Vault) -> SubjectKey:
    subject = uuid.uuid4()
    return vault.ensure([subject])[subject]


@pytest.fixture
def mapper(vault: Vault) -> Mapper:
    return Mapper(vault, classes=(Sample,))


def test_no_table_holds_a_personal_text_in_clear(
    engine: Engine,
    asking: Callable[..., Request],
    opening: Callable[..., c.OpenCase],
    dsn: str,
    caplog: pytest.LogCaptureFixture,
) -> None:
    opened = engine.execute_sync(asking(opening(**CANARIES))).case_id
    reply = c.RecordReply(
        reply_id="r-1", channel="sms", text=CANARIES["name"], occurred_at=_moment(engine, opened)
    )
    engine.execute_sync(asking(reply, opened))
    stored = _every_byte(dsn)
    assert b"ReplyReceived" in stored, "the scan sees what is stored"
    for canary in CANARIES.values():
        assert canary.encode() not in stored
        assert canary.encode("unicode_escape") not in stored
        assert canary not in caplog.text
    assert engine.load(opened).case.debtor.name == CANARIES["name"]


def _moment(engine: Engine, case_id: UUID) -> e.Moment:
    return engine.load(case_id).case.at


def _every_byte(dsn: str) -> bytes:
    with psycopg.connect(dsn) as connection:
        tables = connection.execute(
            "SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace"
        ).fetchall()
        found = b""
        for (table,) in tables:
            copy = sql.SQL("COPY {} TO STDOUT (FORMAT binary)").format(sql.Identifier(table))
            with connection.cursor().copy(copy) as rows:
                found += b"".join(bytes(each) for each in rows)
        return found


def test_without_its_key_a_text_reads_as_erased(mapper: Mapper, key: SubjectKey) -> None:
    topic, state = mapper.seal(CASE, 1, Sample(note="about somebody", count=3), key)
    assert mapper.open(CASE, 1, topic, state, {}) == Sample(note=ERASED, count=3)


def test_after_its_row_is_gone_nobody_can_read_a_subject(
    engine: Engine,
    new_engine: Callable[..., Engine],
    asking: Callable[..., Request],
    opening: Callable[..., c.OpenCase],
    dsn: str,
) -> None:
    gone, stays = opening(), opening()
    case_ids = [engine.execute_sync(asking(each)).case_id for each in (gone, stays)]
    with psycopg.connect(dsn) as connection:
        connection.execute("DELETE FROM subject_keys WHERE subject_id = %s", (gone.subject_id,))
    elsewhere = _without_cache(new_engine)
    names = [elsewhere.load(case_id).case.debtor.name for case_id in case_ids]
    assert names == [ERASED, stays.debtor.name]


def _without_cache(new_engine: Callable[..., Engine]) -> Engine:
    engine = new_engine()
    engine.log.vault._by_id.clear()
    engine.log.vault._by_subject.clear()
    return engine


def _swapped(state: bytes, change: Callable[[dict[str, str]], None]) -> bytes:
    plain = json.loads(state)
    change(plain)
    return json.dumps(plain).encode()


def test_a_text_moved_to_another_version_is_refused(mapper: Mapper, key: SubjectKey) -> None:
    topic, state = mapper.seal(CASE, 1, Sample(note="x"), key)
    with pytest.raises(SealBroken, match="altered or moved"):
        mapper.open(CASE, 2, topic, state, {key.key_id: key.cipher})


def test_a_text_moved_to_another_case_is_refused(mapper: Mapper, key: SubjectKey) -> None:
    topic, state = mapper.seal(CASE, 1, Sample(note="x"), key)
    with pytest.raises(SealBroken, match="altered or moved"):
        mapper.open(UUID(int=2), 1, topic, state, {key.key_id: key.cipher})


def test_a_text_moved_to_another_field_is_refused(mapper: Mapper, key: SubjectKey) -> None:
    topic, state = mapper.seal(CASE, 1, Sample(note="x", other="y"), key)

    def swap(plain: dict[str, str]) -> None:
        plain["note"], plain["other"] = plain["other"], plain["note"]

    with pytest.raises(SealBroken, match="altered or moved"):
        mapper.open(CASE, 1, topic, _swapped(state, swap), {key.key_id: key.cipher})


def test_a_text_in_clear_where_a_sealed_one_belongs_is_refused(
    mapper: Mapper, key: SubjectKey
) -> None:
    topic, state = mapper.seal(CASE, 1, Sample(note="x"), key)
    planted = _swapped(state, lambda plain: plain.update(note="planted"))
    with pytest.raises(SealBroken, match="not sealed"):
        mapper.open(CASE, 1, topic, planted, {key.key_id: key.cipher})


def test_every_changed_bit_of_a_sealed_text_is_noticed(mapper: Mapper, key: SubjectKey) -> None:
    topic, state = mapper.seal(CASE, 1, Sample(note="xyz"), key)
    token = json.loads(state)["note"]
    keys = {key.key_id: key.cipher}
    for place in range(len(token)):
        for bit in range(7):
            altered = token[:place] + chr(ord(token[place]) ^ 1 << bit) + token[place + 1 :]
            forged = _swapped(state, lambda plain, new=altered: plain.update(note=new))
            try:
                assert mapper.open(CASE, 1, topic, forged, keys) == Sample(note=ERASED)
                assert altered.split(".")[1] != str(key.key_id), "only another key reads as erased"
            except SealBroken:
                pass


def test_the_same_text_is_sealed_differently_each_time(mapper: Mapper, key: SubjectKey) -> None:
    first, second = (mapper.seal(CASE, 1, Sample(note="x"), key)[1] for _ in range(2))
    assert first != second
    assert key_ids(first) == key_ids(second) == {key.key_id}


def test_an_empty_text_stays_empty(mapper: Mapper, key: SubjectKey) -> None:
    topic, state = mapper.seal(CASE, 1, Sample(note=""), key)
    assert json.loads(state) == {"type": "Sample", "note": "", "other": "", "count": 0}
    assert mapper.open(CASE, 1, topic, state, {}) == Sample(note="")


def test_the_longest_text_allowed_survives_sealing(mapper: Mapper, key: SubjectKey) -> None:
    event = Sample(note="字" * 2000)
    topic, state = mapper.seal(CASE, 1, event, key)
    assert mapper.open(CASE, 1, topic, state, {key.key_id: key.cipher}) == event


def test_marks_are_found_in_nested_structures() -> None:
    assert marks_of(e.CaseOpened) == {
        "borrower_ref": None,
        "debtor": {"name": None, "national_id": None},
        "contact_points": {"*": {"address": None}},
    }


def test_marks_are_found_in_every_container() -> None:
    inner = msgspec.defstruct("Inner", [("text", PersonalText)])
    outer = msgspec.defstruct(
        "Outer",
        [
            ("many", list[inner]),
            ("named", dict[str, PersonalText]),
            ("pair", tuple[int, inner]),
            ("perhaps", inner | None),
            ("either", PersonalText | None),
        ],
    )
    text = {"text": None}
    assert marks_of(outer) == {
        "many": {"*": text},
        "named": {"*": None},
        "pair": {"1": text},
        "perhaps": text,
        "either": None,
    }


def test_a_personal_number_is_refused_when_the_class_is_registered() -> None:
    number = Annotated[int, msgspec.Meta(extra={"personal": True})]
    with pytest.raises(TypeError, match="only a text"):
        marks_of(msgspec.defstruct("Wrong", [("age", number)]))


def test_every_text_that_the_words_call_personal_is_marked() -> None:
    for cls in e.EVENT_CLASSES:
        personal = "PersonalText" in str(msgspec.json.schema(cls)) or marks_of(cls)
        assert bool(personal) == bool(marks_of(cls)), cls


def test_an_unknown_topic_says_what_to_do(mapper: Mapper) -> None:
    with pytest.raises(UnknownTopic, match=r"'Nonsense'.*upgrade"):
        mapper.open(CASE, 1, "Nonsense", b"{}", {})


def test_a_state_that_breaks_its_promise_is_named(mapper: Mapper) -> None:
    with pytest.raises(StateUnreadable, match=r"version 1 \(Sample\)"):
        mapper.open(CASE, 1, "Sample", b'{"type":"Sample"}', {})


class Renamed(msgspec.Struct, frozen=True, kw_only=True, tag="Sample", tag_field="type"):
    """What Sample became: `note` is now `remark`, and `count` counts from one."""

    remark: PersonalText
    count: int


def _to_second(plain: dict[str, object]) -> dict[str, object]:
    return {**plain, "remark": plain["note"]}


def _to_third(plain: dict[str, object]) -> dict[str, object]:
    return {**plain, "count": int(str(plain["count"])) + 1}


UPCASTERS = (
    Upcaster(name="Sample", version=1, change=_to_second, personal=("note", "other")),
    Upcaster(name="Sample", version=2, change=_to_third, personal=("remark",)),
)


def test_an_old_version_is_read_through_the_chain_of_upcasters(
    vault: Vault, mapper: Mapper, key: SubjectKey
) -> None:
    keys = {key.key_id: key.cipher}
    old = mapper.seal(CASE, 1, Sample(note="kept", count=1), key)
    today = Mapper(vault, classes=(Renamed,), upcasters=UPCASTERS)
    assert today.open(CASE, 1, *old, keys) == Renamed(remark="kept", count=2)


def test_a_new_event_is_stored_under_its_newest_version(vault: Vault, key: SubjectKey) -> None:
    today = Mapper(vault, classes=(Renamed,), upcasters=UPCASTERS)
    topic, state = today.seal(CASE, 1, Renamed(remark="x", count=2), key)
    assert topic == "Sample.v3"
    assert today.open(CASE, 1, topic, state, {key.key_id: key.cipher}).count == 2


def test_an_upcaster_missing_from_the_chain_is_refused(vault: Vault) -> None:
    with pytest.raises(TypeError, match="step by step"):
        Mapper(vault, classes=(Renamed,), upcasters=UPCASTERS[1:])


def test_the_library_sees_envelopes(vault: Vault) -> None:
    event = e.ReplyReceived(
        at="2026-01-01T00:00:00Z",  # type: ignore[arg-type]
        reply_id="r",
        channel="sms",
        point_id="",
        text="x",
        occurred_at="2026-01-01T00:00:00Z",  # type: ignore[arg-type]
    )
    event = msgspec.convert(msgspec.to_builtins(event), e.ReplyReceived)
    mapper = Mapper(vault)
    envelope = Envelope(
        originator_id=CASE, originator_version=4, event=event, subject_id=uuid.uuid4()
    )
    stored = mapper.to_stored_event(envelope)
    assert stored.topic == "ReplyReceived"
    assert mapper.to_domain_event(stored).event == event


def test_random_bytes_are_never_taken_for_a_sealed_text(mapper: Mapper, key: SubjectKey) -> None:
    for _ in range(200):
        note = f"~1.{key.key_id}.{os.urandom(20).hex()}"
        with pytest.raises(SealBroken):
            mapper.open(
                CASE,
                1,
                "Sample",
                json.dumps({"type": "Sample", "note": note}).encode(),
                {key.key_id: key.cipher},
            )

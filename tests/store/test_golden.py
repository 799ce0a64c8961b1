"""Every event that was ever stored can be read today. The samples are never changed."""

import json
from pathlib import Path
from uuid import UUID

import msgspec
import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from duecourse.case.events import EVENT_CLASSES
from duecourse.case.words import ERASED
from duecourse.store.mapper import Mapper

SAMPLES = sorted((Path(__file__).parent / "golden").glob("*.json"))
CASE, VERSION = UUID("00000000-0000-8000-8000-00000000da7a"), 3
KEYS = {1: AESGCM(bytes(range(32)))}
CLASSES = {cls.__struct_config__.tag: cls for cls in EVENT_CLASSES}


@pytest.fixture(scope="module")
def mapper() -> Mapper:
    return Mapper(vault=None)  # no key is looked up


def _contains(today: object, sample: object) -> bool:
    if isinstance(sample, dict):
        return isinstance(today, dict) and all(
            name in today and _contains(today[name], part) for name, part in sample.items()
        )
    if isinstance(sample, list):
        return isinstance(today, list) and all(map(_contains, today, sample))
    return today == sample


@pytest.mark.parametrize("path", SAMPLES, ids=lambda path: path.stem)
def test_a_stored_event_reads_as_it_was_written(mapper: Mapper, path: Path) -> None:
    sample = json.loads(path.read_text())
    state = json.dumps(sample["state"]).encode()
    event = mapper.open(CASE, VERSION, sample["topic"], state, KEYS)
    assert type(event) is CLASSES[path.stem.split(".")[0]]
    assert _contains(json.loads(msgspec.json.encode(event)), sample["event"])


@pytest.mark.parametrize("path", SAMPLES, ids=lambda path: path.stem)
def test_without_the_key_only_personal_texts_are_missing(mapper: Mapper, path: Path) -> None:
    sample = json.loads(path.read_text())
    state = json.dumps(sample["state"])
    event = mapper.open(CASE, VERSION, sample["topic"], state.encode(), {})
    assert msgspec.json.encode(event).count(ERASED.encode()) == state.count("~1.1.")


def test_every_event_has_its_sample_and_no_name_was_lost() -> None:
    assert {path.stem.split(".")[0] for path in SAMPLES} == set(CLASSES)

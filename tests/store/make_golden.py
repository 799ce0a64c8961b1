"""Writes the golden samples that are missing: `python tests/store/make_golden.py`.

A sample is written once, when its event is new, and never changed: it stands for the events
that are in logs already.
"""

import json
import re
from pathlib import Path
from uuid import UUID

import msgspec
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from msgspec import inspect

from duecourse.case.events import EVENT_CLASSES, Event
from duecourse.store.mapper import Mapper
from duecourse.store.vault import SubjectKey

FOLDER = Path(__file__).parent / "golden"
KEY = SubjectKey(1, AESGCM(bytes(range(32))))
CASE = UUID("00000000-0000-8000-8000-00000000da7a")
VERSION = 3
_TEXTS = ("sample-1", "CNY", "7.5", "CN")


SCALARS: dict[type[inspect.Type], object] = {
    inspect.IntType: 7,
    inspect.BoolType: True,
    inspect.DateTimeType: "2026-03-02T04:00:00.000001Z",
    inspect.DateType: "2026-03-02",
    inspect.TimeType: "00:00:00",
}


def plain_of(info: inspect.Type, name: str = "", default: object = None) -> object:
    """A fixed value of a type, as JSON has it, with every part present and unlike its default."""
    match info:
        case inspect.Metadata():
            found = plain_of(info.type, name, default)
        case inspect.UnionType():
            found = plain_of(
                next(each for each in info.types if not isinstance(each, inspect.NoneType)), name
            )
        case inspect.StructType():
            found = _fields_of(info)
        case inspect.VarTupleType():
            found = [plain_of(info.item_type, name)]
        case inspect.DictType():
            found = {"sample": plain_of(info.value_type, name)}
        case inspect.LiteralType():
            found = next(each for each in sorted(info.values) if each != default)
        case inspect.StrType():
            found = next(each for each in (*_TEXTS, f"fictional {name}") if _fits(info, each, name))
        case inspect.UUIDType():
            found = str(UUID(int=sum(name.encode())))
        case _:
            found = SCALARS[type(info)]
    return found


def _fields_of(info: inspect.StructType) -> dict[str, object]:
    fields = {
        each.encode_name: plain_of(each.type, each.name, each.default) for each in info.fields
    }
    return fields | ({info.tag_field: info.tag} if info.tag_field else {})


def _fits(info: inspect.StrType, text: str, name: str) -> bool:
    if info.pattern is None:
        return text.endswith(name)
    return re.search(info.pattern, text) is not None


def sample_of(cls: type[Event], mapper: Mapper) -> dict[str, object]:
    plain = plain_of(inspect.type_info(cls))
    topic, state = mapper.seal(CASE, VERSION, msgspec.convert(plain, cls), KEY)
    return {"topic": topic, "state": json.loads(state), "event": plain}


def main() -> None:
    mapper = Mapper(vault=None)  # type: ignore[arg-type] # no key is looked up
    for cls in EVENT_CLASSES:
        sample = sample_of(cls, mapper)
        path = FOLDER / f"{sample['topic']}.json"
        if not path.exists():
            path.write_text(json.dumps(sample, indent=2, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    main()

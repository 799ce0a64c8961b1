"""Personal texts hidden from those who do not need them, found by their annotation."""

from collections.abc import Mapping
from functools import cache
from typing import Any, Final, TypeVar, cast

import msgspec
from msgspec import inspect

MASK: Final = "•••"

T = TypeVar("T")


def masked(value: T) -> T:
    """A copy with MASK in the place of every text marked personal, an empty one too."""
    return cast(T, _masked(value))


def _masked(value: object) -> object:
    match value:
        case msgspec.Struct():
            personal = _personal_fields(type(value))
            fields = {
                name: _hidden(each) if name in personal else _masked(each)
                for name, each in msgspec.structs.asdict(value).items()
            }
            return msgspec.structs.replace(value, **fields)
        case Mapping():
            return {key: _masked(each) for key, each in value.items()}
        case tuple() | list():
            return tuple(_masked(each) for each in value)
        case _:
            return value


def _hidden(value: object) -> object:
    match value:
        case str():
            return MASK
        case None:
            return None
        case tuple() | list():
            return tuple(_hidden(each) for each in value)
        case Mapping():
            return {key: _hidden(each) for key, each in value.items()}
        case _:
            raise TypeError(f"a {type(value).__name__} is marked personal; only texts can be")


@cache
def _personal_fields(kind: type[msgspec.Struct]) -> frozenset[str]:
    info = inspect.type_info(kind)
    assert isinstance(info, inspect.StructType)
    return frozenset(field.name for field in info.fields if _is_personal(field.type))


def _is_personal(info: Any) -> bool:  # noqa: ANN401 - msgspec's types have no common attributes
    match info:
        case inspect.Metadata():
            return bool((info.extra or {}).get("personal")) or _is_personal(info.type)
        case inspect.UnionType():
            return any(_is_personal(each) for each in info.types)
        case inspect.VarTupleType() | inspect.ListType():
            return _is_personal(info.item_type)
        case inspect.DictType():
            return _is_personal(info.value_type)
        case _:
            return False

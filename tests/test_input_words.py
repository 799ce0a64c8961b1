"""What does not fit in an input is told with what may stand there, and without what stood there."""

from collections.abc import Iterator
from enum import Enum
from typing import Annotated, Any, Literal
from unittest.mock import Mock

import msgspec
import pytest
from msgspec import inspect

from duecourse.cli import plan_preview
from duecourse.cli.calc import ScheduleAsked
from duecourse.input_words import MOST_LISTED, Misfit, misfit
from duecourse.intake.mapping import From, Mapping, Source
from duecourse.money.cap_terms import CapRequest
from duecourse.money.interest_terms import InterestRequest
from duecourse.money.limitation_terms import LimitationRequest
from duecourse.money.waterfall import AllocationRequest
from duecourse.rules.casefile import CaseFile
from duecourse.settings import ChannelOptions, Settings
from duecourse_api import bodies
from duecourse_api.app import create_app
from duecourse_letter.printing import PrinterConfig
from duecourse_sms.kannel import KannelConfig
from duecourse_sms.smpp import SmppConfig

Pattern = Annotated[str, msgspec.Meta(pattern="^[A-Z]{3}$", examples=["EUR"])]
SECRET = "hunter2"


class Colour(Enum):
    RED = "red"
    BLUE = "blue"


class Inner(msgspec.Struct):
    tone: Literal["high", "low"] | None = None
    currency: Pattern | None = None


class Form(msgspec.Struct):
    many: tuple[Inner, ...] = ()
    pair: tuple[int, Literal["x", "y"]] | None = None
    named: dict[str, Inner] = {}
    keyed: dict[Pattern, int] = {}
    colour: Colour = Colour.RED
    number: Literal[1, 2] = 1
    blank: Literal["", "a b", ","] = ""
    hers: Annotated[
        str, msgspec.Meta(pattern="^Q+$", description="use Q only", examples=["QQ"])
    ] = ""
    bare: Annotated[str, msgspec.Meta(pattern="^Z+$")] = ""


class Cat(msgspec.Struct, tag_field="is"):
    every: Literal["mouse"] = "mouse"


class Dog(msgspec.Struct, tag_field="is"):
    every: Literal["bone", "shoe"] = "bone"


def told(given: object, kind: Any = Form) -> Misfit:
    with pytest.raises(msgspec.ValidationError) as refused:
        msgspec.convert(given, kind)
    return misfit(refused.value, kind, given)


@pytest.mark.parametrize(
    ("given", "field", "fix"),
    [
        ({"many": [{}, {"tone": SECRET}]}, "many[1].tone", "use one of: high, low"),
        ({"pair": [1, SECRET]}, "pair[1]", "use one of: x, y"),
        ({"named": {"n": {"tone": SECRET}}}, "named[...].tone", "use one of: high, low"),
        ({"colour": SECRET}, "colour", "use one of: red, blue"),
        ({"number": 3}, "number", "use one of: 1, 2"),
        ({"blank": SECRET}, "blank", 'use one of: "", ",", "a b"'),
        ({"colour": f"{SECRET}' - at `$.many`"}, "colour", "use one of: red, blue"),
    ],
)
def test_a_value_that_is_none_of_a_list_is_told_with_the_list(
    given: object, field: str, fix: str
) -> None:
    wrong = told(given)
    assert (wrong.field, wrong.fix) == (field, fix)
    assert SECRET not in str(wrong)


def test_the_value_that_is_closest_comes_first() -> None:
    assert told({"colour": "bleu"}).fix == "use one of: blue, red"
    assert told({"colour": "read"}).fix == "use one of: red, blue"


def test_of_many_values_only_the_closest_are_told_and_how_many_there_are() -> None:
    many = Literal[tuple(f"value-{number}" for number in range(MOST_LISTED + 1))]  # type: ignore[valid-type]
    fix = told("valu-17", many).fix
    assert fix.startswith("use one of: value-17, ")
    assert fix.endswith(f"or of {MOST_LISTED + 1 - 5} others")
    assert fix.count("value-") == 5


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"many": [{"currency": SECRET}]}, 'many[0].currency: is not a currency; use the ISO 4217 code in capitals, such as "EUR"'),
        ({"keyed": {SECRET: 1}}, 'keyed: is not a currency; use the ISO 4217 code in capitals, such as "EUR"'),
        ({"hers": SECRET}, 'hers: is not of its form; use Q only, such as "QQ"'),
        ({"bare": SECRET}, "bare: is not of its form; it has to match ^Z+$"),
    ],
)  # fmt: skip
def test_a_form_is_told_in_words_with_an_example(given: object, said: str) -> None:
    assert str(told(given)) == said


def test_where_several_kinds_may_stand_its_tag_tells_which_was_meant() -> None:
    assert told({"is": "Cat", "every": "x"}, Cat | Dog).fix == "use one of: mouse"
    assert told({"is": "Dog", "every": "x"}, Cat | Dog).fix == "use one of: bone, shoe"
    assert told({"is": "Cow"}, Cat | Dog).fix == "use one of: Cat, Dog"


def test_what_msgspec_says_of_all_else_is_kept_behind_its_field() -> None:
    assert str(told({"number": "1"})) == "number: Expected `int`, got `str`"
    assert str(told([])) == "Expected `object`, got `array`"


# --- every pattern of ours has its words ---------------------------------------------------------


def patterns_in(kind: inspect.Type, seen: frozenset[type] = frozenset()) -> Iterator[inspect.Type]:
    """Every text with a pattern in a type, with what is said beside it."""
    bare = kind.type if isinstance(kind, inspect.Metadata) else kind
    if isinstance(bare, inspect.StrType) and bare.pattern:
        yield kind
    inner: list[inspect.Type] = list(getattr(bare, "types", ()))
    inner += getattr(bare, "item_types", ())
    inner += [
        getattr(bare, name)
        for name in ("item_type", "key_type", "value_type")
        if hasattr(bare, name)
    ]
    if isinstance(bare, inspect.StructType) and bare.cls not in seen:
        seen |= {bare.cls}
        inner += [field.type for field in bare.fields]
    for each in inner:
        yield from patterns_in(each, seen)


def parameters() -> Iterator[Any]:
    """The types of the path and query parameters of the API."""
    app = create_app(Mock())
    for route in app.routes:
        for handler in getattr(route, "route_handlers", ()):
            for name, field in handler.parsed_fn_signature.parameters.items():
                if field.kwarg_definition is not None:
                    yield handler.signature_model.__annotations__[name]


BODIES = [
    kind
    for kind in vars(bodies).values()
    if isinstance(kind, type) and issubclass(kind, msgspec.Struct)
]
KINDS = [
    *BODIES, AllocationRequest, ScheduleAsked, InterestRequest, CapRequest, LimitationRequest,
    plan_preview.PlanAsked, plan_preview.TwoAsked, CaseFile, Mapping, From, Source, Settings,
    ChannelOptions, PrinterConfig, KannelConfig, SmppConfig,
]  # fmt: skip


def test_every_pattern_that_an_input_of_ours_must_match_has_words_and_no_regular_expression() -> (
    None
):
    kinds = [*KINDS, *parameters()]
    found = {repr(each): each for kind in kinds for each in patterns_in(inspect.type_info(kind))}
    assert len({text_of(each).pattern for each in found.values()}) > 18
    for each in found.values():
        meta: dict[str, Any] = {}
        if isinstance(each, inspect.Metadata):
            meta = each.extra_json_schema or {}
        form = Annotated[
            str,
            msgspec.Meta(
                pattern=text_of(each).pattern,
                examples=meta.get("examples"),
                description=meta.get("description"),
            ),
        ]
        said = str(told("\n\n", form))
        assert "; use " in said or "; write " in said, said
        assert "^" not in said, said


def text_of(kind: inspect.Type) -> inspect.StrType:
    bare = kind.type if isinstance(kind, inspect.Metadata) else kind
    assert isinstance(bare, inspect.StrType)
    return bare

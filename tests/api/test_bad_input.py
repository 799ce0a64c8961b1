"""Whatever comes in, the answer is a problem with a status below 500, and quotes nobody."""

import json
import random
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from litestar import Litestar
from litestar.testing import TestClient
from tests.api.conftest import As, Caller, a_case
from tests.api.test_access import concrete

from duecourse_api import bodies
from duecourse_api.examples import EXAMPLES
from duecourse_api.roles import RULES

PER_ROUTE = 120
RANDOM = 20_260_302


def test_no_mutant_of_a_request_is_answered_with_a_server_error(
    by: As, client: TestClient[Litestar], case: str
) -> None:
    draw = random.Random(RANDOM)
    statuses: dict[int, int] = {}
    paths = client.get("/schema/openapi.json").json()["paths"]
    for method, path, body in corpus(draw, paths, case):
        caller = by("legal")
        answer = caller.get(path) if method == "GET" else caller.post(path, body)
        statuses[answer.status_code] = statuses.get(answer.status_code, 0) + 1
        assert answer.status_code < 500, (method, path, body, answer.text)
    assert sum(statuses.values()) > 4000
    assert statuses[400] > 2000, statuses
    assert statuses[200] + statuses[201] > 100, statuses
    assert client.get("/health/live").status_code == 200


def corpus(draw: random.Random, paths: dict, case: str) -> Iterator[tuple[str, str, bytes]]:
    """Each route with its own example changed a little, and with odd names in its path."""
    for method, template in RULES:
        path = concrete(template).replace("/cases/00000000-0000-0000-0000-000000000001", case)
        content = paths.get(template, {}).get("post", {}).get("requestBody", {}).get("content", {})
        example = content.get("application/json", {}).get("example", {})
        body = json.dumps(example, ensure_ascii=False).encode()
        for _ in range(PER_ROUTE):
            mutant = draw.choice(MUTATIONS)(draw, body)
            asked = method == "GET" or draw.random() < 0.1
            query = f"?{draw.choice(PARAMETERS)}={draw.choice(ODD)}" if asked else ""
            yield method, path + query, mutant
        for odd in ODD:
            named = path.replace("P-1", odd).replace("H-1", odd).replace("mobile", odd)
            yield method, named.replace("A-1", odd), body


def _flip(draw: random.Random, body: bytes) -> bytes:
    changed = bytearray(body)
    for _ in range(draw.randint(1, 4)):
        changed[draw.randrange(len(changed))] = draw.randrange(256)
    return bytes(changed)


def _cut(draw: random.Random, body: bytes) -> bytes:
    return body[: draw.randrange(len(body))] + body[draw.randrange(len(body)) :]


def _repeat(draw: random.Random, body: bytes) -> bytes:
    at = draw.randrange(len(body))
    return body[:at] + body[at : at + draw.randint(1, 9)] * draw.randint(2, 500) + body[at:]


def _insert(draw: random.Random, body: bytes) -> bytes:
    at = draw.randrange(len(body))
    return body[:at] + draw.choice(NASTY) + body[at:]


def _swap(draw: random.Random, body: bytes) -> bytes:
    """Another value somewhere in the document, of any type."""
    document = json.loads(body)
    place: Any = document
    while isinstance(place, dict | list) and place:
        keys = list(place) if isinstance(place, dict) else list(range(len(place)))
        key = draw.choice(keys)
        if not isinstance(place[key], dict | list) or draw.random() < 0.3:
            place[key] = draw.choice(VALUES)
            break
        place = place[key]
    return json.dumps(document).encode()


MUTATIONS: list[Callable[[random.Random, bytes], bytes]] = [_flip, _cut, _repeat, _insert, _swap]
NASTY = [
    b"\xff\xfe", b"\xed\xa0\x80", b"\\ud800", b"\\u0000", b"\x00", b"[" * 5000, b'{"a":' * 5000,
    b"1e999", b"-", b"9" * 400, b'"', b"\xef\xbb\xbf", b"\\", "\u202e".encode(), b"\r\n",
]  # fmt: skip
VALUES: list[Any] = [
    None, True, -1, 0, 10**15 + 1, 10**30, 0.1, 1e308, "", "NaN", "\0", "\ud800", "\u202e", "x" * 3000,
    "2026-02-30", "0001-01-01", "9999-12-31", "9999-12-31T23:59:59-14:00", "2026-03-02T04:00:00",
    "00000000-0000-0000-0000-000000000000", [], {}, [[]], {"a": 1}, "' OR 1=1 --", "../../etc/passwd",
    "CNY", "JPY", "Asia/Shanghai", "+8615400000000", "闇" * 1000,
]  # fmt: skip
ODD = [
    "%00", "%ff", "%2e%2e", "%ed%a0%80", "-1", "0", "1e9", "999999999999999999999", "a" * 300, "%0d%0a",
    "9999-12-31T23:59:59Z", "0001-01-01T00:00:00%2B14:00", "2026-03-02T04:00:00Z", "%27", "null",
]  # fmt: skip
PARAMETERS = [
    "limit", "cursor", "stage", "creditor", "attention", "hold", "version", "as_of", "after",
    "channel", "at", "point_id", "dry_run", "unknown", "%00",
]  # fmt: skip


@pytest.mark.parametrize(
    ("body", "name"),
    [
        (b'{"creditor": "\xff"}', "malformed"),
        (b'{"creditor": "a"', "malformed"),
        (b"[" * 1_000_000, "invalid-field"),
        (b'{"debtor": ' + b'{"name": ' * 100_000, "invalid-field"),
        (b'{"creditor": "\\ud800"}', "malformed"),
        (b"", "malformed"),
        (b"\xef\xbb\xbf{}", "malformed"),
        (b"null", "invalid-field"),
    ],
)
def test_what_cannot_be_read_is_a_bad_request(collector: Caller, body: bytes, name: str) -> None:
    answer = collector.post("/cases", body)
    assert answer.status_code == 400
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["type"] == f"urn:duecourse:problem:{name}"
    assert set(answer.json()) <= {"type", "title", "status", "detail", "field"}


SECRET = "13912345678"


@pytest.mark.parametrize(
    ("place", "value", "field"),
    [
        (("creditor",), SECRET + "!", "creditor"),
        (("debtor", "language"), SECRET, "debtor.language"),
        (("debtor", "name"), f"{SECRET}\0", "debtor.name"),
        (("debtor", "time_zone"), "Asia/Nowhere", "debtor.time_zone"),
        (("debtor", "jurisdiction"), "China", "debtor.jurisdiction"),
        (("contact_points", 0, "address"), SECRET, "contact_points[0].address"),
        (("contact_points", 1, "address"), f"a\r\nBcc: {SECRET}@example.com", "contact_points[1].address"),
        (("contact_points", 0, "kind"), SECRET, "contact_points[0].kind"),
        (("debts", 0, "balance", "principal"), SECRET, "debts[0].balance.principal"),
        (("debts", 0, "balance", "principal"), 0.1, "debts[0].balance.principal"),
        (("debts", 0, "balance", "principal"), -1, "debts[0].balance.principal"),
        (("debts", 0, "balance", "principal"), 10**15 + 1, "debts[0].balance.principal"),
        (("debts", 0, "currency"), "XXQ", "debts[0].currency"),
        (("debts", 0, "due_on"), "9999-12-31", "debts[0].due_on"),
        (("debts", 0, "due_on"), SECRET, "debts[0].due_on"),
        (("debts", 0, "debt_id"), SECRET, "debts[0].debt_id"),
        (("subject_id",), SECRET, "subject_id"),
        (("debts",), [], "debts"),
    ],
)  # fmt: skip
def test_the_wrong_field_is_named_and_its_value_is_not(
    collector: Caller, place: tuple, value: Any, field: str
) -> None:
    body: Any = a_case()
    inner = body
    for step in place[:-1]:
        inner = inner[step]
    inner[place[-1]] = value
    answer = collector.post("/cases", body)
    assert (answer.status_code, answer.json()["field"]) == (400, field), answer.text
    assert SECRET not in answer.text


@pytest.mark.parametrize(
    ("place", "value", "said"),
    [
        (("debtor", "language"), SECRET, "use one of: en, zh"),
        (("contact_points", 0, "kind"), "phon", "use one of: phone, email, other, postal"),
        (("debts", 0, "currency"), "yuan", 'use the ISO 4217 code in capitals, such as "CNY"'),
        (("creditor",), "a bank", 'begin with a letter or digit, such as "fictional-bank"'),
    ],
)
def test_a_field_that_is_not_of_its_form_is_told_with_what_may_stand_there(
    collector: Caller, place: tuple, value: str, said: str
) -> None:
    body: Any = a_case()
    inner = body
    for step in place[:-1]:
        inner = inner[step]
    inner[place[-1]] = value
    detail = collector.post("/cases", body).json()["detail"]
    assert said in detail
    assert f"{value!r}" not in detail
    assert "regex" not in detail


@pytest.mark.parametrize(
    ("query", "field", "said"),
    [
        ("stage=negotiatin", "stage", "use one of: negotiation, "),
        ("attntion=reply_waits", "attntion", "unknown query parameter; there are: attention, "),
        ("hold=disputes", "hold", "use one of: dispute, "),
        ("creditor=a%20bank", "creditor", 'begin with a letter or digit, such as "A-1"'),
    ],
)
def test_a_parameter_that_is_not_of_its_form_is_told_with_what_may_stand_there(
    collector: Caller, query: str, field: str, said: str
) -> None:
    problem = collector.get(f"/cases?{query}").json()
    assert (problem["status"], problem["field"]) == (400, field)
    assert said in problem["detail"]
    assert "regex" not in problem["detail"]


def test_a_body_above_one_mebibyte_is_too_large(collector: Caller) -> None:
    answer = collector.post("/cases", b" " * ((1 << 20) + 1))
    assert (answer.status_code, answer.json()["type"]) == (413, "urn:duecourse:problem:too-large")


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [("GET", "/nothing", 404), ("PUT", "/cases", 405), ("GET", "/cases/not-an-id", 404)],
)
def test_what_is_not_there_is_a_problem_too(
    client: TestClient[Litestar], method: str, path: str, status: int
) -> None:
    answer = client.request(method, path)
    assert (answer.status_code, answer.json()["status"]) == (status, status)
    assert answer.headers["content-type"] == "application/problem+json"


def test_characters_of_four_bytes_are_kept_as_they_are(collector: Caller) -> None:
    body = a_case()
    body["debtor"]["name"] = "𠮷示例"
    case_id = collector.post("/cases", body).json()["case_id"]
    assert collector.get(f"/cases/{case_id}").json()["case"]["debtor"]["name"] == "𠮷示例"


def test_every_body_has_an_example_that_is_accepted_by_its_type() -> None:
    made = {
        name
        for name, kind in vars(bodies).items()
        if isinstance(kind, type) and issubclass(kind, bodies.Body)
    } - {"Body", "NewDebtor", "NewInstalment", "NewIncome", "NewExpense", "NewHours"}
    assert made == set(EXAMPLES)
    for name, example in EXAMPLES.items():
        bodies.msgspec.convert(example, getattr(bodies, name))


def test_the_schema_declares_problems_examples_and_no_empty_item(
    client: TestClient[Litestar],
) -> None:
    answer = client.get("/schema/openapi.json")
    document = answer.json()
    assert document["openapi"].startswith("3.1")
    assert '"oneOf":[{}' not in answer.text.replace(" ", "")
    assert ",{}]" not in answer.text.replace(" ", "").replace('"security":[{}]', "")
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            problem = operation["responses"]["400"]["content"]
            assert list(problem) == ["application/problem+json"], (method, path)
            for content in operation.get("requestBody", {}).get("content", {}).values():
                assert content["example"] == EXAMPLES[content["schema"]["$ref"].split("/")[-1]]


def test_the_examples_of_the_schema_are_accepted(by: As) -> None:
    legal = by("legal")
    case_id = legal.post("/cases", EXAMPLES["NewCase"]).json()["case_id"]
    for method, template in RULES:
        path = concrete(template).replace("00000000-0000-0000-0000-000000000001", case_id)
        if method != "POST" or not path.startswith("/cases/") or path.count("/") > 3:
            continue
        if path.endswith("/refunds"):  # nothing is held that could go back
            continue
        example = next(EXAMPLES[name] for route, name in EXAMPLE_OF.items() if path.endswith(route))
        if "debt_id" in example or path.endswith("/disputes"):
            debt_id = next(iter(legal.get(f"/cases/{case_id}").json()["case"]["debts"]))
            example = example | {"debt_id": debt_id}
        answer = legal.post(path, example)
        assert answer.status_code in {200, 201, 409}, (path, answer.text)


EXAMPLE_OF = {
    "/debts": "NewDebt",
    "/contact-points": "NewContactPoint",
    "/stage": "NewStage",
    "/closure": "Closure",
    "/reopening": "Because",
    "/contacts": "NewContact",
    "/conversations": "NewConversation",
    "/replies": "NewReply",
    "/opt-outs": "ChannelChoice",
    "/opt-ins": "ChannelChoice",
    "/promises": "NewPromise",
    "/affordability": "NewAssessment",
    "/plans": "NewPlan",
    "/payments": "NewPayment",
    "/costs": "NewCosts",
    "/adjustments": "NewAdjustment",
    "/holds": "NewHold",
    "/disputes": "NewDispute",
    "/referrals": "NewReferral",
    "/consents": "NewConsent",
    "/consent-withdrawals": "ConsentEnd",
    "/agreed-hours": "NewAgreement",
    "/refused-media": "MediumChoice",
    "/allowed-media": "MediumChoice",
    "/facts": "NewFact",
    "/bureau-reports": "NewBureauReport",
}

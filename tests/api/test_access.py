"""Who gets in, and what they see."""

import time
import uuid
from collections.abc import Iterator

import pytest
from litestar import Litestar
from litestar.testing import TestClient
from tests.api.conftest import As, Caller, a_case

from duecourse.store.api_keys import KEY_ROLES, ApiKeys
from duecourse.store.database import Database
from duecourse_api.login import TRUSTED_SECONDS
from duecourse_api.roles import ANY, RULES, SEE_PERSONAL, access_to
from duecourse_api.services import Services

# Litestar's own, which answer 404: no rule, so nobody gets in.
WITHOUT_RULE = {("GET", "/schema"), ("GET", "/schema/{path}")}
SOMETHING = {
    "{case_id}": str(uuid.UUID(int=1)),
    "{contact_id}": str(uuid.UUID(int=2)),
    "{debt_id}": str(uuid.UUID(int=2)),
    "{promise_id}": str(uuid.UUID(int=2)),
    "{plan_id}": str(uuid.UUID(int=2)),
    "{referral_id}": str(uuid.UUID(int=2)),
    "{entry_id}": str(uuid.UUID(int=2)),
    "{payment_id}": "P-1",
    "{refund_id}": "P-1",
    "{hold_id}": "H-1",
    "{agreement_id}": "A-1",
    "{adjustment_id}": "A-1",
    "{point_id}": "mobile",
    "{channel}": "sms",
    "{path}": "redoc",
}


def concrete(path: str) -> str:
    for name, value in SOMETHING.items():
        path = path.replace(name, value)
    return path


def routes_of(app: Litestar) -> Iterator[tuple[str, str]]:
    for route in app.routes:
        for method in route.methods:
            if method != "OPTIONS":
                yield method, route.path_format


def test_every_route_has_a_rule_and_every_rule_a_route(app: Litestar) -> None:
    assert set(routes_of(app)) == set(RULES) | WITHOUT_RULE


def test_a_route_without_a_rule_lets_nobody_in(by: As) -> None:
    assert access_to("GET", "/forgotten") == frozenset()
    for _, path in WITHOUT_RULE:
        assert {by(role).get(concrete(path)).status_code for role in KEY_ROLES} == {403}


@pytest.mark.parametrize("role", KEY_ROLES)
def test_each_role_may_do_what_its_rule_says_and_nothing_else(by: As, role: str) -> None:
    for (method, path), access in RULES.items():
        if not isinstance(access, frozenset):
            continue
        caller = by(role)
        answer = caller.get(concrete(path)) if method == "GET" else caller.post(concrete(path), b"")
        assert (answer.status_code == 403) == (role not in access), (method, path, answer.text)


def test_nothing_but_liveness_and_the_schema_is_open(client: TestClient[Litestar]) -> None:
    opened = set()
    for method, path in RULES:
        answer = client.request(method, concrete(path))
        if answer.status_code == 200:
            opened.add(path)
        else:
            assert answer.status_code == 401, (path, answer.text)
            assert answer.headers["content-type"] == "application/problem+json"
    assert opened == {"/health/live", "/schema/openapi.json"}


def test_an_auditor_writes_nothing_and_a_webhook_key_reads_nothing() -> None:
    for (method, _), access in RULES.items():
        if isinstance(access, frozenset) and access != ANY:
            assert not (method == "POST" and access & {"auditor", "analyst"})
            assert not (method == "GET" and "webhook" in access)


def test_only_legal_staff_approve_what_is_no_plan(by: As) -> None:
    rules = {path: access for (_, path), access in RULES.items() if path.endswith("/approval")}
    # A plan is approved by any colleague; who may not is for the case to say.
    plans = {path for path in rules if "/plans/" in path}
    assert {rules[path] for path in rules.keys() - plans} == {frozenset({"legal"})}


@pytest.mark.parametrize(
    "header",
    [
        {"Authorization": "Bearer"},
        {"Authorization": "Bearer dck_0123456789abcdef_" + "A" * 43},
        {"Authorization": "Basic ZGNrOg=="},
        {"X-API-Key": "dck_"},
        {"X-API-Key": "' OR 1=1 --"},
        {"X-API-Key": "\u00ff" * 5000},
    ],
)
def test_what_is_no_key_opens_nothing(client: TestClient[Litestar], header: dict[str, str]) -> None:
    raw = {name: value.encode("latin-1") for name, value in header.items()}
    answer = client.get("/cases", headers=raw)
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"].startswith("Bearer")


def test_either_header_carries_the_key(client: TestClient[Litestar], keys: dict[str, str]) -> None:
    for header in ({"X-API-Key": keys["analyst"]}, {"Authorization": f"bearer {keys['analyst']}"}):
        assert client.get("/cases", headers=header).status_code == 200


def test_a_revoked_key_opens_nothing_a_moment_later(
    client: TestClient[Litestar], services: Services
) -> None:
    text = services.keys.create("li.temporary", "collector")
    assert client.get("/cases", headers={"X-API-Key": text}).status_code == 200
    key_id = text.split("_")[1]
    assert services.keys.revoke(key_id)
    time.sleep(TRUSTED_SECONDS)
    assert client.get("/cases", headers={"X-API-Key": text}).status_code == 401
    assert not services.keys.revoke(key_id)


def test_a_key_with_one_character_changed_opens_nothing(services: Services) -> None:
    text = services.keys.create("li.exact", "legal")
    found = services.keys.find(text)
    assert found is not None
    assert (found.name, found.role) == ("li.exact", "legal")
    for place in range(len(text)):
        other = "0" if text[place] != "0" else "1"
        assert services.keys.find(text[:place] + other + text[place + 1 :]) is None


def test_the_table_of_keys_holds_no_secret(database: Database) -> None:
    keys = ApiKeys(database)
    secret = keys.create("li.secret", "legal").split("_", 2)[2]
    with database.connection() as connection:
        dump = str(connection.execute("SELECT * FROM api_keys").fetchall())
    assert secret not in dump
    assert secret not in repr(keys.list())


@pytest.mark.parametrize(("name", "role"), [("li", "system"), ("li", "king"), ("李 四", "legal")])
def test_a_key_of_no_such_role_or_name_is_not_made(
    services: Services, name: str, role: str
) -> None:
    with pytest.raises(ValueError, match=r"role|name"):
        services.keys.create(name, role)  # type: ignore[arg-type]


# --- masking -----------------------------------------------------------------------------------

SECRETS = ("王虚构", "330102199001011234", "B-canary", "A-canary", "+8613912345678")
NOTES = ("canary-note", "canary-evidence", "canary-reply", "canary-reference", "canary-court")


@pytest.fixture
def told(by: As) -> str:
    """A case in which every kind of personal text holds a canary."""
    name, national_id, borrower, account, phone = SECRETS
    note, evidence, reply, reference, court = NOTES
    body = a_case()
    body["borrower_ref"] = f"{borrower}-{body['borrower_ref']}"
    body["debtor"] |= {"name": name, "national_id": national_id}
    body["debts"][0]["account"] = account
    body["contact_points"][0]["address"] = phone
    legal = by("legal")
    case = f"/cases/{legal.post('/cases', body).json()['case_id']}"
    talk = {"channel": "call", "outcome": "refused_to_pay", "initiator": "debtor", "note": note}
    at = {"occurred_at": "2026-03-02T11:00:00+08:00"}
    plan = {
        "kind": "instalments", "currency": "CNY", "expires_on": "2026-03-16",
        "count": 2, "first_due_on": "2026-03-31",
    }  # fmt: skip
    money = {"payment_id": "P-1", "currency": "CNY", "amount_minor": 1, "value_on": "2026-03-02"}
    post(legal, f"{case}/conversations", talk | at)
    post(legal, f"{case}/replies", {"channel": "sms", "text": reply, "reply_id": "in-1"} | at)
    post(legal, f"{case}/replies/in-1/read", {"outcome": "answered", "note": note})
    plan_id = post(legal, f"{case}/plans", plan)[0]["plan_id"]
    post(legal, f"{case}/plans/{plan_id}/acceptance", {"evidence": evidence})
    post(legal, f"{case}/plans/{plan_id}/withdrawal", {"reason": "debtor asked"})
    post(legal, f"{case}/payments", money | {"reference": reference})
    referral = post(by("collector"), f"{case}/referrals", {"grounds": "refused"})[-1]["referral_id"]
    path = f"{case}/referrals/{referral}"
    post(legal, f"{path}/approval", {"adapter": "cn-court"})
    outcome = {"outcome": "accepted", "occurred_on": "2026-03-02"}
    post(legal, f"{path}/outcomes", outcome | {"court_reference": court, "note": note})
    return case


def post(caller: Caller, path: str, body: dict) -> list[dict]:
    answer = caller.post(path, body)
    assert answer.status_code in {200, 201}, answer.text
    return answer.json()["events"]


def seen_by(caller: Caller, case: str) -> str:
    paths = (case, f"{case}?version=4", f"{case}/history", f"{case}/contact-permission?channel=sms")
    return "\n".join(caller.get(path).text for path in paths)


def test_personal_texts_are_seen_by_those_who_need_them_only(by: As, told: str) -> None:
    for role in KEY_ROLES:
        text = seen_by(by(role), told)
        found = {canary for canary in (*SECRETS, *NOTES) if canary in text}
        assert found == (set(SECRETS) | set(NOTES) if role in SEE_PERSONAL else set()), role


def test_a_masked_answer_does_not_tell_whether_a_text_is_empty(by: As) -> None:
    case = f"/cases/{by('legal').post('/cases', a_case()).json()['case_id']}"
    debtor = by("analyst").get(case).json()["case"]["debtor"]
    assert debtor["national_id"] == debtor["name"] == "•••"


def test_the_answer_to_a_change_is_masked_too(by: As, told: str) -> None:
    body = {"channel": "sms", "text": "canary-new", "occurred_at": "2026-03-02T11:30:00+08:00"}
    answer = by("webhook").post(f"{told}/replies", body)
    assert answer.status_code == 201
    assert "canary-new" not in answer.text

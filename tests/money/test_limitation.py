"""The limitation clock of five places: by the letter of each law, and day by day."""

import os
import random
from collections import Counter
from datetime import date, timedelta
from itertools import permutations

import msgspec
import pytest

from duecourse.money.figures import Refused
from duecourse.money.limitation import limitation_clock
from duecourse.money.limitation_laws import law_names, limitation_law
from duecourse.money.limitation_terms import LimitationClock, LimitationRequest

CASES = int(os.environ.get("DUECOURSE_MONEY_CASES", "10000")) * 1 // 100
DAY = timedelta(days=1)


def clock(law: str, starts_on: str, *events: dict[str, object], **more: object) -> LimitationClock:
    plain = {"law": law, "starts_on": starts_on, "as_of": "2026-11-30", "events": list(events)}
    return limitation_clock(msgspec.convert(plain | more, LimitationRequest))


def act(on: str, name: str, **more: object) -> dict[str, object]:
    return {"on": on, "act": name, **more}


ARRIVED = {"has": ["arrived"]}
SIGNED = {"has": ["in_writing", "signed"]}
SERVED = {"has": ["served"]}
VECTORS = [
    # --- China: three years, Civil Code art. 188 -----------------------------------------------
    ("cn", "2024-05-10", [], "2027-05-10", "running"),
    ("cn", "2024-02-29", [], "2027-02-28", "running"),
    ("cn", "2023-05-10", [], "2026-05-10", "expired"),
    # The last day itself is still in time.
    ("cn", "2023-11-30", [], "2026-11-30", "running"),
    ("cn", "2023-11-29", [], "2026-11-29", "expired"),
    # Art. 195: a demand that arrived restarts; one that did not does nothing.
    ("cn", "2023-05-10", [act("2024-01-05", "demand", **ARRIVED)], "2027-01-05", "running"),
    ("cn", "2023-05-10", [act("2024-01-05", "demand")], "2026-05-10", "expired"),
    ("cn", "2023-05-10", [act("2024-01-05", "acknowledgement")], "2027-01-05", "running"),
    ("cn", "2023-05-10", [act("2024-01-05", "part_payment")], "2027-01-05", "running"),
    ("cn", "2023-05-10", [act("2024-01-05", "plan")], "2027-01-05", "running"),
    ("cn", "2022-05-10", [act("2024-01-05", "part_payment"), act("2026-02-01", "plan")],
     "2029-02-01", "running"),
    # A suit: nothing runs while it is pending, and from its end three years anew.
    ("cn", "2023-05-10", [act("2024-01-05", "filing")], None, "pending"),
    ("cn", "2023-05-10", [act("2024-01-05", "filing", until="2025-03-04")], "2028-03-04", "running"),
    ("cn", "2023-05-10", [act("2024-01-05", "filing", until="2027-03-04")], "2030-03-04", "pending"),
    # Art. 194: an obstacle in the last six months lets the period end six months after it.
    ("cn", "2023-12-20", [act("2026-08-01", "suspension", until="2026-09-15")], "2027-03-15", "running"),
    ("cn", "2023-12-20", [act("2026-01-01", "suspension", until="2026-06-20")], "2026-12-20", "running"),
    ("cn", "2023-12-20", [act("2026-01-01", "suspension", until="2026-06-21")], "2026-12-21", "running"),
    ("cn", "2023-12-20", [act("2026-08-01", "suspension")], None, "suspended"),
    # Twenty years, however often it was restarted and whenever it was known.
    ("cn", "2007-03-01", [act(f"{y}-02-01", "part_payment") for y in range(2009, 2027, 2)],
     "2027-03-01", "running"),
    # Too late: what comes after the end does not bring it back.
    ("cn", "2020-05-10", [act("2023-05-11", "demand", **ARRIVED)], "2023-05-10", "expired"),
    ("cn", "2020-05-10", [act("2023-05-10", "demand", **ARRIVED)], "2026-05-10", "expired"),
    # Before 1 October 2017 it was two years. SPC 2018 no. 12 art. 3: what had run out stays so; art. 2:
    # what was still running on that day has three, from its own start.
    ("cn", "2015-05-10", [], "2017-05-10", "expired"),
    ("cn", "2015-09-30", [], "2017-09-30", "expired"),
    ("cn", "2015-10-01", [], "2018-10-01", "expired"),
    ("cn", "2017-09-30", [], "2020-09-30", "expired"),
    ("cn", "2010-05-10", [], "2016-01-15", "expired", {"known_on": "2014-01-15"}),
    # What came after the two years brings nothing back, however often it was asked for.
    ("cn", "2015-05-10", [act(f"{y}-02-01", "demand", **ARRIVED) for y in (2018, 2020, 2023, 2026)],
     "2017-05-10", "expired"),
    # What came before their end begins two years, which become three if they still run.
    ("cn", "2013-05-10", [act("2015-02-01", "demand", **ARRIVED)], "2017-02-01", "expired"),
    ("cn", "2013-05-10", [act("2015-05-11", "demand", **ARRIVED)], "2015-05-10", "expired"),
    ("cn", "2014-05-10", [act("2016-02-01", "part_payment")], "2019-02-01", "expired"),
    ("cn", "2014-05-10", [act(d, "plan") for d in ("2016-02-01", "2019-01-31", "2022-01-30", "2025-01-30")],
     "2028-01-30", "running"),
    ("cn", "2014-05-10", [act("2015-01-05", "filing", until="2015-09-30")], "2017-09-30", "expired"),
    ("cn", "2014-05-10", [act("2015-01-05", "filing", until="2015-10-01")], "2018-10-01", "expired"),
    # GPCL art. 139: after an obstacle only the days that were left; art. 4 of 2018 no. 12: the six
    # months where the obstacle was still there on 1 October 2017.
    ("cn", "2015-05-10", [act("2017-05-01", "suspension", until="2017-09-20")], "2017-09-30", "expired"),
    ("cn", "2015-05-10", [act("2017-05-01", "suspension", until="2017-09-21")], "2018-05-10", "expired"),
    ("cn", "2015-05-10", [act("2016-01-01", "suspension", until="2017-01-10")], "2017-07-10", "expired"),
    ("cn", "2015-05-10", [act("2017-05-01", "suspension", until="2018-03-01")], "2018-09-01", "expired"),
    # Of the three years too, an obstacle that was over by then holds up only the days that were left.
    ("cn", "2015-03-01", [act("2016-12-01", "suspension", until="2017-08-20"),
                          act("2017-09-10", "suspension", until="2017-09-20")], "2018-03-12", "expired"),
    # A judgment: two years to apply for enforcement.
    ("cn", "2023-05-10", [act("2024-01-05", "filing", until="2025-03-04"), act("2025-03-04", "judgment")],
     "2027-03-04", "running"),
    # CPL art. 250, SPC enforcement procedure art. 20: each of these begins the two years anew.
    *(("cn", "2020-05-10", [act("2023-01-01", "judgment"), act("2025-01-01", name, **more)], ends, state)
      for name, more, ends, state in (
          ("demand", ARRIVED, "2027-01-01", "running"), ("demand", {}, "2025-01-01", "expired"),
          ("acknowledgement", {}, "2027-01-01", "running"), ("plan", {}, "2027-01-01", "running"),
          ("part_payment", {}, "2027-01-01", "running"), ("enforcement", {}, "2027-01-01", "running"),
          ("filing", {}, "2025-01-01", "expired"), ("negotiation", {}, "2025-01-01", "expired"))),
    ("cn", "2020-05-10", [act("2023-01-01", "judgment"), act("2025-01-02", "part_payment")],
     "2025-01-01", "expired"),
    # Art. 19: after an obstacle in the last six months what was left of them goes on.
    ("cn", "2020-05-10", [act("2023-01-01", "judgment"), act("2024-12-01", "suspension", until="2026-11-20")],
     "2026-12-22", "running"),
    ("cn", "2020-05-10", [act("2023-01-01", "judgment"), act("2024-01-01", "suspension", until="2024-06-30")],
     "2025-01-01", "expired"),
    # All six of them by the calendar, and a part of them never more than six.
    ("cn", "2020-05-10", [act("2022-08-30", "judgment"), act("2024-03-01", "suspension", until="2024-03-01")],
     "2024-09-01", "expired"),
    ("cn", "2020-05-10", [act("2022-12-31", "judgment"), act("2024-07-02", "suspension", until="2025-08-31")],
     "2026-02-28", "expired"),
    # An enforcement without a judgment is none.
    ("cn", "2020-05-10", [act("2023-01-01", "enforcement")], "2023-05-10", "expired"),
    # --- Germany: three years from the end of the year, BGB §§ 195, 199 ------------------------
    ("de", "2023-01-01", [], "2026-12-31", "running"),
    ("de", "2023-12-31", [], "2026-12-31", "running"),
    ("de", "2022-12-31", [], "2025-12-31", "expired"),
    # A demand letter does nothing.
    ("de", "2022-05-10", [act("2024-01-05", "demand", **ARRIVED)], "2025-12-31", "expired"),
    # § 212: a part payment or acknowledgement restarts from its own day, without the year's end.
    ("de", "2022-05-10", [act("2024-01-05", "part_payment")], "2027-01-05", "running"),
    ("de", "2022-05-10", [act("2025-12-31", "acknowledgement")], "2028-12-31", "running"),
    # In the year of the claim no period was running yet that it could restart.
    ("de", "2023-05-10", [act("2023-06-01", "part_payment")], "2026-12-31", "running"),
    # § 204: service of the payment order suspends, until six months after it is over: 31 days
    # were left on 1 December, and run again from 1 August.
    ("de", "2022-05-10", [act("2025-12-01", "filing", until="2026-01-31", **SERVED)], "2026-08-31", "expired"),
    ("de", "2023-05-10", [act("2025-12-01", "filing", until="2026-01-31", **SERVED)], "2027-08-31", "running"),
    ("de", "2022-05-10", [act("2025-12-01", "filing", until="2026-01-31")], "2025-12-31", "expired"),
    ("de", "2022-05-10", [act("2025-12-01", "filing", **SERVED)], None, "suspended"),
    # § 203: talks; the period ends no earlier than three months after them.
    ("de", "2022-05-10", [act("2025-12-30", "negotiation", until="2026-10-15")], "2027-01-15", "running"),
    ("de", "2023-05-10", [act("2025-01-01", "negotiation", until="2025-01-10")], "2027-01-10", "running"),
    # Two that cover the same days add them once.
    ("de", "2023-05-10", [act("2025-01-01", "negotiation", until="2025-01-10"),
                          act("2025-01-06", "suspension", until="2025-01-15")], "2027-01-15", "running"),
    # A suit within the three months after talks, when all of the three years had run: it does not end
    # while that lasts, and no days are added.
    ("de", "2021-05-10", [act("2024-12-30", "negotiation", until="2025-10-15"),
                          act("2025-12-01", "filing", until="2026-01-31", **SERVED)],
     "2026-07-31", "expired"),
    # Before the period began nothing needs to be added: only the days within it count.
    ("de", "2023-05-10", [act("2023-12-22", "suspension", until="2024-01-10")], "2027-01-10", "running"),
    # § 497(3): a consumer loan from default on, for at most ten years; then all of the three years are
    # still to run, by the calendar (§ 188(2)) and not by the days that they would have had.
    ("de", "2023-05-10", [act("2023-06-10", "consumer_loan_default")], "2036-05-10", "suspended"),
    ("de", "2012-05-10", [act("2012-06-10", "consumer_loan_default")], "2025-05-10", "expired"),
    ("de", "2022-05-10", [act("2022-06-10", "consumer_loan_default")], "2035-05-10", "suspended"),
    ("de", "2022-05-10", [act("2022-06-10", "consumer_loan_default"), act("2024-03-01", "part_payment")],
     "2035-05-10", "suspended"),
    # One after another from the first day on; and a day too late for that.
    ("de", "2020-05-10", [act("2020-12-01", "negotiation", until="2021-06-30"),
                          act("2021-07-01", "suspension", until="2023-12-10")], "2026-12-10", "running"),
    ("de", "2020-05-10", [act("2021-01-01", "suspension", until="2024-01-10")], "2027-01-10", "running"),
    ("de", "2020-05-10", [act("2021-01-02", "suspension", until="2024-01-10")], "2027-01-08", "running"),
    # § 199(4): ten years where nobody knew.
    ("de", "2016-12-01", [], "2026-12-01", "running", {"known_on": "2024-02-01"}),
    # The ten years are suspended as the three are, and the earlier end counts.
    ("de", "2016-12-01", [act("2016-12-10", "consumer_loan_default")], "2029-12-01", "suspended",
     {"known_on": "2024-02-01"}),
    # EGBGB art. 229 § 6(4): what was due before 2002 has three years from 1 January 2002 on.
    ("de", "1999-05-10", [], "2004-12-31", "expired"),
    ("de", "2001-05-10", [], "2004-12-31", "expired"),
    ("de", "2002-01-01", [], "2005-12-31", "expired"),
    ("de", "1999-05-10", [], "2008-12-31", "expired", {"known_on": "2005-03-01"}),
    ("de", "1999-05-10", [], "2011-12-31", "expired", {"known_on": "2010-03-01"}),
    # Or the old thirty, where they end sooner.
    ("de", "1973-05-10", [], "2003-05-10", "expired"),
    ("de", "1970-05-10", [], "2000-05-10", "expired"),
    ("de", "1970-05-10", [act("1999-02-01", "acknowledgement")], "2004-12-31", "expired"),
    # What suspended it before 2002 is by the law of then: the days since are added to the thirty years.
    ("de", "1973-05-10", [act("2000-01-01", "suspension", until="2002-06-30")], "2003-11-07", "expired"),
    # BGH XI ZR 201/09: a consumer loan of before is suspended from 2002 on.
    ("de", "1999-05-10", [act("1999-06-10", "consumer_loan_default")], "2012-05-10", "expired"),
    # § 197: a judgment, thirty years.
    ("de", "2022-05-10", [act("2025-03-04", "judgment")], "2055-03-04", "running"),
    # § 212(1) no. 2: enforcement restarts those thirty years.
    ("de", "1990-05-10", [act("1993-03-04", "judgment"), act("2020-01-15", "enforcement")],
     "2050-01-15", "running"),
    ("de", "1990-05-10", [act("1993-03-04", "judgment"), act("2023-03-05", "enforcement")],
     "2023-03-04", "expired"),
    # No. 1: so do an acknowledgement and a part payment; talks and the default do nothing any more.
    *(("de", "2018-05-10", [act("2018-06-10", "consumer_loan_default"), act("2022-03-04", "judgment"),
                            act("2025-02-01", name)], ends, "running")
      for name, ends in (
          ("part_payment", "2055-02-01"), ("acknowledgement", "2055-02-01"), ("plan", "2055-02-01"),
          ("negotiation", "2052-03-04"), ("demand", "2052-03-04"), ("filing", "2052-03-04"))),
    # --- England and Wales: six years, Limitation Act 1980 s. 5 --------------------------------
    ("uk-ew", "2021-01-15", [], "2027-01-15", "running"),
    ("uk-ew", "2020-11-29", [], "2026-11-29", "expired"),
    ("uk-ew", "2019-01-15", [act("2022-03-01", "demand", **ARRIVED)], "2025-01-15", "expired"),
    ("uk-ew", "2019-01-15", [act("2022-03-01", "part_payment")], "2028-03-01", "running"),
    # s. 30: an acknowledgement in writing and signed, and no other.
    ("uk-ew", "2019-01-15", [act("2022-03-01", "acknowledgement", **SIGNED)], "2028-03-01", "running"),
    ("uk-ew", "2019-01-15", [act("2022-03-01", "acknowledgement", has=["in_writing"])],
     "2025-01-15", "expired"),
    # s. 29(7): what has run out is not revived.
    ("uk-ew", "2015-01-15", [act("2022-03-01", "part_payment")], "2021-01-15", "expired"),
    # A claim that was issued in time; and one that ended in nothing.
    ("uk-ew", "2019-01-15", [act("2024-12-01", "filing")], "2025-01-15", "pending"),
    ("uk-ew", "2019-01-15", [act("2024-12-01", "filing", until="2025-06-01")], "2025-01-15", "expired"),
    ("uk-ew", "2019-01-15", [act("2024-12-01", "filing", until="2025-06-01"), act("2025-06-01", "judgment")],
     "2031-06-01", "running"),
    # A judgment settles that the claim came in time; what s. 29 does to it is not settled here.
    ("uk-ew", "2012-01-15", [act("2021-06-01", "judgment")], "2027-06-01", "running"),
    ("uk-ew", "2019-01-15", [act("2022-06-01", "judgment"), act("2025-06-01", "part_payment")],
     "2028-06-01", "running"),
    # A moratorium over the last day: eight weeks after it.
    ("uk-ew", "2020-10-15", [act("2026-09-20", "breathing_space", until="2026-11-19")],
     "2027-01-14", "running"),
    ("uk-ew", "2021-10-15", [act("2026-09-20", "breathing_space", until="2026-11-19")],
     "2027-10-15", "running"),
    # --- Scotland: five years ------------------------------------------------------------------
    ("uk-sc", "2022-01-15", [], "2027-01-15", "running"),
    ("uk-sc", "2020-01-15", [act("2022-03-01", "part_payment")], "2027-03-01", "running"),
    ("uk-sc", "2020-01-15", [act("2022-03-01", "acknowledgement", has=["in_writing"])],
     "2027-03-01", "running"),
    ("uk-sc", "2020-01-15", [act("2022-03-01", "acknowledgement")], "2025-01-15", "expired"),
    ("uk-sc", "2020-01-15", [act("2022-03-01", "filing", until="2023-01-01")], "2028-01-01", "running"),
    # 2018 Act s. 6: nothing begins the twenty years of a decree anew.
    ("uk-sc", "2020-01-15", [act("2022-03-01", "judgment"), act("2025-03-01", "part_payment")],
     "2042-03-01", "running"),
    # --- United States -------------------------------------------------------------------------
    ("US-CA", "2023-01-15", [], "2027-01-15", "running"),
    ("US-CA", "2022-01-15", [act("2025-01-05", "part_payment")], "2026-01-15", "expired"),
    ("US-CA", "2022-01-15", [act("2025-01-05", "acknowledgement", **SIGNED)], "2029-01-05", "running"),
    ("US-NY", "2023-01-15", [act("2025-01-05", "part_payment")], "2026-01-15", "expired"),
    ("US-IL", "2023-01-15", [], "2033-01-15", "running"),
    ("US-IL", "2023-01-15", [], "2028-01-15", "running", {"contract": "open_account"}),
    ("US-WA", "2022-01-15", [act("2024-01-05", "part_payment")], "2030-01-05", "running"),
    # A.R.S. 12-543(2) and 12-548: an open account is not a contract in writing.
    ("US-AZ", "2023-06-15", [], "2026-06-15", "expired", {"contract": "open_account"}),
    ("US-AZ", "2023-06-15", [], "2029-06-15", "running"),
    # RCW 4.16.040(2): what a business is owed on account has the six years of a writing.
    ("US-WA", "2022-01-15", [], "2028-01-15", "running", {"contract": "open_account"}),
]  # fmt: skip


@pytest.mark.parametrize(
    "vector", VECTORS, ids=lambda each: f"{each[0]} {each[1]} {each[2:4]}"[:70]
)
def test_the_last_day_is_the_one_of_the_law(vector: tuple) -> None:
    law, starts_on, events, expires_on, status, *more = vector
    found = clock(law, starts_on, *events, **(more[0] if more else {}))
    assert (str(found.expires_on) if found.expires_on else None, found.status) == (
        expires_on, status,
    )  # fmt: skip
    # What only a C source keeps alive may not be filed either.
    unsure = any(each.kind == "unsure" for each in found.warnings)
    assert found.may_file == (status != "expired" and not unsure)


def test_each_step_has_its_source_its_confidence_and_its_evidence() -> None:
    found = clock(
        "cn", "2023-05-10", act("2024-01-05", "demand", evidence=["sms:1", "receipt:9"], **ARRIVED)
    )
    (step,) = found.steps
    assert (step.applied, step.expires_on) == ("restarted", date(2027, 1, 5))
    assert step.evidence == ("sms:1", "receipt:9")
    assert (step.citation, step.confidence) == (
        "PRC Civil Code art. 195 no. 1; SPC limitation rules art. 8", "A",
    )  # fmt: skip


def test_an_act_without_its_proof_says_what_is_missing() -> None:
    (step,) = clock("uk-ew", "2021-01-15", act("2022-01-01", "acknowledgement")).steps
    assert step.applied == "no_effect"
    assert step.says == "It counts only where this is proved: in writing, signed."


def test_what_would_restart_the_clock_is_said_before_it_is_done() -> None:
    found = clock("de", "2023-05-10")
    assert {each.act for each in found.would_restart} == {
        "acknowledgement", "part_payment", "plan", "enforcement",
    }  # fmt: skip
    payment = next(each for each in found.would_restart if each.act == "part_payment")
    assert payment.says == (
        "This act (part payment) would give the creditor time until 2029-11-30"
        " instead of 2026-12-31."
    )
    assert [each.act for each in clock("US-NY", "2025-05-10").would_restart] == []
    assert clock("cn", "2020-05-10").would_restart == ()


@pytest.mark.parametrize(
    ("law", "acts", "until"),
    [
        ("cn", {"demand", "acknowledgement", "part_payment", "plan", "enforcement"}, "2028-11-30"),
        ("de", {"acknowledgement", "part_payment", "plan", "enforcement"}, "2056-11-30"),
        ("uk-ew", set(), ""),
        ("uk-sc", set(), ""),
    ],
)
def test_after_a_judgment_too_what_would_restart_the_clock_is_said_before_it_is_done(
    law: str, acts: set[str], until: str
) -> None:
    judged = act("2026-01-15", "judgment")
    found = clock(law, "2024-05-10", judged, proposed=act("2026-12-01", "part_payment"))
    assert found.after_judgment
    assert {each.act for each in found.would_restart} == acts
    assert {str(each.expires_on) for each in found.would_restart} <= {until}
    (warning,) = [each for each in found.warnings if each.kind == "before_act"]
    assert ("The borrower must know it first." in warning.says) == bool(acts)
    assert not clock(law, "2024-05-10").after_judgment


def test_an_old_claim_says_by_which_law_it_was_judged_and_what_is_not_asked() -> None:
    china = clock("cn", "2015-05-10", as_of="2018-01-01")
    assert (china.status, china.may_file, china.confidence) == ("expired", False, "A")
    assert china.citation.endswith("SPC interpretation 2018 no. 12 art. 2, 3")
    assert "What began before 1 October 2017 had two years" in china.start_note
    assert "2018 no. 12" not in clock("cn", "2017-10-01").citation
    assert "2018 no. 12" not in clock("cn", "2010-05-10", known_on="2017-10-01").citation
    germany = clock("de", "1999-05-10", as_of="2003-01-01")
    assert (germany.status, germany.expires_on) == ("running", date(2004, 12, 31))
    assert germany.confidence == "B"
    assert "art. 229 § 6" in germany.citation
    assert "the sure day takes two" in germany.start_note
    assert "art. 229" not in clock("de", "2002-01-01").citation
    (step,) = clock("cn", "2014-05-10", act("2016-02-01", "plan"), as_of="2016-03-01").steps
    assert step.says == "The period of the law of then begins anew on 2016-02-01."


def test_which_old_period_a_german_claim_had_is_not_guessed_before_a_court() -> None:
    found = clock("de", "1999-05-10", as_of="2003-01-01")
    assert (found.sure_expires_on, found.may_file) == (date(2001, 12, 31), False)
    assert found.warnings[0].kind == "unsure"
    late = clock("de", "2001-05-10", as_of="2003-01-01")
    assert (late.sure_expires_on, late.may_file) == (date(2003, 12, 31), True)
    renewed = clock("de", "1999-05-10", act("2001-02-01", "plan"), as_of="2003-01-01")
    assert (renewed.sure_expires_on, renewed.may_file) == (date(2003, 2, 1), True)
    # A judgment leaves nothing open.
    judged = clock("de", "1990-05-10", act("1993-03-04", "judgment"))
    assert (judged.sure_expires_on, judged.may_file) == (date(2023, 3, 4), False)
    assert clock("de", "1990-05-10", act("1999-03-04", "judgment")).may_file


def test_whether_three_years_follow_the_ten_of_a_consumer_loan_is_not_guessed() -> None:
    default = act("2015-06-10", "consumer_loan_default")
    found = clock("de", "2015-05-10", default)
    assert (found.expires_on, found.sure_expires_on) == (date(2028, 5, 10), date(2025, 5, 10))
    assert (found.status, found.may_file) == ("running", False)
    assert "that courts read differently" in found.warnings[0].says
    assert clock("de", "2015-05-10", default, as_of="2025-05-10").may_file
    # Where the three years end later by themselves, they count.
    late = clock("de", "2015-05-10", default, known_on="2024-03-01")
    assert (late.sure_expires_on, late.may_file) == (date(2025, 5, 10), False)


def test_a_proposed_act_is_warned_of_and_not_counted() -> None:
    found = clock("cn", "2024-05-10", proposed=act("2026-12-01", "part_payment"))
    (warning,) = [each for each in found.warnings if each.kind == "before_act"]
    assert "until 2029-12-01 instead of 2027-05-10" in warning.says
    assert "The borrower must know it first." in warning.says
    assert (found.expires_on, found.steps) == (date(2027, 5, 10), ())


@pytest.mark.parametrize(
    ("law", "name", "words"),
    [
        ("cn", "acknowledgement", "binds all the same"),
        ("cn", "part_payment", "what was paid is not given back"),
        ("de", "part_payment", "what was paid is not given back"),
        ("uk-ew", "part_payment", "does not bring it back"),
        ("US-MA", "part_payment", "in some states this act revives"),
    ],
)
def test_an_act_after_the_end_says_what_it_would_mean(law: str, name: str, words: str) -> None:
    found = clock(law, "2012-05-10", proposed=act("2026-12-01", name))
    assert words in found.warnings[-1].says


def test_warnings_come_before_the_end_and_none_of_court_after_it() -> None:
    found = clock("cn", "2024-01-15", warn_days=[30, 60])
    assert [(str(each.on), each.says[-9:]) for each in found.warnings] == [
        ("2026-11-16", "reached)."), ("2026-12-16", "to come)."),
    ]  # fmt: skip
    assert found.days_left == 46
    told = clock("cn", "2024-01-15").warnings
    assert [(date(2027, 1, 15) - each.on).days for each in told] == [180, 90, 30]
    (gone,) = clock("cn", "2020-01-15").warnings
    assert (gone.kind, gone.on) == ("expired", date(2023, 1, 16))
    assert gone.says.startswith("No filing, and no threat of court.")
    (scots,) = clock("uk-sc", "2020-01-15").warnings
    assert scots.says.startswith("The debt is extinguished.")


def test_an_act_whose_law_nobody_read_does_not_open_the_way_to_a_court() -> None:
    found = clock("US-WA", "2022-01-15", act("2024-01-05", "part_payment"), contract="oral")
    assert (found.status, found.expires_on) == ("running", date(2027, 1, 5))
    assert (found.sure_expires_on, found.may_file) == (date(2025, 1, 15), False)
    assert found.warnings[0].kind == "unsure"
    assert "after 2025-01-15" in found.warnings[0].says
    # China's was read.
    read = clock("cn", "2022-01-15", act("2024-01-05", "part_payment"))
    assert (read.sure_expires_on, read.may_file) == (read.expires_on, True)
    assert "unsure" not in {each.kind for each in read.warnings}


def test_before_it_is_due_no_clock_has_started() -> None:
    assert clock("cn", "2027-05-10").status == "not_started"


def test_what_has_not_happened_yet_does_not_count() -> None:
    assert clock("cn", "2024-05-10", act("2026-12-01", "part_payment")).steps == ()


def test_a_demand_while_a_suit_is_pending_restarts_nothing() -> None:
    suit = act("2025-01-05", "filing", until="2026-06-01")
    found = clock("cn", "2024-05-10", suit, act("2025-03-01", "demand", **ARRIVED))
    assert [step.applied for step in found.steps] == ["restarted", "too_early"]
    assert found.expires_on == date(2029, 6, 1)


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"law": "US-ZZ"}, "law"),
        ({"law": "fr"}, "law"),
        ({"known_on": "2020-01-01"}, "known_on"),
        ({"events": [act("2025-01-01", "filing", until="2024-12-31")]}, "events[0].until"),
        ({"events": [act("1500-01-01", "filing")]}, "events[0].on"),
        ({"proposed": act("2026-11-29", "plan")}, "proposed.on"),
        ({"starts_on": "0001-01-01"}, "starts_on"),
        ({"as_of": "9999-12-31"}, "as_of"),
    ],
)
def test_what_cannot_be_meant_is_refused_by_its_field(
    changes: dict[str, object], field: str
) -> None:
    plain = {"law": "cn", "starts_on": "2024-05-10", "as_of": "2026-11-30"}
    with pytest.raises(Refused) as refused:
        limitation_clock(msgspec.convert(plain | changes, LimitationRequest))
    assert refused.value.field == field


def test_every_law_has_a_source_and_none_of_the_states_claims_to_have_been_read() -> None:
    for name in law_names():
        law = limitation_law(name)
        assert law.citation
        assert all(rule.citation for rule in law.acts)
        if name.startswith("US-"):
            assert {law.confidence, *(rule.confidence for rule in law.acts)} == {"C"}


# --- the same, another way ---------------------------------------------------------------------


def three_years_day_by_day(starts_on: date, held: list[tuple[date, date]]) -> date:
    """BGB § 209: walk on from the end of the year; each day that is held adds one at the end.

    While every day since the beginning was held, the three years begin on the next one (§ 188(2)).
    """
    begun = date(starts_on.year, 12, 31)
    while any(first <= begun + DAY <= last for first, last in held):
        begun += DAY
    leap = (begun.month, begun.day) == (2, 29)
    end = begun.replace(year=begun.year + 3, day=28 if leap else begun.day)
    day = begun + DAY
    while day <= end:
        if any(first <= day <= last for first, last in held):
            end += DAY
        day += DAY
    return end


def test_random_suspensions_agree_with_the_days_counted_one_by_one() -> None:
    rng = random.Random(209)
    seen: Counter[str] = Counter()
    for _ in range(CASES):
        starts_on = date(rng.randint(2015, 2020), rng.randint(1, 12), rng.randint(1, 28))
        held = []
        for _ in range(rng.randrange(4)):
            first = starts_on + timedelta(days=rng.randrange(1_700))
            held.append((first, first + timedelta(days=rng.choice((0, 1, 30, 200)))))
        events = [act(str(first), "suspension", until=str(last)) for first, last in held]
        rng.shuffle(events)
        found = clock("de", str(starts_on), *events)
        assert found.expires_on == three_years_day_by_day(starts_on, held), (starts_on, held)
        seen[found.status] += 1
        seen.update(step.applied for step in found.steps)
    assert {"expired", "suspended", "too_late"} <= set(seen), seen


def chinese_end(begun: date) -> date:
    """Three years, and two where they were over before October 2017."""
    last = 28 if (begun.month, begun.day) == (2, 29) else begun.day
    two = begun.replace(year=begun.year + 2, day=last)
    return two if two < date(2017, 10, 1) else begun.replace(year=begun.year + 3, day=last)


def test_random_restarts_agree_with_a_walk_from_one_to_the_next() -> None:
    rng = random.Random(195)
    seen: Counter[bool] = Counter()
    for _ in range(2 * CASES):
        starts_on = date(rng.randint(2008, 2016), rng.randint(1, 12), rng.randint(1, 28))
        days = sorted(starts_on + timedelta(days=rng.randrange(1, 3_600)) for _ in range(6))
        end = chinese_end(starts_on)
        for day in days:
            if day <= end:
                end = chinese_end(day)
        end = min(end, starts_on.replace(year=starts_on.year + 20))
        names = [rng.choice(("part_payment", "plan", "acknowledgement")) for _ in days]
        events = [act(str(day), name) for day, name in zip(days, names, strict=True)]
        rng.shuffle(events)
        found = clock("cn", str(starts_on), *events)
        assert found.expires_on == end, (starts_on, days)
        seen[end < days[-1]] += 1
    assert len(seen) == 2


def test_the_order_in_which_events_are_told_changes_nothing() -> None:
    events = [
        act("2025-03-01", "part_payment"),
        act("2025-03-01", "negotiation", until="2025-05-01"),
        act("2025-04-01", "acknowledgement"),
        act("2025-06-01", "filing", until="2025-09-01", **SERVED),
    ]
    found = {str(clock("de", "2023-05-10", *order).expires_on) for order in permutations(events)}
    assert len(found) == 1


def some_history(rng: random.Random, since: date) -> list[dict[str, object]]:
    # No breathing space: its eight weeks are only for a period that would end in it, so that one
    # which an act lets end on the next day is shorter. That is how the regulation has it.
    lasting = ("negotiation", "suspension", "consumer_loan_default")
    found = []
    for _ in range(rng.randrange(5)):
        first = since + timedelta(days=rng.randrange(3_000))
        until = first + timedelta(days=rng.choice((0, 1, 40, 400, 1_500)))
        name = rng.choice((*lasting, "part_payment", "filing", "judgment", "demand"))
        ends = {"until": str(until)} if name in (*lasting, "filing") else {}
        found.append(act(str(first), name, has=["arrived", "served"], **ends))
    return found


def test_no_act_of_the_debtor_makes_a_period_shorter() -> None:
    rng = random.Random(212)
    seen: Counter[str] = Counter()
    for _ in range(10 * CASES):
        law = rng.choice(("cn", "de", "de", "uk-ew", "uk-sc", "US-IL"))
        since = date(rng.randint(1990, 2018), rng.randint(1, 12), rng.randint(1, 28))
        history = some_history(rng, since)
        name = rng.choice(("part_payment", "acknowledgement", "plan"))
        day = since + timedelta(days=rng.randrange(4_000))
        more = act(str(day), name, has=["in_writing", "signed"])
        before = clock(law, str(since), *history, as_of="2060-01-01")
        after = clock(law, str(since), *history, more, as_of="2060-01-01")
        for old, new in (
            (before.expires_on, after.expires_on),
            (before.sure_expires_on, after.sure_expires_on),
        ):
            assert new is None or (old is not None and old <= new), (law, since, history, more)
        seen[str(before.expires_on == after.expires_on)] += 1
    assert min(seen.values()) > CASES // 10, seen

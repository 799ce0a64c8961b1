"""A worker that was overtaken, because it was too slow for its lease, still says what it saw."""

import pytest

from duecourse.case import commands as c
from duecourse.case import events as e
from duecourse.testing import NOON, given
from duecourse.testing.sample import CONTACT, accepted, dispatch, hold, opened, request

REFUSED = c.RecordRejected(contact_id=CONTACT, reason="the gateway refuses our token (401)")
BUSY = c.RecordPostponed(contact_id=CONTACT, until=NOON, reason="the gateway is busy (503)")


@pytest.mark.parametrize("said", [REFUSED, BUSY], ids=["refused", "busy"])
def test_that_it_was_taken_stands_above_what_another_worker_was_told(said: c.Command) -> None:
    case = given(*opened()).when(request()).when(dispatch()).when(said).when(accepted())
    assert case.then_one(e.ContactAccepted).reference == "gw-1"
    assert case.case is not None
    assert case.case.contacts[CONTACT].status == "accepted"


def test_that_it_was_taken_stands_above_a_recall() -> None:
    case = given(*opened()).when(request()).when(dispatch()).when(hold()).when(BUSY)
    case.then_one(e.ContactCancelled)
    case.when(accepted()).then_one(e.ContactAccepted)


def test_what_never_began_is_accepted_by_nobody() -> None:
    given(*opened()).when(request()).when(accepted()).then_nothing()

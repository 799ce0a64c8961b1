"""Whoever waits for a message to leave can see whether its channel takes messages."""

from collections.abc import Callable

from tests.api.conftest import Caller

from duecourse.store.database import Database
from duecourse.store.rests import Rests


def test_channels_show_what_waits_for_them_and_which_of_them_rest(
    collector: Caller, case: str, follow: Callable[[], None], database: Database
) -> None:
    asked = {"channel": "sms", "template": "reminder-first"}
    assert collector.post(f"{case}/contacts", asked).status_code in {200, 201}
    follow()
    (sms,) = collector.get("/channels").json()["items"]
    assert (sms["channel"], sms["medium"], sms["rests_until"]) == ("sms", "sms", None)
    assert sms["due"] >= 1
    rests = Rests(database)
    rests.suspend("sms", 60.0, "refused")
    (sms,) = collector.get("/channels").json()["items"]
    assert sms["reason"] == "refused"
    assert sms["rests_until"] is not None
    assert rests.resume("sms", "mended", "operator")
    assert not rests.resume("sms", "mended", "operator"), "it rests no more"
    kinds = [(each.kind, each.actor) for each in rests.events("sms", 2)]
    assert kinds == [("ChannelResumed", "operator"), ("ChannelSuspended", "system")]

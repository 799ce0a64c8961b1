"""What a debtor writes back: a wish to hear no more is obeyed, all else waits for a person."""

from functools import reduce
from uuid import UUID, uuid5

from duecourse.case import commands as c
from duecourse.case import events as e
from duecourse.case.contacts import check_debts, heeded, opt_out_of
from duecourse.case.context import Context
from duecourse.case.errors import Contradiction, Invalid, Unknown
from duecourse.case.evolve import evolve
from duecourse.case.lifecycle import recall
from duecourse.case.opt_outs import read
from duecourse.case.state import Case, reply_name


def record_reply(case: Case, command: c.RecordReply, context: Context) -> list[e.Event]:
    """Keep it. What says more than to stop calls back what the schedule was about to send."""
    if reply_name(command.channel, command.reply_id) in case.replies:
        return []
    found = read(command.text, context.medium_of(command.channel))
    reply = e.ReplyReceived(
        at=context.at,
        reply_id=command.reply_id,
        channel=command.channel,
        point_id=command.point_id,
        text=command.text,
        occurred_at=command.occurred_at,
        understood=found.is_all,
    )
    events: list[e.Event] = [reply]
    if not found.is_all:
        events += recall(case, context, "a reply waits to be read", scheduled_only=True)
    if found.left:
        # As the reply leaves it: nothing is called back twice.
        events += opt_out_of(reduce(evolve, events, case), context, found.left, "reply")
    return events


def read_reply(case: Case, command: c.ReadReply, context: Context) -> list[e.Event]:
    """A person says what it is about, and what follows from that follows by itself."""
    check_debts(case, command.debts)
    channel = command.channel or _channel_of(case, command.reply_id)
    name = reply_name(channel, command.reply_id)
    if name not in case.replies:
        raise Unknown(f"the case has no reply {command.reply_id!r} on {channel!r}", "reply_id")
    before = case.read_replies.get(name)
    if before == command.outcome:
        return []
    if before is not None:
        raise Contradiction(
            f"somebody read it before: {before}; place a hold or log a conversation instead",
            "outcome",
        )
    done = e.ReplyRead(
        at=context.at,
        reply_id=command.reply_id,
        channel=channel,
        outcome=command.outcome,
        note=command.note,
    )
    # A closed case keeps what was read, and has nothing left to hold.
    if case.is_closed and command.outcome != "asked_to_stop":
        return [done]
    waiting = case.waiting_replies.get(name)
    said = heeded(
        evolve(case, done),
        context,
        command.outcome,
        hold_id=f"reply-{_hold_of(case, name)}",
        authority="said in a reply",
        how="asked in a reply",
        point_id=waiting.point_id if waiting else "",
        debts=command.debts,
    )
    return [done, *said]


def _channel_of(case: Case, reply_id: str) -> str:
    """The one channel that has a reply of this id."""
    found = [name.partition("/")[0] for name in case.replies if name.partition("/")[2] == reply_id]
    if not found:
        raise Unknown(f"the case has no reply {reply_id!r}", "reply_id")
    if len(found) > 1:
        raise Invalid(f"replies of this id came by {', '.join(found)}; name one", "channel")
    return found[0]


def _hold_of(case: Case, name: str) -> UUID:
    return uuid5(case.subject_id, f"{case.creditor}/{name}")

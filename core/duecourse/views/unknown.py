"""The queue of contacts of which nobody can say whether they left, without a word about a person."""

from collections.abc import Iterator
from datetime import datetime
from uuid import UUID

import msgspec

from duecourse.case.state import Case


class UnknownContact(msgspec.Struct, frozen=True, kw_only=True):
    """`since` is when whoever sent it gave up, without knowing."""

    case_id: UUID
    contact_id: UUID
    channel: str
    plugin: str
    since: datetime


def unknown_contacts(case_id: UUID, case: Case) -> Iterator[UnknownContact]:
    for contact_id, contact in case.contacts.items():
        if contact.status == "unknown":
            yield UnknownContact(
                case_id=case_id,
                contact_id=contact_id,
                channel=contact.channel,
                plugin=contact.plugin,
                since=contact.unknown_at or case.at,
            )

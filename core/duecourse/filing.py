"""The contract between Duecourse and a legal-filing adapter.

`prepare` is pure: the same request gives the same bytes, so that a filing can be proved later.
"""

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any, ClassVar, Generic, TypeVar, dataclass_transform
from uuid import UUID

import msgspec

from duecourse.channels import Config
from duecourse.money.amounts import Buckets


@dataclass_transform(frozen_default=True, kw_only_default=True)
class _Part(msgspec.Struct, frozen=True, kw_only=True):
    """A value of a filing request."""


class ClaimedDebt(_Part):
    """One debt as it stands, with what was placed and what was paid on it. Minor units.

    `added` is what became of it since: interest that was posted, charges, corrections upwards.
    """

    debt_id: UUID
    account: str
    product: str
    currency: str
    placed: Buckets
    outstanding: Buckets
    due_on: date
    contract_on: date | None
    added: Buckets = Buckets()


class PaymentLine(_Part):
    payment_id: str
    value_on: date
    currency: str
    amount_minor: int
    reversed: bool


class ContactLine(_Part):
    """One notice or conversation, as the event log proves it (the court form asks for these)."""

    at: datetime
    channel: str
    what: str
    outcome: str


class FilingRequest(_Part):
    """Everything an adapter may put before a court; read from the case at `as_of`."""

    referral_id: UUID
    case_id: UUID
    as_of: datetime
    grounds: str
    approved_by: str
    creditor: str
    creditor_name: str
    debtor_name: str
    debtor_national_id: str
    debtor_addresses: tuple[str, ...]
    debtor_phones: tuple[str, ...]
    debts: tuple[ClaimedDebt, ...]
    payments: tuple[PaymentLine, ...]
    contacts: tuple[ContactLine, ...]
    plan_history: tuple[str, ...]


class FilingDocument(_Part):
    """One file of the bundle; pages count through the PDF documents, 0 where there are none."""

    name: str
    content: bytes
    first_page: int = 0
    last_page: int = 0


class FilingPackage(_Part):
    """The bundle. `reference` names it at the court until the court gives a number."""

    reference: str
    documents: tuple[FilingDocument, ...]


class FilingProblem(Exception):
    """The case does not hold what a lawful filing needs. `problems` name the field and the fix.

    Each is a line of at most 500 characters; a person reads all of them on the case.
    """

    def __init__(self, *problems: str) -> None:
        super().__init__("; ".join(problems))
        self.problems = problems


C = TypeVar("C", bound=Config)


class FilingAdapter(Generic[C]):
    """Subclass, set `name` and `config_class`, write `prepare` and `submit`: see docs/filing.md.

    It is constructed once in each process with its typed settings, in the worker, and in the API
    to know its name; nothing may be opened or written then. `contract` is the version that the
    class is written for, and `example` are settings with which it can be tried.
    """

    name: ClassVar[str]
    contract: ClassVar[int] = 1
    config_class: ClassVar[type[Config]]
    example: ClassVar[Mapping[str, Any]] = {}

    def __init__(self, config: C) -> None:
        self.config = config

    def prepare(self, request: FilingRequest) -> FilingPackage:
        """Make the bundle from the request and the settings, and from nothing else.

        Raises FilingProblem with everything that is missing, too long or not for this court.
        """
        raise NotImplementedError

    def submit(self, package: FilingPackage) -> str:
        """Hand the bundle over and return the reference that the court, or a person, knows it by.

        It comes again with the same package after a crash: then nothing is filed twice, and the
        same reference is returned. Raises Transient or Permanent (the words say what to mend) or
        FilingProblem; each of them, and whatever else is raised, is a filing that failed, and a
        person decides whether to approve it again.
        """
        raise NotImplementedError

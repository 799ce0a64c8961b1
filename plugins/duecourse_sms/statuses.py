"""What an SMSC's command_status proves about a message (SMPP 3.4, 5.1.3)."""

from typing import Final

from smpplib import consts  # type: ignore[import-untyped]

from duecourse import Permanent, Transient

PAUSE_SECONDS: Final = 5.0

_PAUSES: Final = frozenset(
    {consts.SMPP_ESME_RTHROTTLED, consts.SMPP_ESME_RMSGQFUL, consts.SMPP_ESME_RX_T_APPN}
)
_BUSY: Final = frozenset(
    {consts.SMPP_ESME_RSYSERR, consts.SMPP_ESME_RALYBND, consts.SMPP_ESME_RINVBNDSTS}
)
# What these say of a message is that something went wrong, not that it was not taken.
_UNCLEAR: Final = frozenset({consts.SMPP_ESME_RUNKNOWNERR})


class UnclearAnswer(Exception):
    """The SMSC may or may not have taken the message."""


def refusal(status: int) -> Exception:
    """What an error answer to `submit_sm` proves."""
    if status in _PAUSES | _BUSY:
        return Transient(f"the SMSC asks for a pause ({_name(status)})", PAUSE_SECONDS)
    if status in _UNCLEAR:
        return UnclearAnswer(f"the SMSC answered {_name(status)}")
    return Permanent(f"the SMSC refuses the message ({_name(status)})")


def bind_refusal(status: int) -> Transient | Permanent:
    """What an error answer to a bind proves: in any case nothing was sent."""
    if status in _PAUSES | _BUSY | _UNCLEAR:
        return Transient(f"the SMSC cannot bind us now ({_name(status)})", PAUSE_SECONDS)
    return Permanent(f"the SMSC refuses our system_id or password ({_name(status)})")


def _name(status: int) -> str:
    words = consts.DESCRIPTIONS.get(status, "no code of SMPP 3.4")
    return f"0x{status:08X}: {words}"

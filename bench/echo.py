"""An application that does nothing: the limit of an HTTP command on the same server.

python -m bench.echo PORT: decodes the payment and answers with as much as the API does.
"""

import os
import signal
import sys
import threading
from datetime import date
from uuid import UUID

import msgspec
import uvicorn
from litestar import Litestar, post


class Payment(msgspec.Struct):
    payment_id: str
    currency: str
    amount_minor: int
    value_on: date
    reference: str


class Answer(msgspec.Struct):
    case_id: UUID
    version: int
    position: int
    events: tuple[Payment, ...]
    repeated: bool


@post("/cases/{case_id:uuid}/payments")
async def echo(case_id: UUID, data: Payment) -> Answer:
    return Answer(case_id, 1, 1, (data,), repeated=False)


def _stop_at_end_of_input() -> None:
    """Stop with the bench, however it ends."""
    while os.read(0, 4096):
        pass
    os.kill(os.getpid(), signal.SIGTERM)


def main() -> None:
    threading.Thread(target=_stop_at_end_of_input, daemon=True).start()
    app = Litestar([echo], logging_config=None, openapi_config=None)
    uvicorn.run(
        app,
        host="127.0.0.1",
        port=int(sys.argv[1]),
        log_level="warning",
        timeout_graceful_shutdown=3,
    )


if __name__ == "__main__":
    main()

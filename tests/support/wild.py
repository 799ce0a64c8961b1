"""A channel that does the worst it can, when the message it is given says so.

It is written out as a plugin of one file, so it imports nothing of ours but `duecourse`.
"""

from pathlib import Path
from uuid import UUID

import msgspec

from duecourse import Outbound
from duecourse.plugins import Plugins
from duecourse.settings import Table

WILD = """
import fcntl, hashlib, json, os, re, signal, subprocess, sys, threading, time
from datetime import UTC, datetime
from pathlib import Path

from duecourse import *

NOW = datetime(2026, 3, 2, tzinfo=UTC)
MEETING = threading.Barrier(2)

def misbehave(how):
    match how:
        case "hang": time.sleep(3600)
        case "spin":
            while True: pass
        case "hog": re.match("(a|aa)+$", "a" * 200 + "b")  # lets no other thread run
        case "raise": raise RuntimeError("the address of somebody")
        case "stop": raise StopIteration
        case "exit": sys.exit(0)
        case "interrupt": raise KeyboardInterrupt
        case "_exit": os._exit(3)
        case "crash": signal.raise_signal(signal.SIGSEGV)
        case "print":
            for _ in range(50): print("x" * 100_000)
        case "allocate": return bytearray(4 << 30)
        case "nonsense": return object()
        case "halves": return "\\ud800"

class Settings(Config, kw_only=True):
    token: Secret = Secret("hunter2")
    birth: str = ""
    checking: str = ""
    closing: str = ""
    lock: Path | None = None

class Wild(Channel[Settings]):
    name = "wild"
    config_class = Settings
    capabilities = Capabilities(medium="other", guarantee="queryable", receipts="poll")

    def __init__(self, config):
        super().__init__(config)
        if config.lock:
            self.lock = config.lock.open("w")
            fcntl.flock(self.lock, fcntl.LOCK_EX)
        if config.birth == "quote":
            raise RuntimeError(f"a bad token: {config.token.reveal()}")
        if config.birth == "nonsense":
            self.capabilities = "many"
        else:
            misbehave(config.birth)

    def check(self): return misbehave(self.config.checking)
    def close(self): return misbehave(self.config.closing)
    def normalise(self, address):
        match address:
            case "environment": return json.dumps(sorted(os.environ))
            case "process": return f"{os.getpid()} {os.getpgrp()} {os.getsid(0)}"
            case "input": return repr(sys.stdin.read())
            case "limits":
                import resource
                return f"{resource.getrlimit(resource.RLIMIT_AS)} {resource.getrlimit(resource.RLIMIT_CORE)}"
            case "helper":
                os.set_inheritable(self.lock.fileno(), True)
                self.helper = subprocess.Popen(["sleep", "3600"], close_fds=False)
                return "started"
            case "long": return "x" * 100_000
        return misbehave(address) or address
    def measure(self, message): return misbehave(message.to) or Measure(units=len(message.body))
    def send(self, message):
        token = self.config.token.reveal()
        match message.to:
            case "meet": MEETING.wait()
            case "busy": raise Transient("busy", 7)
            case "oddly busy": raise Transient("busy", "soon")
            case "refused": raise Permanent(f"no {token}")
            case "quoted late": raise Permanent("x" * 497 + token)
            case "forbidden": raise Forbidden("who is that")
            case "unclear": raise ChannelError("unclear")
            case "wrong": raise ValueError(f"wrong {token}")
            case "unwritten": raise NotImplementedError("later")
            case "modules": return Accepted(reference=json.dumps(list(sys.modules)))
            case "proof": return Accepted(reference=hashlib.sha256(token.encode()).hexdigest())
            case "repeat": return Accepted(reference=repr(message))
            case "none": return None
            case "no units": return {"reference": 7}
        return misbehave(message.to) or Accepted(reference=message.key)
    def find(self, message): return misbehave(message.to)
    def receive(self, request):
        how = request.body.decode()
        for number in range(20_000 if how == "many" else 2):
            yield misbehave(how) or Reply(
                sender="+1", reply_id=str(number), text=request.headers["x-text"], occurred_at=NOW)
    def poll(self, cursor):
        return misbehave(cursor.decode()) or Polled(
            signals=(Receipt(reference="r", receipt_id="1", status="delivered", occurred_at=NOW),),
            cursor=b"next")

@hookimpl
def channels():
    return [Wild]
"""

MESSAGE = msgspec.convert(
    {
        "key": "key-1",
        "contact_id": UUID(int=1),
        "case_id": UUID(int=2),
        "to": "+1",
        "to_name": "N. N.",
        "subject": "",
        "body": "body",
        "language": "en",
        "sender_name": "Acme",
        "at": "2026-03-02T04:00:00Z",
        "expires_at": "2026-03-02T05:00:00Z",
    },
    Outbound,
)


def message(to: str) -> Outbound:
    return msgspec.structs.replace(MESSAGE, to=to)


def discover_wild(folder: Path, source: str = WILD, **channels: Table) -> Plugins:
    """The wild channel, once for each of `channels`, by what its settings say there."""
    folder.mkdir(exist_ok=True)
    (folder / "wild.py").write_text(source)
    tables = {name: {"use": "wild", **table} for name, table in channels.items()}
    return Plugins.discover({"channels": tables}, {"wild"}, [], folder)

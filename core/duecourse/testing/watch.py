"""What a piece of code reaches for: files, sockets, programs. Told by Python's audit events."""

import os
import socket
import sys
import sysconfig
import threading
import zoneinfo
from collections.abc import Iterator
from contextlib import contextmanager
from ipaddress import ip_address
from pathlib import Path
from typing import Any, Final, Literal

Strictness = Literal["nothing", "reading", "loopback"]
"""What may be done: nothing but importing; reading files too; or all that stays on this machine.

`loopback` leaves no trace either: what would write a file or start a program is refused.
"""

_PROGRAMS: Final = frozenset(
    {
        "subprocess.Popen",
        "os.system",
        "os.exec",
        "os.posix_spawn",
        "os.spawn",
        "os.fork",
        "pty.spawn",
    }
)
_SOCKETS: Final = frozenset(
    {"socket.connect", "socket.bind", "socket.sendto", "socket.getaddrinfo", "socket.gethostbyname"}
)
_FOLDERS: Final = frozenset(
    {"os.mkdir", "os.remove", "os.rename", "os.rmdir", "os.truncate", "os.link", "os.symlink"}
)
_EVENTS: Final = _PROGRAMS | _SOCKETS | _FOLDERS | {"open"}
_WRITING: Final = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
_CODE: Final = frozenset({".py", ".pyc", ".so", ".pyd", ".dll", ".zip", ".pth"})
_INSTALLED: Final = tuple(
    {sys.prefix, sys.base_prefix, *sysconfig.get_paths().values(), *zoneinfo.TZPATH}
)


class Reached(PermissionError):
    """Raised into the code that reaches for what it must not."""


class Watch:
    """`seen` tells what was reached for that is not allowed, in the order of time.

    Threads that ran before are not looked at: they are somebody else's.
    """

    def __init__(self, allow: Strictness, own: str = "", writable: str = "") -> None:
        self.seen: list[str] = []
        self._allow = allow
        self._writable = str(Path(writable).resolve()) if writable else ""
        self._readable = (*_INSTALLED, own) if own else _INSTALLED
        others = {thread.ident for thread in threading.enumerate()}
        self._others = others - {threading.get_ident()}

    def heed(self, event: str, args: tuple[Any, ...]) -> None:
        if threading.get_ident() in self._others:
            return
        what = self._forbidden(event, args)
        if what:
            self.seen.append(what)
            raise Reached(what)

    def _forbidden(self, event: str, args: tuple[Any, ...]) -> str:
        if event == "open":
            return self._opening(args)
        if event in _SOCKETS:
            near = self._allow == "loopback" and _is_loopback(event, args)
            return "" if near else f"the network ({event})"
        if event in _FOLDERS:
            is_fine = _is_code(args[0]) or self._may_write(args)
            return "" if is_fine else f"the file system ({event})"
        return f"another program ({event})"

    def _opening(self, args: tuple[Any, ...]) -> str:
        path, _, flags = args
        if isinstance(path, int) or path == os.devnull:
            return ""
        if flags & _WRITING:
            # Importing leaves compiled code behind.
            is_fine = ".pyc" in str(path) or self._may_write((path,))
            return "" if is_fine else "a file, to write"
        if self._allow == "nothing" and not self._may_read(path):
            return "a file, to read"
        return ""

    def _may_write(self, args: tuple[Any, ...]) -> bool:
        """Whether each path is below the folder given, or relative to one that is open."""
        if not self._writable:
            return False
        paths = [os.fsdecode(each) for each in args if isinstance(each, str | bytes | os.PathLike)]
        if len(args) > 1 and args[-1] >= 0:
            return all(each == Path(each).name for each in paths)
        return all(Path(each).resolve().is_relative_to(self._writable) for each in paths)

    def _may_read(self, path: object) -> bool:
        text = os.fsdecode(path) if isinstance(path, str | bytes) else str(path)
        return Path(text).suffix in _CODE or text.startswith(self._readable)


def _is_code(path: object) -> bool:
    return "__pycache__" in str(path) or ".pyc" in str(path)


def _is_loopback(event: str, args: tuple[Any, ...]) -> bool:
    if event in {"socket.getaddrinfo", "socket.gethostbyname"}:
        host = args[0]
    else:
        address = args[-1]
        if args[0].family not in {socket.AF_INET, socket.AF_INET6}:
            return False
        host = address[0] if isinstance(address, tuple) else address
    text = host.decode("latin-1") if isinstance(host, bytes) else str(host)
    if text in {"localhost", "None"}:
        return True
    try:
        return ip_address(text).is_loopback
    except ValueError:
        return False


_lock = threading.Lock()
_watches: list[Watch] = []
_listening = False


def _heed(event: str, args: tuple[Any, ...]) -> None:
    # In this order: at the very end of the process there are no names left.
    if _watches and event in _EVENTS:
        for watch in tuple(_watches):
            watch.heed(event, args)


@contextmanager
def watching(allow: Strictness, own: str = "", writable: str = "") -> Iterator[Watch]:
    """Refuse what `allow` does not name, and note that it was tried.

    `own` may always be read, and what is below the folder `writable` be written.
    """
    global _listening  # noqa: PLW0603 - an audit hook is of the process, and cannot be taken away
    watch = Watch(allow, own, writable)
    with _lock:
        if not _listening:
            sys.addaudithook(_heed)
            _listening = True
        _watches.append(watch)
    try:
        yield watch
    finally:
        with _lock:
            _watches.remove(watch)

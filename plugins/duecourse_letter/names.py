"""How a letter is named wherever it lies: by its key, or by the digest of one that is no name."""

import hashlib
import re
from typing import Final, Literal

Status = Literal["sent", "returned"]

COLLECTED: Final = "collected"
RETURNED: Final = "returned"
RECORDED: Final = ".recorded"
FOLDERS: Final[dict[Status, str]] = {"sent": COLLECTED, "returned": RETURNED}
"""The folders of a spool that say something of the letters in them."""

# Lower case only: some file systems take `A` and `a` for one name.
_PLAIN: Final = re.compile(r"(?!sha256-)[a-z0-9][a-z0-9._-]{0,99}(?<!\.)", re.ASCII)
_DIGEST: Final = re.compile(r"sha256-[0-9a-f]{64}", re.ASCII)
_UUID: Final = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.ASCII)


def stem(key: str) -> str:
    """The key itself where it is a plain file name, else its digest: no key leaves a folder."""
    return key if _PLAIN.fullmatch(key) else _digest(key)


def is_stem(name: str) -> bool:
    return bool(_PLAIN.fullmatch(name) or _DIGEST.fullmatch(name))


def job_name(key: str) -> str:
    """The key where it is a UUID, as the core's are, else its digest: `is_ours` knows both."""
    return key if _UUID.fullmatch(key) else _digest(key)


def is_ours(name: str) -> bool:
    """Whether a print job or a file can be of ours: others' lie in the same queue or folder."""
    return bool(_UUID.fullmatch(name) or _DIGEST.fullmatch(name))


def _digest(key: str) -> str:
    return "sha256-" + hashlib.sha256(key.encode("utf-8", "surrogatepass")).hexdigest()

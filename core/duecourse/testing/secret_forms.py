"""The forms in which a secret is shown: as it is, as a URL has it, or a part of a secret URL."""

import re
from collections.abc import Iterable, Iterator
from typing import Final
from urllib.parse import parse_qsl, quote, quote_plus, urlsplit

LEAST_SECRET: Final = 4
"""A shorter one is a part of any sentence."""
_TOKEN: Final = re.compile(r"(?=.*[0-9]).{8,}")


def forms_of(secrets: Iterable[str]) -> list[str]:
    """All forms of these secrets that can be looked for."""
    parts = {part for secret in secrets for part in (secret, *_parts_of_url(secret))}
    written = {form for part in parts for form in (part, quote(part, safe=""), quote_plus(part))}
    return sorted(form for form in written if len(form) >= LEAST_SECRET)


def _parts_of_url(secret: str) -> Iterator[str]:
    """What makes a URL secret: all after its host, and what in it looks like a token."""
    try:
        url = urlsplit(secret)
    except ValueError:
        return
    if not (url.scheme and url.netloc):
        return
    yield from (url.path, url.query, url.fragment, url.password or "")
    yield from (segment for segment in url.path.split("/") if _TOKEN.fullmatch(segment))
    yield from (value for _, value in parse_qsl(url.query))

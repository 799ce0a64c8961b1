"""The HTML part of an e-mail, made from its text alone: the two always say the same."""

import html
import re
from typing import Final, Literal

_PAGE: Final = """\
<!DOCTYPE html>
<html lang="{language}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
</head>
<body style="margin:0;padding:1.5em;font:1em/1.6 sans-serif;color:#1a1a1a;background:#ffffff">
<main style="max-width:40em">
{paragraphs}
</main>
</body>
</html>
"""
_LANGUAGE_TAGS: Final = {"zh": "zh-Hans", "en": "en"}


def html_page(subject: str, text: str, language: Literal["zh", "en"]) -> str:
    """Paragraphs are set apart by blank lines. Everything is escaped; nothing becomes a link."""
    paragraphs = (_paragraph(part) for part in re.split(r"\n[ \t]*\n", text.strip()))
    return _PAGE.format(
        language=_LANGUAGE_TAGS[language],
        title=html.escape(subject),
        paragraphs="\n".join(paragraphs),
    )


def _paragraph(text: str) -> str:
    lines = [html.escape(line.strip()) for line in text.strip().splitlines()]
    if lines and all(line.startswith("- ") for line in lines):
        items = "\n".join(f"<li>{line.removeprefix('- ')}</li>" for line in lines)
        return f"<ul>\n{items}\n</ul>"
    return "<p>" + "<br>\n".join(lines) + "</p>"

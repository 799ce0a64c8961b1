"""Learns the tone of messages from lists of refused and passed ones.

    python tests/support/lint_learning.py tests/rules/data core/duecourse/rules/lints

A logistic regression over the parts of `lint_tone`, by gradient steps in a fixed order: the same
lists make the same weights. It reads every `lint-*-refused.toml` and `lint-*-passed.toml` except
those that are held out.
"""

import math
import random
import sys
import tomllib
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from duecourse.rules.lint_text import readings
from duecourse.rules.lint_tone import Tone, features

HELD_OUT: Final = "lint-held-out"
_EPOCHS: Final = 40
_RATE: Final = 0.3
_DECAY: Final = 1e-3
_FEWEST: Final = 2
_LEAST: Final = 3
_STEEPEST: Final = 30.0


def learn(refused: Iterable[str], passed: Iterable[str], language: str) -> Tone:
    """Weights in hundredths; what hardly weighs is left out."""
    rows = [(_parts(text, language), 1) for text in sorted(refused)]
    rows += [(_parts(text, language), 0) for text in sorted(passed)]
    seen = Counter(part for parts, _ in rows for part in parts)
    kept = [([each for each in parts if seen[each] >= _FEWEST], hostile) for parts, hostile in rows]
    bias, weights = _descend(kept)
    rounded = {each: round(100 * weight) for each, weight in weights.items()}
    heavy = {each: weight for each, weight in rounded.items() if abs(weight) >= _LEAST}
    return Tone(round(100 * bias), dict(sorted(heavy.items())))


def _parts(text: str, language: str) -> list[str]:
    return sorted(features(readings(text)[language == "zh"].text, language))


def _descend(rows: list[tuple[list[str], int]]) -> tuple[float, dict[str, float]]:
    bias, weights = 0.0, dict.fromkeys((each for parts, _ in rows for each in parts), 0.0)
    order = random.Random(1)
    for epoch in range(_EPOCHS):
        order.shuffle(rows)
        rate = _RATE / (1 + epoch / 10)
        for parts, hostile in rows:
            size = math.sqrt(len(parts) + 1)
            raw = bias + sum(weights[each] for each in parts) / size
            off = 1 / (1 + math.exp(-max(-_STEEPEST, min(_STEEPEST, raw)))) - hostile
            bias -= rate * off / 10
            for each in parts:
                weights[each] = weights[each] * (1 - rate * _DECAY) - rate * off / size
    return bias, weights


def read_lists(folder: Path, language: str) -> tuple[list[str], list[str]]:
    """The refused and the passed messages of every list that is not held out."""
    told: dict[str, list[str]] = {"refused": [], "passed": []}
    for file in sorted(folder.glob("lint-*.toml")):
        kind = file.stem.rpartition("-")[2]
        if kind not in told or file.stem.startswith(HELD_OUT):
            continue
        document = tomllib.loads(file.read_text("utf-8"))
        told[kind] += document.get(language, [])
        staged = document.get("staged", [])
        told[kind] += [each["text"] for each in staged if each["language"] == language]
    return told["refused"], told["passed"]


def written(tone: Tone, language: str) -> str:
    """The weights as the file of them stands."""
    lines = [
        "# Made by tests/support/lint_learning.py from the lists in tests/rules/data; do not edit.",
        f"# How {language} sounds, in hundredths: above zero is hostile.",
        f"bias = {tone.bias}",
        "weights = [",
        *(f'  "{each}={weight}",' for each, weight in tone.weights.items()),
        "]",
    ]
    return "\n".join(lines) + "\n"


def main(lists: str, target: str) -> None:
    for language in ("en", "zh"):
        tone = learn(*read_lists(Path(lists), language), language)
        Path(target, f"{language}-tone.toml").write_text(written(tone, language), "utf-8")


if __name__ == "__main__":
    main(*sys.argv[1:])

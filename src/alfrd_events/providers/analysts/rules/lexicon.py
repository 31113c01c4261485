"""The words of ``lexicon.toml``, as patterns.

Patterns are made once per process. :func:`any_of` is also how a user's extra terms become a pattern.
"""

from __future__ import annotations

import re
import tomllib
from functools import lru_cache
from importlib.resources import files
from typing import Any

WEIGHTS: dict[str, float] = {"proof": 5, "strong": 4, "fair": 3, "some": 2, "hint": 1}
"""How much a phrase alone decides: a proof nearly everything, a hint next to nothing."""

Patterns = dict[str, re.Pattern[str]]


@lru_cache(maxsize=1)
def _words() -> dict[str, Any]:
    text = files(__package__).joinpath("lexicon.toml").read_text("utf-8")
    return tomllib.loads(text)


@lru_cache(maxsize=1)
def type_names() -> tuple[str, ...]:
    """The types that the lexicon has words for."""
    return tuple(_words()["types"])


@lru_cache(maxsize=1)
def type_phrases() -> dict[str, tuple[tuple[float, re.Pattern[str]], ...]]:
    """For each type, patterns with the weight of one of their phrases."""
    return {
        name: tuple(
            (WEIGHTS[level], any_of(phrases)) for level, phrases in levels.items() if level in WEIGHTS
        )
        for name, levels in _words()["types"].items()
    }


@lru_cache(maxsize=1)
def type_titles() -> Patterns:
    """For each type, what its papers are headed with."""
    return {name: any_of(levels["titles"]) for name, levels in _words()["types"].items()}


@lru_cache(maxsize=1)
def unknown_titles() -> Patterns:
    """Headings of papers that have no type of their own."""
    return {name: any_of(phrases) for name, phrases in _words()["unknown_titles"].items()}


@lru_cache(maxsize=1)
def tags() -> Patterns:
    return {name: any_of(phrases) for name, phrases in _words()["tags"].items()}


@lru_cache(maxsize=1)
def kinds() -> dict[str, tuple[tuple[str, re.Pattern[str]], ...]]:
    """For each type, what can recur, the principal subject first."""
    return {
        name: tuple((kind, any_of(phrases)) for kind, phrases in by_kind.items())
        for name, by_kind in _words()["kinds"].items()
    }


def any_of(phrases: str) -> re.Pattern[str]:
    """One pattern for phrases that are apart by semicolons."""
    cleaned = sorted({phrase.strip() for phrase in phrases.split(";")} - {""}, key=len, reverse=True)
    return re.compile("|".join(_pattern_of(phrase) for phrase in cleaned) or r"(?!)")


def _pattern_of(phrase: str) -> str:
    """A phrase as a pattern: its blanks are optional, and it starts and ends where words do."""
    body = r"[\s\-./:]{0,2}".join(re.escape(word) for word in phrase.split())
    left = r"(?<![a-z0-9])" if phrase[0].isalnum() else ""
    right = r"(?![a-z0-9])" if phrase[-1].isalnum() else ""
    return f"{left}{body}{right}"

"""The words of ``lexicon.toml``, made ready for searching once per process."""

from __future__ import annotations

import tomllib
from functools import lru_cache
from importlib.resources import files
from typing import Any

from alfrd_events.analysis.text.phrases import Phrases

WEIGHTS: dict[str, float] = {"proof": 5, "strong": 4, "fair": 3, "some": 2, "hint": 1}
"""How much a phrase alone decides: a proof nearly everything, a hint next to nothing."""


@lru_cache(maxsize=1)
def _words() -> dict[str, Any]:
    text = files(__package__).joinpath("lexicon.toml").read_text("utf-8")
    return tomllib.loads(text)


@lru_cache(maxsize=1)
def type_names() -> tuple[str, ...]:
    """The types that the lexicon has words for."""
    return tuple(_words()["types"])


@lru_cache(maxsize=1)
def type_phrases() -> dict[str, tuple[tuple[float, Phrases], ...]]:
    """For each type, phrases with the weight of one of them."""
    return {
        name: tuple(
            (WEIGHTS[level], Phrases.of(listed)) for level, listed in levels.items() if level in WEIGHTS
        )
        for name, levels in _words()["types"].items()
    }


@lru_cache(maxsize=1)
def type_titles() -> dict[str, Phrases]:
    """For each type, what its papers are headed with."""
    return {name: Phrases.of(levels["titles"]) for name, levels in _words()["types"].items()}


@lru_cache(maxsize=1)
def unknown_titles() -> dict[str, Phrases]:
    """Headings of papers that have no type of their own."""
    return {name: Phrases.of(listed) for name, listed in _words()["unknown_titles"].items()}


@lru_cache(maxsize=1)
def tags() -> dict[str, Phrases]:
    """What a paper is about, by the words that say so."""
    return {name: Phrases.of(listed) for name, listed in _words()["tags"].items()}


@lru_cache(maxsize=1)
def kinds() -> dict[str, tuple[tuple[str, Phrases], ...]]:
    """For each type, what can recur, the principal subject first."""
    return {
        name: tuple((kind, Phrases.of(listed)) for kind, listed in by_kind.items())
        for name, by_kind in _words()["kinds"].items()
    }

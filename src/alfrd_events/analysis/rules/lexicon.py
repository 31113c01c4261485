"""The words that tell what a paper is, what it is about and what recurs, made ready for searching once per process.

They are in ``text/words``: one file for each type in ``types``, and ``unknown_types``, ``tags`` and ``kinds``.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import cache

from alfrd_events.analysis.text.layout import fold
from alfrd_events.analysis.text.phrases import Phrases
from alfrd_events.analysis.text.vocabulary import files_of, lists_of

WEIGHTS: dict[str, float] = {"proof": 5, "strong": 4, "fair": 3, "some": 2, "hint": 1}
"""How much a phrase alone decides: a proof nearly everything, a hint next to nothing."""

COMPOUNDING = ("german", "dutch", "swedish", "danish", "norwegian")
"""Languages that write compounds as one word, what it is at the end."""


@cache
def type_names() -> tuple[str, ...]:
    """The types that there are words for."""
    return files_of("types")


@cache
def type_phrases() -> dict[str, tuple[tuple[float, Phrases], ...]]:
    """For each type, phrases with the weight of one of them."""
    return {
        name: tuple(
            (WEIGHTS[level], _literal(by_language.values(), compounds=_compounds(by_language, level)))
            for level, by_language in lists_of(f"types/{name}").items()
            if level in WEIGHTS
        )
        for name in type_names()
    }


@cache
def type_titles() -> dict[str, Phrases]:
    """For each type, what its papers are headed with."""
    return {name: _literal(lists_of(f"types/{name}")["titles"].values()) for name in type_names()}


@cache
def type_proofs() -> dict[str, frozenset[str]]:
    """For each type, its titles and the phrases that prove it, as they are found."""
    proofs = {
        name: [
            each
            for level in ("titles", "proof")
            for each in lists_of(f"types/{name}").get(level, {}).values()
        ]
        for name in type_names()
    }
    return {
        name: frozenset(fold(phrase) for each in listed for phrase in each) for name, listed in proofs.items()
    }


@cache
def unknown_titles() -> dict[str, Phrases]:
    """Headings of papers that have no type of their own."""
    return {name: _literal(listed.values()) for name, listed in lists_of("unknown_types").items()}


@cache
def tags() -> dict[str, Phrases]:
    """What a paper is about, by the words that say so."""
    return {name: _literal(listed.values()) for name, listed in lists_of("tags").items()}


@cache
def kinds() -> dict[str, tuple[tuple[str, Phrases], ...]]:
    """For each type, what can recur, the principal subject first."""
    return {
        name: tuple((kind, _literal(listed.values())) for kind, listed in by_kind.items())
        for name, by_kind in lists_of("kinds").items()
    }


def _compounds(by_language: dict[str, list[str]], level: str) -> Iterator[str]:
    """Single words that prove a type and may end a longer word of their language."""
    if level == "proof":
        for language in COMPOUNDING:
            yield from (fold(phrase) for phrase in by_language.get(language, ()) if phrase.isalpha())


def _literal(by_language: Iterable[list[str]], compounds: Iterable[str] = ()) -> Phrases:
    """The phrases of all languages, as they are found in folded text."""
    return Phrases.from_words((fold(phrase) for listed in by_language for phrase in listed), compounds)

"""The words that rules look for, by language (``words/*.toml``), as regular expressions for folded text.

The files hold words and nothing else; what stands around them (digits, punctuation, places) is in the rules. A list is
named by its file and its table, ``totals.subtotal``, and holds phrases in small letters, accents as they are written.
A phrase is written like this:

==================  ================================================================================
``total amount``    a blank stands for any blanks, or none: readers lose gaps and make some
``pay[ment] by``    what is in brackets may be missing, ``[total|full]`` also one of two
``(gross|net) pay`` one of these
``rechnung-``       the word may go on: "Rechnungen"
``zahlbar … bis``   up to forty characters of one sentence
``statement …``     the rest of the line, whatever it is; ``statement…`` with the rest of the word
``sdn~bhd``         up to three signs that are neither letters nor digits, or none
``p.o. box``        a full stop may be missing
``d'avoir``         an apostrophe may be missing, or be another one
==================  ================================================================================

Of phrases that begin alike the longest is found. How words are bounded is said by the rule: :func:`words` finds whole
words only, :func:`beginnings` finds a phrase where a word begins, :func:`any_of` anywhere.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from functools import cache
from importlib.resources import files
from typing import Any, cast

from alfrd_events.analysis.text.layout import without_accents

_OF_ONE_SENTENCE = r"(?:[^.;]|\.\d){0,40}?\b"
_AS_IS = {" ": r"\s*", "~": r"\W{0,3}", ".": r"\.?", "'": "['’´`]?"}
_ENDS_A_WORD = frozenset(" ~)|]")


@cache
def pattern(name: str) -> re.Pattern[str]:
    """Every phrase of a list, as whole words."""
    return re.compile(words(name))


@cache
def words(*names: str) -> str:
    """The source of an expression for the phrases of some lists: no letter of the Latin alphabet beside them."""
    bounded = [_source(each) + ("" if _is_open(each) else "(?![a-z])") for each in _longest_first(names)]
    return f"(?<![a-z])(?:{'|'.join(bounded)})"


@cache
def beginnings(*names: str) -> str:
    """The source of an expression for the phrases of some lists: each begins where a word does, and may go on."""
    return f"(?<![a-z]){any_of(*names)}"


@cache
def any_of(*names: str, language: str = "") -> str:
    """The source of an expression for the phrases of some lists, whatever stands around them.

    :param language: only that language's phrases.
    """
    return f"(?:{'|'.join(_source(each) for each in _longest_first(names, language))})"


def phrases(name: str) -> dict[str, list[str]]:
    """A list as it is written: language → phrases.

    :raise KeyError: no file has such a table.
    """
    file, *path = name.split(".")
    found: Any = _file(file)
    for key in path:
        found = found[key]
    return cast(dict[str, list[str]], found)


def listed(name: str) -> tuple[str, ...]:
    """The phrases of a list in all languages, as they are written."""
    return tuple(phrase for each in phrases(name).values() for phrase in each)


def lists_of(file: str) -> dict[str, Any]:
    """All lists of a file: table → language → phrases; a table of tables holds lists by a second name."""
    return _file(file)


def files_of(folder: str) -> tuple[str, ...]:
    """The names of a folder's files, in the order of the alphabet."""
    found = files(__package__).joinpath("words", folder).iterdir()
    return tuple(sorted(each.name.removesuffix(".toml") for each in found))


@cache
def _file(name: str) -> dict[str, Any]:
    return tomllib.loads(files(__package__).joinpath("words", f"{name}.toml").read_text("utf-8"))


def _longest_first(names: tuple[str, ...], language: str = "") -> list[str]:
    found = [
        phrase
        for name in names
        for each, listed in phrases(name).items()
        if language in {"", each}
        for phrase in listed
    ]
    return sorted(dict.fromkeys(found), key=len, reverse=True)


def _is_open(phrase: str) -> bool:
    return phrase.endswith(("-", "…")) or (not phrase[-1].isalpha() and phrase[-1] not in ")].")


def _source(phrase: str) -> str:
    """:raise ValueError: its brackets do not close, or a bar is outside of them."""
    parts = _Parts(without_accents(phrase))
    found = parts.sequence()
    if not parts.are_read:
        raise ValueError(f"the phrase “{phrase}” has a bar, or a bracket that closes, out of place")
    return found


class _Parts:
    """One phrase, read from left to right."""

    def __init__(self, phrase: str) -> None:
        self._phrase = phrase
        self._at = 0

    @property
    def are_read(self) -> bool:
        return self._at == len(self._phrase)

    def sequence(self) -> str:
        """Read up to a bar, the bracket that closes, or the end."""
        return "".join(self._pieces())

    def _pieces(self) -> Iterator[str]:
        begins_a_word = True
        while (sign := self._next()) not in {"", "|", ")", "]"}:
            before = self._phrase[self._at - 1] if self._at else " "
            self._at += 1
            if sign == "(":
                yield f"(?:{self._inside(')')})"
            elif sign == "[":
                yield self._optional(begins_a_word)
            elif sign == " " and self._next() in ("[", "…"):
                yield from self._after_blank()
            elif sign == "…":
                yield self._rest()
            elif sign == "-" and before.isalpha() and self._next() in _ENDS_A_WORD | {""}:
                yield r"\w*"
            else:
                yield _AS_IS.get(sign) or re.escape(sign)
            begins_a_word = self._phrase[self._at - 1] == " "

    def _after_blank(self) -> Iterator[str]:
        """Read what may be missing together with the blank before it, or what goes on after a whole word."""
        sign = self._next()
        self._at += 1
        if sign == "…":
            yield r"\b" + self._rest()
            return
        inside = self._inside("]")
        is_word = self._next() in _ENDS_A_WORD | {""}
        yield rf"(?:\s*(?:{inside}))?" if is_word else rf"\s*(?:{inside})?"

    def _optional(self, begins_a_word: bool) -> str:
        inside = self._inside("]")
        if begins_a_word and self._next() == " ":
            self._at += 1
            return rf"(?:(?:{inside})\s*)?"
        return f"(?:{inside})?"

    def _rest(self) -> str:
        if self._next() == " ":
            self._at += 1
            return _OF_ONE_SENTENCE
        return ".*"

    def _inside(self, closing: str) -> str:
        """Read alternatives and the bracket that closes them."""
        alternatives = [self.sequence()]
        while self._next() == "|":
            self._at += 1
            alternatives.append(self.sequence())
        if self._next() != closing:
            raise ValueError(f"the phrase “{self._phrase}” has a bracket that does not close")
        self._at += 1
        return "|".join(alternatives)

    def _next(self) -> str:
        return self._phrase[self._at : self._at + 1]

"""Answer keys, and how an output is graded against one: by code, without a call.

A key says what a document is and what it says, written once from the full text, before anybody sees an output. Grading
the same output twice gives the same score, and a key that a person corrects grades everything anew for nothing.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Any, Literal

from pydantic import computed_field
from rapidfuzz import fuzz

from alfrd_events.model import COMPARISONS, AnswerKey, Comparison, JsonObject, Result

GRADED = ("classifier", "summarizer")
"""The kinds of prompts whose outputs a key can grade."""
_ALIKE = 90
"""A similarity (0 to 100) at which names are the same; below ``_UNLIKE`` they are different."""
_UNLIKE = 60


class Miss(Result):
    """Something that an output has wrong."""

    name: str
    """The fact's, or ``document_type``."""
    how: Literal["missing", "wrong", "invented"]
    expected: str
    got: str

    @computed_field  # type: ignore[prop-decorator]
    @property
    def kind(self) -> str:
        """What recurs: the same fact wrong in the same way. For a type, which was taken for which."""
        if self.name == "document_type":
            return f"{self.expected} taken for {self.got or 'nothing'}"
        return f"{self.name} {self.how}"


@dataclass(frozen=True, slots=True)
class Grade:
    """How good an output is against its key."""

    score: float
    misses: tuple[Miss, ...]


def grade(kind: str, key: AnswerKey, output: JsonObject) -> Grade:
    """Grade the output of a prompt.

    :param kind: ``classifier`` or ``summarizer``.
    :raise ValueError: outputs of this kind cannot be graded against a key.
    """
    if kind == "classifier":
        return _grade_type(key, output)
    if kind == "summarizer":
        return _grade_facts(key, output)
    raise ValueError(f"outputs of a {kind} have no answer key")


def _grade_type(key: AnswerKey, output: JsonObject) -> Grade:
    got = str(output.get("document_type") or "")
    if got == key.document_type:
        return Grade(1.0, ())
    return Grade(0.0, (Miss(name="document_type", how="wrong", expected=key.document_type, got=got),))


def _grade_facts(key: AnswerKey, output: JsonObject) -> Grade:
    points, misses = 0.0, []
    for fact in key.facts:
        if fact.name in COMPARISONS:
            got = _plain(output.get(fact.name))
            point = agreement(COMPARISONS[fact.name], fact.value, got)
        else:
            # Names beyond the columns are each writer's own: the value has to be somewhere in what was extracted.
            found = list(_leaves(output.get("structured_data") or {}))
            point, got = max(
                ((agreement(fact.kind, fact.value, value), value) for value in found), default=(0.0, "")
            )
        points += point
        if point < 1:
            how: Literal["missing", "wrong", "invented"] = "missing"
            if got:
                how = "wrong" if fact.value else "invented"
            misses.append(Miss(name=fact.name, how=how, expected=fact.value, got=got))
    return Grade(points / len(key.facts) if key.facts else 1.0, tuple(misses))


def agreement(kind: Comparison, expected: str, got: str) -> float:
    """How far a value agrees with the key's: 0 to 1; in between only where names are compared."""
    if not expected or not got:
        return float(not expected and not got)
    if kind == "number":
        return float(number(expected) is not None and number(expected) == number(got))
    if kind == "date":
        return float(_date(expected) is not None and _date(expected) == _date(got))
    if kind == "exact":
        return float(squeezed(expected) == squeezed(got))
    alike = fuzz.token_sort_ratio(_words(expected), _words(got))
    if alike >= _ALIKE:
        return 1.0
    return max(0.0, (alike - _UNLIKE) / (100 - _UNLIKE))


def number(text: str) -> Decimal | None:
    """A number as people write it: ``1,234.56``, ``1.234,56``, ``$ 1 234``; ``None`` where there is none."""
    found = re.search(r"[-−(]?\s*[^\d\s-]{0,4}\s*\d[\d.,'’\s\u00a0\u202f]*", text)
    if found is None:
        return None
    digits = re.sub(r"[^\d.,]", "", found[0]).strip(".,")
    point = max(digits.rfind("."), digits.rfind(","))
    if point >= 0:
        whole, fraction = digits[:point], digits[point + 1 :]
        # Three digits after the only kind of separator are thousands.
        thousands = (
            len(fraction) == 3 and len({mark for mark in digits if mark in ".,"}) == 1 and whole != "0"
        )
        digits = re.sub(r"[.,]", "", digits) if thousands else f"{re.sub(r'[.,]', '', whole)}.{fraction}"
    try:
        value = Decimal(digits)
    except InvalidOperation:
        return None
    return -value if found[0].lstrip()[0] in "-−(" else value


def squeezed(text: str) -> str:
    """Letters and digits only, in lower case: what an account number is compared by."""
    plain = unicodedata.normalize("NFKC", text).casefold()
    return "".join(character for character in plain if character.isalnum())


def _words(text: str) -> str:
    return " ".join(re.findall(r"\w+", unicodedata.normalize("NFKC", text).casefold()))


def _date(text: str) -> date | None:
    try:
        return date.fromisoformat(text.strip()[:10])
    except ValueError:
        return None


def _plain(value: Any) -> str:
    return "" if value is None else str(value).strip()


def _leaves(value: Any) -> Iterator[str]:
    """Every value in structured data, however deep."""
    if isinstance(value, Mapping):
        for each in value.values():
            yield from _leaves(each)
    elif isinstance(value, Sequence) and not isinstance(value, str):
        for each in value:
            yield from _leaves(each)
    elif value is not None and str(value).strip():
        yield str(value).strip()

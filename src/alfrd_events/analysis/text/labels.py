"""The labels of ``labels.toml``, made ready for searching in folded text."""

from __future__ import annotations

import re
import tomllib
from functools import cache
from importlib.resources import files
from typing import Literal

from alfrd_events.analysis.text.layout import fold

Kind = Literal["total", "due", "credit"]


@cache
def label(kind: Kind) -> re.Pattern[str]:
    """A pattern for every label of a kind, the longest first; words of the Latin alphabet only as whole ones."""
    languages = _all()[kind]
    forms = {form for labels in languages.values() for form in labels}
    return re.compile("|".join(_pattern(form) for form in sorted(forms, key=len, reverse=True)))


@cache
def _all() -> dict[str, dict[str, list[str]]]:
    return tomllib.loads(files(__package__).joinpath("labels.toml").read_text("utf-8"))


def _pattern(form: str) -> str:
    words = r"\s*".join(re.escape(word) for word in fold(form).split())
    words = words.replace(r"\s*…\s*", r"\b(?:[^.;]|\.\d){0,40}?\b")
    return rf"(?<![a-z]){words}(?![a-z])"

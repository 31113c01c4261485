"""Write pages from templates: everything is escaped, and nothing that is written is hidden or steers."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from datetime import date
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape

from alfrd_events import escape as escaping
from alfrd_events.console.texts import Texts, catalogues
from alfrd_events.console.wording import alert_in_words, other_value, review_in_words
from alfrd_events.terminal.values import label

TEMPLATES = Path(__file__).parent / "templates"
STATIC = Path(__file__).parent / "static"
_LONG_NAME = 120
_MOST_MARKS = 4
_WHOLE = re.compile(r"\d{4}-\d\d-\d\d|\d{1,12}(?:[.,]\d{1,12}){0,6} (?:[A-Z]{3}\b|%)")
"""A day, an amount with its currency, a percentage."""


def environment(texts: Texts) -> Environment:
    """The templates in one language, with what they may call."""
    made = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    nothing, formats = texts.plain("common.no_name"), texts.formats

    def called(text: str, of: str = "") -> str:
        """A file's name or another one-line text, cut where it is endless."""
        shown = visible(text) or of or nothing
        return shown if len(shown) <= _LONG_NAME else f"{shown[: _LONG_NAME - 1]}…"

    filters: dict[str, Any] = {
        "alert": partial(alert_in_words, texts),
        "amount": formats.amount,
        "entry": formats.entry,
        "label": label,
        "marked": marked,
        "moment": formats.moment,
        "name": called,
        "number": formats.number,
        "other_value": partial(other_value, formats),
        "percent": formats.percent,
        "prose": prose,
        "review": partial(review_in_words, texts),
        "seconds": formats.seconds,
        "show": formats.show,
        "usd": formats.usd,
        "visible": visible,
        "visible_lines": visible_lines,
    }
    made.filters |= filters
    made.globals |= {"code": code, "query": query, "t": texts}
    made.globals["ui"] = made.get_template("_parts.html").module
    return made


class Renderer:
    """Templates into text."""

    def __init__(self, languages: Mapping[str, Texts] | None = None) -> None:
        self.languages = catalogues() if languages is None else languages
        self._environments = {name: environment(texts) for name, texts in self.languages.items()}

    def page(self, texts: Texts, template: str, values: Mapping[str, Any]) -> str:
        """A whole page in a language."""
        return self._environments[texts.language].get_template(template).render(values)

    def part(self, texts: Texts, template: str, block: str, values: Mapping[str, Any]) -> str:
        """One block of it, to be put in the place of the one that a browser shows.

        :raise KeyError: the page has no such block.
        """
        found = self._environments[texts.language].get_template(template)
        return "".join(found.blocks[block](found.new_context(dict(values))))


def code(text: str) -> Markup:
    """What somebody may type, within a text."""
    return Markup("<code>{}</code>").format(text)


def visible(text: Any) -> str:
    """One line of text in which nothing is hidden, steers, or towers over other lines."""
    return _low(escaping.visible(str(text)))


def prose(text: Any) -> Markup:
    """The same for sentences: a day, an amount or a percentage in them is not torn apart at the end of a line."""
    shown, pieces, done = visible(text), Markup(""), 0
    for found in _WHOLE.finditer(shown):
        pieces += escape(shown[done : found.start()])
        pieces += Markup('<span class="whole">{}</span>').format(found[0])
        done = found.end()
    return pieces + escape(shown[done:])


def visible_lines(text: str) -> str:
    """The same for text of many lines."""
    return _low(escaping.visible_lines(text))


def _low(text: str) -> str:
    """Text with four marks on one letter at most: a hundred of them are as wide and high as a page."""
    if text.isascii():
        return text
    kept, marks = [], 0
    for character in text:
        marks = marks + 1 if unicodedata.category(character).startswith("M") else 0
        if marks <= _MOST_MARKS:
            kept.append(character)
    return "".join(kept)


def marked(excerpt: str) -> Markup:
    """A passage with its hits marked: ``⟦hit⟧``."""
    pieces = Markup("")
    for index, piece in enumerate(visible(excerpt.replace("\n", " ")).split("⟦")):
        hit, closed, rest = piece.partition("⟧")
        if index and closed:
            pieces += Markup("<mark>{}</mark>").format(hit) + escape(rest)
        else:
            pieces += escape(piece)
    return pieces


def query(parameters: Mapping[str, Any], **changes: Any) -> str:
    """``?a=b&c=d`` from what is not empty; nothing where all is."""
    left = {key: value for key, value in {**parameters, **changes}.items() if value not in ("", None)}
    return f"?{urlencode(left)}" if left else "?"


def day(text: str) -> date | None:
    """A day that somebody typed; ``None``: it is none."""
    try:
        return date.fromisoformat(text.strip())
    except ValueError:
        return None

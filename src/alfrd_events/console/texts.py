"""What the console says: one file of ``languages/`` for each language, and nothing of it in templates or handlers.

To add a text, write ``key = "Text"`` under the page that shows it in ``languages/en.toml`` and in each other file of
that folder; a template says it by ``{{ t("today.failed") }}``, a handler by ``texts_of(request).plain("told.tagged")``.
``{name}`` in a text takes a value that is given with it (a number is written as the language does), and a text with a
plural is ``key = {one = "{n} page", other = "{n} pages"}``, said with ``n=3``. To add a language, copy ``en.toml``.

Alerts and reasons for review are said anew by ``wording.py``. What else the database and the program say, such as
errors, comes as it is: in English.
"""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Mapping
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

from markupsafe import Markup, escape

from alfrd_events.console.formats import Formats
from alfrd_events.escape import visible

LANGUAGES = Path(__file__).parent / "languages"
ENGLISH = "en"
Entry = str | Mapping[str, str]


def _one_or_other(number: int) -> str:
    return "one" if number == 1 else "other"


_PLURALS: Mapping[str, Callable[[int], str]] = {}
"""The key of the form for a number, by language; those that are not here have the forms of English."""


class Texts:
    """Everything that is said in one language."""

    def __init__(self, language: str, sections: Mapping[str, Mapping[str, Any]]) -> None:
        """:param sections: as a file of ``languages/`` has them: section -> key -> text, or its forms by number."""
        self.language = language
        self.formats = Formats(sections["format"])
        self.sections = sections
        self._plural = _PLURALS.get(language, _one_or_other)
        self._plain = {
            f"{section}.{key}": text
            for section, entries in sections.items()
            if section != "format"
            for key, text in entries.items()
        }
        self._escaped = {key: _escaped(entry) for key, entry in self._plain.items()}

    def __call__(self, key: str, /, **values: Any) -> Markup:
        """A text for a page, with what is not markup in its values escaped.

        :raise KeyError: there is no such text.
        """
        text = self._form(self._escaped[key], values)
        written = {name: escape(value) for name, value in self._written(values).items()}
        return Markup(text.format(**written) if written else text)  # noqa: S704 - all of it is escaped

    def plain(self, key: str, /, **values: Any) -> str:
        """The same as plain text.

        :raise KeyError: there is no such text.
        """
        text = self._form(self._plain[key], values)
        return text.format(**self._written(values)) if values else text

    def name(self, section: str, key: Any) -> str:
        """The name of a status, a step or the like; what has none here is called by its key."""
        found = self.sections[section].get(key)
        return found if isinstance(found, str) else visible(str(key)).replace("_", " ")

    def field(self, name: str) -> str:
        """The name of a value: ``line_items.0.amount`` is ``Line items 1 amount``."""
        found = self.sections["field"].get(name)
        if isinstance(found, str):
            return found
        parts = visible(name).split(".")
        words = " ".join(str(int(part) + 1) if part.isdecimal() else part.replace("_", " ") for part in parts)
        return words[:1].upper() + words[1:]

    def _form(self, entry: Entry, values: Mapping[str, Any]) -> str:
        return entry if isinstance(entry, str) else entry[self._plural(values["n"])]

    def _written(self, values: Mapping[str, Any]) -> dict[str, Any]:
        return {
            name: self.formats.number(value) if type(value) is int else value
            for name, value in values.items()
        }


def _escaped(entry: Entry) -> Entry:
    if isinstance(entry, str):
        return escape(entry)
    return {form: escape(text) for form, text in entry.items()}


@cache
def catalogues() -> Mapping[str, Texts]:
    """All languages, English first."""
    found = {
        path.stem: Texts(path.stem, tomllib.loads(path.read_text(encoding="utf-8")))
        for path in LANGUAGES.glob("*.toml")
    }
    return dict(sorted(found.items(), key=lambda each: (each[0] != ENGLISH, each[0])))


def english() -> Texts:
    """What is said to programs."""
    return catalogues()[ENGLISH]


@lru_cache(maxsize=256)
def preferred(accepted: str) -> str:
    """The first language of ``Accept-Language`` that there is a file for; English if there is none."""
    wished: list[tuple[float, str]] = []
    for part in accepted[:500].split(","):
        tag, _, parameters = part.partition(";")
        quality = parameters.strip().removeprefix("q=")
        try:
            weight = float(quality) if quality else 1.0
        except ValueError:
            continue
        wished.append((weight, tag.strip().lower().partition("-")[0]))
    for weight, language in sorted(wished, key=lambda each: -each[0]):
        if weight > 0 and language in catalogues():
            return language
    return ENGLISH

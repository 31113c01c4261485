"""Which handler runs which step.

The built-in ones, and those that installed packages offer under the entry point group
``alfrd_events.steps``: the entry's name is the step, its object the handler. With one row in
``alfrd.routes`` that is all a step of one's own takes.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from importlib.metadata import entry_points

from pydantic import BaseModel

from alfrd_events.errors import SettingsInvalid
from alfrd_events.model import Case, Page
from alfrd_events.model.protocols import Analyst, Reader
from alfrd_events.reading.sources import Sources
from alfrd_events.steps import analysis, answer_keys, evolving, filing, reading
from alfrd_events.steps.spending import Evolution

Handler = Callable[[Case, "Tools"], Awaitable[BaseModel]]
SavePage = Callable[[Page, int], Awaitable[None]]

GROUP = "alfrd_events.steps"


@dataclass(frozen=True)
class Tools:
    """What a handler may use: the providers, and a way to hand over pages before it ends."""

    reader: Reader
    analyst: Analyst
    sources: Sources
    save_page: SavePage
    """``await save_page(page, part)``: the page is numbered within the document; it survives a crash."""
    evolution: Evolution | None = None
    """What prompts evolve with; ``None``: they do not, in this process."""


BUILT_IN: Mapping[str, Handler] = {
    "ocr": reading.ocr,
    "classify": analysis.classify,
    "score_classification": analysis.score_classification,
    "summarize": analysis.summarize,
    "score_summary": analysis.score_summary,
    "file": filing.file,
    "extract": filing.extract,
    "summarize_file": filing.summarize_file,
}

EVOLUTION: Mapping[str, Handler] = {
    "answer_key": answer_keys.answer_key,
    "evolve_prompt": evolving.evolve_prompt,
}
"""Served only where prompts may evolve: with a language model, unless ``ALFRD_EVOLUTION`` is off."""

PROMPT_KINDS: Mapping[str, str] = {
    "classify": "classifier",
    "score_classification": "scorer",
    "summarize": "summarizer",
    "score_summary": "scorer",
    "file": "series_detector",
    "extract": "series_extractor",
    "summarize_file": "file_summarizer",
}
"""Step -> kind of the prompt that it works with."""


def handlers(*, evolution: bool = False) -> dict[str, Handler]:
    """Every step that this program can run.

    :param evolution: with those by which prompts evolve.
    :raise SettingsInvalid: an installed package offers a step under a built-in name, or one that cannot be loaded.
    """
    found: dict[str, Handler] = {**BUILT_IN, **(EVOLUTION if evolution else {})}
    for entry in entry_points(group=GROUP):
        if entry.name in {**BUILT_IN, **EVOLUTION}:
            raise SettingsInvalid(
                f"step {entry.name!r} of {entry.value} has the name of a step that exists already: rename it"
            )
        try:
            found[entry.name] = entry.load()
        except Exception as error:
            raise SettingsInvalid(f"step {entry.name!r}: cannot load {entry.value}: {error}") from error
    return found

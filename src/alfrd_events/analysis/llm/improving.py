"""A better instruction, written by a model: taken whole or not at all."""

from __future__ import annotations

import re

from alfrd_events.analysis.llm.forms import PromptForm
from alfrd_events.clients.calls import BadReply
from alfrd_events.model import AnalystResult, Prompt

_ADDRESS = re.compile(r"https?://|www\.|\S+@\S+\.\w", re.IGNORECASE)


class ImprovedPrompt(AnalystResult):
    """A candidate for the next version of a prompt; whether it is better is for others to find out."""

    text: str
    changes: tuple[str, ...] = ()


def improved(form: PromptForm, current: Prompt, max_words: int) -> ImprovedPrompt:
    """
    :raise BadReply: longer than allowed (it is not cut), unchanged, or with an address in it.
    """
    words = len(form.text.split())
    if words > max_words:
        raise BadReply(f"prompt: {words} words; at most {max_words} are allowed", "invalid")
    if _ADDRESS.search(form.text):
        raise BadReply("prompt: it must hold no web or mail address", "invalid")
    if form.text.split() == current.text.split():
        raise BadReply("prompt: it is the instruction as it was", "invalid")
    return ImprovedPrompt(text=form.text, changes=tuple(line for line in form.changes if line))

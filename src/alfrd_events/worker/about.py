"""What a log line says of the task that it is about: whose, by id and by name, which step, which attempt."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from alfrd_events.model import Task
from alfrd_events.model.inputs import DocumentInput, FileInput, StepInput, TrialInput, WatchInput


def facts_of(task: Task, name: str = "") -> dict[str, Any]:
    """Give the facts for a log line.

    :param name: of its subject; empty where it is not known.
    """
    named = {"name": name} if name else {}
    return {task.subject_type: task.subject_id, **named, "step": task.step, "attempt": task.attempt}


def name_of(given: StepInput | None) -> str:
    """Return what a person calls the subject of a step; empty where people have no name for it."""
    match given:
        case DocumentInput():
            return given.document.filename
        case FileInput():
            return given.file.title
        case WatchInput():
            return given.history.entity
        case TrialInput():
            return given.trial.sender
    return ""


def metadata_of(given: StepInput | None) -> Mapping[str, Any] | None:
    """Return what came with the document of a step; ``None`` where its subject is none."""
    return given.document.metadata if isinstance(given, DocumentInput) else None

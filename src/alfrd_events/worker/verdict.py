"""What an attempt comes to: its result as JSON, or an error as the kind of its outcome and a text.

A handler may be a user's own. Whatever it returns or raises, its task ends, and the worker goes on: also
``SystemExit``, ``KeyboardInterrupt``, a cancellation that this worker did not ask for, and an exception that cannot
even tell what it is.
"""

from __future__ import annotations

import asyncio
import math
import traceback
from typing import Any, NamedTuple

from pydantic import BaseModel
from pydantic_core import PydanticSerializationError

from alfrd_events.db.errors import Interrupted
from alfrd_events.errors import (
    AlfrdError,
    DatabaseUnavailable,
    Permanent,
    StaleClaim,
    Throttled,
    Transient,
    WorkerUnfit,
    shortage,
)
from alfrd_events.model import AnalystResult, JsonObject, Kind, Task
from alfrd_events.observe import Log
from alfrd_events.worker.about import facts_of

log = Log("runner")

MAX_RESULT_BYTES = 16 * 1024 * 1024
"""Of one result as JSON; a long document's takes some hundred thousand. Pages are saved apart from it."""
_MAX_ERROR_CHARACTERS = 2_000
_PLACES_REMEMBERED = 1_000


class Verdict(NamedTuple):
    """What becomes of a task whose handler raised an error."""

    kind: Kind
    error: str
    retry_after: float | None = None
    """Seconds, for ``throttled``."""


def packed(step: str, result: Any, pages: list[JsonObject]) -> JsonObject | bytes:
    """The result of a step as the exchange takes it.

    :param pages: what an ``ocr`` step has read and not saved yet.
    :raise Transient: it is no pydantic model, which is a bug of the step.
    :raise Permanent: it is too large.
    :raise PydanticSerializationError: it holds what JSON cannot.
    """
    if not isinstance(result, BaseModel):
        raise Transient(
            f"{step}: its handler returned {type(result).__name__}, and has to return a pydantic model; mend the step"
        )
    if step == "ocr":
        return {**result.model_dump(mode="json", warnings="error"), "pages": pages}
    payload = result.model_dump_json(warnings="error").encode()
    if len(payload) > MAX_RESULT_BYTES:
        raise Permanent(
            f"{step}: its result takes {len(payload):,} bytes as JSON, and the limit is {MAX_RESULT_BYTES:,}; "
            "keep what is large elsewhere, and return where"
        )
    if isinstance(result, AnalystResult) and result.provenance is not None and result.provenance.notes:
        note = "; ".join(result.provenance.notes)
        return {**result.model_dump(mode="json", warnings="error"), "note": note}
    return payload


class Judge:
    """Turns the errors of handlers into verdicts, and logs each bug once per place."""

    def __init__(self) -> None:
        self._told: set[tuple[str, str, str]] = set()
        self._unfit: dict[str, str] = {}
        """Step -> why this worker cannot do it now."""

    def is_done(self, step: str) -> None:
        """Take note that an attempt succeeded."""
        if step in self._unfit:
            del self._unfit[step]
            log.info("this worker can do a step again", step=step)

    def verdict(self, task: Task, error: BaseException) -> Verdict:
        """What becomes of a task; stops and time-outs are the runner's to tell apart."""
        if (unfit := error if isinstance(error, WorkerUnfit) else shortage(error)) is not None:
            self._tell_unfit(task, unfit)
            return Verdict("throttled", f"{task.step}: {_text(task, unfit)}", _seconds(unfit.retry_after))
        match error:
            case Permanent():
                return Verdict("failed", _text(task, error))
            case Throttled():
                return Verdict("throttled", _text(task, error), _seconds(error.retry_after))
            case StaleClaim() | DatabaseUnavailable() | Interrupted():
                # Pages could not be saved, and that is not the document's fault.
                return Verdict("released", _text(task, error))
            case AlfrdError():
                return Verdict("retry", _text(task, error))
            case PydanticSerializationError() | RecursionError() if _is_of_pydantic(error):
                return Verdict("failed", f"{task.step}: its result holds what JSON cannot")
            case asyncio.CancelledError():
                self._tell(task, error)
                return Verdict(
                    "retry", f"{task.step}: it was cancelled, and not by its worker; mend the step"
                )
        self._tell(task, error)
        return Verdict(
            "retry", f"{task.step}: unexpected {type(error).__name__}; the worker's log tells where"
        )

    def _tell_unfit(self, task: Task, unfit: WorkerUnfit) -> None:
        text = _text(task, unfit)
        tell = log.debug if self._unfit.get(task.step) == text else log.error
        self._unfit[task.step] = text
        tell(text, **facts_of(task), tasks="wait, and count no attempt")

    def _tell(self, task: Task, error: BaseException) -> None:
        """Tell of a bug, ours or of a user's step: the type, and in the log the place.

        Its message may hold anything, also a document's text, and stays in the process.
        """
        place = _place(error)
        key = (task.step, type(error).__name__, place)
        tell = log.debug if key in self._told else log.error
        if len(self._told) < _PLACES_REMEMBERED:
            self._told.add(key)
        tell(
            "a step failed in a way that nobody foresaw; logged once for each place",
            **facts_of(task),
            error=type(error).__name__,
            place=place,
        )


def _place(error: BaseException) -> str:
    frames = traceback.extract_tb(error.__traceback__)
    return f"{frames[-1].filename}:{frames[-1].lineno}" if frames else "unknown"


def _is_of_pydantic(error: BaseException) -> bool:
    """Whether it came from making JSON of a result, and not from the step itself."""
    frames = traceback.extract_tb(error.__traceback__)
    return isinstance(error, PydanticSerializationError) or any(
        frame.name.startswith("model_dump") for frame in frames[-3:]
    )


def _text(task: Task, error: BaseException) -> str:
    """What an error says, as the database can store it."""
    try:
        text = str(error)
    except Exception:  # noqa: BLE001 - a user's exception may be unable to tell
        text = f"{task.step}: {type(error).__name__}, which cannot say what happened"
    text = text.encode(errors="replace").decode().replace("\0", "\N{REPLACEMENT CHARACTER}")
    if len(text) > _MAX_ERROR_CHARACTERS:
        return f"{text[:_MAX_ERROR_CHARACTERS]} …"
    return text


def _seconds(asked: object) -> float | None:
    """What a provider asked for, if it is a time."""
    if isinstance(asked, int | float) and math.isfinite(asked) and asked >= 0:
        return float(asked)
    return None

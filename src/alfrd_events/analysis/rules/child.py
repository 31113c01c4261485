"""The process that applies the rules to long texts: ``python -m alfrd_events.analysis.rules.child``.

As expendable as a reader's process, which it shares the wire with. A request is ``work`` (size), followed by
so many bytes: the pickled job, which comes from the parent and is trusted. The reply is ``result`` (size),
followed by the result as JSON, or ``permanent`` or ``transient`` (message), ``memory`` or ``bug`` (message).
"""

from __future__ import annotations

import pickle
import sys
from typing import BinaryIO, cast

from alfrd_events.analysis.rules import checks, classify, extract, lessons, series, summary
from alfrd_events.errors import AlfrdError, Permanent
from alfrd_events.model import AnalystResult, Document
from alfrd_events.model.jobs import (
    Classify,
    DetectSeries,
    DocumentJob,
    Extract,
    ResultT,
    ScoreClassification,
    ScoreSummary,
    Summarize,
)
from alfrd_events.sandbox import expendable, wire
from alfrd_events.sandbox.limits import ReaderLimits
from alfrd_events.sandbox.wire import Frame


def answer(job: DocumentJob[ResultT]) -> ResultT:
    """Answer a question about a document by rules, here and now."""
    document: Document = job.document
    found: AnalystResult
    match job:
        case Classify():
            found = lessons.classified(
                document, job.types, classify.classify(document, job.types, job.prompt)
            )
        case ScoreClassification():
            found = checks.score_classification(document, job.types, job.prompt)
        case Summarize():
            found = summary.summarize(document)
        case ScoreSummary():
            found = checks.score_summary(document)
        case DetectSeries():
            found = series.detect_series(document, job.candidates)
        case Extract():
            found = extract.extract(document, job.series)
        case _:
            raise TypeError(f"no rules answer {type(job).__name__}")
    return cast(ResultT, found)


def main() -> None:
    """Serve requests until the parent closes the pipe."""
    limits = ReaderLimits(**wire.decode(sys.argv[2].encode()))
    expendable.die_with(int(sys.argv[1]))
    expendable.limit_self(limits.memory_bytes)
    requests, replies = expendable.take_the_wire()
    while (request := wire.receive(requests)) is not None:
        if request["kind"] != "work":
            _reply(replies, {"kind": "pong"})
            continue
        pickled = requests.read(request["size"])
        if len(pickled) < request["size"]:
            return
        expendable.allow_processor_time(limits.page_cpu_seconds)
        _reply(replies, *_answer(pickled))


def _answer(pickled: bytes) -> tuple[Frame, bytes]:
    try:
        job = pickle.loads(pickled)  # noqa: S301 - the parent has made it
        result = answer(job).model_dump_json().encode()
    except AlfrdError as error:
        return {
            "kind": "permanent" if isinstance(error, Permanent) else "transient",
            "message": str(error),
        }, b""
    except MemoryError:
        return {"kind": "memory"}, b""
    except Exception as error:  # noqa: BLE001 - whatever it is, the parent learns of it, and decides
        return {"kind": "bug", "message": expendable.where(error)}, b""
    return {"kind": "result", "size": len(result)}, result


def _reply(replies: BinaryIO, frame: Frame, data: bytes = b"") -> None:
    replies.write(wire.encode(frame))
    replies.write(data)
    replies.flush()


if __name__ == "__main__":
    main()

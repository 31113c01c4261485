"""The process that applies the rules to long texts: ``python -m alfrd_events.analysis.rules.child``.

As expendable as a reader's process, which it shares the wire with. A request is ``work`` (function, size), followed by
so many bytes: the pickled arguments, which come from the parent and are trusted. The reply is ``result`` (size),
followed by the result as JSON, or ``permanent`` or ``transient`` (message), ``memory`` or ``bug`` (message).
"""

from __future__ import annotations

import pickle
import sys
from collections.abc import Callable, Mapping
from typing import Any, BinaryIO

from alfrd_events.analysis.rules import checks, classify, extract, series, summary
from alfrd_events.errors import AlfrdError, Permanent
from alfrd_events.sandbox import expendable, wire
from alfrd_events.sandbox.limits import ReaderLimits
from alfrd_events.sandbox.wire import Frame

FUNCTIONS: Mapping[str, Callable[..., Any]] = {
    function.__name__: function
    for function in (
        classify.classify,
        checks.score_classification,
        summary.summarize,
        checks.score_summary,
        series.detect_series,
        extract.extract,
    )
}
"""What may be asked for, by name."""


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
        arguments = requests.read(request["size"])
        if len(arguments) < request["size"]:
            return
        expendable.allow_processor_time(limits.page_cpu_seconds)
        _reply(replies, *_answer(request["function"], arguments))


def _answer(function: str, arguments: bytes) -> tuple[Frame, bytes]:
    try:
        given = pickle.loads(arguments)  # noqa: S301 - the parent has made them
        result = FUNCTIONS[function](*given).model_dump_json().encode()
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

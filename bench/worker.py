"""A worker process of one contender: ``python -m bench.worker CONTENDER URL SHAPE WISHES``.

A process of its own, so that the load generator does not share its event loop. ``WISHES`` is JSON: ``starts`` makes
it tell when each handler starts; the rest goes to the contender.
"""

from __future__ import annotations

import asyncio
import json
import sys

from bench.contender import Shape, contender
from bench.teller import Teller


def main(name: str, url: str, shape: Shape, wishes: str) -> None:
    """Run until killed."""
    chosen = json.loads(wishes)
    teller = Teller(tell_starts=chosen.pop("starts", False))
    subject = contender(name)
    factory = None
    if subject.uvloop:
        import uvloop

        factory = uvloop.new_event_loop
    with asyncio.Runner(loop_factory=factory) as runner:
        runner.run(subject.work(url, shape, teller, **chosen))


if __name__ == "__main__":
    main(*sys.argv[1:])  # type: ignore[arg-type]

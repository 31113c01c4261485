"""A worker process of one contender: ``python -m bench.worker CONTENDER URL SHAPE WISHES``.

A process of its own, so that the load generator does not share its event loop. ``WISHES`` is JSON: ``starts`` makes
it tell when each handler starts, ``profile`` names a file for what cProfile sees; the rest goes to the contender.
"""

from __future__ import annotations

import asyncio
import cProfile
import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from bench.contender import Shape, contender
from bench.teller import Teller


def main(name: str, url: str, shape: Shape, wishes: str) -> None:
    """Run until killed."""
    chosen = json.loads(wishes)
    teller = Teller(tell_starts=chosen.pop("starts", False))
    profile = chosen.pop("profile", None)
    subject = contender(name)
    factory = None
    if subject.uvloop:
        import uvloop

        factory = uvloop.new_event_loop
    with asyncio.Runner(loop_factory=factory) as runner, _profiled(profile):
        runner.run(subject.work(url, shape, teller, **chosen))


@contextmanager
def _profiled(file: str | None) -> Iterator[None]:
    if file is None:
        yield
        return
    with cProfile.Profile() as profile:
        yield
    profile.dump_stats(file)


if __name__ == "__main__":
    main(*sys.argv[1:])  # type: ignore[arg-type]

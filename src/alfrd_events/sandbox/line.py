"""Who gets the next process: whoever has had the fewest units of work, and of those who came first.

A unit is about a page of recognition. An attempt that joins starts with as many units as those have who are there: it
neither waits behind all pages of a long document nor gets ahead of one that has waited. A holder goes on without
waiting until another attempt has had fewer units than its own, so that processes do not change documents at every page.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from alfrd_events.sandbox.turns import Turn


@dataclass(frozen=True, slots=True, eq=False)
class _Waiter:
    turn: Turn
    place: asyncio.Future[None]


class Line:
    """Places for so many at a time.

    :param places: how many.
    """

    def __init__(self, places: int) -> None:
        self._free = places
        self._waiting: list[_Waiter] = []
        """In the order in which they came."""
        self._there: set[Turn] = set()
        """Those that hold a place or wait for one."""
        self._units = 0
        """What an attempt starts with that joins now; it only grows."""

    @property
    def is_full(self) -> bool:
        """Whether who comes now has to wait."""
        return not self._free

    async def enter(self, turn: Turn) -> None:
        """Wait for a place. The caller must :meth:`leave`, unless this is cancelled."""
        if turn not in self._there:
            turn.units = max(turn.units, self._units)
            self._there.add(turn)
        if self._free:  # then no one waits
            self._free -= 1
            turn.works(+1)
            return
        waiter = _Waiter(turn, asyncio.get_running_loop().create_future())
        self._waiting.append(waiter)
        turn.waits(+1)
        try:
            await waiter.place
        except BaseException:
            if waiter in self._waiting:
                self._waiting.remove(waiter)
                turn.waits(-1)
                self._forget_if_gone(turn)
            else:  # it was given the place in the same moment
                self.leave(turn)
            raise

    def leave(self, turn: Turn) -> None:
        """Give a place back; it goes to the next one at once."""
        turn.works(-1)
        self._forget_if_gone(turn)
        waiting = [waiter for waiter in self._waiting if not waiter.place.done()]
        if not waiting:
            self._free += 1
            return
        chosen = min(waiting, key=lambda waiter: waiter.turn.units)
        self._waiting.remove(chosen)
        chosen.turn.waits(-1)
        chosen.turn.works(+1)
        chosen.place.set_result(None)

    def count_unit(self, turn: Turn) -> None:
        """A holder begins a unit of work."""
        turn.units += 1
        self._units = max(self._units, min(each.units for each in self._there))

    def is_others_turn(self, turn: Turn) -> bool:
        """Whether one waits that has had less than this holder."""
        return any(waiter.turn.units < turn.units for waiter in self._waiting)

    def _forget_if_gone(self, turn: Turn) -> None:
        if not turn.is_in_line:
            self._there.discard(turn)

"""Pages as pictures, for people to look at: drawn in a process that may be killed, as pages are read.

The picture is encoded anew from the pixels. A file that is hostile to a decoder costs its process, and nothing of the
file itself reaches a browser or a terminal: what would steer a terminal is no sixel, and is refused.
"""

from __future__ import annotations

import re
from typing import Literal

from alfrd_events.errors import Unreadable
from alfrd_events.model import Box, Part
from alfrd_events.reading.conversation import Conversation, Failed, nonsense
from alfrd_events.sandbox.limits import ReaderLimits
from alfrd_events.sandbox.pool import Pool
from alfrd_events.sandbox.wire import Frame

Form = Literal["png", "sixel"]

MEDIA_TYPE = "image/jpeg"
MAX_PICTURE_BYTES = 16 * 1024 * 1024
"""More than any picture of a page has."""
_IS_OF = {
    "png": re.compile(rb"\x89PNG\r\n\x1a\n.*", re.DOTALL),
    "sixel": re.compile(rb'"[0-9;]+[#$\-!0-9;?-~]*'),
}


class Pictures:
    """Draws pages in a small pool of processes.

    :param processes: how many pages are drawn at a time.
    """

    def __init__(self, limits: ReaderLimits, *, processes: int = 1) -> None:
        self._limits = limits
        self._pool = Pool(processes, limits)

    async def draw(self, part: Part, page: int, *, rotation: int = 0, side: int = 1600) -> bytes | None:
        """One page as a JPEG; ``None``: it is text alone, or the part has no such page.

        :param page: number in the part, from 1.
        :param rotation: degrees clockwise by which the page was turned to be read.
        :param side: pixels of the longer side at most.
        :raise Unreadable: empty, damaged, protected, too large or of an unknown type.
        :raise Transient: the process was killed or too slow.
        """
        return await self._drawn(part, page, {"rotation": rotation, "side": side})

    async def cut(
        self, part: Part, page: int, *, area: Box, mark: Box, width: int, form: Form, rotation: int = 0
    ) -> bytes | None:
        """A part of a page with a frame in it, for a terminal; ``None``: it is text alone, or there is nothing.

        :param area: what is shown, as fractions of the page as it was read.
        :param mark: what is framed.
        :param width: of the picture, in pixels.
        :return: a PNG, or the body of a sixel picture, in which there is nothing but sixels.
        :raise Unreadable, Transient: as of :meth:`draw`.
        """
        cut = {"area": area, "mark": mark, "width": width, "form": form}
        picture = await self._drawn(part, page, {"rotation": rotation, "cut": cut})
        if picture is not None and not _IS_OF[form].fullmatch(picture):
            raise nonsense(part)
        return picture

    async def _drawn(self, part: Part, page: int, wanted: Frame) -> bytes | None:
        if not 0 < len(part.content) <= self._limits.max_bytes:
            raise Unreadable(f"{part.filename}: {len(part.content):,} bytes are nothing to draw")
        async with self._pool.child() as child:
            conversation = Conversation(child, part, self._limits)
            try:
                info = await conversation.open()
                if not 1 <= page <= info.page_count:
                    return None
                await conversation.ask({"kind": "draw", "page": page, **wanted})
                frame = await conversation.receive()
                if frame["kind"] != "result":
                    return None
                size = frame.get("size")
                if not isinstance(size, int):
                    raise nonsense(part)
                if not 0 < size <= MAX_PICTURE_BYTES:
                    raise nonsense(part)
                picture = await conversation.receive_data(size)
                await conversation.receive()
            except Failed as failure:
                raise Unreadable(f"{part.filename}: {failure}") from None
            return picture

    async def aclose(self) -> None:
        """End all processes; what is being drawn fails as :class:`Transient`."""
        await self._pool.aclose()

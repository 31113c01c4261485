"""What the replies of a reader process become: pages, and sheets for another reader; nothing is taken on trust."""

from __future__ import annotations

from dataclasses import dataclass

from alfrd_events.model import Invoice, Line, Page, Part
from alfrd_events.reading.conversation import Conversation, nonsense
from alfrd_events.sandbox.wire import Frame

MAX_SHEET_BYTES = 16 * 1024 * 1024
"""More than any sheet has."""


@dataclass(frozen=True, slots=True)
class UnreadPage:
    """A page that another reader has to recognise, as an image: upright, on white."""

    number: int
    image: bytes
    pixels: tuple[int, int]
    """Width and height of the image."""
    width: float
    height: float
    """Size of the page in the source's own unit."""
    rotation: int = 0
    """Degrees clockwise by which the source was turned already."""
    is_original: bool = False
    """It is a PNG or JPEG as it came. All others are JPEG in colour."""
    layer: Page | None = None
    """The page as its poor text layer tells it, for when recognition finds even less."""


def page_of(frame: Frame, part: Part) -> Page:
    """Build the page that a ``page`` frame describes; nothing of it is taken on trust."""
    try:
        return Page(
            number=int(frame["number"]),
            text=str(frame["text"]),
            confidence=float(frame["confidence"]),
            lines=_lines(frame),
            width=float(frame["width"]),
            height=float(frame["height"]),
            source=frame["source"],
            rotation=int(frame["rotation"]),
            invoice=Invoice.model_validate(frame["invoice"]) if frame["invoice"] else None,
        )
    except (KeyError, TypeError, ValueError):
        raise nonsense(part) from None


def head_of(frame: Frame, part: Part) -> tuple[Line, ...]:
    """Build the lines that a ``head`` frame brings."""
    try:
        return _lines(frame)
    except (KeyError, TypeError, ValueError):
        raise nonsense(part) from None


def _lines(frame: Frame) -> tuple[Line, ...]:
    return tuple(
        Line(str(text), (float(left), float(top), float(right), float(bottom)), float(sure))
        for text, left, top, right, bottom, sure in frame["lines"]
    )


async def sheet_of(frame: Frame, part: Part, conversation: Conversation) -> UnreadPage:
    """Build the sheet that a frame announces, and whose image follows it."""
    try:
        size = int(frame["size"])
        if not 0 < size <= MAX_SHEET_BYTES:
            raise ValueError(size)
        across, down = frame["pixels"]
        return UnreadPage(
            number=int(frame["number"]),
            image=await conversation.receive_data(size),
            pixels=(int(across), int(down)),
            width=float(frame["width"]),
            height=float(frame["height"]),
            rotation=int(frame["rotation"]),
            is_original=bool(frame["is_original"]),
            layer=page_of(frame["layer"], part) if frame["layer"] else None,
        )
    except (KeyError, TypeError, ValueError):
        raise nonsense(part) from None

"""How the reader and its processes talk: frames of JSON over two pipes.

A frame is a 4-byte big-endian length and that many bytes of JSON. After an ``open`` request the bytes of
the part follow, as many as its ``size`` says. JSON and not pickle: a process that a hostile file has taken
over must not be able to run code in the parent.

- ``ping`` is answered by ``pong``;
- ``warm`` by ``done``, after the models were loaded;
- ``open`` (part: the key by which it is named from then on, filename, size) by ``info`` (media_type, page_count); it
  stays open until another one is opened, or for a second without a request;
- ``read`` (part, pages, seconds) by one ``page`` for each number, in this order, then ``done``; also before all are
  read, after the page that is read when the seconds are over;
- ``prepare`` (the same) likewise, except that a page which needs recognition comes as a ``sheet``: its image for a
  reader elsewhere, as many bytes as its ``size`` says after the frame;
- ``draw`` (part, page, rotation, side) by a ``result`` where the page has a look of its own, then ``done``;
- those of a part that is not open by ``closed``.

Instead of an answer comes one of ``unreadable`` (message), ``memory``, ``wordy`` (more text than the limits
allow), ``nested`` (deeper than can be followed), ``setup`` (message) and ``bug`` (message), and the request is
over.
"""

from __future__ import annotations

import json
import struct
from typing import Any, BinaryIO

from alfrd_events.errors import AlfrdError

Frame = dict[str, Any]

LENGTH = struct.Struct(">I")
MAX_FRAME = 64 * 1024 * 1024


class Garbled(AlfrdError):
    """The other side sent something that is not a frame of this protocol."""


class TooLong(AlfrdError):
    """What is to be sent is longer than a frame may be."""


def encode(frame: Frame) -> bytes:
    """Give a frame its bytes.

    :raise TooLong: the other side would refuse it.
    """
    body = json.dumps(frame, ensure_ascii=False, separators=(",", ":")).encode()
    if len(body) > MAX_FRAME:
        raise TooLong(f"a frame of {len(body):,} bytes")
    return LENGTH.pack(len(body)) + body


def frame_length(head: bytes) -> int:
    """Tell how many bytes follow a frame's head.

    :raise Garbled: more than any honest frame has.
    """
    (length,) = LENGTH.unpack(head)
    if length > MAX_FRAME:
        raise Garbled(f"a frame of {length:,} bytes")
    return int(length)


def decode(body: bytes) -> Frame:
    """Read a frame's JSON.

    :raise Garbled: it is none, or not an object.
    """
    try:
        frame = json.loads(body)
    except ValueError as error:
        raise Garbled("a frame that is not JSON") from error
    if not isinstance(frame, dict):
        raise Garbled("a frame that is not an object")
    return frame


def receive(stream: BinaryIO) -> Frame | None:
    """Wait for the next frame on a blocking stream; ``None`` when the other side is gone."""
    head = stream.read(LENGTH.size)
    if len(head) < LENGTH.size:
        return None
    length = frame_length(head)
    body = stream.read(length)
    return decode(body) if len(body) == length else None

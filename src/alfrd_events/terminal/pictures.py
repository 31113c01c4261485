"""Pictures in a terminal: by the protocols of kitty and iTerm2, or as sixels.

Which of them a terminal knows is told by its environment variables, and for sixels by its answer to the question for
its device attributes. A terminal within a terminal (tmux, screen) hides the outer one: only its own answer counts.
"""

from __future__ import annotations

import base64
import sys
from collections.abc import Mapping
from typing import Literal

from alfrd_events.terminal.keys import Keyboard

Protocol = Literal["kitty", "iterm2", "sixel"]

ANSWER_SECONDS = 0.25
"""For the answer of a terminal. One that is further away shows text until its answer comes."""
_DEVICE_ATTRIBUTES = "\x1b[c"
_ENDS_ATTRIBUTES = "c"
_SIXEL = "4"
_PIECE = 4096
"""Characters of base64 that kitty takes at a time."""
_CELL_PIXELS = 9
"""Width of a character where the terminal does not say."""
_MUTE = ("", "dumb", "linux", "unknown")
"""Terminals without an answer that is worth waiting for."""


async def protocol(keys: Keyboard, environment: Mapping[str, str]) -> Protocol | None:
    """How this terminal takes pictures; ``None``: it does not, as far as it says."""
    known = by_environment(environment)
    if known is not None or environment.get("TERM", "") in _MUTE:
        return known
    return _by_attributes(await keys.answer(_DEVICE_ATTRIBUTES, _ENDS_ATTRIBUTES, ANSWER_SECONDS))


def by_late_answer(keys: Keyboard) -> Protocol | None:
    """What the terminal has said since :func:`protocol` gave up waiting."""
    return _by_attributes(keys.late_answer(_ENDS_ATTRIBUTES))


def _by_attributes(answer: str) -> Protocol | None:
    attributes = answer.removeprefix("\x1b[?").removesuffix(_ENDS_ATTRIBUTES).split(";")
    return "sixel" if _SIXEL in attributes[1:] else None


def by_environment(environment: Mapping[str, str]) -> Protocol | None:
    """What environment variables tell."""
    term, program = environment.get("TERM", ""), environment.get("TERM_PROGRAM", "")
    if "TMUX" in environment or term.startswith(("screen", "tmux")):
        return None
    if "KITTY_WINDOW_ID" in environment or term in ("xterm-kitty", "xterm-ghostty") or program == "ghostty":
        return "kitty"
    if program in ("iTerm.app", "WezTerm") or environment.get("LC_TERMINAL") == "iTerm2":
        return "iterm2"
    return None


def sequence(how: Protocol, picture: bytes, columns: int) -> str:
    """What a terminal is sent to show a picture where its cursor is.

    :param picture: a PNG; for ``sixel`` the body of a sixel picture.
    :param columns: how wide it is shown; sixels have their own width.
    """
    if how == "sixel":
        return f"\x1bP0;1q{picture.decode('ascii')}\x1b\\"
    encoded = base64.b64encode(picture).decode("ascii")
    if how == "iterm2":
        return (
            f"\x1b]1337;File=inline=1;size={len(picture)};width={columns};preserveAspectRatio=1:{encoded}\x07"
        )
    pieces = [encoded[at : at + _PIECE] for at in range(0, len(encoded), _PIECE)]
    head = f"a=T,f=100,q=2,c={columns},"
    return "".join(
        f"\x1b_G{head if place == 0 else ''}m={int(place < len(pieces) - 1)};{piece}\x1b\\"
        for place, piece in enumerate(pieces)
    )


def pixels_of(columns: int) -> int:
    """How many pixels wide so many columns are."""
    import fcntl
    import struct
    import termios

    try:
        answer = fcntl.ioctl(sys.stdout.fileno(), termios.TIOCGWINSZ, bytes(8))
    except OSError:
        return columns * _CELL_PIXELS
    _, all_columns, width, _ = struct.unpack("HHHH", answer)
    return columns * width // all_columns if width and all_columns else columns * _CELL_PIXELS

"""Files that are written into the text of a mail, as programs did before attachments, and encrypted texts."""

from __future__ import annotations

import binascii
import re
from dataclasses import dataclass, field

_UUENCODED = re.compile(r"^begin [0-7]{3,4} ([^\n]{1,200})\n((?:[ -`]{1,90}\n){1,}+)end[ \t]*$", re.MULTILINE)
_PGP_MESSAGE = re.compile(
    r"^-----BEGIN PGP MESSAGE-----\n.*?(?:^-----END PGP MESSAGE-----\n?|\Z)", re.M | re.S
)
_PGP_FRAME = re.compile(
    r"^-----BEGIN PGP SIGNED MESSAGE-----\n(?:[A-Za-z-]+: [^\n]*\n)*"
    r"|^-----BEGIN PGP SIGNATURE-----\n.*?(?:^-----END PGP SIGNATURE-----\n?|\Z)",
    re.MULTILINE | re.DOTALL,
)


@dataclass(slots=True)
class InlineFiles:
    """A text, and what was in it."""

    text: str
    files: list[tuple[str, bytes]] = field(default_factory=list)
    """Names and contents."""
    is_encrypted: bool = False


def take_out(text: str) -> InlineFiles:
    """Take uuencoded files, encrypted texts and the frame of a PGP signature out of a text."""
    found = InlineFiles(text)
    if "begin " in text:
        found.text = _UUENCODED.sub(lambda block: _take_file(block, found), found.text)
    if "-----BEGIN PGP" in text:
        found.is_encrypted = bool(_PGP_MESSAGE.search(found.text))
        found.text = _PGP_FRAME.sub("", _PGP_MESSAGE.sub("", found.text))
    return found


def _take_file(block: re.Match[str], found: InlineFiles) -> str:
    try:
        data = b"".join(binascii.a2b_uu(line) for line in block[2].encode("ascii").splitlines())
    except binascii.Error:
        return block[0]
    found.files.append((block[1].strip(), data))
    return ""

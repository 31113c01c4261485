"""Whether a PDF goes to its end.

PDFium repairs what it can: of a file that was cut off it shows the pages that are left, without a word. A PDF ends with
``startxref`` after its last object. One that does not is whole only if nothing that it refers to is missing.
"""

from __future__ import annotations

import re

_OBJECT = re.compile(rb"(?<![\d.])(\d{1,10})\s+\d{1,5}\s+obj\b")
_END = re.compile(rb"\bendobj\b")
_REFERENCE = re.compile(rb"(?<![\d.])(\d{1,10})\s+\d{1,5}\s+R\b")
_STREAM = re.compile(rb"\bstream\r?\n.*?\bendstream\b", re.DOTALL)
_PACKED = re.compile(rb"/ObjStm\b")


def is_cut_off(data: bytes) -> bool:
    """Whether the end of a PDF is missing, and with it something that its pages need."""
    last_mark = data.rfind(b"startxref")
    last_object = max(data.rfind(b"endobj"), data.rfind(b"endstream"), _last_start(data))
    if last_mark > last_object:
        return False
    body = _STREAM.sub(b"", data)
    numbers = {int(number) for number in _OBJECT.findall(body)}
    if len(_OBJECT.findall(body)) != len(_END.findall(body)):
        return True
    if _PACKED.search(body):
        # Packed objects cannot be counted. Where they are, the table that says where each is comes last.
        return True
    return any(int(number) not in numbers for number in _REFERENCE.findall(body))


def _last_start(data: bytes) -> int:
    """Where the last object begins; only the file's end can tell, since more objects are before it."""
    last = -1
    for found in _OBJECT.finditer(data, max(len(data) - 65_536, 0)):
        last = found.start()
    return last

"""What a test needs, told by where it is and by the fixtures that it asks for: no test is marked by hand."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

MARKERS = {
    "faults": "stops, kills or starves servers, workers and networks",
    "ocr": "recognises text in images: models are loaded, and a page takes seconds",
}


def needs(item: pytest.Item) -> Iterator[str]:
    """The markers of a test."""
    folders = item.path.relative_to(item.config.rootpath).parts
    if "faults" in folders:
        yield "faults"

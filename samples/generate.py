"""Write the sample documents and ``truth.jsonl`` next to this file.

    python samples/generate.py

Needs Pillow, pillow-heif and numpy. Every seed and every date is fixed, so that a second run changes
nothing: with the same versions of the encoders the files are the same to the byte.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from itertools import chain
from pathlib import Path

from generator import electricity, household, letters, receipts, work
from generator.sample import Sample

HERE = Path(__file__).parent

BROKEN_FILE = "broken-scan.pdf"
BROKEN_ROW = {
    "file": BROKEN_FILE,
    "kind": "robustness",
    "source": "samples",
    "expect": "error",
    "why": "the upload broke off in the middle of the file",
    "error_keywords": ["pdf", "damaged", "corrupt", "truncated", "broken", "invalid", "cannot be read"],
}


def main() -> None:
    """Draw everything, and write it."""
    samples = sorted(
        chain(
            electricity.samples(),
            household.samples(),
            receipts.samples(),
            letters.samples(),
            work.samples(),
        ),
        key=lambda sample: sample.file,
    )
    for sample in samples:
        (HERE / sample.file).write_bytes(sample.content)
    (HERE / BROKEN_FILE).write_bytes(broken_upload(samples))
    rows = [*(sample.row() for sample in samples), BROKEN_ROW]
    truth = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
    (HERE / "truth.jsonl").write_text(truth, encoding="utf-8")


def broken_upload(samples: Sequence[Sample]) -> bytes:
    """The first third of a good PDF: neither its pages nor its table of objects made it."""
    whole = next(sample.content for sample in samples if sample.file.endswith("mobile.pdf"))
    return whole[: len(whole) // 3]


if __name__ == "__main__":
    main()

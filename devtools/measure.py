"""Measure how right values are: ``python -m devtools.measure TRUTH.jsonl … --cache FOLDER``.

It takes the same documents as ``python -m devtools.train``, changes no weights and writes ``docs/accuracy.md``.
``--boxes`` names a folder of what people have marked on receipts (:mod:`.boxes`); ``--turned`` says how many receipts
to turn and to read anew, which takes about a second for each receipt and angle the first time.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from PIL import Image

from alfrd_events.analysis.ranking.trees import Weights
from devtools.boxes import Coverage, coverage, read_marks
from devtools.corpus import Known, truths_of
from devtools.outcome import Outcome, outcome_of
from devtools.report import as_markdown
from devtools.skew import PICTURES, load_turned
from devtools.train import fit_on, parser
from devtools.validate import Fitted

REPORT = Path("docs/accuracy.md")


def main() -> None:
    made = parser("devtools.measure", __doc__)
    made.add_argument("--boxes", type=Path, help="folder of marked lines, a .csv for each receipt")
    made.add_argument("--turned", type=int, default=0, help="how many receipts to turn")
    made.add_argument("--out", type=Path, default=REPORT)
    arguments = made.parse_args()
    fitted = fit_on(arguments)
    files = [*arguments.truth, *arguments.held_back]
    report = as_markdown(
        fitted.outcomes,
        list(_covered(fitted.outcomes, arguments.boxes, files)) if arguments.boxes else [],
        _turned(fitted, arguments) if arguments.turned else {},
        frozenset(truth["source"] for file in arguments.held_back for truth in truths_of(file)),
    )
    arguments.out.write_text(report, "utf-8")
    print(report)


def _covered(outcomes: Sequence[Outcome], folder: Path, files: Sequence[Path]) -> Iterator[Coverage]:
    """How much of each right value of the marked receipts its box covers."""
    marks = read_marks(folder)
    paths = {key_of(truth): file.parent / truth["file"] for file in files for truth in truths_of(file)}
    for outcome in outcomes:
        path = paths[key_of(outcome.known.truth)]
        if path.suffix in PICTURES:
            with Image.open(path) as picture:
                yield from coverage(outcome, marks, picture.size)


def _turned(fitted: Fitted, arguments: argparse.Namespace) -> dict[int, list[Outcome]]:
    """What is found on turned receipts by what saw no receipt of their family."""
    judges = {
        key_of(each.truth): Weights.from_json(fold.weights) for fold in fitted.folds for each in fold.known
    }
    turned = load_turned(arguments.truth[0], arguments.turned, arguments.cache)
    return {angle: [_judged(each, judges) for each in some] for angle, some in turned.items()}


def _judged(known: Known, judges: dict[str, Weights]) -> Outcome:
    return outcome_of(known, judges[key_of(known.truth)])


def key_of(truth: Mapping[str, Any]) -> str:
    return f"{truth['source']}/{truth['file']}"


if __name__ == "__main__":
    main()

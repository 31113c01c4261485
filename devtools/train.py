"""Train the ranker and write its weights into the package: ``python -m devtools.train TRUTH.jsonl … --cache FOLDER``.

Each ``TRUTH.jsonl`` names documents beside it with their true values. Those after ``--held-back`` are documents that
are closest to papers of other senders: they count more, and the threshold for review comes from them alone.
Every figure that is printed is for senders that the model had not seen.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from math import prod
from pathlib import Path
from typing import Any

from devtools.corpus import Known, load
from devtools.examples import examples_of
from devtools.fit import fit_ranker
from devtools.generator import generate
from devtools.report import DocumentResult, as_markdown, choose_threshold
from devtools.validate import Judged, calibrate, confidences, validate

WEIGHTS = Path("src/alfrd_events/analysis/ranking/weights.json")
REPORT = Path("docs/accuracy.md")
MARGINS = {"total_amount": 1.0, "entity": 1.0, "document_date": 99.0}
"""By field: the lead, in log-odds, from which on the ranker replaces the rules' pick. Dates stay the rules': on
senders that neither has seen they are right a little more often."""


def main() -> None:
    arguments = _arguments()
    known = load(arguments.truth, arguments.cache)
    held_back_documents = load(arguments.held_back, arguments.cache)
    held_back = frozenset(each.source for each in held_back_documents)
    generated = generate(arguments.generated, arguments.seed)
    fields: dict[str, Any] = {}
    judged: dict[str, list[Judged]] = {}
    for field, margin in MARGINS.items():
        real = examples_of([*known, *held_back_documents], field)
        made = examples_of(generated, field)
        judged[field] = validate(real, made, held_back, margin)
        fields[field] = fit_ranker([*real, *made], held_back, margin) | calibrate(judged[field], held_back)
    results = _by_document([*known, *held_back_documents], judged, held_back)
    threshold = choose_threshold([each for each in results if each.source in held_back])
    weights = {"fields": fields, "review_below": round(threshold, 4)}
    WEIGHTS.write_text(json.dumps(weights, separators=(",", ":")) + "\n", "ascii")
    REPORT.write_text(as_markdown(results, threshold, held_back), "utf-8")
    print(REPORT.read_text("utf-8"))


def _by_document(
    documents: Sequence[Known], judged: dict[str, list[Judged]], held_back: frozenset[str]
) -> list[DocumentResult]:
    """Bring the judged fields of each document together."""
    fields: dict[str, dict[str, tuple[Judged, float]]] = {}
    for field, some in judged.items():
        for each, confidence in zip(some, confidences(some, held_back), strict=True):
            fields.setdefault(_key(each.example.known), {})[field] = (each, confidence)
    return [
        DocumentResult(
            each.source,
            each.truth["document_type"],
            fields[_key(each)],
            prod(confidence for _, confidence in fields[_key(each)].values()),
        )
        for each in documents
        if _key(each) in fields
    ]


def _key(known: Known) -> str:
    return f"{known.source}/{known.truth['file']}"


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m devtools.train", description=__doc__)
    parser.add_argument("truth", nargs="*", type=Path, help="documents that count once")
    parser.add_argument("--held-back", nargs="*", type=Path, default=[], help="documents that count more")
    parser.add_argument(
        "--cache", type=Path, required=True, help="folder outside of the repository for pages"
    )
    parser.add_argument("--generated", type=int, default=400, help="how many papers to generate")
    parser.add_argument("--seed", type=int, default=1)
    return parser.parse_args()


if __name__ == "__main__":
    main()

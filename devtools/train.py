"""Train the ranker and write its weights into the package: ``python -m devtools.train TRUTH.jsonl … --cache FOLDER``.

Each ``TRUTH.jsonl`` names documents beside it with their true values. Those after ``--held-back`` are documents that
are closest to papers of other senders: they count more.
``python -m devtools.measure`` tells how well it does.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from devtools.corpus import load
from devtools.generator import generate
from devtools.validate import Fitted, fit

WEIGHTS = Path("src/alfrd_events/analysis/ranking/weights.json")


def main() -> None:
    arguments = parser("devtools.train", __doc__).parse_args()
    fitted = fit_on(arguments)
    WEIGHTS.write_text(json.dumps(fitted.weights, separators=(",", ":")) + "\n", "ascii")
    right = sum(each.is_right for each in fitted.outcomes)
    print(
        f"{WEIGHTS}: of {len(fitted.outcomes)} documents, each judged without its family, {right} are right"
    )


def fit_on(arguments: argparse.Namespace) -> Fitted:
    """Fit on the documents that the command names, and on generated ones."""
    known, held_back = load(arguments.truth, arguments.cache), load(arguments.held_back, arguments.cache)
    return fit(
        [*known, *held_back],
        generate(arguments.generated, arguments.seed),
        generate(arguments.generated_to_calibrate, arguments.seed + 1),
        frozenset(each.source for each in held_back),
    )


def parser(name: str, description: str | None) -> argparse.ArgumentParser:
    """What names the documents that are fitted on."""
    made = argparse.ArgumentParser(prog=f"python -m {name}", description=description)
    made.add_argument("truth", nargs="*", type=Path, help="documents that count once")
    made.add_argument("--held-back", nargs="*", type=Path, default=[], help="documents that count more")
    made.add_argument("--cache", type=Path, required=True, help="folder outside of the repository for pages")
    made.add_argument("--generated", type=int, default=400, help="how many papers to generate")
    made.add_argument(
        "--generated-to-calibrate",
        type=int,
        default=600,
        help="how many other papers confidence is fitted on",
    )
    made.add_argument("--seed", type=int, default=1)
    return made


if __name__ == "__main__":
    main()

"""Write ``docs/schemas``: a file for each schema of ``alfrd_events.cli.schemas``.

Run: ``.venv/bin/python -m tools.dump_schemas``
"""

from __future__ import annotations

import json
from pathlib import Path

from alfrd_events.cli.schemas import SCHEMAS, schema_of

FOLDER = Path(__file__).resolve().parents[1] / "docs" / "schemas"


def written() -> dict[str, str]:
    """The files by name, as they should be."""
    return {f"{name}.schema.json": json.dumps(schema_of(name), indent=2) + "\n" for name in SCHEMAS}


def main() -> None:
    """Write them, and remove what is no schema any more."""
    FOLDER.mkdir(exist_ok=True)
    files = written()
    for path in FOLDER.glob("*.schema.json"):
        if path.name not in files:
            path.unlink()
    for name, text in files.items():
        (FOLDER / name).write_text(text)


if __name__ == "__main__":
    main()

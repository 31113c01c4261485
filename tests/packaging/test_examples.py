"""The packages under ``examples/``: each is installed, finds its step, and does in a worker what its page says."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import psycopg
import pytest

from tests.cli.program import Program, bill

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
ROUTE = next(re.finditer(r"```sql\n(.*?)```", (EXAMPLES / "README.md").read_text(), re.DOTALL))[1]
"""The row of the page, for ``export_folder``."""
SECRET = "a secret that both know"

Install = Callable[..., Program]


@pytest.fixture
def install(database_url: str, tmp_path: Path) -> Install:
    """Install an example into a folder of its own and add its row; the program that finds it there."""

    def installed(name: str, **environment: str) -> Program:
        target = tmp_path / name
        subprocess.run(
            [
                *(sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-index"),
                *("--no-build-isolation", "--target", str(target), str(EXAMPLES / name)),
            ],
            check=True,
            capture_output=True,
        )
        execute(database_url, ROUTE.replace("export_folder", name))
        execute(
            database_url,
            "do $$ begin execute format('alter database %I set alfrd.backoff_seconds = 0.1',"
            " current_database()); end $$",
        )
        return Program(database_url, PYTHONPATH=str(target), **environment)

    return installed


def execute(url: str, statement: str) -> list[tuple[Any, ...]]:
    """Run a statement; its rows."""
    with psycopg.connect(url, autocommit=True) as connection:
        cursor = connection.execute(statement)  # type: ignore[call-overload]
        return cursor.fetchall() if cursor.description else []


class Receiver:
    """A server that answers with the given statuses, then with 204, and keeps what it is sent."""

    def __init__(self, *statuses: int) -> None:
        self.statuses = list(statuses)
        self.messages: list[tuple[dict[str, str], bytes]] = []

    @contextmanager
    def listening(self) -> Iterator[str]:
        """Serve for as long as the block runs; its URL."""
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                receiver.messages.append(
                    ({name.lower(): value for name, value in self.headers.items()}, body)
                )
                self.send_response(receiver.statuses.pop(0) if receiver.statuses else 204)
                self.send_header("retry-after", "0")
                self.send_header("content-length", "0")
                self.end_headers()

            def log_message(self, format: str, *args: object) -> None:
                """Print nothing."""

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/papers"
        server.shutdown()
        server.server_close()


def test_each_completed_document_is_a_file(install: Install, database_url: str, tmp_path: Path) -> None:
    folder = tmp_path / "papers"
    program = install("export_folder", EXPORT_FOLDER=str(folder))
    program("add", bill(tmp_path))
    program("run", "--once")

    (path,) = folder.rglob("*.*")
    written = json.loads(path.read_text())
    assert path.parent.name == "2024"
    assert (written["id"], written["entity"]) == (path.stem, "Acme Power Company")
    (result,) = execute(database_url, "select result from alfrd.step_results where step = 'export_folder'")
    assert result == ({"path": str(path)},)


def test_a_message_is_sent_again_under_the_same_id_until_it_is_taken(
    install: Install, database_url: str, tmp_path: Path
) -> None:
    receiver = Receiver(503, 429)
    with receiver.listening() as url:
        program = install("webhook", WEBHOOK_URL=url, WEBHOOK_SECRET=SECRET)
        program("add", bill(tmp_path))
        program("run", "--once")

    assert len(receiver.messages) == 3
    assert len({headers["idempotency-key"] for headers, _ in receiver.messages}) == 1
    assert {json.loads(body)["data"]["entity"] for _, body in receiver.messages} == {"Acme Power Company"}
    for headers, body in receiver.messages:
        signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
        digest = base64.b64encode(hmac.digest(SECRET.encode(), signed, hashlib.sha256)).decode()
        assert headers["webhook-signature"] == f"v1,{digest}"
    kinds = execute(database_url, "select kind from alfrd.events where step = 'webhook' order by id")
    assert kinds == [("retry",), ("throttled",), ("completed",)]


def test_a_refusal_leaves_the_document_and_can_be_replayed(
    install: Install, database_url: str, tmp_path: Path
) -> None:
    receiver = Receiver(404)
    with receiver.listening() as url:
        program = install("webhook", WEBHOOK_URL=url, WEBHOOK_SECRET=SECRET)
        program("add", bill(tmp_path))
        program("run", "--once", exit_code=1)
        assert execute(database_url, "select status from alfrd.documents") == [("completed",)]
        assert [row["error"] for row in rows_of_dead(database_url)] == [
            "webhook: the server refused the message with 404: mend WEBHOOK_URL, then replay"
        ]
        program("replay", "--failed")
        program("run", "--once")

    assert len({headers["webhook-id"] for headers, _ in receiver.messages}) == 1
    assert len(receiver.messages) == 2
    assert rows_of_dead(database_url) == []


def test_a_chat_is_told_in_one_line_that_calls_nobody(
    install: Install, database_url: str, tmp_path: Path
) -> None:
    receiver = Receiver(500)
    with receiver.listening() as url:
        program = install("chat_message", CHAT_URL=url)
        program("add", bill(tmp_path, name="<!channel> & co.txt"))
        program("run", "--once")

    assert len(receiver.messages) == 2, "it is said again after an error that may pass"
    said = json.loads(receiver.messages[-1][1])["text"]
    assert said.startswith("&lt;!channel&gt; &amp; co.txt: Acme Power Company, ")
    assert "1,210.50" in said
    (result,) = execute(database_url, "select result from alfrd.step_results where step = 'chat_message'")
    assert result == ({"text": said},)


def test_a_chat_that_refuses_is_told_of_without_its_address(
    install: Install, database_url: str, tmp_path: Path
) -> None:
    with Receiver(403).listening() as url:
        program = install("chat_message", CHAT_URL=url)
        program("add", bill(tmp_path))
        program("run", "--once", exit_code=1)

    assert [row["error"] for row in rows_of_dead(database_url)] == [
        "chat_message: the chat refused the message with 403: mend CHAT_URL, then replay"
    ]


def rows_of_dead(url: str) -> list[dict[str, str]]:
    """The tasks that were given up."""
    found = execute(url, "select step, error from alfrd.tasks where state = 'dead'")
    return [{"step": step, "error": error} for step, error in found]


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("export_folder", "set EXPORT_FOLDER"),
        ("webhook", "set WEBHOOK_URL"),
        ("chat_message", "set CHAT_URL"),
    ],
)
def test_without_its_setting_it_waits_and_says_which(
    install: Install, database_url: str, tmp_path: Path, name: str, says: str
) -> None:
    program = install(name)
    program("add", bill(tmp_path))
    with program.started("run") as worker:
        assert worker.stderr
        assert any(says in line for line in worker.stderr)
    assert rows_of_dead(database_url) == []

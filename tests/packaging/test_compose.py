"""``docker-compose.yml``: valid, without credentials, and its very commands work on a real server.

No container runs here. The commands and the environment are taken from the file as compose would
resolve them; only the address of the database and the directories are this machine's.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
import yaml
from psycopg.conninfo import conninfo_to_dict

from alfrd_events.settings import Settings
from testing.server import Server, binaries, free_port

ROOT = Path(__file__).resolve().parents[2]
FILE = ROOT / "docker-compose.yml"
OURS = ("migrate", "worker", "watch")


def resolved(value: Any) -> Any:
    """What compose makes of a value when nothing is set: ``${NAME:-default}`` is the default."""
    if isinstance(value, str):
        return re.sub(r"\$\{\w+:-([^}]*)\}", r"\1", value)
    if isinstance(value, dict):
        return {key: resolved(entry) for key, entry in value.items()}
    return [resolved(entry) for entry in value] if isinstance(value, list) else value


@pytest.fixture(scope="module")
def services() -> dict[str, Any]:
    """The services, with anchors merged and variables at their defaults."""
    return dict(resolved(yaml.safe_load(FILE.read_text())["services"]))


def test_it_fits_the_compose_specification() -> None:
    check = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.compose-spec", str(FILE)]
    done = subprocess.run(check, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def test_it_needs_no_env_file(services: dict[str, Any]) -> None:
    variables = re.findall(r"(?<!\$)\$\{?\w+[^}\s\"]*\}?", FILE.read_text())
    assert variables
    assert [entry for entry in variables if ":-" not in entry] == []
    assert all(not entry["required"] for name in OURS for entry in services[name]["env_file"])


def test_it_sets_only_settings_that_exist(services: dict[str, Any]) -> None:
    known = {f"ALFRD_{name.upper()}" for name in Settings.model_fields}
    used = {key for name in OURS for key in services[name]["environment"] if key.startswith("ALFRD_")}
    assert used <= known


def test_workers_can_be_many(services: dict[str, Any]) -> None:
    assert not {"container_name", "ports", "hostname"} & services["worker"].keys()


def test_a_worker_is_asked_for_its_heartbeat(services: dict[str, Any]) -> None:
    """Not before it can have one: a container that starts slowly is not ill."""
    check = services["worker"]["healthcheck"]
    assert check["test"] == ["CMD", "alfrd-events", "health"]
    assert int(check["start_period"].removesuffix("s")) >= Settings.model_fields["lease_seconds"].default


def test_workers_may_finish_their_drain(services: dict[str, Any]) -> None:
    seconds = int(services["worker"]["stop_grace_period"].removesuffix("s"))
    assert seconds >= Settings.model_fields["drain_seconds"].default + 10
    assert services["worker"]["init"] is True


def test_nothing_starts_before_what_it_needs(services: dict[str, Any]) -> None:
    assert services["migrate"]["depends_on"] == {"postgres": {"condition": "service_healthy"}}
    assert services["migrate"]["restart"] == "no"
    done = {"condition": "service_completed_successfully"}
    assert services["worker"]["depends_on"] == {"migrate": done}
    assert services["watch"]["depends_on"] == {"migrate": done, "inbox": done}


def test_the_database_outlives_its_container(services: dict[str, Any]) -> None:
    """From 18 on the image refuses a volume at the old place, ``/var/lib/postgresql/data``."""
    assert services["postgres"]["image"] == "postgres:18"
    assert services["postgres"]["volumes"] == ["database:/var/lib/postgresql"]


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may give a folder away")
@pytest.mark.parametrize(
    ("made_by", "holds", "belongs_to"),
    [(0, "", 1000), (0, "bill.pdf", 0), (1001, "", 1001), (1000, "bill.pdf", 1000)],
)
def test_an_inbox_that_docker_made_is_given_to_the_watcher(
    services: dict[str, Any], tmp_path: Path, made_by: int, holds: str, belongs_to: int
) -> None:
    """With `up` from a fresh clone nobody made the folder, so the daemon does, as root."""
    directory = tmp_path / "inbox"
    directory.mkdir()
    if holds:
        (directory / holds).touch()
    os.chown(directory, made_by, made_by)
    service = services["inbox"]
    script = service["command"][0].replace("$$", "$").replace("/inbox", str(directory))

    subprocess.run([*service["entrypoint"], script], env={**os.environ, **service["environment"]}, check=True)

    assert directory.stat().st_uid == belongs_to
    assert service["user"] == "root"
    assert services["watch"]["user"] == service["environment"]["OWNER"]
    assert service["volumes"] == services["watch"]["volumes"]


class Containers:
    """Start services as compose would, as processes of this machine."""

    def __init__(self, services: dict[str, Any], url: str, directory: Path) -> None:
        self._services = services
        self._url = url
        self._directory = directory
        self._ports = {port: str(free_port()) for port in ("9464", "8470")}
        self.running: list[subprocess.Popen[str]] = []

    def start(self, name: str, **settings: str) -> subprocess.Popen[str]:
        """Start a service's command with its environment.

        :param settings: what an ``.env`` beside the file would set.
        """
        service = self._services[name]
        process = subprocess.Popen(
            [*self._entrypoint(), *map(self._here, service["command"]), *self._port_of(name)],
            cwd=self._directory,
            env=self._environment(name) | settings,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self.running.append(process)
        return process

    def run(self, *arguments: str) -> str:
        """What a command prints that a person runs in the image: ``docker compose run --rm console …``."""
        done = subprocess.run(
            [*self._entrypoint(), *arguments],
            env=self._environment("console"),
            capture_output=True,
            text=True,
            check=True,
            timeout=60,
        )
        return done.stdout

    def end(self) -> None:
        """Kill whatever still runs."""
        for process in self.running:
            process.kill()
            process.communicate()

    def is_healthy(self, name: str) -> bool:
        """What the service's health check says, run beside it as compose runs it inside the container."""
        kind, program, *arguments = self._services[name]["healthcheck"]["test"]
        assert kind == "CMD"
        found = shutil.which(program, path=self._path())
        assert found, program
        done = subprocess.run(
            [found, *map(self._here, arguments)],
            env=self._environment(name),
            capture_output=True,
            text=True,
            timeout=60,
        )
        assert "Usage:" not in done.stderr, done.stderr
        return done.returncode == 0

    def _environment(self, name: str) -> dict[str, str]:
        given = {key: self._here(value) for key, value in self._services[name]["environment"].items()}
        url = conninfo_to_dict(self._url)
        server = {"PGPORT": str(url.get("port", "")), "ALFRD_DATABASE_URL": self._url}
        return {"PATH": self._path(), "PYTHONUNBUFFERED": "1", "HOME": "/tmp"} | given | server

    @staticmethod
    def _path() -> str:
        return os.pathsep.join([str(Path(sys.executable).parent), str(binaries()), os.environ["PATH"]])

    def _port_of(self, name: str) -> list[str]:
        return ["--port", self._ports["8470"]] if name == "console" else []

    def _here(self, value: str) -> str:
        for port, free in self._ports.items():
            value = value.replace(f":{port}", f":{free}")
        return str(self._directory / value[1:]) if value in ("/inbox", "/files") else value

    @staticmethod
    def _entrypoint() -> list[str]:
        found = re.search(r"^ENTRYPOINT (\[.*\])$", (ROOT / "Dockerfile").read_text(), re.MULTILINE)
        assert found
        program, *arguments = json.loads(found[1])
        return [str(Path(sys.executable).with_name(program)), *arguments]


@pytest.fixture
def containers(services: dict[str, Any], empty_database_url: str, tmp_path: Path) -> Iterator[Containers]:
    """An empty database and empty directories, with whatever a test starts on them."""
    for name in ("inbox", "files"):
        (tmp_path / name).mkdir()
    started = Containers(services, empty_database_url, tmp_path)
    yield started
    started.end()


def wait_for(what: Callable[[], bool], seconds: float = 60) -> None:
    """Look until it is so."""
    deadline = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.1)


def test_its_commands_work_on_a_real_server(
    containers: Containers, empty_database_url: str, tmp_path: Path
) -> None:
    for _ in range(2):
        migrating = containers.start("migrate")
        output, _ = migrating.communicate(timeout=60)
        assert migrating.returncode == 0, output

    worker, watch = containers.start("worker"), containers.start("watch")
    named = tmp_path / "files" / "named.txt"
    named.write_text("Invoice 2024-03-01\nTotal 12.50 USD\n")
    with psycopg.connect(empty_database_url, autocommit=True) as connection:
        connection.execute(
            "insert into alfrd.documents (filename, uri) values ('named.txt', %s)", [named.as_uri()]
        )
        (tmp_path / "inbox" / "dropped.txt").write_text("Receipt 2024-04-02\nTotal 3.20 USD\n")

        def completed() -> set[str]:
            rows = connection.execute("select filename from alfrd.documents where status = 'completed'")
            return {name for (name,) in rows}

        wait_for(lambda: {"named.txt", "dropped.txt"} <= completed())

    assert (tmp_path / "inbox" / "done" / "dropped.txt").exists()
    for process, codes in ((worker, (0,)), (watch, (0,))):
        process.send_signal(signal.SIGTERM)
        output, _ = process.communicate(timeout=30)
        assert process.returncode in codes, output


@pytest.fixture
def stoppable() -> Iterator[Server]:
    """A server of this test's own, as the service ``postgres`` is."""
    server = Server()
    yield server
    server.remove()


def test_health_checks_fail_and_recover_with_what_they_check(
    services: dict[str, Any], stoppable: Server, tmp_path: Path
) -> None:
    """The server is stopped and comes back; then the worker is killed, and compose starts another."""
    for name in ("inbox", "files"):
        (tmp_path / name).mkdir()
    stack = Containers(services, stoppable.tcp_url("postgres"), tmp_path)
    try:
        assert stack.is_healthy("postgres")
        migrating = stack.start("migrate")
        output, _ = migrating.communicate(timeout=60)
        assert migrating.returncode == 0, output
        assert not stack.is_healthy("worker"), "none has started yet"

        worker = stack.start("worker", ALFRD_LEASE_SECONDS="3")
        wait_for(lambda: stack.is_healthy("worker"))

        stoppable.stop()
        assert not stack.is_healthy("postgres")
        assert not stack.is_healthy("worker")
        stoppable.start()
        assert stack.is_healthy("postgres")
        wait_for(lambda: stack.is_healthy("worker"))
        assert worker.poll() is None, "it went on by itself"

        worker.kill()
        wait_for(lambda: not stack.is_healthy("worker"))
        stack.start("worker")
        wait_for(lambda: stack.is_healthy("worker"))
    finally:
        stack.end()


def test_the_console_is_healthy_once_it_has_a_token(containers: Containers) -> None:
    """Without one it refuses to be reachable from elsewhere, and says what to do."""
    containers.start("migrate").communicate(timeout=60)
    assert not containers.is_healthy("console")
    refused = containers.start("console")
    output, _ = refused.communicate(timeout=60)
    assert refused.returncode == 1
    assert "alfrd-events console token --role" in output

    made = containers.run("console", "token", "--role", "editor")
    (setting,) = re.findall(r"^setting (ALFRD_\w+)=(\S+)$", made, re.MULTILINE)
    serving = containers.start("console", **dict([setting]))
    wait_for(lambda: containers.is_healthy("console"))
    serving.kill()
    serving.wait()
    assert not containers.is_healthy("console")

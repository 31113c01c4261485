"""The embedded server: any path, any leftovers, and no harm to a process that is not it."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import psycopg
import pytest

from alfrd_events.db import postmaster, programs

USER = (
    "import sys; from pathlib import Path; from alfrd_events.db import embedded\n"
    "print(embedded.start(Path(sys.argv[1])), flush=True); sys.stdin.read()"
)
"""A process that uses the server until its standard input ends."""


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data directory in which a cluster was made, and stopped."""
    directory = tmp_path_factory.mktemp("made")
    _use_once(directory)
    return directory


@pytest.fixture
def data_dir(made: Path, tmp_path: Path) -> Path:
    """A copy of it."""
    copy = tmp_path / "data"
    _copy(made, copy)
    return copy


@pytest.fixture
def stranger(made: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A process of the user that the server runs as, which has nothing to do with it."""
    owner = (made / "postgres").stat().st_uid
    process = subprocess.Popen(["sleep", "300"], user=owner if os.geteuid() == 0 else None)
    yield process
    process.kill()
    process.wait()


def _copy(made: Path, copy: Path) -> None:
    subprocess.run(["cp", "-a", made, copy], check=True)


def _user(directory: Path, **environment: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", USER, str(directory)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, **environment},
    )


def _use_once(directory: Path, **environment: str) -> tuple[str, str]:
    """The URL, and what was complained about."""
    url, errors = _user(directory, **environment).communicate("", timeout=90)
    return url.strip(), errors


def _error(errors: str) -> str:
    return errors.strip().splitlines()[-1]


def _leave(user: subprocess.Popen[str]) -> None:
    user.communicate("", timeout=60)


@pytest.mark.parametrize(
    "name", ["a%b", "a?b", "a'b", "a#b", "aüb", "a b", 'a"b', "a,b", "a$(b)", "a\\b", "a" * 120]
)
def test_a_path_may_hold_any_character(made: Path, tmp_path: Path, name: str) -> None:
    _copy(made, tmp_path / name)
    user = _user(tmp_path / name)
    assert user.stdout is not None
    url = user.stdout.readline().strip()
    with psycopg.connect(url) as connection:
        row = connection.execute("show data_directory").fetchone()
    _leave(user)

    assert row == (str(tmp_path / name / "postgres"),)
    assert not (tmp_path / name / "postgres" / "postmaster.pid").exists()


@pytest.mark.parametrize("name", ["a\nb", b"a\xff".decode(errors="surrogateescape")])
def test_a_path_that_is_no_text_is_refused_with_what_to_do(tmp_path: Path, name: str) -> None:
    _, errors = _use_once(tmp_path / name)

    assert "whose path is not plain text: set ALFRD_DATA_DIR" in _error(errors)


def test_the_settings_of_another_server_are_not_ours(data_dir: Path) -> None:
    url, errors = _use_once(data_dir, PGPORT="6543", PGDATA="/nowhere", PGHOST="/nowhere", PGUSER="x")

    assert url, errors


def test_a_cluster_is_made_in_a_locale_that_is_not_utf8(tmp_path: Path) -> None:
    url, errors = _use_once(tmp_path, LC_ALL="C", LANG="C")

    assert url, errors


def test_a_number_that_belongs_to_a_stranger_now_harms_neither(
    data_dir: Path, stranger: subprocess.Popen[bytes]
) -> None:
    _leave_behind(data_dir, stranger.pid)

    url, errors = _use_once(data_dir)

    assert url, errors
    assert stranger.poll() is None


def test_a_number_that_belongs_to_another_server_now_harms_neither(made: Path, tmp_path: Path) -> None:
    mine, other = tmp_path / "mine", tmp_path / "other"
    _copy(made, mine)
    _copy(made, other)
    neighbour = _user(other)
    assert neighbour.stdout is not None
    its_url = neighbour.stdout.readline().strip()
    found = postmaster.find(other / "postgres")
    assert found is not None
    _leave_behind(mine, found.process.pid)

    url, errors = _use_once(mine)

    assert url, errors
    with psycopg.connect(its_url) as connection:
        assert connection.execute("select 1").fetchone() == (1,)
    _leave(neighbour)


def test_a_number_that_is_nobodys_is_passed_over(data_dir: Path) -> None:
    gone = subprocess.run(
        [sys.executable, "-c", "import os; print(os.getpid())"], capture_output=True, text=True
    )
    _leave_behind(data_dir, int(gone.stdout))

    url, errors = _use_once(data_dir)

    assert url, errors


@pytest.mark.parametrize("content", ["", "x\n", "-1\n", "99999999999999999999\n", "1\n", "0\n"])
def test_a_damaged_pid_file_harms_nobody(data_dir: Path, content: str) -> None:
    """PostgreSQL refuses some of these, in words that we pass on; none is signalled, least of all process 1."""
    file = data_dir / "postgres" / "postmaster.pid"
    file.write_text(content)
    shutil.chown(file, (data_dir / "postgres").stat().st_uid)

    url, errors = _use_once(data_dir)

    assert url or "did not start: " in _error(errors)


def test_a_server_whose_user_was_killed_is_used_and_stopped_by_the_next(data_dir: Path) -> None:
    user = _user(data_dir)
    assert user.stdout is not None
    assert user.stdout.readline()
    user.kill()
    user.communicate()
    left = postmaster.find(data_dir / "postgres")
    assert left is not None

    url, errors = _use_once(data_dir)

    assert url, errors
    assert not left.process.is_running()


def test_the_last_user_stops_the_server_and_no_other(data_dir: Path) -> None:
    first, second = _user(data_dir), _user(data_dir)
    assert first.stdout is not None
    assert second.stdout is not None
    assert first.stdout.readline() == second.stdout.readline()
    running = postmaster.find(data_dir / "postgres")
    assert running is not None

    _leave(first)
    assert running.process.is_running()
    _leave(second)
    assert not running.process.is_running()


def test_ctrl_c_while_the_server_stops_ends_the_wait_without_a_traceback(data_dir: Path) -> None:
    impatient = f"""
from alfrd_events.db import postmaster
stop = postmaster.Postmaster.stop
def interrupted(self, seconds):
    stop(self, seconds)
    raise KeyboardInterrupt
postmaster.Postmaster.stop = interrupted
{USER}"""
    done = subprocess.run(
        [sys.executable, "-c", impatient, str(data_dir)], input="", capture_output=True, text=True, timeout=90
    )

    assert (done.returncode, done.stderr) == (0, "")
    assert postmaster.find(data_dir / "postgres") is None


def test_a_server_that_was_killed_is_started_again(data_dir: Path) -> None:
    user = _user(data_dir)
    assert user.stdout is not None
    user.stdout.readline()
    running = postmaster.find(data_dir / "postgres")
    assert running is not None
    running.process.send_signal(signal.SIGKILL)
    psutil.wait_procs([running.process], timeout=10)

    url, errors = _use_once(data_dir)

    assert url, errors
    _leave(user)


def test_a_cluster_of_another_release_is_refused_with_both_named(data_dir: Path) -> None:
    (data_dir / "postgres" / "PG_VERSION").write_text("15\n")

    _, errors = _use_once(data_dir)

    assert "was made by PostgreSQL 15, and the embedded one is 18" in _error(errors)
    assert "pg_dump" in _error(errors)


def test_a_directory_that_is_no_cluster_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "postgres").mkdir()
    (tmp_path / "postgres" / "thesis.txt").write_text("precious")

    _, errors = _use_once(tmp_path)

    assert "is no data directory of PostgreSQL" in _error(errors)
    assert (tmp_path / "postgres" / "thesis.txt").read_text() == "precious"


def test_making_a_cluster_that_was_interrupted_is_begun_anew(tmp_path: Path) -> None:
    (tmp_path / "postgres.new").mkdir()
    (tmp_path / "postgres.new" / "half").write_text("")

    url, errors = _use_once(tmp_path)

    assert url, errors


def test_why_a_server_did_not_start_is_said_in_a_line(data_dir: Path) -> None:
    with (data_dir / "postgres" / "postgresql.conf").open("a") as file:
        file.write("shared_buffers = 'plenty'\n")

    _, errors = _use_once(data_dir)

    assert "did not start: " in _error(errors)
    assert "postgresql.conf" in _error(errors)


def test_the_reason_is_found_among_other_lines() -> None:
    assert programs._reason("LOG:  x\nFATAL:  lock file\nHINT:  y\n") == "FATAL:  lock file"
    assert programs._reason("") == "it said nothing"


def _leave_behind(data_dir: Path, pid: int) -> None:
    """The lock files as a power cut leaves them."""
    cluster = data_dir / "postgres"
    lines = f"{pid}\n{cluster}\n1700000000\n5432\n{cluster}\n"
    for name, text in {
        "postmaster.pid": f"{lines}\n  1234567         1\nready   \n",
        ".s.PGSQL.5432.lock": lines,
    }.items():
        (cluster / name).write_text(text)
        shutil.chown(cluster / name, cluster.stat().st_uid)

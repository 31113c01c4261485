"""A PgBouncer in transaction mode before a test server: what a session sets may be gone at the next statement."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import time

from psycopg.conninfo import conninfo_to_dict, make_conninfo

from testing.server import Server, free_port

PROGRAM = shutil.which("pgbouncer", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
NOT_INSTALLED = "PgBouncer is not installed; Debian has it as the package pgbouncer"
USERS = ("postgres", "shop", "mill", "wall")
CONFIGURATION = """
[databases]
* = host=127.0.0.1 port={server}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {port}
unix_socket_dir =
auth_type = trust
auth_file = {directory}/users
pool_mode = transaction
default_pool_size = 4
max_client_conn = 100
server_login_retry = 1
ignore_startup_parameters = extra_float_digits
logfile = {directory}/log
"""

_behind: dict[str, Server] = {}
"""By the port of its PgBouncer."""


def past(url: str) -> str:
    """The same database without a PgBouncer on the way: for what needs a session."""
    port = str(conninfo_to_dict(url).get("port"))
    if port not in _behind:
        return url
    return make_conninfo(url, port=_behind[port].port)


class PgBouncer:
    """One pooler, until it is told to stop."""

    def __init__(self, server: Server) -> None:
        assert PROGRAM is not None, NOT_INSTALLED
        self.port = free_port()
        directory = server.directory / f"pgbouncer-{self.port}"
        directory.mkdir()
        if os.geteuid() == 0:
            shutil.chown(directory, "nobody")
        (directory / "users").write_text("".join(f'"{user}" ""\n' for user in USERS))
        configuration = directory / "pgbouncer.ini"
        configuration.write_text(
            CONFIGURATION.format(server=server.port, port=self.port, directory=directory)
        )
        self._process = subprocess.Popen(
            [PROGRAM, "-q", str(configuration)], user="nobody" if os.geteuid() == 0 else None
        )
        while not self._answers():
            assert self._process.poll() is None, (directory / "log").read_text()
            time.sleep(0.02)
        _behind[str(self.port)] = server

    def _answers(self) -> bool:
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0

    def url(self, database: str) -> str:
        """Where to connect to, through it."""
        return f"postgresql://postgres@127.0.0.1:{self.port}/{database}"

    def stop(self) -> None:
        """End it, and all connections through it."""
        self._process.terminate()
        self._process.wait()

"""A real IMAP server: Debian's Dovecot, run for the tests by a user without rights, in a directory of its own."""

from __future__ import annotations

import datetime
import grp
import ipaddress
import os
import pwd
import shutil
import signal
import socket
import ssl
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from imapclient import IMAPClient

from testing.server import free_port

PROGRAM = shutil.which("dovecot") or shutil.which("dovecot", path="/usr/sbin")
USER, PASSWORD = "ana@home.example", "a pass word"
_START_SECONDS = 30

_CONFIGURATION = """
protocols = imap
base_dir = {directory}/run
state_dir = {directory}/state
log_path = {directory}/log
listen = 127.0.0.1
default_internal_user = {user}
default_internal_group = {group}
default_login_user = {user}
first_valid_uid = 1
ssl = yes
ssl_cert = <{directory}/cert.pem
ssl_key = <{directory}/key.pem
ssl_min_protocol = TLSv1.2
disable_plaintext_auth = no
auth_failure_delay = 0
mail_location = maildir:{directory}/mail
mail_fsync = never
passdb {{
  driver = passwd-file
  args = scheme=PLAIN username_format=%u {directory}/users
}}
userdb {{
  driver = static
  args = uid={user} gid={group} home={directory}/home
}}
service anvil {{
  chroot =
}}
service stats {{
  chroot =
}}
service imap-login {{
  chroot =
  inet_listener imap {{
    port = {plain_port}
  }}
  inet_listener imaps {{
    port = {tls_port}
    ssl = yes
  }}
}}
{more}
"""


class Dovecot:
    """One server with one mailbox.

    :param without: capabilities that it does not admit to have.
    :param more: lines for its configuration.
    """

    def __init__(self, without: tuple[str, ...] = (), more: str = "") -> None:
        assert PROGRAM is not None
        self.directory = Path(tempfile.mkdtemp(prefix="alfrd-mail-"))
        self.plain_port, self.tls_port = free_port(), free_port()
        account = pwd.getpwnam("nobody") if os.geteuid() == 0 else pwd.getpwuid(os.geteuid())
        self._user = account.pw_name if os.geteuid() == 0 else None
        self._group = account.pw_gid if self._user else os.getgid()
        if without:
            kept = [word for word in _CAPABILITIES if word not in without]
            more += f"\nprotocol imap {{\n  imap_capability = {' '.join(kept)}\n}}\n"
        (self.directory / "users").write_text(f"{USER}:{PASSWORD}\n")
        self.authority = self.directory / "authority.pem"
        _write_certificate(self.directory)
        (self.directory / "dovecot.conf").write_text(
            _CONFIGURATION.format(
                directory=self.directory,
                user=account.pw_name,
                group=grp.getgrgid(self._group).gr_name,
                plain_port=self.plain_port,
                tls_port=self.tls_port,
                more=more,
            )
        )
        if self._user:
            for place in (self.directory, *self.directory.iterdir()):
                os.chown(place, account.pw_uid, account.pw_gid)
        self._process: subprocess.Popen[bytes] | None = None
        self.start()

    @property
    def uri(self) -> str:
        return f"imaps://{USER.replace('@', '%40')}@localhost:{self.tls_port}/INBOX"

    def start(self) -> None:
        """Start, and wait until it greets."""
        assert PROGRAM is not None
        self._process = subprocess.Popen(
            [PROGRAM, "-F", "-c", str(self.directory / "dovecot.conf")],
            user=self._user,
            group=self._group if self._user else None,
            extra_groups=[] if self._user else None,
            start_new_session=True,
            cwd=self.directory,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=(self.directory / "stderr").open("wb"),
        )
        for _ in range(_START_SECONDS * 20):
            if self._process.poll() is not None:
                break
            try:
                with socket.create_connection(("127.0.0.1", self.plain_port), 5) as probe:
                    if probe.recv(4).startswith(b"* OK"):
                        return
            except OSError:
                pass
            try:
                self._process.wait(0.05)
            except subprocess.TimeoutExpired:
                continue
        raise RuntimeError(f"dovecot does not answer: {self._told()}")

    def _told(self) -> str:
        files = [self.directory / name for name in ("stderr", "log")]
        return "\n".join(file.read_text(errors="replace")[-2000:] for file in files if file.exists())

    def stop(self) -> None:
        """Hang up on everybody, and end."""
        assert self._process is not None
        # To all of its processes: sessions that are idle take ten seconds to notice that it ends.
        os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait(30)
        (self.directory / "run" / "master.pid").unlink(missing_ok=True)

    def log(self) -> str:
        return (self.directory / "log").read_text(errors="replace")

    @contextmanager
    def stopped(self) -> Iterator[None]:
        """While it does not run."""
        self.stop()
        try:
            yield
        finally:
            self.start()

    @property
    def is_running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def remove(self) -> None:
        if self.is_running:
            self.stop()
        shutil.rmtree(self.directory)

    @contextmanager
    def client(self, folder: str = "INBOX") -> Iterator[IMAPClient]:
        """A connection of the owner's own mail program."""
        context = ssl.create_default_context(cafile=str(self.authority))
        with IMAPClient("localhost", self.tls_port, ssl_context=context, timeout=30) as client:
            client.login(USER, PASSWORD)
            client.select_folder(folder)
            yield client

    def deliver(self, *messages: bytes) -> None:
        with self.client() as client:
            for message in messages:
                client.append("INBOX", message)

    def flags(self, folder: str = "INBOX") -> dict[int, set[str]]:
        """UID -> what its message is marked with, but for ``\\Recent``."""
        with self.client(folder) as client:
            return {
                uid: {flag.decode() for flag in flags} - {"\\Recent"}
                for uid, flags in client.get_flags(client.search()).items()
            }


_CAPABILITIES = (
    "IMAP4rev1", "SASL-IR", "LOGIN-REFERRALS", "ID", "ENABLE", "IDLE", "SORT", "UIDPLUS", "UNSELECT", "CHILDREN",
    "NAMESPACE", "LIST-EXTENDED", "ESEARCH", "SEARCHRES", "WITHIN", "LITERAL+", "MOVE", "SPECIAL-USE",
)  # fmt: skip


def _write_certificate(directory: Path) -> None:
    """A certificate for this machine, which is its own authority."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "alfrd-events tests")])
    now = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=30))
        .add_extension(
            x509.SubjectAlternativeName(
                [x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
            ),
            critical=False,
        )
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem = certificate.public_bytes(serialization.Encoding.PEM)
    (directory / "cert.pem").write_bytes(pem)
    (directory / "authority.pem").write_bytes(pem)
    (directory / "key.pem").write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )

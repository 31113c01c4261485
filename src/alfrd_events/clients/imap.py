"""One folder of an IMAP server: searched, read, flagged, moved out of and waited at; nothing in it is ever deleted.

The library blocks, so each connection has a thread of its own. The server's certificate is verified. A password is sent
over TLS only, unless the server is on this machine.
"""

from __future__ import annotations

import asyncio
import imaplib
import socket
import ssl
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass
from typing import Any, TypeVar
from urllib.parse import quote, unquote, urlsplit

from imapclient import IMAPClient, SocketTimeout
from imapclient.exceptions import CapabilityError, LoginError

from alfrd_events.errors import Permanent, SettingsInvalid, Transient

T = TypeVar("T")

_CONNECT_SECONDS, _READ_SECONDS = 15.0, 120.0
_HERE = ("localhost", "127.0.0.1", "::1")
"""Where a connection without TLS is seen by nobody else."""
_PORTS = {"imap": 143, "imaps": 993}
_SYSTEM_FLAGS = {"\\seen": "UNSEEN", "\\flagged": "UNFLAGGED", "\\answered": "UNANSWERED"}
"""Flags of IMAP itself that may say that a message is done with, and how to search for those without them."""
_OF_THE_MOMENT = ("[UNAVAILABLE]", "[INUSE]", "[LIMIT]", "[SERVERBUG]")
"""What a server says when it refuses a login for a reason that goes away (RFC 5530)."""


@dataclass(frozen=True, slots=True)
class MailPlace:
    """A folder of somebody's mailbox, as ``imaps://user@host:port/folder`` names it."""

    scheme: str
    user: str
    host: str
    port: int
    folder: str

    @classmethod
    def parse(cls, uri: str) -> MailPlace:
        """Read a URI.

        :raise SettingsInvalid: it names no mailbox, or it has a password in it.
        """
        example = "write imaps://user@host/FOLDER, a user such as ana%40home.example with %40"
        try:
            parts = urlsplit(uri)
            port = parts.port
        except ValueError as error:
            raise SettingsInvalid(f"the mailbox makes no sense ({error}): {example}") from error
        account = parts.netloc.rpartition("@")[0]
        if ":" in account:
            # Not quoted: it would be in a log.
            raise SettingsInvalid(
                "a password in the mailbox's URI is seen by all on this machine: take it out, and set "
                "ALFRD_MAIL_PASSWORD or ALFRD_MAIL_PASSWORD_FILE"
            )
        if not account or not parts.hostname or parts.query or parts.fragment:
            raise SettingsInvalid(f"{uri} names no mailbox: {example}")
        folder = unquote(parts.path.removeprefix("/")) or "INBOX"
        scheme = parts.scheme.lower()
        return cls(scheme, unquote(account), parts.hostname, port or _PORTS[scheme], folder)

    @property
    def uri(self) -> str:
        """The same folder always in the same words, without a password."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.scheme}://{quote(self.user, safe='')}@{host}:{self.port}/{quote(self.folder)}"


def is_mail(uri: str) -> bool:
    """Whether it is the URI of a mailbox."""
    return uri.lower().startswith(("imap://", "imaps://"))


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which messages of a folder are looked for; the server compares."""

    sender: str = ""
    """Part of the line ``From``."""
    subject: str = ""
    """Part of the line ``Subject``."""


class OutOfStep(Transient):
    """The server told of something at a moment at which the library cannot take it: connect again, and look."""


class Folder:
    """An open folder. Made by :func:`folder`."""

    def __init__(self, place: MailPlace) -> None:
        self._place = place
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="imap")
        self._client: IMAPClient | None = None
        self._permanent_flags: tuple[str, ...] = ()
        self.uidvalidity = 0

    # --- open and close ------------------------------------------------------------------------------

    async def open(self, password: str) -> None:
        """Connect, sign in and select the folder.

        :raise Permanent: the certificate, the login or the folder is refused, or TLS is missing.
        :raise Transient: the server cannot be reached now.
        """
        await self._do(lambda: self._open(password))

    def _open(self, password: str) -> None:
        place, context = self._place, ssl.create_default_context()
        is_tls = place.scheme == "imaps"
        client = IMAPClient(
            place.host,
            place.port,
            ssl=is_tls,
            ssl_context=context if is_tls else None,
            timeout=SocketTimeout(_CONNECT_SECONDS, _READ_SECONDS),
        )
        self._client = client
        if not is_tls:
            if client.has_capability("STARTTLS"):
                client.starttls(context)
            elif place.host not in _HERE:
                raise Permanent(
                    f"{place.uri}: the server offers no TLS, and a password would be seen on its way: use imaps://"
                )
        try:
            client.login(place.user, password)
        except LoginError as error:
            reason = _reason(error)
            if isinstance(error.__context__, imaplib.IMAP4.abort) or any(
                code in reason.upper() for code in _OF_THE_MOMENT
            ):
                raise Transient(f"{place.uri}: the server lets nobody in now ({reason})") from error
            raise Permanent(
                f"{place.uri}: the server refuses the login ({reason}); check the user and ALFRD_MAIL_PASSWORD: large "
                "providers want a password made for this program (app password)"
            ) from error
        try:
            selected = client.select_folder(place.folder)
        except imaplib.IMAP4.abort:
            raise
        except imaplib.IMAP4.error as error:
            names = ", ".join(name for _, _, name in client.list_folders()[:20])
            raise Permanent(
                f"{place.uri}: the folder cannot be opened ({_reason(error)}); there are: {names}"
            ) from error
        if b"UIDVALIDITY" not in selected:
            raise Permanent(f"{place.uri}: the server does not number messages for good (UIDVALIDITY)")
        self.uidvalidity = int(selected[b"UIDVALIDITY"])
        self._permanent_flags = tuple(
            flag.decode("ascii", "replace").lower() for flag in selected.get(b"PERMANENTFLAGS", ())
        )

    async def close(self) -> None:
        """Hang up, also while another call waits for the server."""
        if self._client is not None:
            with suppress(OSError):  # it is gone already
                # Not the method of a TLS socket, which would let the thread read on in the clear.
                socket.socket.shutdown(self._client.socket(), socket.SHUT_RDWR)
        await asyncio.to_thread(self._thread.shutdown)
        if self._client is not None:
            with suppress(OSError, imaplib.IMAP4.error):
                self._client.shutdown()

    # --- what is there -------------------------------------------------------------------------------

    def keeps(self, flag: str) -> bool:
        """Whether the server keeps a flag when we are gone."""
        # "\*": any keyword may be made.
        return flag.lower() in self._permanent_flags or (
            not flag.startswith("\\") and "\\*" in self._permanent_flags
        )

    @property
    def can_move(self) -> bool:
        """Whether messages can be moved without a moment at which they are in no folder."""
        return self._has("MOVE")

    @property
    def can_idle(self) -> bool:
        """Whether the server tells by itself that something has come."""
        return self._has("IDLE")

    async def has_folder(self, name: str) -> bool:
        """Whether the account has such a folder."""
        return bool(await self._do(lambda: self._opened.folder_exists(name)))

    async def search(self, wanted: Wanted, *, after: int = 0, without_flag: str = "") -> list[int]:
        """UIDs of the messages that fit and are not marked as deleted, in order.

        :param after: only those that came after this UID.
        """
        criteria: list[Any] = ["UNDELETED"]
        if without_flag:
            criteria += _without(without_flag)
        if wanted.sender:
            criteria += ["FROM", wanted.sender]
        if wanted.subject:
            criteria += ["SUBJECT", wanted.subject]
        if after:
            criteria += ["UID", f"{after + 1}:*"]
        charset = None if (wanted.sender + wanted.subject).isascii() else "UTF-8"

        def search() -> list[int]:
            try:
                return list(self._opened.search(criteria, charset))
            except imaplib.IMAP4.error as error:
                if isinstance(error, imaplib.IMAP4.abort) or wanted == Wanted():
                    raise
                raise Permanent(
                    f"{self._place.uri}: the server cannot look for --from or --subject so ({_reason(error)}); "
                    "try words without accents"
                ) from error

        found = await self._do(search)
        return sorted(uid for uid in found if uid > after)  # "n:*" always has the last one

    async def sizes(self, uids: Sequence[int]) -> dict[int, int]:
        """Bytes of each message that is still there."""
        found = await self._do(lambda: self._opened.fetch(list(uids), ["RFC822.SIZE"]) if uids else {})
        return {uid: int(data[b"RFC822.SIZE"]) for uid, data in found.items() if b"RFC822.SIZE" in data}

    async def fetch(self, uid: int) -> bytes | None:
        """The whole message, which stays unread; ``None``: it is gone."""
        found = await self._do(lambda: self._opened.fetch([uid], ["BODY.PEEK[]"]))
        content = found.get(uid, {}).get(b"BODY[]")
        return None if content is None else bytes(content)

    async def flag(self, uid: int, flag: str) -> None:
        """Set a flag."""
        await self._do(lambda: self._opened.add_flags([uid], [flag], silent=True))

    async def move(self, uid: int, folder: str) -> None:
        """Move a message to another folder.

        :raise Permanent: there is no such folder.
        """

        def move() -> None:
            try:
                self._opened.move([uid], folder)
            except (CapabilityError, imaplib.IMAP4.abort):
                raise
            except imaplib.IMAP4.error as error:
                raise Permanent(
                    f"{self._place.uri}: nothing can be moved to {folder} ({_reason(error)}); make that folder"
                ) from error

        await self._do(move)

    async def wait(self, seconds: float) -> None:
        """Wait until something happens in the folder, for so long at most."""
        if self.can_idle:
            await self._do(lambda: self._idle(seconds))
        else:
            await asyncio.sleep(seconds)
            await self._do(self._opened_noop)

    def _idle(self, seconds: float) -> None:
        try:
            self._opened.idle()
        except imaplib.IMAP4.error as error:
            if isinstance(error, imaplib.IMAP4.abort):
                raise
            raise OutOfStep(f"{self._place.uri}: {_reason(error)}") from error
        self._opened.idle_check(timeout=seconds)
        self._opened.idle_done()

    def _opened_noop(self) -> None:
        self._opened.noop()

    # --- the thread ----------------------------------------------------------------------------------

    @property
    def _opened(self) -> IMAPClient:
        assert self._client is not None, "used after open"
        return self._client

    def _has(self, capability: str) -> bool:
        return bool(self._opened.has_capability(capability))

    async def _do(self, call: Callable[[], T]) -> T:
        def sorted_call() -> T:
            with _sorted_errors(self._place):
                return call()

        return await asyncio.get_running_loop().run_in_executor(self._thread, sorted_call)


@asynccontextmanager
async def folder(place: MailPlace, password: str) -> AsyncIterator[Folder]:
    """Open a folder, and hang up at the end.

    :raise Permanent, Transient: as :meth:`Folder.open`.
    """
    opened = Folder(place)
    try:
        await opened.open(password)
        yield opened
    finally:
        await opened.close()


def check_flag(flag: str) -> None:
    """:raise SettingsInvalid: a flag that no message may get from us."""
    is_word = bool(flag) and flag.isascii() and flag.isprintable() and not set(flag) & set(' (){%*"\\]')
    if not (is_word or flag.lower() in _SYSTEM_FLAGS):
        raise SettingsInvalid(
            f"no flag {flag!r}: give a word such as alfrd-done, or one of \\Seen, \\Flagged and \\Answered"
        )


def _without(flag: str) -> list[str]:
    system = _SYSTEM_FLAGS.get(flag.lower())
    return [system] if system else ["UNKEYWORD", flag]


@contextmanager
def _sorted_errors(place: MailPlace) -> Iterator[None]:
    """Raise this program's errors for those of the network and the library."""
    try:
        yield
    except ssl.SSLCertVerificationError as error:
        raise Permanent(
            f"{place.uri}: the server's certificate cannot be trusted ({error.verify_message}); where it comes from an "
            "authority of your own, name its file in SSL_CERT_FILE"
        ) from error
    except (OSError, imaplib.IMAP4.error) as error:
        raise Transient(f"{place.uri}: {_reason(error)}") from error


def _reason(error: Exception) -> str:
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    text = error.args[0] if error.args else ""
    return text.decode("utf-8", "replace") if isinstance(text, bytes) else str(text) or type(error).__name__

"""Say who may not do what with a file or folder, and the command that mends it."""

from __future__ import annotations

import errno
import grp
import os
import pwd
import shlex
import stat
from pathlib import Path

from alfrd_events.filenames import printable

DENIED = (errno.EACCES, errno.EPERM)


def unreadable(path: Path, error: OSError, verb: str = "read") -> str:
    """Why something cannot be read, in one line, with the remedy where rights are the reason."""
    reason = f"cannot be {verb} ({os.strerror(error.errno or 0)})"
    if error.errno not in DENIED:
        return reason
    return f"{reason}: {_owner(path)}; let {_ourselves()} read it: sudo chmod -R a+rX {_quoted(path)}"


def unusable(directory: Path, error: OSError) -> str:
    """Why a directory cannot be an inbox, in one line, with the remedy where rights are the reason."""
    place = _nearest(directory)
    reason = f"{printable(directory)}: cannot be used as an inbox ({os.strerror(error.errno or 0)})"
    if error.errno == errno.EROFS:
        return f"{reason}: files are moved within it; mount it so that it can be written to"
    if error.errno not in DENIED:
        return reason
    return (
        f"{reason}: {_owner(place)}, and this program runs as {_ourselves()}; give it the folder: "
        f"sudo chown -R {os.geteuid()}:{os.getegid()} {_quoted(place)} (in a container: the folder of the host)"
    )


def check_usable(directory: Path) -> None:
    """Try whether files can be taken out of a directory and put into it.

    :raise OSError: they cannot.
    """
    with os.scandir(directory):
        pass
    if not os.access(directory, os.W_OK | os.X_OK):
        read_only = os.statvfs(directory).f_flag & os.ST_RDONLY
        number = errno.EROFS if read_only else errno.EACCES
        raise OSError(number, os.strerror(number), str(directory))


def _nearest(path: Path) -> Path:
    """It, or the folder above in which it would be made."""
    return next((place for place in (path, *path.absolute().parents) if os.path.lexists(place)), path)


def _owner(path: Path) -> str:
    try:
        found = path.lstat()
    except OSError:
        return "its owner cannot be told"
    return f"it belongs to {_user(found.st_uid)}, {_group(found.st_gid)} ({stat.filemode(found.st_mode)})"


def _ourselves() -> str:
    return f"{_user(os.geteuid())}, {_group(os.getegid())}"


def _user(id: int) -> str:
    try:
        return f"user {id} ({pwd.getpwuid(id).pw_name})"
    except KeyError:
        return f"user {id}"


def _group(id: int) -> str:
    try:
        return f"group {id} ({grp.getgrgid(id).gr_name})"
    except KeyError:
        return f"group {id}"


def _quoted(path: Path) -> str:
    return shlex.quote(printable(path.absolute()))

"""Names of files: as text of one line, and those of what programs leave beside documents.

The inbox, ``add``, watched buckets and archives share one list of leftovers. It ignores case. A name that is wrongly on
the list loses nothing: the file stays in place and becomes a document once it has another name.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from fnmatch import translate
from pathlib import Path

_UNPRINTABLE = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")
"""Control characters, ends of lines, and what turns the direction of writing, so that a name shows another suffix."""

_FOLDERS = (
    # macOS
    "__MACOSX", ".AppleDouble", ".AppleDB", ".AppleDesktop", ".DocumentRevisions-V100", ".fseventsd",
    ".Spotlight-V100", ".TemporaryItems", ".Trashes", "Network Trash Folder", "Temporary Items",
    # Windows
    "$RECYCLE.BIN", "RECYCLER", "System Volume Information",
    # Linux and its desktops
    "lost+found", ".Trash", ".Trash-*",
    # network storages of Synology and QNAP
    "@eaDir", "#recycle", "#snapshot", "@Recycle", "@Recently-Snapshot", ".@__thumb", ".@upload_cache",
    # Syncthing, Resilio, Dropbox
    ".stfolder", ".stversions", ".sync", ".dropbox*",
)  # fmt: skip

_FILES = (
    # macOS: settings and icons of folders, resource forks; a network server shows the carriage return as U+F00D
    ".DS_Store", "._*", "Icon\r", "Icon\uf00d", ".localized", ".LSOverride", ".VolumeIcon.icns", ".apdisk",
    # Windows: settings and thumbnails of folders, marks of origin; U+F03A represents the colon
    "Thumbs.db", "Thumbs.db:encryptable", "ehthumbs.db", "ehthumbs_vista.db", "desktop.ini", "autorun.inf",
    "*Zone.Identifier",
    # shortcuts
    "*.url", "*.lnk", "*.webloc", "*.desktop", ".directory",
    # locks and copies of office programs and editors
    "~$*", ".~lock.*#", "*~", ".#*", "#?*#", "*.swp", "*.swo", "*.swx",
    # network storages and services that synchronise
    "*@SynoEAStream", "*@SynoResource", ".dropbox*", "*:com.dropbox.attr*", "*\uf03acom.dropbox.attr*",
    ".stignore", ".sync_*.db*", ".owncloudsync.log*", ".nfs*", ".fuse_hidden*",
)  # fmt: skip

_COMING = (
    # what programs write under another name until it is whole: browsers, WinSCP, rsync, torrents, synchronisers
    "*.part", "*.partial", "*.filepart", "*.crdownload", "*.download", "*.opdownload", "*.aria2", "*.tmp", "*.temp",
    "*.!sync", "*.!ut", ".*.~????*",
)  # fmt: skip


def _any_of(patterns: Iterable[str]) -> re.Pattern[str]:
    return re.compile("|".join(map(translate, patterns)), re.IGNORECASE)


_LEFT_FOLDER, _LEFT_FILE, _STILL_COMING = _any_of(_FOLDERS), _any_of(_FILES), _any_of(_COMING)


def printable(name: str | Path) -> str:
    """A name as text of one line that PostgreSQL takes, also where it is not valid UTF-8.

    What does not print becomes U+FFFD; the file keeps its name.
    """
    try:
        text = os.fsencode(name).decode("utf-8", "replace")
    except UnicodeEncodeError:  # half a character that no file system gave, but a JSON text can
        text = str(name).encode("utf-8", "replace").decode()
    return _UNPRINTABLE.sub("\ufffd", text)


def is_coming(name: str) -> bool:
    """Whether a file or folder has a name that its writer changes once it is whole."""
    return bool(_STILL_COMING.fullmatch(name))


def is_leftover_folder(name: str) -> bool:
    """Whether a folder of this name holds nothing of a person's."""
    return bool(_LEFT_FOLDER.fullmatch(name)) or is_coming(name)


def is_leftover(path: str) -> bool:
    """Whether a file is no document by its name, or by that of a folder on its way.

    :param path: with slashes, relative to where the search began: the folders above it are a person's choice.
    """
    *folders, name = path.split("/")
    return bool(_LEFT_FILE.fullmatch(name)) or is_coming(name) or any(map(is_leftover_folder, folders))

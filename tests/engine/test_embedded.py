"""The embedded server: what it refuses before it starts."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from alfrd_events.db import embedded
from alfrd_events.errors import SettingsInvalid


def test_a_path_with_a_space_is_refused_with_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(SettingsInvalid, match="holds a space: set ALFRD_DATA_DIR"):
        embedded.start(tmp_path / "my papers")


def test_users_that_were_killed_do_not_keep_the_server_up(tmp_path: Path) -> None:
    gone = subprocess.run(
        [sys.executable, "-c", "import os; print(os.getpid())"], capture_output=True, text=True
    )
    handles = tmp_path / ".handle_pids.json"
    handles.write_text(json.dumps([int(gone.stdout), os.getpid()]))

    embedded._forget_dead_handles(tmp_path)

    assert json.loads(handles.read_text()) == [os.getpid()]

"""The client imports little: what a web application would not want to carry is not loaded with it."""

from __future__ import annotations

import json
import subprocess
import sys

LOADED = "import alfrd_events.client, json, sys; print(json.dumps(sorted(sys.modules)))"
HEAVY = {
    "rapidocr",
    "onnxruntime",
    "pypdfium2",
    "PIL",
    "numpy",
    "cv2",
    "boto3",
    "botocore",
    "aiobotocore",
    "aiohttp",
}
UNNEEDED = {
    "pydantic",
    "typer",
    "rich",
    "starlette",
    "uvicorn",
    "jinja2",
    "rapidfuzz",
    "prometheus_client",
    "pytest",
}
OURS = {"client", "db", "errors", "escape", "storable"}
"""Packages of ours that it loads: nothing of workers, steps, readers, analysts."""


def test_the_client_loads_the_driver_and_nothing_heavy() -> None:
    done = subprocess.run([sys.executable, "-c", LOADED], capture_output=True, text=True, check=True)
    modules = json.loads(done.stdout)
    loaded = {name.split(".")[0] for name in modules}
    assert "psycopg" in loaded
    assert not loaded & (HEAVY | UNNEEDED)
    assert {name.split(".")[1] for name in modules if name.startswith("alfrd_events.")} <= OURS

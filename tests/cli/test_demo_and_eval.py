"""``demo`` on small samples, and ``eval``."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest

from alfrd_events.cli import demo
from tests.cli.program import Program, bill


def test_the_demo_tells_what_came_out_and_finds_nothing_new_the_second_time(
    database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("ALFRD_DATABASE_URL", database_url)
    monkeypatch.setenv("ALFRD_OCR_PROCESSES", "1")
    bills = (bill(tmp_path, 10), bill(tmp_path, 11))
    (tmp_path / "broken.pdf").write_bytes(b"%PDF-1.7 and no more")
    samples = demo.Samples((*bills, tmp_path / "broken.pdf"), frozenset({"broken.pdf"}))
    monkeypatch.setattr(demo, "find_samples", lambda: samples)

    assert asyncio.run(demo._demo()) == 0
    first = capsys.readouterr().out
    assert asyncio.run(demo._demo()) == 0
    second = capsys.readouterr().out

    assert "3 documents: 2 filed, 1 refused" in first
    assert "1 series found among them" in first
    assert "✗ broken.pdf: " in first
    assert "documents per minute" in first
    assert "alfrd-events show" in first
    assert "Nothing new: all 3 documents were known already." in second


def test_the_demo_fails_when_a_good_sample_fails(
    database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ALFRD_DATABASE_URL", database_url)
    (tmp_path / "broken.pdf").write_bytes(b"%PDF-1.7 and no more")
    monkeypatch.setattr(demo, "find_samples", lambda: demo.Samples((tmp_path / "broken.pdf",), frozenset()))

    assert asyncio.run(demo._demo()) == 1


def test_the_samples_are_the_documents_alone() -> None:
    samples = demo.find_samples()

    assert len(samples.paths) >= 14
    assert {path.suffix for path in samples.paths}.isdisjoint({".py", ".md", ".jsonl"})
    assert len(samples.meant_to_fail) == 1
    assert samples.meant_to_fail < {path.name for path in samples.paths}


def test_an_evaluation_submits_works_exports_and_scores(program: Program, tmp_path: Path) -> None:
    bill(tmp_path, 10)
    truths = [
        {
            "file": "bill-10.txt",
            "kind": "document",
            "source": "made",
            "document_type": "utility_bill",
            "entity": "Acme Power Company",
            "date": "2024-03-10",
            "due_date": "2024-04-06",
            "total_amount": 1210.5,
            "series_key": "acme",
            "text_lines": ["Acme Power Company", "Electricity bill"],
        },
        {"file": "gone.pdf", "kind": "robustness", "source": "made", "expect": "error"},
    ]
    truth, out = tmp_path / "truth.jsonl", tmp_path / "predictions.jsonl"
    truth.write_text("\n".join(json.dumps(line) for line in truths))

    scores = program.json("eval", truth, "--predictions", out)
    table = program("eval", truth).stdout

    found, missing = [json.loads(line) for line in out.read_text().splitlines()]
    assert (found["status"], found["date"], found["total_amount"]) == ("ok", "2024-03-10", 1210.5)
    assert found["pages"] == 1
    assert "Acme Power Company" in found["text"]
    assert (missing["status"], "no such file" in missing["error"]) == ("error", True)
    assert scores["overall"]["date"] == scores["overall"]["total_amount"] == 1.0
    assert scores["robustness"]["as_expected"] == 1
    assert "broken and odd files: 1 of 1 as expected" in table
    assert "not valid JSON" in _refusal(program, tmp_path)


def _refusal(program: Program, directory: Path) -> str:
    (directory / "bad.jsonl").write_text("{")
    return program.inside("eval", directory / "bad.jsonl", exit_code=1)[1]

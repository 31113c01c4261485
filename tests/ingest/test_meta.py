"""``meta.json``: what it may say, and how a wrong one is told."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from alfrd_events.ingest.files import Incomplete, NotSubmitted
from alfrd_events.ingest.meta import folder_document

ID = "0d5a1f0e-3c0f-4a53-9f21-3c5a0a4f7d11"


def folder(directory: Path, meta: Any, **files: str) -> Path:
    (directory / "meta.json").write_text(meta if isinstance(meta, str) else json.dumps(meta))
    for name, text in files.items():
        (directory / name.replace("_", ".")).write_text(text)
    return directory


def test_the_parts_come_in_order_with_id_tags_and_metadata(tmp_path: Path) -> None:
    meta = {
        "id": ID,
        "created_at": "2024-03-01T10:00:00",
        "documents": [
            {"file": "p2.txt", "type": "text", "order": 2},
            {"file": "p1.txt", "type": "text", "order": 1},
        ],
        "metadata": {"source": "scanner", "tags": ["home"], "box": 7},
    }

    document = folder_document(folder(tmp_path, meta, p1_txt="one", p2_txt="two"), 100, ("inbox",))

    assert document.id == UUID(ID)
    assert [(part.filename, part.content) for part in document.parts] == [
        ("p1.txt", b"one"),
        ("p2.txt", b"two"),
    ]
    assert document.tags == ("inbox", "home")
    assert document.metadata == {"source": "scanner", "box": 7, "created_at": "2024-03-01T10:00:00+00:00"}


def test_without_order_the_files_count_as_listed(tmp_path: Path) -> None:
    meta = {"documents": [{"file": "z.txt"}, {"file": "a.txt"}]}

    document = folder_document(folder(tmp_path, meta, a_txt="a", z_txt="z"), 100)

    assert [part.filename for part in document.parts] == ["z.txt", "a.txt"]
    assert document.id is None


def test_one_part_in_a_folder_is_the_same_content_as_the_file_alone(tmp_path: Path) -> None:
    from alfrd_events.db.documents import fingerprint

    document = folder_document(folder(tmp_path, {"documents": [{"file": "a.txt"}]}, a_txt="a"), 100)

    assert document.fingerprint == fingerprint([b"a"])
    assert fingerprint([b"a", b"b"]) != fingerprint([b"ab"]) != fingerprint([b"b", b"a"])


@pytest.mark.parametrize(
    ("meta", "reason"),
    [
        ({"id": "7", "documents": [{"file": "a.txt"}]}, "id: '7' is not a UUID"),
        ({"id": ID}, "documents: is missing"),
        ({"documents": []}, "documents: "),
        ({"documents": [{"type": "image"}]}, "documents.0.file: is missing"),
        ({"documents": [{"file": "../secret.txt"}]}, "leaves the folder"),
        ({"documents": [{"file": "/etc/passwd"}]}, "leaves the folder"),
        ({"documents": [{"file": "a\\..\\b"}]}, "leaves the folder"),
        ({"documents": [{"file": "a\0.txt"}]}, "leaves the folder"),
        ({"documents": [{"file": "."}]}, "leaves the folder"),
        ({"documents": [{"file": "a.txt"}, {"file": "./a.txt"}]}, "file a.txt is given twice"),
        (
            {"documents": [{"file": "a.txt", "order": 1}, {"file": "b.txt", "order": 1}]},
            "order 1 is given twice",
        ),
        ({"documents": [{"file": "a.txt", "order": 1}, {"file": "b.txt"}]}, "an order, or none"),
        ({"documents": [{"file": "a.txt"}], "created_at": "soon"}, "created_at: "),
        ({"documents": [{"file": "a.txt"}], "metadata": {"tags": "home"}}, "metadata.tags: "),
        (["a.txt"], "the whole: "),
    ],
)
def test_what_is_wrong_is_named(tmp_path: Path, meta: Any, reason: str) -> None:
    with pytest.raises(NotSubmitted, match=r"meta\.json is wrong") as refused:
        folder_document(folder(tmp_path, meta, a_txt="a", b_txt="b"), 100)

    assert reason in str(refused.value)
    assert not isinstance(refused.value, Incomplete)


@pytest.mark.parametrize(
    "text",
    [
        '{"documents": [',
        "",
        "\xff",
        "[" * 100_000,
        '{"a": ' * 100_000,
        "9" * 10_000,
        '{"documents": [{"file": "a.txt"}], "documents": [{"file": "b.txt"}]}',
        '{"documents": [{"file": "a.txt"}], "metadata": {"tags": ["\\ud800"]}}',
        '{"documents": [{"file": "\\udfff.txt"}]}',
    ],
)
def test_what_is_no_json_may_still_be_coming(tmp_path: Path, text: str) -> None:
    with pytest.raises(Incomplete, match="not valid JSON"):
        folder_document(folder(tmp_path, text), 100)


def test_a_page_that_is_missing_may_still_be_coming(tmp_path: Path) -> None:
    with pytest.raises(Incomplete, match=r"a\.txt: no such file"):
        folder_document(folder(tmp_path, {"documents": [{"file": "a.txt"}]}), 100)


def test_links_are_refused_wherever_they_lead(tmp_path: Path) -> None:
    inside = tmp_path / "folder"
    inside.mkdir()
    (tmp_path / "secret.txt").write_text("secret")
    (inside / "file.txt").symlink_to(tmp_path / "secret.txt")
    (inside / "sub").symlink_to(tmp_path)
    for name in ("file.txt", "sub/secret.txt"):
        with pytest.raises(NotSubmitted, match="is a link"):
            folder_document(folder(inside, {"documents": [{"file": name}]}), 100)


def test_a_link_in_place_of_meta_json_is_not_read(tmp_path: Path) -> None:
    (tmp_path / "other.json").write_text(json.dumps({"documents": [{"file": "a.txt"}]}))
    inside = tmp_path / "folder"
    inside.mkdir()
    (inside / "meta.json").symlink_to(tmp_path / "other.json")

    with pytest.raises(NotSubmitted, match="cannot be read"):
        folder_document(inside, 100)


def test_a_page_that_is_too_large_is_refused(tmp_path: Path) -> None:
    with pytest.raises(
        NotSubmitted, match=r"101 bytes is too large; the limit is 100 \(ALFRD_MAX_FILE_BYTES\)"
    ):
        folder_document(folder(tmp_path, {"documents": [{"file": "a.txt"}]}, a_txt="x" * 101), 100)


def test_a_byte_order_mark_and_utf_16_are_read(tmp_path: Path) -> None:
    text = json.dumps({"documents": [{"file": "a.txt"}]})
    for encoding in ("utf-8-sig", "utf-16"):
        folder(tmp_path, "", a_txt="a")
        (tmp_path / "meta.json").write_bytes(text.encode(encoding))
        assert len(folder_document(tmp_path, 100).parts) == 1


def test_the_longest_list_takes_no_time_and_its_faults_are_told_in_a_line(tmp_path: Path) -> None:
    """Each of 30,000 entries used to be compared with each."""
    began = time.process_time()
    many = [{"file": f"{number}.txt", "order": number} for number in range(25_000)]
    with pytest.raises(Incomplete, match=r"0\.txt: no such file"):
        folder_document(folder(tmp_path, {"documents": many}), 100)
    with pytest.raises(NotSubmitted, match=r"and 29,99\d more") as refused:
        folder_document(folder(tmp_path, {"documents": [{"file": "../" + "x" * 9}] * 30_000}), 100)
    assert len(str(refused.value)) < 1000
    with pytest.raises(NotSubmitted) as refused:
        folder_document(folder(tmp_path, {"id": "7" * 500_000, "documents": [{"file": "a"}]}), 100)
    assert len(str(refused.value)) < 1000
    assert time.process_time() - began < 5


def test_more_than_one_statement_takes_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("alfrd_events.ingest.meta._FOLDER_BYTES_AT_MOST", 7)
    meta = {"documents": [{"file": "a.txt"}, {"file": "b.txt"}]}

    with pytest.raises(NotSubmitted, match="more than 7 bytes together; split it"):
        folder_document(folder(tmp_path, meta, a_txt="1234", b_txt="5678"), 100)

"""What the API does, and that its description says neither more nor less than there is."""

from __future__ import annotations

from typing import Any

import pytest
from jsonschema import Draft202012Validator
from starlette.routing import Route

from alfrd_events.console.describing import PATHS, SCHEMAS, description
from testing.harness import Harness
from tests.console.conftest import Site, words_of

METHODS = ("get", "post", "delete")
DESCRIBED = {(method.upper(), path) for path, known in PATHS.items() for method in METHODS if method in known}


def conforms(answer: Any, path: str, method: str = "get", status: int = 200) -> None:
    """See to it that an answer is what the description says of it."""
    content = PATHS[path][method]["responses"][str(status)]["content"]["application/json"]
    whole = {**content["schema"], "components": {"schemas": dict(SCHEMAS)}}
    problems = [error.message for error in Draft202012Validator(whole).iter_errors(answer)]
    assert problems == [], (path, method)


def test_each_schema_is_one() -> None:
    for schema in SCHEMAS.values():
        Draft202012Validator.check_schema(schema)


async def test_the_routes_are_those_that_are_described(site: Site) -> None:
    app: Any = site.client._transport.app._app  # type: ignore[attr-defined]
    there = {
        (method, route.path)
        for route in app.routes
        if isinstance(route, Route) and route.path.startswith("/api/") and route.methods
        for method in route.methods - {"HEAD"}
    }
    assert there == {*DESCRIBED, ("GET", "/api/openapi.json")}


async def test_it_is_given_to_programs_and_shown_to_people(guarded: Site, db: Harness) -> None:
    assert (await guarded.client.get("/api/openapi.json")).json() == description()
    assert (await guarded.client.get("/api")).status_code == 303
    await guarded.sign_in("reader")
    page = words_of(await guarded.get("/api"))
    for path, known in PATHS.items():
        assert path in page
        assert all(known[method]["summary"] in page for method in METHODS if method in known)


async def test_answers_are_what_is_described(site: Site, db: Harness) -> None:
    answer = await site.client.post(
        "/api/documents", files={"files": ("a.txt", b"hello")}, data={"tags": "x"}
    )
    conforms(answer.json(), "/api/documents", "post", 201)
    id = (await db.given_document("completed")).hex
    await db.sql("update alfrd.documents set document_date = '2026-01-05', total_amount = 12.50")
    rows = (await site.client.get("/api/documents?order=amount")).json()
    conforms(rows, "/api/documents")
    assert len(rows) == 2
    assert set(rows[0]) == set(SCHEMAS["Row"]["properties"]), "all is described"
    conforms((await site.client.get(f"/api/documents/{id}")).json(), "/api/documents/{id}")
    conforms((await site.client.get("/api/series")).json(), "/api/series")
    files = (await site.client.get("/api/files")).json()
    assert files
    conforms(files, "/api/files")


async def test_a_program_does_what_the_page_does(site: Site, db: Harness) -> None:
    document = await db.given_document("completed")
    at = f"/api/documents/{document}"

    async def do(act: str, status: int = 200, **body: Any) -> Any:
        answer = await site.client.post(f"{at}/{act}", json=body or None)
        assert answer.status_code == status, answer.text
        conforms(answer.json(), f"/api/documents/{{id}}/{act}", "post", status)
        return answer.json()

    (changed,) = await do("correct", total_amount="99.10")
    assert (changed["field"], str(changed["new_value"])) == ("total_amount", "99.1")
    assert [each["field"] for each in await do("undo")] == ["total_amount"]
    assert "home" in (await do("tags", add=["Home"]))["tags"]
    assert "home" not in (await do("tags", remove=["home"]))["tags"]
    await do("accept")
    assert await do("retry") == {"status": "pending"}
    assert await do("cancel") == {"status": "cancelled"}
    await do("correct", 409, total_amount="much")
    await do("tags", 409, add="home")
    answer = await site.client.delete(at)
    conforms(answer.json(), "/api/documents/{id}", "delete")
    assert await db.one("select count(*) from alfrd.documents") == 0
    gone = await site.client.delete(at)
    conforms(gone.json(), "/api/documents/{id}", "delete", 404)


@pytest.mark.parametrize("body", [b"", b"[1]", b"{", b"[" * 100_000, b'{"a": "' + b"x" * 1_100_000 + b'"}'])
async def test_what_is_no_object_is_refused(site: Site, db: Harness, body: bytes) -> None:
    document = await db.given_document("completed")
    answer = await site.client.post(f"/api/documents/{document}/correct", content=body)
    assert answer.status_code in (409, 413), answer.text
    assert "send an object" in answer.text or answer.status_code == 413


async def test_each_address_asks_for_its_role(guarded: Site, db: Harness) -> None:
    document = await db.given_document("completed")
    order = ["reader", "operator", "editor"]
    for path, known in PATHS.items():
        for method in METHODS:
            if method not in known or method == "delete":
                continue
            role = known[method]["x-role"]
            address = path.replace("{id}", str(document))
            assert (await guarded.client.request(method, address)).status_code == 401, path
            for each in order[: order.index(role)]:
                token = {"authorization": f"Bearer {guarded.token_of[each]}"}
                assert (await guarded.client.request(method, address, headers=token)).status_code == 403, path
            token = {"authorization": f"Bearer {guarded.token_of[role]}"}
            answer = await guarded.client.request(method, address, headers=token)
            assert answer.status_code not in (401, 403), (method, path, answer.text)
    token = {"authorization": f"Bearer {guarded.token_of['operator']}"}
    assert (await guarded.client.delete(f"/api/documents/{document}", headers=token)).status_code == 403


async def test_another_site_deletes_nothing(site: Site, db: Harness) -> None:
    document = await db.given_document("completed")
    for headers in ({"sec-fetch-site": "cross-site"}, {"origin": "http://evil.example"}):
        answer = await site.client.delete(f"/api/documents/{document}", headers=headers)
        assert answer.status_code == 403
    assert await db.one("select count(*) from alfrd.documents") == 1

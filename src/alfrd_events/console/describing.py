"""What the API is, said once: the addresses of :mod:`.api` with their parameters and answers, as OpenAPI 3.1.

``/api/openapi.json`` gives it to programs, ``/api`` shows it to people. A test holds it against the routes that there
are and against what they answer.
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib.metadata import version
from typing import Any

from alfrd_events.console.roles import Role
from alfrd_events.db.console import ORDERS

Json = dict[str, Any]

_TEXT: Json = {"type": "string"}
_NUMBER: Json = {"type": "integer"}
_YES_NO: Json = {"type": "boolean"}
_TEXTS: Json = {"type": "array", "items": _TEXT}
_ID: Json = {"type": "string", "format": "uuid"}
_DAY: Json = {"type": ["string", "null"], "format": "date"}
_AMOUNT: Json = {"type": ["string", "null"], "description": "A decimal number, exactly as it is kept."}
_MOMENT: Json = {"type": "string", "description": "A day and a time with its zone."}
_ID_OR_NOT: Json = {"type": ["string", "null"], "format": "uuid"}
_TEXT_OR_NOT: Json = {"type": ["string", "null"]}
_OBJECT: Json = {"type": "object"}
_ANYTHING: Json = {}


def _object(required: Mapping[str, Json], description: str = "", **more: Json) -> Json:
    found: Json = {"type": "object", "properties": {**required, **more}, "required": list(required)}
    return {**found, "description": description} if description else found


def _list(of: str) -> Json:
    return {"type": "array", "items": {"$ref": f"#/components/schemas/{of}"}}


def _one(of: str) -> Json:
    return {"$ref": f"#/components/schemas/{of}"}


SCHEMAS: Mapping[str, Json] = {
    "Submitted": _object(
        {"id": _ID, "new": _YES_NO, "status": _TEXT}, "What became of a file; not new: its content was here already."
    ),
    "Row": _object(
        {
            "id": _ID, "filename": _TEXT, "status": _TEXT, "document_type": _TEXT, "entity": _TEXT,
            "document_date": _DAY, "due_date": _DAY, "total_amount": _AMOUNT, "currency": _TEXT, "tags": _TEXTS,
            "page_count": _NUMBER, "error": _TEXT, "failed_step": _TEXT, "generation": _NUMBER,
            "created_at": _MOMENT, "updated_at": _MOMENT, "series_id": _ID_OR_NOT, "series_title": _TEXT_OR_NOT,
            "needs_review": _YES_NO, "review_reason": _TEXT, "has_picture": _YES_NO,
            "work": {**_TEXTS, "description": "Steps that run or wait, each with its state: ocr running."},
        },
        "A document in a list.",
    ),
    "Document": _object(
        {
            "id": _ID, "filename": _TEXT, "status": _TEXT, "error": _TEXT, "document_type": _TEXT, "entity": _TEXT,
            "summary": _TEXT, "document_date": _DAY, "due_date": _DAY, "total_amount": _AMOUNT, "currency": _TEXT,
            "account_number": _TEXT, "period_start": _DAY, "period_end": _DAY, "structured_data": _OBJECT,
            "evidence": {"type": "object", "description": "Where each value stands: page, text, box, confidence."},
            "corrected": _TEXTS, "created_at": _MOMENT, "updated_at": _MOMENT, "page_count": _NUMBER,
            "tags": {"type": "array", "items": _object({"tag": _TEXT, "source": _TEXT})},
            "parts": {"type": "array", "items": _OBJECT}, "pages": {"type": "array", "items": _OBJECT},
            "corrections": {"type": "array", "items": _OBJECT}, "tasks": {"type": "array", "items": _OBJECT},
            "events": {"type": "array", "items": _OBJECT},
        },
        "Everything about a document, as alfrd-events show ID --json has it.",
    ),
    "Changed": _object({"field": _TEXT, "old_value": _ANYTHING, "new_value": _ANYTHING}, "A value that has changed."),
    "Tags": _object({"tags": _TEXTS}),
    "Status": _object({"status": _TEXT}),
    "Series": _object(
        {
            "id": _ID, "entity": _TEXT, "kind": _TEXT, "frequency": _TEXT, "slug": _TEXT, "title": _TEXT,
            "document_count": _NUMBER, "first_date": _DAY, "last_date": _DAY, "total_amount": _AMOUNT,
            "currency": {"type": ["string", "null"], "description": "Empty where its documents have several."},
        },
        "Documents of one company that come again.",
    ),
    "File": _object(
        {
            "id": _ID, "title": _TEXT, "tags": _TEXTS, "status": _TEXT, "member_count": _NUMBER, "summary": _TEXT,
            "error": _TEXT, "series": _TEXT_OR_NOT, "current": {"type": ["boolean", "null"]},
        },
        "The documents that carry all of its tags.",
    ),
    "Error": _object({"error": _TEXT}, "A sentence that says what is wrong, and what now."),
}  # fmt: skip


def _parameter(name: str, description: str, schema: Json = _TEXT) -> Json:
    return {"name": name, "in": "query", "description": description, "schema": schema}


_COUNT: Json = {"type": "integer", "minimum": 0}
_PAGING = [
    _parameter("limit", "At most so many.", _COUNT),
    _parameter("offset", "Leave out so many before them.", _COUNT),
]
_FILTER = [
    _parameter("q", "Words, as the search of the page takes them."),
    _parameter("status", "Such as completed or failed."),
    _parameter("type", "The document type."),
    _parameter("tag", "One tag."),
    _parameter("series", "The slug of a series."),
    _parameter("since", "Dated on this day or later.", {"type": "string", "format": "date"}),
    _parameter("until", "Dated on this day or before.", {"type": "string", "format": "date"}),
    _parameter("least", "With this total or a larger one.", {"type": "number"}),
    _parameter("most", "With this total or a smaller one.", {"type": "number"}),
    _parameter("order", "What comes first.", {"type": "string", "enum": list(ORDERS)}),
]
_FILES = _object(
    {"files": {"type": "array", "items": {"type": "string", "contentMediaType": "application/octet-stream"}}},
    tags={"type": "string", "description": "With commas between."},
    as_one={"type": "string", "description": "1: all files are the pages of one document, in their order."},
)
_VALUES: Json = {
    "type": "object",
    "description": "New values by field: entity, document_date, total_amount, a field of structured_data …",
}


def _operation(
    role: Role,
    summary: str,
    answer: Json,
    *,
    name: str,
    parameters: list[Json] | None = None,
    body: Json | None = None,
    media_type: str = "application/json",
    statuses: tuple[int, ...] = (200,),
    errors: tuple[int, ...] = (),
) -> Json:
    known = {400: "Nothing came in.", 404: "There is none.", 409: "It makes no sense, or is refused."}
    refused = {401: "No token, or an unknown one.", 403: f"The token has not the role {role.name.lower()}."}
    error = {"application/json": {"schema": _one("Error")}}
    made: Json = {
        "operationId": name,
        "summary": summary,
        "x-role": role.name.lower(),
        "responses": {
            **{
                str(status): {
                    "description": "Done." if status == 200 else "Made.",
                    "content": {"application/json": {"schema": answer}},
                }
                for status in statuses
            },
            **{
                str(status): {"description": text, "content": error}
                for status, text in sorted({**refused, **{each: known[each] for each in errors}}.items())
            },
        },
    }
    if parameters:
        made["parameters"] = parameters
    if body:
        made["requestBody"] = {"required": True, "content": {media_type: {"schema": body}}}
    return made


_BY_ID: Json = {"name": "id", "in": "path", "required": True, "schema": _ID}

PATHS: Mapping[str, Json] = {
    "/api/documents": {
        "get": _operation(
            Role.READER, "Documents that fit", _list("Row"), name="listDocuments", parameters=[*_FILTER, *_PAGING]
        ),
        "post": _operation(
            Role.OPERATOR, "Bring files in", _list("Submitted"), name="bringDocuments", body=_FILES,
            media_type="multipart/form-data", statuses=(200, 201), errors=(400,),
        ),
    },
    "/api/documents/{id}": {
        "parameters": [_BY_ID],
        "get": _operation(
            Role.READER, "Everything about a document", _one("Document"), name="showDocument", errors=(404,)
        ),
        "delete": _operation(
            Role.EDITOR, "Remove a document with all that hangs on it, for good", _one("Status"),
            name="deleteDocument", errors=(404, 409),
        ),
    },
    "/api/documents/{id}/correct": {
        "parameters": [_BY_ID],
        "post": _operation(
            Role.EDITOR, "Correct values; what depends on them is done again", _list("Changed"),
            name="correctDocument", body=_VALUES, errors=(404, 409),
        ),
    },
    "/api/documents/{id}/undo": {
        "parameters": [_BY_ID],
        "post": _operation(
            Role.EDITOR, "Take the last correction back", _list("Changed"), name="undoCorrection", errors=(404, 409)
        ),
    },
    "/api/documents/{id}/accept": {
        "parameters": [_BY_ID],
        "post": _operation(
            Role.EDITOR, "Say that a document is right as it is", _one("Status"), name="acceptDocument",
            errors=(404, 409),
        ),
    },
    "/api/documents/{id}/tags": {
        "parameters": [_BY_ID],
        "post": _operation(
            Role.EDITOR, "Add and remove tags", _one("Tags"), name="tagDocument",
            body=_object({}, add=_TEXTS, remove=_TEXTS), errors=(404, 409),
        ),
    },
    "/api/documents/{id}/retry": {
        "parameters": [_BY_ID],
        "post": _operation(
            Role.OPERATOR, "Try again what failed, or do it again from the start", _one("Status"),
            name="retryDocument", errors=(404, 409),
        ),
    },
    "/api/documents/{id}/cancel": {
        "parameters": [_BY_ID],
        "post": _operation(
            Role.OPERATOR, "Stop working on a document", _one("Status"), name="cancelDocument", errors=(404, 409)
        ),
    },
    "/api/series": {
        "get": _operation(
            Role.READER, "Series, the one with the newest document first", _list("Series"), name="listSeries",
            parameters=_PAGING,
        )
    },
    "/api/files": {"get": _operation(Role.READER, "Files, the fullest first", _list("File"), name="listFiles")},
}  # fmt: skip


def description() -> Json:
    """All of it, as ``/api/openapi.json`` gives it."""
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "alfrd-events",
            "version": version("alfrd-events"),
            "description": "Documents in, their values out. A token goes into the header Authorization: Bearer …; "
            "on 127.0.0.1 none is needed where the console has none.",
        },
        "paths": dict(PATHS),
        "components": {
            "schemas": dict(SCHEMAS),
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
        },
        "security": [{"token": []}, {}],
    }

"""Document: its pages with the places of its values, the values, why it is where it is, and what happened to it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import FileResponse, Response

from alfrd_events.analysis.text.amounts import find_amounts
from alfrd_events.analysis.text.date_order import infer_order
from alfrd_events.analysis.text.dates import find_dates
from alfrd_events.analysis.text.layout import fold
from alfrd_events.console.pictures import SIDES
from alfrd_events.console.rendering import STATIC
from alfrd_events.console.state import console_of, id_of, session_of, show, texts_of
from alfrd_events.db import bills, operate, queries, review
from alfrd_events.db import console as ask
from alfrd_events.db.database import Row
from alfrd_events.errors import NotFound, Permanent, Transient
from alfrd_events.filenames import printable
from alfrd_events.model import PartSource

MAIN_FIELDS = (
    "document_type",
    "entity",
    "document_date",
    "due_date",
    "total_amount",
    "currency",
    "account_number",
    "period_start",
    "period_end",
)
"""What the form always offers, in this order."""
_PAGES_SHOWN = 40
_LONGEST_TEXT = 20_000
_SURE_ENOUGH = 0.8
_SCALE = 1000
_LINES_SHOWN = 400
_TURNS = ("90", "180", "270")


async def document(request: Request) -> Response:
    """One document."""
    session = session_of(request)
    database = console_of(request).database
    id = id_of(request)
    found = await queries.document(database, id)
    reviewed = await review.review_of(database, id)
    pages = await ask.pages(database, id)
    turned = _turned(request)
    return show(
        request,
        "document.html",
        document=found,
        needs_review=reviewed["needs_review"],
        review_reason=reviewed["review_reason"],
        values=_values(reviewed["values"]),
        items=_line_items(found["structured_data"]),
        pages=[_page(page, reviewed["values"], turned) for page in pages[:_PAGES_SHOWN]],
        pages_left=max(0, len(pages) - _PAGES_SHOWN),
        explanation=await operate.explain(database, id),
        types=await queries.document_types(database),
        bill=(await bills.of_documents(database, [id])).get(id),
        pays=await bills.paid_by(database, id),
        neighbours=await ask.neighbours(database, id),
        is_large=request.query_params.get("zoom") == "2",
        turned=turned,
        verdict=session.verdict and session.verdict[0],
        taught=session.taught
        if session.taught and ("review" in request.query_params or session.taught[0] == id)
        else None,
    )


def _values(values: Sequence[Row]) -> list[dict[str, Any]]:
    """The values for the form: the main ones in their order, also where there is none, then the others."""
    known = {value["field"]: value for value in values}
    nothing: dict[str, Any] = {
        "value": "",
        "text": None,
        "page": None,
        "box": None,
        "confidence": None,
        "source": "",
        "alternatives": [],
        "corrected": False,
    }
    rows = [{**nothing, "field": field, **known.get(field, {})} for field in MAIN_FIELDS]
    rows += [value for value in values if value["field"] not in MAIN_FIELDS and "." not in value["field"]]
    return [
        {
            **row,
            "is_main": row["field"] in MAIN_FIELDS,
            "is_doubtful": row["confidence"] is not None and row["confidence"] < _SURE_ENOUGH,
            "alternatives": [str(other) for other in row["alternatives"] or []][:3],
            "anchor": f"place-{row['field']}" if row["page"] and row["box"] else "",
        }
        for row in rows
    ]


def _line_items(data: Mapping[str, Any]) -> list[dict[str, Any]]:
    items = data.get("line_items")
    return [item for item in items if isinstance(item, dict)][:200] if isinstance(items, list) else []


def _turned(request: Request) -> int:
    """Degrees clockwise by which a URL wants pages turned: 0, 90, 180 or 270."""
    wanted = request.query_params.get("turn", "")
    return int(wanted) if wanted in _TURNS else 0


def _page(page: Row, values: Sequence[Row], turned: int) -> dict[str, Any]:
    """A page with the boxes of what was read on it, in thousandths of its width and height before it is turned."""
    boxes = []
    for value in values:
        if value["page"] == page["number"] and value["box"] and len(value["box"]) == 4:
            left, top, right, bottom = (min(max(float(edge), 0.0), 1.0) * _SCALE for edge in value["box"])
            boxes.append(
                {
                    "field": value["field"],
                    "value": value["value"],
                    "x": f"{left - 4:.1f}",
                    "y": f"{top - 3:.1f}",
                    "width": f"{max(right - left, 1) + 8:.1f}",
                    "height": f"{max(bottom - top, 1) + 6:.1f}",
                    "is_doubtful": value["confidence"] is not None and value["confidence"] < _SURE_ENOUGH,
                }
            )
    lines = []
    for number, line in enumerate(page["lines"][:_LINES_SHOWN]):
        box = line.get("box") if isinstance(line, dict) else None
        if isinstance(box, list) and len(box) == 4 and all(isinstance(edge, int | float) for edge in box):
            left, top, right, bottom = (min(max(float(edge), 0.0), 1.0) * _SCALE for edge in box)
            lines.append(
                {
                    "number": number,
                    "x": f"{left:.1f}",
                    "y": f"{top:.1f}",
                    "width": f"{max(right - left, 1):.1f}",
                    "height": f"{max(bottom - top, 1):.1f}",
                }
            )
    ratio = page["height"] / page["width"] if page["width"] > 0 and page["height"] > 0 else 1.414
    ratio = 1 / ratio if turned in (90, 270) else ratio
    return {
        "number": page["number"],
        "has_picture": page["source"] in ("ocr", "text_layer"),
        "text": page["text"][:_LONGEST_TEXT],
        "is_cut": len(page["text"]) > _LONGEST_TEXT,
        "confidence": page["confidence"],
        "source": page["source"],
        "width": 1000,
        "height": round(1000 * min(max(ratio, 0.1), 10)),
        "boxes": boxes,
        "lines": lines,
    }


async def line(request: Request) -> Response:
    """What a line of a page says as the value of a field, as plain text; nothing where it says nothing of that kind."""
    session_of(request)
    number, place = int(request.path_params["number"]), int(request.path_params["line"])
    pages = await ask.pages(console_of(request).database, id_of(request))
    page = next((page for page in pages if page["number"] == number), None)
    if page is None or place >= len(page["lines"]):
        raise NotFound(texts_of(request).plain("error.no_line", page=number, line=place))
    said = page["lines"][place]
    told = str(said.get("text", "")) if isinstance(said, dict) else ""
    value = value_of(told, request.query_params.get("field", ""), page["text"])
    return Response(texts_of(request).formats.entry(value), media_type="text/plain; charset=utf-8")


def value_of(told: str, field: str, page_text: str) -> str:
    """What a line says as the value of a field, in the form in which the form takes it.

    :param page_text: decides whether 04/05 is in April or in May.
    """
    if field == "total_amount":
        amounts = list(find_amounts(told))
        return str(amounts[-1].value) if amounts else ""
    if field in ("document_date", "due_date", "period_start", "period_end"):
        found = find_dates(told, infer_order(fold(page_text)).order)
        return found[-1 if field == "period_end" else 0].value.isoformat() if found else ""
    return " ".join(told.split())


async def page_image(request: Request) -> Response:
    """A page as a picture that was made anew; where that cannot be, one that says so."""
    session_of(request)
    console = console_of(request)
    parameters = request.query_params
    side = int(parameters.get("side", "0")) if parameters.get("side", "").isdecimal() else SIDES[2]
    generation = parameters.get("v", "")
    if side not in SIDES:
        sides = ", ".join(map(str, SIDES))
        raise NotFound(texts_of(request).plain("error.no_size", side=str(side), sides=sides))
    number = int(request.path_params["number"])
    try:
        picture = await console.images.page(
            id_of(request),
            int(generation) if generation.isdecimal() else 0,
            number,
            side,
            _turned(request),
        )
    except (Permanent, Transient):
        picture = None
    if picture is None:
        return FileResponse(STATIC / "no-picture.svg", media_type="image/svg+xml")
    return Response(picture, media_type="image/jpeg", headers={"cache-control": "private, max-age=86400"})


async def original(request: Request) -> Response:
    """A part as it came, to be saved: a browser never shows it."""
    session_of(request)
    console = console_of(request)
    number = request.path_params["number"]
    row = await ask.part(console.database, id_of(request), number)
    part = await console.images.fetch(PartSource(number, row["filename"], row["content"], row["uri"]))
    plain = Path(printable(part.filename)).name or f"part-{number}"
    return Response(
        part.content,
        media_type="application/octet-stream",
        headers={"content-disposition": f"attachment; filename*=UTF-8''{quote(plain, safe='')}"},
    )

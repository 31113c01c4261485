"""A series as a table: CSV for programs, XLSX for people.

What a stranger wrote on a paper must not be run by the program that opens the table. In CSV a text that begins like a
formula gets an apostrophe before it; in XLSX every text is written as text. Numbers stay numbers.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import IO, Any

import orjson

COLUMNS = (
    "document_id",
    "filename",
    "status",
    "entity",
    "document_date",
    "due_date",
    "period_start",
    "period_end",
    "total_amount",
    "currency",
    "account_number",
)
"""Of every series; after them come the fields of its own."""

_FORMULA = re.compile(r"[=+\-@\t\r\n|%]")
_NUMBER = re.compile(r"-?\d{1,15}(\.\d{1,30})?")
_EXACT_DIGITS = 15
"""Of a number in a spreadsheet; a longer one is written as text."""
_ROWS_AT_MOST = 1_048_576
_CHARACTERS_AT_MOST = 32_767
_UNPRINTABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")


def header(fields: Sequence[str]) -> list[str]:
    """The columns of a series: those of all, then its own that are not among them."""
    return [*COLUMNS, *(name for name in dict.fromkeys(fields) if name not in COLUMNS)]


def values_of(member: Mapping[str, Any], columns: Sequence[str]) -> list[Any]:
    """A document's values in the order of the columns; ``None`` where it has none."""
    row = {**member, "document_id": str(member["id"])}
    return [row[name] if name in COLUMNS else member["series_data"].get(name) for name in columns]


def csv_line(row: Sequence[Any]) -> bytes:
    """One line of CSV; no cell of it is a formula."""
    line = io.StringIO()
    csv.writer(line).writerow([_csv_cell(value) for value in row])
    return line.getvalue().encode()


def _csv_cell(value: Any) -> str:
    text = _text(value)
    if isinstance(value, int | float | Decimal) or _NUMBER.fullmatch(text):
        return text
    return "'" + text if _FORMULA.match(text) else text


def _text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list | dict):
        return orjson.dumps(value).decode()
    return value.isoformat() if isinstance(value, date) else str(value)


class Workbook:
    """A table on its way into an XLSX file, a row at a time.

    :param place: a path or an open file, which the library writes at :meth:`close`.
    """

    def __init__(self, place: Path | IO[bytes], title: str, columns: Sequence[str]) -> None:
        import xlsxwriter

        self._book = xlsxwriter.Workbook(
            str(place) if isinstance(place, Path) else place,
            {
                "constant_memory": True,
                "strings_to_formulas": False,
                "strings_to_urls": False,
                "strings_to_numbers": False,
            },
        )
        self._book.set_properties({"title": _UNPRINTABLE.sub("", title)[:200]})
        self._bold = self._book.add_format({"bold": True})
        self._day = self._book.add_format({"num_format": "yyyy-mm-dd"})
        self._money = self._book.add_format({"num_format": "#,##0.00"})
        self._sheet = self._book.add_worksheet("documents")
        self._sheet.freeze_panes(1, 0)
        self._columns = columns
        self._rows = 0
        for number, name in enumerate(columns):
            self._sheet.set_column(number, number, max(11, min(30, len(name) + 2)))
            self._sheet.write_string(0, number, _shown(name), self._bold)

    def append(self, row: Sequence[Any]) -> None:
        """Write a row; those past the last that a sheet can hold are left out."""
        self._rows += 1
        if self._rows >= _ROWS_AT_MOST:
            return
        for place, value in enumerate(row):
            self._write(place, value, self._columns[place])

    def _write(self, place: int, value: Any, column: str) -> None:
        if value is None or value == "":
            return
        if isinstance(value, date) and value.year >= 1900:
            self._sheet.write_datetime(self._rows, place, value, self._day)
        elif (number := _number(value, column)) is not None:
            is_money = isinstance(value, Decimal) or "amount" in column
            self._sheet.write_number(self._rows, place, number, self._money if is_money else None)
        else:
            self._sheet.write_string(self._rows, place, _shown(_text(value)))

    def close(self) -> None:
        """Write the file."""
        self._book.close()


def _number(value: Any, column: str) -> float | None:
    """A value as a number that a spreadsheet holds exactly enough; ``None``: it is written as text.

    A text is one if it is written as one, and is no number of an account, which begins with zeros and is not added up.
    """
    if isinstance(value, bool):
        return None
    if isinstance(value, str):
        is_plain = _NUMBER.fullmatch(value) and not (
            value.lstrip("-").startswith("0") and value[:2] not in ("0", "0.")
        )
        if not is_plain or "number" in column or "account" in column:
            return None
        value = Decimal(value)
    if not isinstance(value, int | float | Decimal):
        return None
    digits = len(Decimal(str(value)).as_tuple().digits)
    return float(value) if digits <= _EXACT_DIGITS else None


def _shown(text: str) -> str:
    return _UNPRINTABLE.sub("\ufffd", text)[:_CHARACTERS_AT_MOST]

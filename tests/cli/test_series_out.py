"""A series as a table, a picture and bars on a terminal."""

from __future__ import annotations

import csv
import xml.etree.ElementTree as ET
import zipfile
from datetime import date
from decimal import Decimal
from pathlib import Path

from alfrd_events.terminal.plot import BARS, plot_lines, plot_of, svg_file, svg_shapes
from tests.cli.papers import Papers
from tests.cli.program import Program

SVG = "{http://www.w3.org/2000/svg}"


def _rows(*amounts: str, currency: str = "USD") -> list[dict[str, object]]:
    return [
        {
            "id": number,
            "day": date(2024, 1 + number % 12, 1),
            "total_amount": Decimal(amount),
            "currency": currency,
        }
        for number, amount in enumerate(amounts)
    ]


def test_bars_are_as_high_as_their_amounts() -> None:
    plot = plot_of(_rows("50", "100", "25"), {1}, Decimal(50))
    assert [bar.height for bar in plot.bars] == [50, 100, 25]
    assert [line for line, _ in plot_lines(plot, 40, height=4)] == [
        "    ███",
        "┄┄┄┄███┄┄┄┄┄",
        "███ ███",
        "███ ███ ███",
    ]
    assert plot_lines(plot, 40, height=4)[0][1] == (4, 5, 6)


def test_other_currencies_credits_and_what_has_no_amount_are_left_out_and_counted() -> None:
    rows = [*_rows("10", "20", "-5"), *_rows("7000", currency="JPY"), {**_rows("1")[0], "total_amount": None}]
    plot = plot_of(rows, set(), None)
    assert [str(bar.amount) for bar in plot.bars] == ["10", "20"]
    assert (plot.currency, plot.left_out) == ("USD", 2)
    assert plot_of([], set(), None).bars == ()
    strange = [*_rows("10", "NaN"), *_rows("Infinity")]
    assert [str(bar.amount) for bar in plot_of(strange, set(), Decimal("NaN")).bars] == ["10"]


def test_of_many_the_newest_are_shown_and_fit() -> None:
    plot = plot_of(_rows(*map(str, range(1, 200))), set(), None)
    assert [bar.amount for bar in plot.bars] == list(range(200 - BARS, 200))
    assert all(len(line) <= 21 for line, _ in plot_lines(plot, 21))


def test_a_picture_is_well_formed_whatever_names_hold() -> None:
    plot = plot_of(_rows("1", "2", currency="<&>"), {0}, Decimal(1))
    root = ET.fromstring(svg_file(plot, '"]]><script>\x1b\u202e&', Decimal(1)))
    assert len(root.findall(f".//{SVG}g/{SVG}rect")) == 2
    assert not root.findall(f".//{SVG}script")
    assert svg_shapes(plot).count('class="is-odd"') == 1


def test_a_series_is_written_as_csv_xlsx_and_svg(papers: Papers, program: Program, tmp_path: Path) -> None:
    id = papers.completed()
    papers.sql(
        "update alfrd.documents set total_amount = 12.50, structured_data = '{\"x\": 1}' where id = %s", id
    )
    other = papers.completed(priority=1)
    papers.sql(
        "insert into alfrd.documents (filename, content, status, series_id, total_amount, currency, document_date)"
        " select 'third.txt', 'x', 'failed', series_id, 30, 'USD', '2024-05-01' from alfrd.documents where id = %s",
        other,
    )
    table, sheet, plot = (tmp_path / f"acme.{kind}" for kind in ("csv", "xlsx", "svg"))

    told = program.inside("series", "show", "acme", "--csv", table, "--xlsx", sheet, "--plot", plot)[0]

    assert told.split() == [str(table), str(sheet), str(plot)]
    head, *rows = csv.reader(table.read_text().splitlines())
    assert [dict(zip(head, row, strict=True))["total_amount"] for row in rows] == ["12.50", "12.50", "30"]
    with zipfile.ZipFile(sheet) as book:
        cells = ET.fromstring(book.read("xl/worksheets/sheet1.xml"))
    values = [cell.text for cell in cells.iter() if cell.tag.endswith("}v")]
    assert values.count("12.5") >= 2
    assert "30" in values
    assert len(ET.parse(plot).findall(f".//{SVG}g/{SVG}rect")) == 3
    assert "--force" in program.inside("series", "show", "acme", "--plot", plot, exit_code=1)[1]
    program.inside("series", "show", "acme", "--plot", plot, "--force")
    shown = program.inside("series", "show", "acme")[0]
    assert "30.00 USD" in shown
    assert "███" in shown
    assert program("series", "show", "acme", "--plot", plot, "--json", exit_code=2).stderr

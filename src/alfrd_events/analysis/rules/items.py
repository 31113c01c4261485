"""The lines of a bill: what was bought, how many, at what price.

Items stand between the head of their table and the first sum. A till prints an item's name on a row
of its own and its figures below (or above): a row of figures takes the nearest name that no other
row has taken.
"""

from __future__ import annotations

import re
from decimal import Decimal

from alfrd_events.analysis.text.amounts import Money
from alfrd_events.analysis.text.layout import Row, fold
from alfrd_events.analysis.text.parsed import ParsedText, Placed
from alfrd_events.analysis.text.totals import role_of
from alfrd_events.analysis.text.vocabulary import any_of, pattern, words

TABLE_HEAD = re.compile(words("items.item_head", "items.quantity_head"))
AMOUNT_HEAD = pattern("items.amount_head")
HEAD_OF_A_TILL_ROLL = pattern("items.till_head")
CODE = re.compile(r"^[\W\d]*(?:[A-Z]{0,3}\d[\w/-]{3,})?[\W\d]*$")
LONGEST_CODE = 40
"""Characters; a hostile line of digits would be split in all ways."""
LEADING_NUMBER = re.compile(r"^(\d{1,3})(?:\s?[xX]\s+|\s+)(?=[^\W\d_])")
QUANTITY_FIRST = re.compile(rf"^\W*{any_of('items.quantity_head')}")
POSITION_FIRST = re.compile(rf"^\W*(?:{any_of('items.position_head')}|#)(?![a-z])")
COUNT = re.compile(
    rf"^\W*(?:{any_of('items.count_of')}\s*)?{any_of('items.count')}\b|^{any_of('items.count_total')}"
)
TAX_FLAG = re.compile(r"(?<=\w{3})\s+[TFNX]$")
NOISE = re.compile(rf"{words('items.no_name')}|[€$£*@%]")

Item = dict[str, str]


def find_items(parsed: ParsedText) -> list[Item]:
    """``[{description, quantity, unit_price, amount}]``; only what is printed, amounts as strings."""
    head = _table_head(parsed)
    end = _first_sum(parsed, head)
    if end is None:
        return []
    start = head + 1 if head is not None else _after_the_head_of_a_till_roll(parsed, end)
    items: list[Item] = []
    names: list[str] = []
    for row in parsed.rows[start:end]:
        name = _name_in(row, parsed)
        amounts = [placed.value for placed in parsed.amounts[row.index] if placed.value.has_decimals]
        if not amounts:
            if name and head is not None:
                _name_last(items, names, name)
            continue
        if not name and items and _is_quantity_of(items[-1], row, parsed):
            continue
        if head is None and not name:
            continue
        item = _item(name or (names.pop(0) if names else ""), parsed, row, [money.value for money in amounts])
        items.append(item)
        names.clear()
    _take_leading_numbers(items, parsed.rows[head].folded if head is not None else "")
    if head is None:
        _drop_tax_flags(items)
    return [item for item in items if item.get("description") or (len(items) > 0 and item.get("quantity"))]


def _take_leading_numbers(items: list[Item], head: str) -> None:
    """``2 Smoked tomato soup``: where most items begin with a number, it is a column of its own.

    It counts the items (1, 2, 3 …) or says how many of each. A single "7 Up" or "100 Plus" is a name.
    """
    found = [(item, LEADING_NUMBER.match(item["description"])) for item in items]
    numbered = [(item, match) for item, match in found if match]
    if 2 * len(numbered) <= len(items) or (len(items) == 1 and not QUANTITY_FIRST.match(head)):
        for item, match in numbered:
            if match[0].endswith("  "):
                item["description"] = item["description"][match.end() :]
        return
    numbers = [int(match[1]) for _, match in numbered]
    counts_rows = len(numbers) > 1 and numbers == list(range(numbers[0], numbers[0] + len(numbers)))
    is_quantity = bool(QUANTITY_FIRST.match(head)) or not (counts_rows or POSITION_FIRST.match(head))
    for (item, match), number in zip(numbered, numbers, strict=True):
        item["description"] = item["description"][match.end() :]
        if is_quantity and number > 0:
            item.setdefault("quantity", str(number))


def _drop_tax_flags(items: list[Item]) -> None:
    """``Dish soap T``: a till marks what is taxed (T, X) or is not (F, N) behind the name."""
    for item in items:
        item["description"] = TAX_FLAG.sub("", item["description"])


def _name_last(items: list[Item], names: list[str], name: str) -> None:
    """A name without figures belongs to the figures above that lack one, else to those below."""
    if items and not items[-1]["description"]:
        items[-1]["description"] = name
    else:
        names.append(name)


def _after_the_head_of_a_till_roll(parsed: ParsedText, end: int) -> int:
    """Items begin below the shop's address, the date and the cashier."""
    for row in reversed(parsed.rows[:end]):
        if parsed.dates[row.index] or HEAD_OF_A_TILL_ROLL.search(row.folded):
            return row.index + 1
    return max(0, end - 12)


def _is_quantity_of(item: Item, row: Row, parsed: ParsedText) -> bool:
    """``1.84 lb @ 0.69`` below an item tells its quantity and price; it is no item of its own."""
    numbers = [placed.value.value for placed in parsed.amounts[row.index]]
    if len(numbers) < 2 or "quantity" in item:
        return False
    quantity, price = numbers[0], numbers[1]
    if abs(quantity * price - Decimal(item["amount"])) > Decimal("0.011"):
        return False
    item["quantity"], item["unit_price"] = str(quantity), str(price)
    return True


def _table_head(parsed: ParsedText) -> int | None:
    for row in parsed.rows:
        if (
            TABLE_HEAD.search(row.folded)
            and AMOUNT_HEAD.search(row.folded)
            and len(row.text) < 120
            and not _has_money(row, parsed)
        ):
            return row.index
    for row in parsed.rows[:-1]:
        both = f"{row.folded} {parsed.rows[row.index + 1].folded}"
        if (
            TABLE_HEAD.search(row.folded)
            and AMOUNT_HEAD.search(both)
            and len(both) < 60
            and not _has_money(row, parsed)
        ):
            return row.index
    return None


def _has_money(row: Row, parsed: ParsedText) -> bool:
    return any(placed.value.has_decimals for placed in parsed.amounts[row.index])


def _first_sum(parsed: ParsedText, head: int | None) -> int | None:
    for row in parsed.rows[(head + 1 if head is not None else 1) :]:
        role, _ = role_of(" ".join(re.sub(r"[\d.,]+", " ", row.folded).split()))
        is_count = COUNT.match(row.folded)
        if (role in {"total", "subtotal"} and (head is not None or _has_money(row, parsed))) or is_count:
            return row.index
    return None


def _name_in(row: Row, parsed: ParsedText) -> str:
    text = row.text
    for placed in reversed(parsed.amounts[row.index]):
        if placed.value.looks_like_money:
            text = text[: placed.start] + "  " + text[placed.end :]
    pieces = [piece.strip(" -–*:@") for piece in re.split(r"\s{2,}", text)]
    words = [
        piece
        for piece in pieces
        if len(re.findall(r"[^\W\d_]", NOISE.sub("", piece.lower()))) >= 3
        and not (len(piece) <= LONGEST_CODE and CODE.match(piece))
    ]
    if words and re.fullmatch(r"\d{1,3}\s*[xX]?", pieces[0]):
        words = [f"{pieces[0]} ", *words]  # two blanks: a column of its own
    return " ".join(words)[:120]


def _item(name: str, parsed: ParsedText, row: Row, amounts: list[Decimal]) -> Item:
    item: Item = {"description": name, "amount": str(amounts[-1])}
    if role_of(fold(name))[0] == "tax":
        return item  # what stands before its amount is what it is worked out from
    counts = [
        placed.value.value
        for placed in parsed.amounts[row.index]
        if not placed.value.looks_like_money and (len(amounts) >= 2 or not _is_in_words(placed))
    ]
    if len(amounts) >= 2:
        item["unit_price"] = str(amounts[0])
    prices = amounts[:-1] or amounts
    for count in counts:
        for price in prices:
            if 0 < count < 10_000 and abs(count * price - amounts[-1]) < Decimal("0.01"):
                item["quantity"] = str(count)
                item["unit_price"] = str(price)
                item["description"] = re.sub(rf"\s+{count}$", "", name)
                return item
    return item


def _is_in_words(placed: Placed[Money]) -> bool:
    """Whether a number is a part of a text, such as a name: "Free range eggs 12"."""
    return bool(re.search(r"[^\W\d_]{3}", placed.segment.text))


def items_add_up(items: list[Item], targets: list[Decimal]) -> bool:
    """Whether the items' sum is one of the document's sums (to a rounding of ten cents)."""
    total = sum((Decimal(item["amount"]) for item in items), Decimal(0))
    return any(abs(total - target) <= Decimal("0.10") for target in targets)

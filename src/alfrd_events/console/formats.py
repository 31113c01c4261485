"""Numbers, amounts, days and durations as a language writes them: by section ``format`` of its file."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, date, datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from markupsafe import Markup, escape

from alfrd_events.escape import visible
from alfrd_events.terminal import values

_SWAPPED = "\0"
_NUMBER = re.compile(r"[+-]?[0-9][0-9.,]*")


class Formats:
    """How one language writes values."""

    def __init__(self, given: Mapping[str, Any]) -> None:
        """:param given: the section; see ``languages/en.toml`` for what each line of it is."""
        self._given = given
        self._decimal, self._group = str(given["decimal"]), str(given["group"])
        self.months = tuple(str(month) for month in given["months"])

    def number(self, value: Any) -> str:
        """``12,345``."""
        return self._localised(f"{value:,}")

    def amount(self, value: Any) -> str:
        """``1,850.00``, without its currency."""
        return self._localised(values.money(value))

    def money(self, value: Any, currency: str = "") -> str:
        """``1,850.00 USD``."""
        return f"{self.amount(value)} {visible(currency)}".strip() if self.amount(value) else ""

    def usd(self, value: Any) -> str:
        """What calls cost: ``0.000180 USD``."""
        return self._localised(values.usd(value))

    def percent(self, ratio: Any) -> str:
        """``93 %``."""
        return values.percent(ratio)

    def day(self, value: date) -> str:
        """``2024-03-12``."""
        return self._day("day", value)

    def show(self, value: Any) -> str:
        """A value in a cell; nothing for what is absent."""
        if isinstance(value, datetime):
            try:
                here = value.astimezone()
            except (OverflowError, ValueError):
                return values.show(value)
            return f"{self.day(here)} {here:%H:%M:%S}"
        if isinstance(value, date):
            return self.day(value)
        if isinstance(value, float | Decimal):
            return self._localised(values.show(value))
        if isinstance(value, list | tuple):
            return " ".join(self.show(item) for item in value)
        return values.show(value)

    def moment(self, value: Any) -> Markup:
        """A moment as people say it, with the exact one to be seen on it."""
        if not isinstance(value, datetime):
            return escape(self.show(value))
        exact = value.astimezone()
        return Markup('<time datetime="{}" title="{} {}">{}</time>').format(
            value.isoformat(), self.day(exact), exact.strftime("%H:%M:%S %Z"), self.ago(value)
        )

    def ago(self, value: datetime) -> str:
        """``just now``, ``4 min ago``, ``09:12``, ``12 Mar 09:12``, ``2024-03-12``."""
        now = datetime.now(UTC)
        past = (now - value).total_seconds()
        here, today = value.astimezone(), now.astimezone().date()
        if abs(past) < 60:
            return str(self._given["just_now"])
        if 0 < past < 3600:
            return str(self._given["minutes_ago"]).format(n=f"{past / 60:.0f}")
        if here.date() == today:
            return here.strftime("%H:%M")
        if here.year == today.year:
            return f"{self._day('this_year', here)} {here:%H:%M}"
        return self.day(here)

    def seconds(self, value: Any) -> str:
        """A duration from milliseconds: ``12 ms``, ``3.4 s``, ``5 min``."""
        if value is None:
            return ""
        milliseconds = float(value)
        if milliseconds < 1000:
            return f"{milliseconds:.0f} ms"
        if milliseconds < 120_000:
            return self._localised(f"{milliseconds / 1000:.1f} s")
        if milliseconds < 7_200_000:
            return f"{milliseconds / 60_000:.0f} min"
        return self._localised(f"{milliseconds / 3_600_000:.1f} h")

    def entry(self, value: Any) -> str:
        """A number as the field of a form has it: without groups; another text as it is."""
        text = "" if value is None else str(value)
        return text.replace(".", self._decimal) if re.fullmatch(r"[+-]?[0-9]+\.[0-9]+", text) else text

    def typed(self, text: str) -> str:
        """A number that somebody typed, as programs write it; what is none, as it is.

        With one mark before the last three digits, it is the language that says whether the mark separates thousands.
        """
        plain = text.strip()
        if not _NUMBER.fullmatch(plain):
            return text
        last = max(plain.rfind("."), plain.rfind(","))
        mark = plain[last] if last >= 0 else ""
        is_decimal = bool(mark) and plain.count(mark) == 1
        if is_decimal and len(plain) - last == 4 and not re.search(r"[.,]", plain[:last]):
            is_decimal = mark == self._decimal or len(plain[:last].lstrip("+-")) > 3
        if not is_decimal:
            return re.sub("[.,]", "", plain)
        return f"{re.sub('[.,]', '', plain[:last])}.{plain[last + 1 :]}".rstrip(".")

    def decimal(self, text: str) -> Decimal | None:
        """A number that somebody typed; ``None``: it is none."""
        try:
            found = Decimal(self.typed(text).strip())
        except InvalidOperation:
            return None
        return found if found.is_finite() else None

    def _day(self, form: str, value: date) -> str:
        return str(self._given[form]).format(
            year=value.year, month=value.month, day=value.day, name=self.months[value.month - 1]
        )

    def _localised(self, text: str) -> str:
        """A number that was written as in English."""
        if (self._decimal, self._group) == (".", ","):
            return text
        return text.replace(",", _SWAPPED).replace(".", self._decimal).replace(_SWAPPED, self._group)

"""The ends of what each type of PostgreSQL can hold, as text that the type reads."""

from __future__ import annotations

DEEP = 3000

CONTROL = "a\tb\nc\rd\x07\x1b[2J\x1b]0;owned\x07\x7f\x9b31m"
TURNED = "x\u202etxt.exe\u2066\u200b\u2028\u2029\ufeff\U000e0041"
TEXTS = (
    "",
    " ",
    CONTROL,
    TURNED,
    "[red]b[/red] [/] {0} %s %(x)s \\x1b ' \" `",
    "x" * 1_000_000,
    "NaN",
    "\u0600" * 50 + "\U0001f4a9" + "a" + "\u0301" * 200,
)
DATES = (
    "infinity",
    "-infinity",
    "0044-03-15 BC",
    "4713-01-01 BC",
    "5874897-12-31",
    "0001-01-01",
    "9999-12-31",
)
MOMENTS = ("infinity", "-infinity", "0044-03-15 BC", "4714-11-24 00:00 BC", "294276-12-31", "0001-01-01")
JSONS = (
    "{}",
    "[]",
    '"text"',
    "null",
    "12",
    '{"a": 1e400, "b": -1e400, "c": 1e-400, "d": 123456789012345678901234567890, "e": ' + "9" * 20_000 + "}",
    '{"a": ' + "[" * DEEP + "]" * DEEP + "}",
    '{"": "", "\\u001b[2J": "\\u202e", "line_items": {"a": [null]}, "__proto__": [], "a.b": {"c": {}}}',
    '{"line_items": [{"amount": "NaN"}, {"amount": 1e300, "quantity": []}], "tax": "1e999", "total": {"x": 1}}',
    "[" + "[" * DEEP + "]" * DEEP + "]",
    '[null, 1, "a", {"name": 1, "passed": "no"}]',
)
NUMBERS = ("NaN", "Infinity", "-Infinity", "1e130", "-1e130", "1e-130", "0", "9" * 1000)
FLOATS = ("NaN", "Infinity", "-Infinity", "1e300", "-1e300", "1e37", "1e-300", "0")
WHOLE = {
    "int2": ("-32768", "32767", "0", "-1"),
    "int4": ("-2147483648", "2147483647", "0", "-1"),
    "int8": ("-9223372036854775808", "9223372036854775807", "0", "-1"),
}


def _arrays(some: str, other: str) -> tuple[str, ...]:
    """Of nothing, with gaps, of two dimensions, and not counted from 1."""
    return (
        "{}",
        "{NULL}",
        f"{{{some},NULL,{other}}}",
        f"{{{{{some},{other}}},{{NULL,{some}}}}}",
        f"[5:6]={{{some},{other}}}",
        "{" + ",".join([some] * 300) + "}",
    )


_QUOTED = '"' + CONTROL.replace("\\", "\\\\") + '"'
EXTREMES: dict[str, tuple[str, ...]] = {
    "text": TEXTS,
    "date": DATES,
    "timestamptz": MOMENTS,
    "interval": ("178000000 years", "-178000000 years", "0", "-1 microsecond", "infinity"),
    "bool": ("t", "f"),
    "uuid": ("00000000-0000-0000-0000-000000000000", "ffffffff-ffff-ffff-ffff-ffffffffffff"),
    "xid8": ("2", "18446744073709551615"),
    "bytea": ("", "\\x00ff", "\\x" + "00" * 100_000),
    "json": JSONS,
    "jsonb": JSONS,
    "numeric": NUMBERS,
    "float4": FLOATS,
    "float8": FLOATS,
    **WHOLE,
    "_text": (*_arrays("a", "b"), *_arrays(_QUOTED, '"' + TURNED + '"')),
    "_int4": _arrays("-2147483648", "2147483647"),
    "_int8": _arrays("-9223372036854775808", "9223372036854775807"),
    "_numeric": _arrays("NaN", "Infinity"),
    "_bytea": _arrays("abc", "def"),
    "tsvector": ("", "'a'", "'ü' ''''"),
    "_uuid": _arrays("00000000-0000-0000-0000-000000000000", "ffffffff-ffff-ffff-ffff-ffffffffffff"),
}
MOST = max(map(len, EXTREMES.values()))


def extreme(kind: str, number: int) -> str:
    """One end of a type; each comes round as the number grows.

    :param kind: its name in ``pg_type``.
    """
    values = EXTREMES[kind]
    return values[number % len(values)]

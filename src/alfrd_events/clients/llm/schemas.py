"""Schemas for servers that know fewer keywords than others."""

from __future__ import annotations

from typing import Any

BOUNDS = frozenset({"maxLength", "maxItems", "minimum", "maximum", "pattern"})
"""Keywords that bind how long, how many and in what form. Nova knows none of them, OpenAI not all."""


def unbounded(schema: Any) -> Any:
    """A schema without limits of length, number and pattern, for those that know no such keywords."""
    if isinstance(schema, list):
        return [unbounded(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    return {
        name: {field: unbounded(one) for field, one in content.items()}
        if name == "properties"
        else unbounded(content)
        for name, content in schema.items()
        if name not in BOUNDS
    }

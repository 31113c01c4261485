"""Rows of a database, made and looked at from tests that run the program in their own process."""

from __future__ import annotations

import asyncio
from typing import Any
from uuid import UUID

import psycopg
from psycopg.rows import dict_row

from testing.harness import Harness


class Papers:
    """What is in a database."""

    def __init__(self, url: str) -> None:
        self.url = url

    def sql(self, statement: str, *parameters: Any) -> list[dict[str, Any]]:
        """Run a statement; its rows."""
        with psycopg.connect(self.url, autocommit=True, row_factory=dict_row) as connection:
            cursor = connection.execute(statement, parameters)  # type: ignore[call-overload]
            return list(cursor.fetchall()) if cursor.description else []

    def one(self, statement: str, *parameters: Any) -> Any:
        """The only value of a statement."""
        (row,) = self.sql(statement, *parameters)
        (value,) = row.values()
        return value

    def completed(self, **columns: Any) -> UUID:
        """A document that went through all steps, without OCR."""

        async def make() -> UUID:
            async with Harness(self.url) as harness:
                return await harness.given_document("completed", **columns)

        return asyncio.run(make())

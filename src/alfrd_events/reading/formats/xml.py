"""XML from strangers: read into a tree without ever following or expanding anything.

A document type definition is where every attack on XML parsers begins (entities that multiply, entities
that name files or hosts), and neither invoices nor Word documents have one: it is refused before it is read.
"""

from __future__ import annotations

from xml.etree.ElementTree import Element, TreeBuilder
from xml.parsers import expat

from alfrd_events.errors import AlfrdError

MAX_DEPTH = 200
MAX_ELEMENTS = 2_000_000


class NotXml(AlfrdError):
    """It is damaged, or goes beyond what an honest file needs; the text says which, as part of a sentence."""


def parse(data: bytes) -> Element:
    """Give the root element; names are ``{namespace}local``.

    :raise NotXml: not well-formed, with a DTD, or nested or long beyond all measure.
    """
    reader = _Reader()
    try:
        reader.parser.Parse(data, True)
        return reader.tree.close()
    except expat.ExpatError as error:
        raise NotXml(f"it is not well-formed XML (line {error.lineno})") from None
    except (LookupError, ValueError):
        raise NotXml("its encoding is unknown") from None


def local(element: Element) -> str:
    """An element's name without its namespace."""
    return element.tag.rpartition("}")[2]


class _Reader:
    def __init__(self) -> None:
        self.tree = TreeBuilder()
        self.parser = expat.ParserCreate(namespace_separator="}")
        self.parser.buffer_text = True
        self.parser.StartElementHandler = self._start
        self.parser.EndElementHandler = self._end
        self.parser.CharacterDataHandler = self.tree.data
        self.parser.StartDoctypeDeclHandler = self._refuse_definitions
        self._depth = 0
        self._count = 0

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        self._depth += 1
        self._count += 1
        if self._depth > MAX_DEPTH:
            raise NotXml(f"its elements are nested more than {MAX_DEPTH} deep")
        if self._count > MAX_ELEMENTS:
            raise NotXml(f"it has more than {MAX_ELEMENTS:,} elements")
        self.tree.start(_qualified(name), {_qualified(key): value for key, value in attributes.items()})

    def _end(self, name: str) -> None:
        self._depth -= 1
        self.tree.end(_qualified(name))

    def _refuse_definitions(self, *_: object) -> None:
        raise NotXml("it has a document type definition, which could hold an entity bomb")


def _qualified(name: str) -> str:
    return "{" + name if "}" in name else name

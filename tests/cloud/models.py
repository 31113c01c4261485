"""Requests and replies against botocore's own description of a service.

botocore checks on the client's side, and less than the service does: enumerations, lengths and unknown members pass.
Here all that the model tells is checked, and that the request is signed for the service.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from botocore.loaders import Loader
from botocore.model import ServiceModel, Shape

from tests.cloud.server import Request

_SIGNED = re.compile(
    r"AWS4-HMAC-SHA256 Credential=[^/]+/\d{8}/[a-z0-9-]+/([a-z0-9-]+)/aws4_request, "
    r"SignedHeaders=[a-z0-9;-]+, Signature=[0-9a-f]{64}"
)
_TYPES: dict[str, type | tuple[type, ...]] = {
    "string": str,
    "blob": str,  # base64 on the wire
    "boolean": bool,
    "integer": int,
    "long": int,
    "float": (int, float),
    "double": (int, float),
    "timestamp": (int, float, str),
    "list": list,
    "map": dict,
    "structure": dict,
}


class WireModel:
    """The model of one service, such as ``textract`` or ``bedrock-runtime``."""

    def __init__(self, service: str) -> None:
        self._model = ServiceModel(Loader().load_service_model(service, "service-2"), service)

    def check_signature(self, request: Request) -> None:
        """It carries a signature of version 4, made for this service."""
        match = _SIGNED.fullmatch(request.headers.get("Authorization", ""))
        assert match, "the request is not signed"
        assert match[1] == self._model.signing_name, f"it is signed for {match[1]}"

    def check_input(self, operation: str, content: object) -> None:
        """What the operation takes; members of the path and the query are expected beside those of the body.

        :raise AssertionError: each thing that is wrong, with its place.
        """
        self._check(self._model.operation_model(operation).input_shape, content)

    def check_output(self, operation: str, content: object) -> None:
        """That a fake's reply is one that the service could have given."""
        self._check(self._model.operation_model(operation).output_shape, content)

    def status_of(self, error: str) -> int:
        """The HTTP status of one of the service's errors."""
        status: int = self._model.shape_for(error).metadata.get("error", {}).get("httpStatusCode", 400)
        return status

    def _check(self, shape: Shape | None, content: object) -> None:
        assert shape is not None, "the operation has no such shape"
        wrong = list(_wrong(shape, content, shape.name))
        assert not wrong, "; ".join(wrong)


def _wrong(shape: Shape, value: Any, place: str) -> Iterator[str]:
    if shape.metadata.get("document"):
        return
    wanted = _TYPES[shape.type_name]
    given: object = value
    if not isinstance(given, wanted) or (isinstance(value, bool) and shape.type_name != "boolean"):
        yield f"{place}: {type(value).__name__} instead of {shape.type_name}"
        return
    size: Any = len(value) if isinstance(value, str | list | dict) else value
    if shape.type_name not in ("structure", "timestamp", "blob", "boolean"):
        if size < shape.metadata.get("min", size):
            yield f"{place}: {size} is less than {shape.metadata['min']}"
        if size > shape.metadata.get("max", size):
            yield f"{place}: {size} is more than {shape.metadata['max']}"
    if shape.type_name == "string":
        if shape.metadata.get("enum") and value not in shape.metadata["enum"]:
            yield f"{place}: {value!r} is none of {shape.metadata['enum']}"
    elif shape.type_name == "list":
        for number, item in enumerate(value):
            yield from _wrong(shape.member, item, f"{place}[{number}]")
    elif shape.type_name == "map":
        for key, item in value.items():
            yield from _wrong(shape.value, item, f"{place}.{key}")
    elif shape.type_name == "structure":
        yield from _wrong_members(shape, value, place)


def _wrong_members(shape: Any, value: dict[str, Any], place: str) -> Iterator[str]:
    # Names on the wire may differ from those of the model.
    members = {
        member.serialization.get("name", name): (name, member) for name, member in shape.members.items()
    }
    required = shape.metadata.get("required", [])
    for wire_name, (name, _) in members.items():
        if name in required and wire_name not in value:
            yield f"{place}: {wire_name} is missing"
    for wire_name, item in value.items():
        if wire_name not in members:
            yield f"{place}: there is no {wire_name}"
        else:
            yield from _wrong(members[wire_name][1], item, f"{place}.{wire_name}")
    if getattr(shape, "is_tagged_union", False) and len(value) != 1:
        yield f"{place}: a union holds one member, not {len(value)}"

"""Turn a server's response into a reply, or into the error that it reports.

Gateways and local servers send with status 200 what needs another status: an error object, no choice at all, a page of
HTML, a stream that was not requested. The content decides how each is handled, so that only answers are charged.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from alfrd_events.clients.calls import Reply
from alfrd_events.model import JsonObject
from alfrd_events.storable import parsed

_STOPS = {"length": "max_tokens", "content_filter": "content_filtered"}
_MOST_TOKENS = 100_000_000
"""More than any request has: a higher count is a server's mistake and is not charged."""
_FAILED = 502
_STATUS_OF_WORDS = (
    (
        402,
        ("insufficient_quota", "insufficient credit", "insufficient balance", "credit", "billing", "payment"),
    ),
    (429, ("rate_limit", "rate limit", "too many requests", "throttl", "quota")),
    (401, ("invalid_api_key", "unauthorized", "authentication")),
    (404, ("model_not_found", "model not found", "no such model")),
    (503, ("overloaded", "unavailable", "capacity", "loading")),
)


class Told(Exception):
    """A response with status 200 that reports an error.

    :param status: the HTTP status that fits the error.
    """

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


def reply_of(body: bytes) -> Reply:
    """Return the reply in a body.

    Its content is ``{"stop": reason, "text": …}``, and ``"reasoning"`` where all of it is there.

    :raise Told: it is no answer; nothing was made that could be charged.
    """
    answer = _whole(body)
    if not isinstance(answer, dict):
        raise Told(_FAILED, "the answer is no chat completion")
    choice = _choice(answer)
    message = choice.get("message")
    if not isinstance(message, dict):
        raise Told(_FAILED, "the answer is no chat completion: its choice holds no message")
    text = _text(message.get("content"))
    refused = bool(message.get("refusal"))
    reason = "content_filter" if refused else str(choice.get("finish_reason"))
    content: JsonObject = {"stop": _STOPS.get(reason, reason), "text": text}
    if not text.strip():
        content["reasoning"] = _text(message.get("reasoning_content") or message.get("reasoning"))
    usage = answer.get("usage")
    usage = usage if isinstance(usage, dict) else {}
    details = usage.get("prompt_tokens_details")
    cached = _count(details.get("cached_tokens")) if isinstance(details, dict) else 0
    return Reply(
        content=content,
        # Theirs include the cached ones, as Bedrock's do not.
        input_tokens=max(_count(usage.get("prompt_tokens")) - cached, 0),
        output_tokens=_count(usage.get("completion_tokens")),
        cache_read_tokens=cached,
    )


def message_of(body: bytes) -> str:
    """Return the message in an error's body, in any of the forms that servers use."""
    try:
        said = parsed(body)
    except ValueError:
        return body[:500].decode(errors="replace")
    if isinstance(said, dict):
        said = said.get("error", said.get("detail", said.get("message", said)))
    return _words(said)


def _whole(body: bytes) -> Any:
    start = body[:200].lstrip()
    if start.startswith((b"data:", b"event:", b":")):
        return _of_stream(body)
    try:
        return parsed(body)
    except ValueError:
        kind = "HTML" if start[:1] == b"<" else "no JSON"
        shown = body[:300].decode(errors="replace")
        raise Told(_FAILED, f"the answer is {kind} instead of a chat completion: {shown}") from None


def _choice(answer: JsonObject) -> JsonObject:
    choices = answer.get("choices")
    choice = choices[0] if isinstance(choices, list) and choices else None
    inside = choice.get("error") if isinstance(choice, dict) else None
    if error := answer.get("error") or inside:
        raise Told(_status_of(error), _words(error))
    if not isinstance(choice, dict):
        said = answer.get("message") or answer.get("detail")
        raise Told(_status_of(said) if said else _FAILED, _words(said or "the answer holds no choice"))
    if choice.get("finish_reason") == "error":
        raise Told(_FAILED, "the answer broke off with an error")
    return choice


def _of_stream(body: bytes) -> JsonObject:
    """Join the pieces of a completion that a server streamed although the request did not ask for a stream."""
    pieces: dict[str, list[str]] = {"content": [], "reasoning_content": [], "reasoning": []}
    reason, usage, error = "", None, None
    for event in _events(body):
        error = error or event.get("error")
        usage = event.get("usage") or usage
        for choice in event.get("choices") or ():
            delta = choice.get("delta") or choice.get("message") or {}
            for name, found in pieces.items():
                found.append(_text(delta.get(name)))
            reason = choice.get("finish_reason") or reason
    message = {name: "".join(found) for name, found in pieces.items()}
    whole: JsonObject = {
        "choices": [{"message": message, "finish_reason": reason or "length"}],
        "usage": usage,
    }
    return {"error": error} if error else whole


def _events(body: bytes) -> Iterator[JsonObject]:
    for line in body.splitlines():
        if not line.startswith(b"data:"):
            continue
        try:
            event = parsed(line.removeprefix(b"data:").strip())
        except ValueError:
            continue  # [DONE], or a line that was cut
        if isinstance(event, dict):
            yield event


def _status_of(error: Any) -> int:
    """Return the HTTP status that an error object means; an object without one is the server's failure."""
    code = error.get("code") if isinstance(error, dict) else None
    if isinstance(error, dict) and not _is_status(code):
        code = next((error[name] for name in ("status", "status_code") if _is_status(error.get(name))), code)
    if _is_status(code):
        return int(str(code))
    kind = error.get("type", "") if isinstance(error, dict) else ""
    said = f"{code} {kind} {_words(error)}".lower()
    return next(
        (status for status, words in _STATUS_OF_WORDS if any(word in said for word in words)), _FAILED
    )


def _is_status(code: Any) -> bool:
    return str(code).isdecimal() and len(str(code)) == 3 and int(code) >= 400


def _words(said: Any) -> str:
    if isinstance(said, dict):
        parts = [said.get(name) for name in ("code", "param", "message")]
        said = " ".join(str(part) for part in parts if part and not _is_status(part)) or said
    return str(said)


def _text(content: Any) -> str:
    if isinstance(content, list):
        return "".join(str(part.get("text") or "") for part in content if isinstance(part, dict))
    return content if isinstance(content, str) else ""


def _count(value: Any) -> int:
    """A number of tokens; 0 where it is none."""
    try:
        return min(max(int(value or 0), 0), _MOST_TOKENS)
    except (ValueError, TypeError, OverflowError):
        return 0

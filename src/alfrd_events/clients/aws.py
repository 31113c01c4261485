"""AWS over aiobotocore: one client for each service, and the sorting of what goes wrong.

Credentials, profile and endpoints (``AWS_ENDPOINT_URL``, ``AWS_ENDPOINT_URL_S3`` …) come from where every AWS tool has
them. Whether something is tried again is decided here and above, so botocore's own retries are few: none where each
request is paid.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping
from contextlib import AsyncExitStack, contextmanager
from importlib.util import find_spec
from socket import gaierror
from typing import Any

from alfrd_events.clients.calls import BadReply, Lost
from alfrd_events.clients.http import ReplyTooLarge, bounded_session
from alfrd_events.errors import AlfrdError, Permanent, SettingsInvalid, Throttled, Transient

CONNECT_SECONDS = 5
READ_SECONDS = 60
MAX_CONNECTIONS = 512

THROTTLED = {
    "LimitExceededException",
    "ProvisionedThroughputExceededException",
    "RequestLimitExceeded",
    "RequestThrottled",
    "SlowDown",
    "Throttling",
    "ThrottlingException",
    "TooManyRequestsException",
}
_NOT_SIGNED_IN = {
    "ExpiredToken",
    "ExpiredTokenException",
    "IncompleteSignature",
    "InvalidAccessKeyId",
    "InvalidClientTokenId",
    "InvalidSignatureException",
    "MissingAuthenticationTokenException",
    "RequestTimeTooSkewed",
    "SignatureDoesNotMatch",
    "UnrecognizedClientException",
}
_DENIED = {"AccessDenied", "AccessDeniedException", "AllAccessDisabled", "AccountProblem", "403"}
_PASSING = {"RequestTimeout", "RequestTimeoutException", "InternalError", "InternalServerError"}


class Aws:
    """Clients, made when they are first asked for and kept until :meth:`aclose`.

    :param region: empty: as ``AWS_REGION`` or the profile says.
    """

    def __init__(self, region: str = "") -> None:
        """
        :raise SettingsInvalid: the libraries of the extra ``aws`` are not installed.
        """
        if find_spec("aiobotocore") is None:
            raise SettingsInvalid("AWS needs aiobotocore; run: pip install 'alfrd-events[aws]'")
        self._region = region
        self._clients: dict[tuple[str, int], Any] = {}
        self._open = AsyncExitStack()
        self._opening = asyncio.Lock()

    async def client(
        self,
        service: str,
        *,
        attempts: int = 2,
        read_seconds: float = READ_SECONDS,
        validation: bool = True,
    ) -> Any:
        """The client of a service.

        :param attempts: how often botocore sends a request; 1 where each one is paid.
        :param validation: whether botocore checks requests before it sends them; a seventh of what a call costs here.
        :raise SettingsInvalid: no region is known, or an endpoint is no URL.
        """
        key = (service, attempts)
        async with self._opening:
            if key not in self._clients:
                self._clients[key] = await self._make(service, attempts, read_seconds, validation)
        return self._clients[key]

    async def _make(self, service: str, attempts: int, read_seconds: float, validation: bool) -> Any:
        from aiobotocore.config import AioConfig
        from aiobotocore.session import get_session
        from botocore.exceptions import BotoCoreError

        config = AioConfig(
            connect_timeout=CONNECT_SECONDS,
            read_timeout=read_seconds,
            max_pool_connections=MAX_CONNECTIONS,
            parameter_validation=validation,
            http_session_cls=bounded_session(),
            retries={"mode": "standard", "total_max_attempts": attempts},
        )
        try:
            opening = get_session().create_client(service, region_name=self._region or None, config=config)
            return await self._open.enter_async_context(opening)
        except (BotoCoreError, ValueError) as error:
            raise SettingsInvalid(
                f"no client for {service}: {error}; set ALFRD_AWS_REGION, or AWS_REGION, or a profile"
            ) from error

    async def aclose(self) -> None:
        """Close all connections."""
        self._clients.clear()
        await self._open.aclose()


@contextmanager
def sorted_errors(
    what: str, remedies: Mapping[str, str] | None = None, denied: str = "", *, paid: bool = False
) -> Iterator[None]:
    """Turn botocore's exceptions into ours.

    :param what: what was asked for which file, as the message begins: ``bill.pdf: Textract``.
    :param remedies: error codes that no second try mends, each with what to do.
    :param denied: what to do where access is denied.
    :param paid: the request costs money each time, whether its answer comes or not.
    :raise Throttled: slow down.
    :raise Permanent: one of ``remedies``, or denied.
    :raise BadReply: an answer came that is none.
    :raise Lost: it was paid, and its answer did not come.
    :raise Transient: anything else.
    """
    from aiohttp import ClientError as WireError
    from botocore.exceptions import BotoCoreError, ClientError, ParamValidationError
    from botocore.parsers import ResponseParserError

    try:
        yield
    except ClientError as error:
        raise _of_the_service(error, what, remedies or {}, denied) from error
    except ParamValidationError as error:
        raise Permanent(f"{what}: the request makes no sense ({error}); please report it") from error
    except ResponseParserError as error:
        raise BadReply(f"{what}: the reply is damaged") from error
    except BotoCoreError as error:
        raise _of_the_way(error, what, paid) from error
    except ReplyTooLarge as error:
        raise (Lost if paid else Transient)(f"{what}: {error}") from error
    except (WireError, OSError) as error:
        raise (Lost if paid else Transient)(
            f"{what}: the connection broke ({type(error).__name__})"
        ) from error


def error_code(error: BaseException | None) -> str:
    """The service's code of an error, empty for any other."""
    return str(getattr(error, "response", {}).get("Error", {}).get("Code", ""))


def _of_the_service(error: Any, what: str, remedies: Mapping[str, str], denied: str) -> AlfrdError:
    code = error_code(error)
    status = int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))
    if code in remedies:
        return Permanent(f"{what}: {code}: {remedies[code]}")
    if code in THROTTLED or status == 429:
        return Throttled(f"{what}: {code}: asked to slow down", retry_after=_retry_after(error))
    if code in _NOT_SIGNED_IN:
        return Transient(
            f"{what}: {code}: the AWS credentials are wrong or have expired; renew them, then run "
            "alfrd-events doctor"
        )
    if code in _DENIED:
        return Permanent(f"{what}: {code}: {denied or 'allow it in the IAM policy'}")
    if status >= 500 or code in _PASSING:
        return Transient(f"{what}: {code or status}: the service failed")
    return Permanent(
        f"{what}: {code or status}: refused; {error.response.get('Error', {}).get('Message', '')}"
    )


def _of_the_way(error: Exception, what: str, paid: bool) -> AlfrdError:
    from botocore.exceptions import (
        CredentialRetrievalError,
        NoCredentialsError,
        PartialCredentialsError,
        TokenRetrievalError,
    )

    missing = (NoCredentialsError, PartialCredentialsError, CredentialRetrievalError, TokenRetrievalError)
    if isinstance(error, missing):
        return Transient(
            f"{what}: no AWS credentials were found ({type(error).__name__}); set AWS_ACCESS_KEY_ID and "
            "AWS_SECRET_ACCESS_KEY, a profile or a role, then run alfrd-events doctor"
        )
    lost = paid and not _was_never_sent(error)
    return (Lost if lost else Transient)(f"{what}: no answer ({type(error).__name__})")


def _was_never_sent(error: Exception) -> bool:
    """Whether there was no connection at all; a reset one has the same name in aiobotocore."""
    from aiohttp import ClientConnectorError
    from botocore.exceptions import ConnectTimeoutError, EndpointConnectionError

    if isinstance(error, EndpointConnectionError):
        return isinstance(error.kwargs.get("error"), ClientConnectorError | gaierror)
    return isinstance(error, ConnectTimeoutError)


def _retry_after(error: Any) -> float | None:
    headers = error.response.get("ResponseMetadata", {}).get("HTTPHeaders", {})
    try:
        return max(float(headers["retry-after"]), 0.0)
    except (KeyError, ValueError):
        return None

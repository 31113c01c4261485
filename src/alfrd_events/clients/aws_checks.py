"""Check for ``doctor`` that AWS allows what the settings need: one check after the other, each with a hint.

The checks use boto3, since nothing else runs meanwhile. Textract gets bytes that are no document; it refuses them for
free if access is allowed. The bucket for jobs gets an object of a few bytes, which the check then removes. A model is
asked for one token, which costs less than $0.0001. All other checks cost next to nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any

from alfrd_events.clients.aws import error_code
from alfrd_events.clients.s3 import SCHEME, ObjectUri
from alfrd_events.errors import Unhealthy

_PROBE = "alfrd-events-doctor.txt"
_KEYS = "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE, or give the machine a role"
_RENEW = (
    "renew the credentials (aws sso login, or new keys), or correct them; and set the machine's clock by NTP"
)
_AWAY = "check the network, a proxy, and AWS_ENDPOINT_URL if it is set"
_SIGN_IN = {
    "ExpiredToken": _RENEW,
    "ExpiredTokenException": _RENEW,
    "InvalidAccessKeyId": _RENEW,
    "InvalidClientTokenId": _RENEW,
    "SignatureDoesNotMatch": _RENEW,
    "UnrecognizedClientException": _RENEW,
}
_POLICY = "allow it in the IAM policy: docs/providers.md has one to copy"


@dataclass(frozen=True, slots=True)
class AccessCheck:
    """One check."""

    name: str
    look: Callable[[], str]
    """Returns the finding, or raises :class:`~alfrd_events.errors.Unhealthy`."""


@dataclass(frozen=True, slots=True)
class Wishes:
    """What the settings use of AWS."""

    region: str = ""
    textract: bool = False
    features: Sequence[str] = ()
    staging: str = ""
    """``bucket`` or ``bucket/prefix`` for jobs."""
    buckets: Sequence[str] = ()
    """Those that are read."""
    models: Sequence[str] = ()
    """Of Bedrock."""

    @property
    def any(self) -> bool:
        """Whether AWS is used at all."""
        return bool(self.textract or self.buckets or self.models)


def checks(wishes: Wishes) -> list[AccessCheck]:
    """Return the checks for these settings, in order; credentials and region come first."""
    if not wishes.any:
        return []
    if find_spec("boto3") is None:
        return [AccessCheck("AWS", _not_installed)]
    aws = _Aws(wishes.region)
    found = [AccessCheck("AWS region", aws.region), AccessCheck("AWS credentials", aws.credentials)]
    if wishes.textract:
        found.append(AccessCheck("Textract", lambda: aws.textract(wishes.features)))
        if wishes.staging:
            found.append(AccessCheck("bucket for jobs", lambda: aws.staging(wishes.staging)))
    found += [AccessCheck(f"bucket {name}", _bound(aws.bucket, name)) for name in wishes.buckets]
    found += [AccessCheck(f"model {name}", _bound(aws.model, name)) for name in wishes.models]
    return found


def _bound(look: Callable[[str], str], name: str) -> Callable[[], str]:
    return lambda: look(name)


def _not_installed() -> str:
    raise Unhealthy("boto3 is not installed", "run: pip install 'alfrd-events[aws]'")


class _Aws:
    def __init__(self, region: str) -> None:
        import boto3

        self._session = boto3.Session(region_name=region or None)

    def _client(self, service: str) -> Any:
        from botocore.config import Config

        return self._session.client(
            service,
            config=Config(
                connect_timeout=5, read_timeout=20, retries={"mode": "standard", "total_max_attempts": 2}
            ),
        )

    def region(self) -> str:
        name = self._session.region_name
        if not name:
            raise Unhealthy(
                "no region is set", "set ALFRD_AWS_REGION, or AWS_REGION, or a region in the profile"
            )
        return str(name)

    def credentials(self) -> str:
        with _told("AWS", _SIGN_IN):
            found = self._session.get_credentials()
            if found is None:
                raise Unhealthy("none were found", _KEYS)
            identity = self._client("sts").get_caller_identity()
        return f"{identity['Arn']} (from {found.method})"

    def textract(self, features: Sequence[str]) -> str:
        operation = "AnalyzeDocument" if features else "DetectDocumentText"
        client = self._client("textract")
        nothing = {"Bytes": b"no document"}
        try:
            with _told(
                f"Textract {operation}", {"AccessDeniedException": f"allow textract:{operation}; {_POLICY}"}
            ):
                if features:
                    client.analyze_document(
                        Document=nothing, FeatureTypes=[name.upper() for name in features]
                    )
                else:
                    client.detect_document_text(Document=nothing)
        except Unhealthy as error:
            refused = ("UnsupportedDocumentException", "BadDocumentException", "InvalidParameterException")
            if error_code(error.__cause__) not in refused:
                raise
        return f"may be asked for {operation}"

    def staging(self, bucket: str) -> str:
        place = ObjectUri.of(f"{SCHEME}{bucket.removeprefix(SCHEME).strip('/')}/")
        client = self._client("s3")
        hints = {
            "NoSuchBucket": "make it, or correct ALFRD_TEXTRACT_BUCKET",
            "AccessDenied": f"allow s3:PutObject, s3:GetObject and s3:DeleteObject for it; {_POLICY}",
            "IllegalLocationConstraintException": "use a bucket in the region of Textract",
            "PermanentRedirect": "use a bucket in the region of Textract",
        }
        where = {"Bucket": place.bucket, "Key": place.key + _PROBE}
        with _told(f"s3://{bucket}", hints):
            client.put_object(**where, Body=b"alfrd-events doctor was here")
            reply = client.get_object(**where)
            client.delete_object(**where)
        headers = reply["ResponseMetadata"]["HTTPHeaders"]
        region = headers.get("x-amz-bucket-region", self._session.region_name)
        if region != self._session.region_name:
            raise Unhealthy(
                f"s3://{bucket} is in {region}, and Textract is asked in {self._session.region_name}",
                "use a bucket in the region of Textract",
            )
        return f"s3://{bucket} takes, gives and loses an object"

    def bucket(self, name: str) -> str:
        client = self._client("s3")
        hints = {
            "NoSuchBucket": "make it, or take it out of ALFRD_S3_BUCKETS",
            "AccessDenied": f"allow s3:ListBucket for it and s3:GetObject for its objects; {_POLICY}",
            "403": f"allow s3:GetObject for its objects; {_POLICY}",
        }
        with _told(f"s3://{name}", hints):
            some = client.list_objects_v2(Bucket=name, MaxKeys=1).get("Contents") or ()
            for entry in some:
                client.head_object(Bucket=name, Key=entry["Key"])
        return "can be listed, and its objects read" if some else "can be listed; it is empty"

    def model(self, name: str) -> str:
        hints = {
            "AccessDeniedException": "enable the model in the console of Bedrock (Model access), and allow "
            f"bedrock:InvokeModel for it and for its inference profile; {_POLICY}",
            "ResourceNotFoundException": "it is not in this region; correct ALFRD_LLM_MODEL or ALFRD_AWS_REGION",
            "ValidationException": "correct ALFRD_LLM_MODEL; many models are only to be had by the id of an "
            "inference profile, such as us.amazon.nova-lite-v1:0",
        }
        with _told("Bedrock", hints):
            self._client("bedrock-runtime").converse(
                modelId=name,
                messages=[{"role": "user", "content": [{"text": "Say: yes"}]}],
                inferenceConfig={"maxTokens": 1},
            )
        return "answers; asking cost less than $0.0001"


@contextmanager
def _told(what: str, hints: Mapping[str, str]) -> Iterator[None]:
    """Turn botocore's exceptions into findings.

    :raise Unhealthy: with the hint for the error's code.
    """
    from botocore.exceptions import BotoCoreError, ClientError, CredentialRetrievalError, NoCredentialsError

    try:
        yield
    except ClientError as error:
        code = error_code(error)
        said = str(error.response.get("Error", {}).get("Message", ""))
        raise Unhealthy(f"{what}: {code}: {said}", {**_SIGN_IN, **hints}.get(code, _POLICY)) from error
    except (NoCredentialsError, CredentialRetrievalError) as error:
        raise Unhealthy(f"{what}: {error}", _KEYS) from error
    except BotoCoreError as error:
        raise Unhealthy(f"{what}: {error}", _AWAY) from error

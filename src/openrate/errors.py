"""What can go wrong, and what the person who reads it should do.

    OpenrateError
    ├── ApiError                 an answer of the HTTP error catalogue (docs/http-api.md, "Errors")
    │   ├── MissingParameter     400 / 30
    │   ├── MalformedParameter   400 / 31
    │   ├── MalformedJsonBody    400 / 32
    │   ├── AuthenticationInvalid 401 / 10
    │   ├── ApiMisuse            403 / 12
    │   ├── RouteNotFound        404 / 20
    │   ├── MethodNotAllowed     405 / 20
    │   ├── BodyTooLarge         413 / 31
    │   ├── TooManyRequests      429 / 60
    │   ├── ServerError          500 / 0 or 1
    │   └── Maintenance          503 / 2
    ├── UsageError               the command line was used wrongly: exit code 2
    └── StoreError               the data folder cannot be used as it is: exit code 1
        ├── StoreBusy            another process holds it
        ├── StoreDamaged         a file in it cannot be read
        ├── StoreTooNew          it was made by a newer version
        └── StoreFull            there is no room left to store a fact

Each carries one sentence that names what is wrong and, where there is one, the fix.
"""

from __future__ import annotations

from typing import ClassVar


class OpenrateError(Exception):
    """Anything this program raises on purpose. ``str(error)`` is a sentence for a person."""


class ApiError(OpenrateError):
    """An answer from the error catalogue.

    Attributes:
        status: HTTP status.
        code: the stable number clients branch on.
        type: the stable name that goes with it.
        headers: extra response headers.
    """

    status: ClassVar[int] = 500
    code: int = 0
    type: ClassVar[str] = "SERVER_ERROR"

    def __init__(self, message: str, *, headers: dict[str, str] | None = None) -> None:
        super().__init__(message)
        self.headers = headers or {}


class MissingParameter(ApiError):
    """A required field is absent."""

    status, code, type = 400, 30, "MISSING_PARAMETER"


class MalformedParameter(ApiError):
    """A field is there and wrong; the message names it, what was wrong and what is accepted."""

    status, code, type = 400, 31, "MALFORMED_PARAMETER"


class MalformedJsonBody(ApiError):
    """The body is not JSON, or not an object."""

    status, code, type = 400, 32, "MALFORMED_JSON_BODY"


class AuthenticationInvalid(ApiError):
    """No or wrong key or token; one answer for every such case, so that it tells nothing apart."""

    status, code, type = 401, 10, "AUTHENTICATION_INVALID"

    def __init__(self) -> None:
        super().__init__(
            "The API key in the path and the key or token in the header do not open this: "
            "check both, and send exactly one of X-Authorization and Authorization."
        )


class ApiMisuse(ApiError):
    """Right keys, wrong use."""

    status, code, type = 403, 12, "API_MISUSE"


class RouteNotFound(ApiError):
    """No such route, or no such thing in this app."""

    status, code, type = 404, 20, "ROUTE_NOT_FOUND"


class MethodNotAllowed(ApiError):
    """The route exists with another method; ``Allow`` is set."""

    status, code, type = 405, 20, "ROUTE_NOT_FOUND"


class BodyTooLarge(ApiError):
    """The body, decompressed, is over the limit."""

    status, code, type = 413, 31, "MALFORMED_PARAMETER"


class TooManyRequests(ApiError):
    """Over the rate limit, for so many ``seconds``."""

    status, code, type = 429, 60, "TOO_MANY_REQUESTS"

    def __init__(self, message: str, seconds: int = 5) -> None:
        super().__init__(message, headers={"Retry-After": str(seconds)})
        self.seconds = seconds


class ServerError(ApiError):
    """Our fault. The code is 1 on create and update, 0 elsewhere."""

    status, code, type = 500, 0, "SERVER_ERROR"


class Maintenance(ApiError):
    """Shutting down, migrating, overloaded, or unable to store."""

    status, code, type = 503, 2, "MAINTENANCE_ERROR"

    def __init__(self, message: str) -> None:
        super().__init__(message, headers={"Retry-After": "5"})


class UsageError(OpenrateError):
    """The command line was used wrongly."""


class StoreError(OpenrateError):
    """The data folder cannot be used as it is; it was left untouched."""


class StoreBusy(StoreError):
    """Another process holds the facts file."""


class StoreDamaged(StoreError):
    """A file of the store cannot be read."""


class StoreTooNew(StoreError):
    """The store was made by a newer version."""


class StoreFull(StoreError):
    """There is no room left: nothing of the batch was stored."""

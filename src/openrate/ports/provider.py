"""The way to the devices, and the credentials that it needs."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from typing import NamedTuple, Protocol

from openrate.model import App, By, Cause, Message, ProviderName

GIVES_CREDENTIALS = "openrate app credentials set gives it some."
"""How the sentence ends that there is no way to the devices of an app, for want of credentials."""


class Push(NamedTuple):
    """One message to one installation.

    ``key`` is the caller's own name for it. ``token`` is where to: what the platform gave, for browsers the
    push subscription as JSON.
    """

    key: int
    token: str
    message: Message


class Result(StrEnum):
    """What became of a push, in the order of how bad it is."""

    SENT = "sent"
    RETRY = "retry"
    """Not now: the provider is busy or away."""
    GONE = "gone"
    """The token is of no use any more."""
    REFUSED = "refused"
    """This message cannot be sent to this token; another try would end the same."""
    HELD = "held"
    """Nothing can be sent for this app, for instance because its credentials are refused."""


class Verdict(NamedTuple):
    """A provider's answer in our words.

    Attributes:
        result: what became of the push.
        cause: for the ``push_error`` that is reported when this is the end of it.
        reason: a sentence for the operator, without tokens or keys.
        retry_after: seconds the provider asked to wait.
    """

    result: Result
    cause: Cause | None = None
    reason: str = ""
    retry_after: float | None = None


class Check(NamedTuple):
    """What a provider says of an app's credentials.

    Attributes:
        works: whether it takes them; None: that cannot be told now.
        reason: a sentence for the operator, without tokens or keys.
    """

    works: bool | None
    reason: str


class Provider(Protocol):
    """The way to the devices of one app in one world. One thread uses it.

    A push is never lost: each that was started comes out of ``finished`` once, also when nobody answered.
    """

    def start(self, pushes: Sequence[Push]) -> None:
        """Begin to send. Returns at once; how many are under way at a time is the caller's to bound."""

    def finished(self, wait: float) -> list[tuple[Push, Verdict]]:
        """What came to an end since the last call; waits up to ``wait`` seconds when nothing has."""

    def close(self) -> None:
        """Hang up; what was under way is forgotten."""


class Providers(Protocol):
    """The ways to the devices of apps."""

    def provider(self, app: App, dev: bool) -> Provider:
        """A new one; raises OpenrateError, in a sentence for the operator, when there is none."""

    def credentials(self, app: App) -> bytes | None:
        """What tells the credentials that an app has now from others; None when it has none."""

    def apps(self) -> set[int]:
        """The ids of all apps that have credentials."""


class CredentialStore(Protocol):
    """Where the sealed credentials of apps lie. Every method is one transaction."""

    def get(self, app_id: int) -> bytes | None:
        """What was put last for an app."""

    def apps(self) -> set[int]:
        """The ids of the apps for which there is something."""

    def put(self, app: App, provider: ProviderName, sealed: bytes, by: By) -> None:
        """Store, instead of what was there; who did it goes to the audit log."""

    def remove(self, app: App, by: By) -> bool:
        """Forget; False when there was nothing."""

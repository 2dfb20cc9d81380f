"""A test send: a message to one installation of somebody's own, and what became of it in a sentence."""

from __future__ import annotations

from threading import BoundedSemaphore
from typing import NamedTuple

from openrate.campaign_parameters import Parameters, checked
from openrate.commands.parts import Parts
from openrate.delivery.trial import try_out
from openrate.errors import MissingParameter, OpenrateError, TooManyRequests
from openrate.messages import choose
from openrate.model import App, Installation, Sender
from openrate.ports.provider import Result, Verdict
from openrate.stats import VERSIONS
from openrate.web.pages.edit.form import is_ab

_SAID = ("messages", "deeplink", "media", "custom_payload", "priority", "push_type", "gcm_collapse_key")
"""The parameters that a push consists of."""
_AT_ONCE = 4
"""Each waits for a provider, in one of the threads that answer everybody."""


class Tried(NamedTuple):
    """How a test ended."""

    is_sent: bool
    sentence: str


class Trials:
    """Sends tests, a few at a time."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._under_way = BoundedSemaphore(_AT_ONCE)

    def obstacle(self, app: App) -> str:
        """Why nothing can be sent for an app; empty when there is no such reason."""
        if app.sender is not Sender.OPENRATE:
            return f"{app.name} is sent for by your own sender (external): test with that one."
        if self._parts.providers.credentials(app) is None:
            return f"{app.name} has no credentials of a provider yet."
        return ""

    def send(self, app: App, dev: bool, given: Parameters, version: str, installation_id: str) -> Tried:
        """Send one, and wait for the provider's answer.

        Args:
            app: whose installation it is.
            dev: whether that is a development build.
            given: parameters of a campaign; those that a push consists of are held to what is accepted.
            version: ``a`` or ``b``, if these are the messages of an A/B campaign.
            installation_id: to whom.

        Raises:
            ApiError: a parameter is wrong, or there are too many tests at once.
        """
        said = checked({name: given[name] for name in _SAID if name in given})
        if "messages" not in said:
            raise MissingParameter("messages is missing: write a message first.")
        if obstacle := self.obstacle(app):
            return Tried(False, obstacle)
        installation = self._parts.records.installation(app.id, dev, installation_id)
        if installation is None or installation.push_token is None:
            return Tried(False, _unreachable(app, dev, installation_id, installation))
        chosen_version = (version if version in VERSIONS else "a") if is_ab(said) else None
        try:
            verdict = self._send(app, said, chosen_version, installation)
        except OpenrateError as error:
            if isinstance(error, TooManyRequests):
                raise
            return Tried(False, str(error))
        return _told(verdict, installation, _what(said, chosen_version, installation))

    def _send(
        self, app: App, said: Parameters, version: str | None, installation: Installation
    ) -> Verdict | None:
        if not self._under_way.acquire(blocking=False):
            raise TooManyRequests("Others are testing as well: wait a few seconds, then try again.")
        try:
            now = self._parts.clock.now()
            return try_out(self._parts.providers, app, said, version, installation, now)
        finally:
            self._under_way.release()


def _unreachable(app: App, dev: bool, installation_id: str, installation: Installation | None) -> str:
    builds = " among the development builds" if dev else ""
    if installation is None:
        return (
            f"{app.name} has no installation {installation_id[:64]}{builds}: "
            "give the id with which your device registered."
        )
    return f"{installation_id} has no push token: open the app on it and allow notifications, then try again."


def _what(said: Parameters, version: str | None, installation: Installation) -> str:
    """Which message it is, in words."""
    messages = said["messages"] if version is None else said["messages"][version]
    language = choose(messages, installation.language).get("language")
    of_version = f"version {version.upper()}, " if version else ""
    return f"{of_version}the message {f'in {language}' if language else 'without a language'}"


def _told(verdict: Verdict | None, installation: Installation, what: str) -> Tried:
    to = installation.installation_id
    if verdict is None:
        return Tried(False, f"There was no answer about {to} in time. The message may still arrive.")
    if verdict.result is Result.SENT:
        unseen = (
            "" if installation.opted_in else " Notifications are switched off there, so it will not be seen."
        )
        return Tried(True, f"The provider accepted it for {to}: {what}.{unseen}")
    reason = verdict.reason or "The provider gave no reason."
    if verdict.result is Result.GONE:
        return Tried(
            False,
            f"The push token of {to} is of no use any more. {reason} Open the app on it, then try again.",
        )
    return Tried(False, f"It was not sent to {to}. {reason}")

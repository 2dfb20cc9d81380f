"""A message to one installation, so that somebody sees it on their device before it goes out.

It is no delivery of a campaign: nothing about it is written down or reported, and it carries no campaign token, so
that a tap on it cannot count for anybody's delivery (``metrics.md``, "Deliveries"). A token that is gone stays where
it is, for a real push to find out and report.
"""

from __future__ import annotations

import secrets
import time
from typing import Any

from openrate.messages import Messages
from openrate.model import App, Campaign, Installation
from openrate.ports.provider import Provider, Providers, Push, Result, Verdict

_PATIENCE_S = 10.0
_PAUSE_S = 1.0
"""Seconds before another try, when the provider names none."""
_WORTH_MS = 3_600_000
"""Milliseconds for which a test is worth showing: who sends one has the device at hand."""


def try_out(  # noqa: PLR0913 - what is sent, to whom, and when
    providers: Providers,
    app: App,
    parameters: dict[str, Any],
    version: str | None,
    installation: Installation,
    now: int,
) -> Verdict | None:
    """Send what an installation would get of a campaign.

    Args:
        providers: the ways to the devices.
        app: the installation's.
        parameters: the messages, and what stands beside them; checked (``campaign_parameters``).
        version: ``a`` or ``b`` of an A/B campaign.
        installation: which; it has a push token.
        now: milliseconds since 1970.

    Returns:
        What the provider answered; None when it did not answer within some seconds.

    Raises:
        OpenrateError: there is no way to the devices of this app.
    """
    # Of no campaign: no campaign has an empty token. The name of the send is another each time, so that no
    # device takes a second test for a repetition of the first.
    unnamed = Campaign(0, app.id, "", parameters, version is not None, installation.dev, False, now, False)
    messages = Messages(unnamed, f"test-{secrets.token_hex(8)}", now + _WORTH_MS)
    message = messages.of(version, installation.language)
    provider = providers.provider(app, installation.dev)
    try:
        return _answer(provider, Push(0, installation.push_token or "", message))
    finally:
        provider.close()


def _answer(provider: Provider, push: Push) -> Verdict | None:
    """The last answer; "not now" is asked again while there is patience for it."""
    until = time.monotonic() + _PATIENCE_S
    provider.start([push])
    while (left := until - time.monotonic()) > 0:
        for _, verdict in provider.finished(left):
            pause = verdict.retry_after or _PAUSE_S
            if verdict.result is not Result.RETRY or time.monotonic() + pause >= until:
                return verdict
            time.sleep(pause)
            provider.start([push])
    return None

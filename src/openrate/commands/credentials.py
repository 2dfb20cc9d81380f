"""Commands about the credentials with which our sender sends for an app."""

from __future__ import annotations

from openrate.commands.parts import Parts
from openrate.commands.records import Answer, app_of, by
from openrate.commands.requests import RemoveCredentials, SetCredentials, ShowCredentials
from openrate.control import COMMAND_LINE, Talk
from openrate.credentials import (
    Credentials,
    WebPushCredentials,
    check_reach,
    provider_of,
    public_parts,
    read_credentials,
)
from openrate.errors import OpenrateError
from openrate.model import App, ProviderName
from openrate.ports.provider import GIVES_CREDENTIALS


def set_credentials(parts: Parts, request: SetCredentials, talk: Talk) -> Answer:
    """Read credentials, seal them and keep them instead of those before."""
    app = app_of(parts, request.app)
    made = read_credentials(request.provider, app.platform, request)
    if talk.by != COMMAND_LINE:
        check_reach(made)
    if request.provider is ProviderName.WEBPUSH and request.file is None:
        made = _with_known_key(made, parts.vault.of(app.id))
    parts.vault.put(app, made, by(parts, talk))
    return _shown(app, made)


def show_credentials(parts: Parts, request: ShowCredentials, _talk: Talk) -> Answer:
    """What is known of an app's credentials, without what is secret."""
    app = app_of(parts, request.app)
    known = parts.vault.of(app.id)
    if known is None:
        raise OpenrateError(f"{app.name} has no credentials: {GIVES_CREDENTIALS}")
    return _shown(app, known)


def remove_credentials(parts: Parts, request: RemoveCredentials, talk: Talk) -> Answer:
    """Forget an app's credentials; its sends wait from then on."""
    app = app_of(parts, request.app)
    if not parts.vault.remove(app, by(parts, talk)):
        raise OpenrateError(f"{app.name} has no credentials.")
    return {"app": app.name, "removed": True}


def _with_known_key(made: Credentials, known: Credentials | None) -> Credentials:
    """Keep the VAPID key that is there: a new one voids every subscription made with it."""
    if isinstance(made, WebPushCredentials) and isinstance(known, WebPushCredentials):
        return WebPushCredentials(private_key=known.private_key, subject=made.subject)
    return made


def _shown(app: App, credentials: Credentials) -> Answer:
    return {
        "app": app.name,
        "platform": app.platform,
        "provider": provider_of(credentials),
        **public_parts(credentials),
    }

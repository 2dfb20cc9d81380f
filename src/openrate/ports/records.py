"""Companies, apps, keys, campaigns, installations: everything that is not a fact."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from typing import Any, NamedTuple, Protocol, TypedDict

import numpy as np
from numpy.typing import NDArray

from openrate.conditions import Selection
from openrate.model import (
    App,
    Audience,
    By,
    Campaign,
    CampaignRef,
    Company,
    Installation,
    Platform,
    RestKey,
    Rule,
    Scope,
    Sender,
)
from openrate.ports.event_log import Opens


class Selected(NamedTuple):
    """Some of the installations that were selected, ascending by id."""

    installation_ids: list[str]
    opted_in: NDArray[np.bool_]


class SummaryParameters(TypedDict, total=False):
    """The parameters that a summary of a campaign has: what a list shows, and what its state follows from."""

    name: str
    live: bool
    labels: list[str]
    push_time: str
    local_push_time: str
    recurrence: dict[str, Any]


class Records(Protocol):
    """Companies, apps, keys, campaigns, installations: everything that is not a fact.

    Every method is one transaction and safe to call from any thread. Names are unique as said. What is changed
    ``by`` somebody goes to the audit log in that transaction; None is the server itself.
    """

    def company(self, name: str) -> Company | None:
        """The company of that name, if there is one."""

    def companies(self) -> list[Company]:
        """Every company, by name."""

    def company_of(self, app: App) -> Company:
        """The company that an app belongs to; answers from memory."""

    def create_company(self, name: str, rule: Rule, by: By | None = None) -> Company:
        """Make a company; raises OpenrateError when there is one of that name."""

    def set_rule(self, company_id: int, rule: Rule, by: By | None = None) -> None:
        """Set the attribution windows."""

    def create_app(  # noqa: PLR0913 - a row has this many columns
        self,
        company_id: int,
        name: str,
        platform: Platform,
        sender: Sender,
        live: str,
        dev: str,
        sdk: str,
        by: By | None = None,
    ) -> App:
        """Make an app with its three keys; raises OpenrateError when its company has one of that name on it."""

    def set_app(self, app: App, sender: Sender, send_rate: int | None, by: By | None = None) -> None:
        """Set who sends for an app, and how many messages a minute our sender may send for it (None: no limit)."""

    def apps(self, company_id: int | None = None) -> list[App]:
        """Every app (of a company), by company and name."""

    def app_by_key(self, key: str) -> App | None:
        """The app that a Live, Dev or SDK key names; answers from memory, for an unknown key too."""

    def add_key(self, company_id: int, hashed: bytes, scope: Scope, at: int, by: By | None = None) -> RestKey:
        """Store the SHA-256 of a new REST key."""

    def keys(self, company_id: int) -> list[tuple[bytes, RestKey]]:
        """The REST keys of a company with their hashes, revoked ones included, oldest first; from memory."""

    def revoke_key(self, company_id: int, key_id: int, at: int, by: By | None = None) -> bool:
        """Revoke a key of that company; False when it has none of that id."""

    def create_campaign(  # noqa: PLR0913 - a row has this many columns
        self,
        app_id: int,
        token: str,
        parameters: dict[str, Any],
        *,
        has_versions: bool,
        dev_only: bool,
        at: int,
        was_live: bool,
        next_due_at: int | None = None,
        from_api: bool = True,
        by: By | None = None,
    ) -> Campaign:
        """Store a new campaign."""

    def campaign(self, app_id: int, token: str) -> Campaign | None:
        """A campaign of that app, deleted ones included; from memory if it was asked for lately.

        The parameters are shared with whoever asks next: they are not to be changed.
        """

    def campaign_of(self, company_id: int, token: str) -> Campaign | None:
        """A campaign of one of the company's apps, as ``campaign`` gives it."""

    def campaign_names(self, company_id: int, tokens: Collection[str]) -> dict[str, str]:
        """What those of ``tokens`` are called that are campaigns of the company, deleted ones included."""

    def campaign_refs(self, app_id: int, tokens: Sequence[str]) -> dict[str, CampaignRef]:
        """Those of ``tokens`` that are campaigns of that app, in whatever state, deleted ones included.

        Answers from memory what it answered lately; what it does not know costs no memory.
        """

    def campaign_tokens(self, app_id: int) -> dict[int, str]:
        """The token of each campaign of that app by its id, in whatever state, deleted ones included."""

    def update_campaign(
        self, app_id: int, token: str, change: Callable[[Campaign], Campaign], by: By | None = None
    ) -> Campaign | None:
        """Read, change and write a campaign in one transaction; None when there is none or it is deleted."""

    def delete_campaign(self, app_id: int, token: str, at: int, by: By | None = None) -> bool:
        """Mark as deleted; False when there is none, or it was deleted before."""

    def campaigns(  # noqa: PLR0913 - three filters and a page
        self,
        app_id: int,
        offset: int,
        limit: int,
        *,
        live: bool | None = None,
        from_api: bool | None = None,
        include_dev: bool = True,
    ) -> list[Campaign]:
        """A page of an app's campaigns, newest first by creation, without deleted ones."""

    def campaign_summaries(self, app_id: int) -> Sequence[Campaign]:
        """The campaigns of an app without deleted ones, newest first; of their parameters, ``SummaryParameters``.

        From memory, but for the first time and what has changed since. What did not change is the same object.
        """

    def campaigns_changed(self, app_id: int) -> int:
        """A number that grows whenever ``campaign_summaries`` may have changed; costs a look-up."""

    def installation(self, app_id: int, dev: bool, installation_id: str) -> Installation | None:
        """One installation."""

    def put_installation(self, installation: Installation, at: int) -> bool:
        """Insert or replace; a push token belongs to the installation that gave it last. True when it is new.

        A token is one within its app and world. An id that was removed comes back with a token version above
        every one it had.
        """

    def delete_installation(self, app_id: int, dev: bool, installation_id: str) -> bool:
        """Remove one; False when it is unknown. Its token version is remembered, so old tokens stay void."""

    def put_installations(self, batch: Sequence[Installation], at: int) -> None:
        """Insert or replace several of one app and one world, with distinct ids, as ``put_installation`` does."""

    def installations(
        self, app_id: int, dev: bool, installation_ids: Sequence[str]
    ) -> dict[str, Installation]:
        """Those of ``installation_ids`` that there are, by id."""

    def select(self, selection: Selection, opens: Callable[[], Opens], after: str = "") -> Iterator[Selected]:
        """The installations of a selection, ascending by id, in parts of up to some thousand.

        Each part is a transaction of its own: what changes meanwhile may be seen or not. Who stopped goes on
        behind the last id that was given. Parts that would be empty are left out.

        Args:
            selection: which.
            opens: asked once, and only if a condition is about facts.
            after: only ids that come after this one, byte by byte.
        """

    def put_audience(  # noqa: PLR0913 - what a list is made of, and by whom
        self, app_id: int, dev: bool, name: str, ids: Sequence[str], at: int, by: By | None = None
    ) -> Audience:
        """Make or replace a named list of installations; ids that are there twice count once."""

    def audiences(self, app_id: int, dev: bool) -> list[Audience]:
        """The named lists of an app and a world, by name."""

    def delete_audience(self, app_id: int, dev: bool, name: str, by: By | None = None) -> bool:
        """Remove a list; False when there is none of that name."""

    def secret(self, name: str, make: Callable[[], bytes]) -> bytes:
        """A secret of this server by name, made at first use (the signing key of installation tokens)."""

    def replace_secret(self, name: str, value: bytes) -> None:
        """Rotate a secret."""

    def close(self) -> None:
        """Let go of the database."""

"""Creating and updating a campaign, the same for programs (``/1.1``) and for people (the pages)."""

from __future__ import annotations

import secrets
from collections.abc import Callable

from openrate import campaigns
from openrate.model import App, By, Campaign
from openrate.ports.records import Records
from openrate.web.services import no_campaign


def create_campaign(  # noqa: PLR0913 - who creates what, and where
    records: Records, app: App, dev: bool, body: bytes, by: By, *, from_api: bool, token: str | None = None
) -> Campaign:
    """Store the campaign in a body.

    Args:
        records: where.
        app: whose it is.
        dev: whether it is for development builds only.
        body: JSON.
        by: who creates it, and when, which is what ``"now"`` means.
        from_api: whether a program creates it.
        token: what it is called; None: as no other is.

    Raises:
        ApiError: what is wrong with the body.
        OpenrateError: there is a campaign of that token.
    """
    new = campaigns.create(body, by.at)
    campaigns.check_targeting(app, new.parameters)
    return records.create_campaign(
        app.id,
        token or secrets.token_hex(16),
        new.parameters,
        has_versions=new.has_versions,
        dev_only=dev,
        at=by.at,
        was_live=new.live,
        next_due_at=campaigns.first_due(app, new.parameters),
        from_api=from_api,
        by=by,
    )


def update_campaign(  # noqa: PLR0913 - who changes what, and where
    records: Records,
    app: App,
    token: str,
    body: bytes,
    by: By,
    check: Callable[[Campaign], None] = lambda _: None,
) -> Campaign:
    """Change a campaign by a body.

    Args:
        records: where.
        app: whose it is.
        token: which.
        body: JSON.
        by: who changes it, and when.
        check: looks at the campaign as it is when it is changed; what it raises ends the change.

    Raises:
        ApiError: what is wrong with the body, or there is no such campaign in this app.
    """

    def change(campaign: Campaign) -> Campaign:
        check(campaign)
        return campaigns.update(campaign, app, body, by.at)

    updated = records.update_campaign(app.id, token, change, by)
    if updated is None:
        raise no_campaign()
    return updated

"""What the pages say of a campaign that our sender sends: on its way, when it waits, and when it is over."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from playwright.sync_api import Page, expect

from browser import axe_violations
from dashboard import Site, Visitor
from editor import Shop
from openrate import companies
from openrate.errors import OpenrateError
from openrate.model import DAY_MS, App, By, Campaign, Platform, Role, Send, Sender, SendState
from openrate.ports.provider import GIVES_CREDENTIALS
from test_pages_campaigns import create

PAST = "2026-03-10T09:00:00"


def put_send(site: Site, app: App, token: str, **how_far: Any) -> None:
    """What our sender would have written down about a campaign."""
    campaign = site.parts.records.campaign(app.id, token)
    assert campaign
    assert campaign.next_due_at
    due = campaign.next_due_at
    site.parts.sends.add([Send(0, app.id, campaign.id, token, "s", 0, due, due + DAY_MS, **how_far)])


def test_what_is_stopped_on_its_way_is_not_said_to_go_out(site: Site, own: Shop, editor: Visitor) -> None:
    token = create(site, "On its way", own.app, push_time=PAST)
    put_send(site, own.app, token, recipients=3, sent=1)
    assert "Going out now" in editor.get(f"/campaigns/{token}").text
    editor.post(f"/campaigns/{token}/stop")
    text = editor.get(f"/campaigns/{token}").text
    assert "Stopped before all of it was sent" in text
    assert "1 of 3: 1 sent" in text
    assert "Going out now" not in text


def complete(site: Site, app: App, token: str) -> None:
    """As our sender does it when all is sent."""

    def completed(campaign: Campaign) -> Campaign:
        return msgspec.structs.replace(campaign, next_due_at=None, completed_at=1)

    site.parts.records.update_campaign(app.id, token, completed)


@pytest.mark.parametrize(
    ("how_far", "why"),
    [
        ({}, ": when it was due, no installation with a push token was among those it is for."),
        (
            {"recipients": 2, "skipped": 2},
            ": no installation that was selected had a push token any more.",
        ),
        (
            {"state": SendState.CANCELLED, "reason": "Its time to live was over before it could be sent."},
            ". Its time to live was over before it could be sent.",
        ),
        (
            {"state": SendState.CANCELLED, "reason": f"Own has no credentials: {GIVES_CREDENTIALS}"},
            ". Own has no credentials.",
        ),
        ({"state": SendState.CANCELLED}, "."),
    ],
)
def test_what_is_over_and_went_to_nobody_says_why_and_has_no_next_time(
    site: Site, own: Shop, editor: Visitor, how_far: dict[str, Any], why: str
) -> None:
    token = create(site, "For nobody", own.app, push_time=PAST)
    put_send(site, own.app, token, **({"state": SendState.DONE, "finished_at": 1} | how_far))
    assert "<dt>Next</dt>" in editor.get(f"/campaigns/{token}").text
    complete(site, own.app, token)
    text = editor.get(f"/campaigns/{token}").text
    assert f"<p>It is over, and was sent to nobody{why}</p>" in text
    assert "<dt>Next</dt>" not in text


def test_the_next_time_goes_while_somebody_looks(site: Site, own: Shop, page: Page) -> None:
    token = create(site, "Soon over", own.app, push_time=PAST)
    site.sign_in(page)
    page.goto(f"{site.address}/campaigns/{token}")
    when = page.get_by_role("region", name="When and to whom")
    expect(when.get_by_text("Next", exact=True)).to_be_visible()
    complete(site, own.app, token)
    expect(when.get_by_text("Next", exact=True)).to_have_count(0)
    expect(when).to_contain_text("Sent by")
    assert axe_violations(page) == []


def test_credentials_that_are_missing_are_set_on_the_pages(site: Site) -> None:
    parts, by = site.parts, By("somebody", 0)
    nights = companies.create_app(parts.records, "Acme", "Nights", Platform.IOS, Sender.OPENRATE, by).app
    with pytest.raises(OpenrateError) as refused:
        parts.providers.provider(nights, dev=False)
    token = create(site, "Waits", nights, push_time=PAST)
    put_send(site, nights, token, reason=str(refused.value))
    parts.activity.waits(nights.id, str(refused.value))
    for path, times in ((f"/campaigns/{token}", 1), ("/activity", 2)):
        with site.client(Role.MANAGER) as manager, site.client(Role.EDITOR) as editor:
            shown, shown_to_others = manager.get(path).text, editor.get(path).text
        link = 'give it some under <a href="/settings/providers">Settings, Providers</a>.'
        assert shown.count(f"Nights has no credentials: {link}") == times
        told = "Nights has no credentials: a manager gives it some under Settings, Providers."
        assert shown_to_others.count(told) == times
        assert "openrate app credentials" not in shown + shown_to_others

"""What the pages say of a campaign that our sender sends: on its way, when it waits, and when it is over."""

from __future__ import annotations

from typing import Any

from dashboard import Site, Visitor
from editor import Shop
from openrate.model import DAY_MS, App, Send
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

"""The life of a campaign that we send: when it is due next, through changes and changes of the sender."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest

from openrate import campaigns
from openrate.campaign_parameters import moment
from openrate.errors import MalformedParameter
from openrate.model import App, Campaign, CampaignState, Platform, Sender

OURS = App(1, 1, "shop", Platform.IOS, Sender.OPENRATE, "L", "D", "S")
THEIRS = msgspec.structs.replace(OURS, sender=Sender.EXTERNAL)
TIME = "2026-03-10T09:00:00"
DUE = moment(TIME)
DAY = 86_400_000
DAILY = {"repeat_unit": "DAILY", "repeat_frequency": 1}


def created(app: App = OURS, now: int = DUE - DAY, **fields: Any) -> Campaign:
    body = {"name": "Sale", "live": True, "push_time": TIME, "messages": [{"body": "x"}]} | fields
    new = campaigns.create(json.dumps(body).encode(), now)
    first = campaigns.first_due(app, new.parameters)
    return Campaign(1, 1, "t" * 32, new.parameters, False, False, True, now, new.live, next_due_at=first)


def updated(campaign: Campaign, now: int, app: App = OURS, **fields: Any) -> Campaign:
    return campaigns.update(campaign, app, json.dumps(fields).encode(), now)


def sent(campaign: Campaign, next_due_at: int | None) -> Campaign:
    """After its first send was planned."""
    return msgspec.structs.replace(campaign, next_due_at=next_due_at)


def test_only_our_own_campaigns_have_a_time_at_which_we_send_them() -> None:
    assert created().next_due_at == DUE
    assert created(THEIRS).next_due_at is None
    assert updated(created(THEIRS), DUE, THEIRS, push_time="2026-04-01T09:00:00").next_due_at is None


def test_a_new_time_before_the_first_send_replaces_the_old_one() -> None:
    later = updated(created(), DUE - 1, push_time="2026-04-01T09:00:00")
    assert later.next_due_at == moment("2026-04-01T09:00:00")
    earlier = updated(created(), DUE - 1, push_time="2026-03-01T09:00:00")
    assert earlier.next_due_at == moment("2026-03-01T09:00:00")
    at_home = updated(created(), DUE - DAY, local_push_time=TIME)
    assert at_home.next_due_at == DUE - 14 * 3_600_000
    assert updated(created(), DUE - 1, name="Another name").next_due_at == DUE


def test_what_was_sent_is_not_sent_again_at_another_time_and_whoever_asks_for_it_is_told() -> None:
    going_out = sent(created(), None)
    over = msgspec.structs.replace(sent(created(recurrence=DAILY), None), completed_at=DUE)
    for campaign, change in (
        (going_out, {"push_time": "2026-04-01T09:00:00"}),
        (over, {"recurrence": DAILY | {"repeat_frequency": 2}}),
    ):
        with pytest.raises(MalformedParameter, match="cannot be changed any more"):
            updated(campaign, DUE + 1, **change)
        assert updated(campaign, DUE + 1, name="Another").next_due_at is None


def test_a_recurrence_that_ends_before_it_begins_is_refused() -> None:
    with pytest.raises(MalformedParameter, match="end_date is before the push time"):
        created(recurrence=DAILY | {"end_date": "2020-01-01T00:00"})
    with pytest.raises(MalformedParameter, match="end_date is before the push time"):
        updated(created(), DUE - 1, recurrence=DAILY | {"end_date": "2020-01-01T00:00"})


def test_what_recurs_goes_on_by_its_new_schedule_and_repeats_nothing_of_the_past() -> None:
    running = sent(created(recurrence=DAILY), DUE + 3 * DAY)
    weekly = updated(running, DUE + 2 * DAY + 1, recurrence=DAILY | {"repeat_unit": "WEEKLY"})
    assert weekly.next_due_at == DUE + 7 * DAY
    ended = updated(running, DUE + 2 * DAY + 1, recurrence=DAILY | {"end_date": "2026-03-12T09:00"})
    assert ended.next_due_at is None


def test_it_lives_since_it_was_made_live_last() -> None:
    draft = created(live=False)
    assert draft.live_since is None
    live = updated(draft, DUE + 5, live=True)
    assert live.live_since == DUE + 5
    assert updated(live, DUE + 6, name="Another").live_since == DUE + 5
    again = updated(updated(live, DUE + 7, live=False), DUE + 8, live=True)
    assert again.live_since == DUE + 8


def test_it_is_scheduled_until_its_first_wave_and_completed_when_our_sender_says_so() -> None:
    campaign = created()
    assert campaigns.state(campaign, OURS, DUE - 1) is CampaignState.SCHEDULED
    assert campaigns.state(campaign, OURS, DUE) is CampaignState.RUNNING
    assert campaigns.state(campaign, OURS, DUE + 1_000 * DAY) is CampaignState.RUNNING
    done = msgspec.structs.replace(campaign, completed_at=DUE + 1)
    assert campaigns.state(done, OURS, DUE + 2) is CampaignState.COMPLETED
    stopped = updated(done, DUE + 3, live=False)
    assert stopped.was_completed
    assert campaigns.state(stopped, OURS, DUE + 4) is CampaignState.STOPPED


def test_a_new_sender_sends_what_is_to_come_and_nothing_of_the_past() -> None:
    past, future = created(THEIRS), created(THEIRS, push_time="2026-04-01T09:00:00")
    ours = campaigns.handed_over(past, OURS, DUE + 1)
    assert (ours.next_due_at, ours.completed_at) == (None, DUE + 1)
    ours = campaigns.handed_over(future, OURS, DUE + 1)
    assert (ours.next_due_at, ours.completed_at) == (moment("2026-04-01T09:00:00"), None)
    assert campaigns.handed_over(ours, THEIRS, DUE + 2).next_due_at is None
    daily = campaigns.handed_over(created(THEIRS, recurrence=DAILY), OURS, DUE + 1)
    assert daily.next_due_at == DUE + DAY


@pytest.mark.parametrize("query", ["{", {"bt.age": 3}, {"$or": [{}, {"c.age": {"$gt": True}}]}])
def test_a_query_that_our_sender_does_not_understand_is_refused_and_another_sender_reads_its_own(
    query: object,
) -> None:
    targeting = {"query": query}
    theirs = created(THEIRS, targeting=targeting)
    campaigns.check_targeting(THEIRS, theirs.parameters)
    assert updated(created(THEIRS), DUE, THEIRS, targeting=targeting).parameters["targeting"] == targeting
    with pytest.raises(MalformedParameter, match=r"^targeting\.query"):
        campaigns.check_targeting(OURS, theirs.parameters)
    with pytest.raises(MalformedParameter, match=r"^targeting\.query"):
        updated(created(), DUE, targeting=targeting)

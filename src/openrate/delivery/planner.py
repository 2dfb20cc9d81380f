"""Writes down what is due and to whom it goes, before anything is sent.

A send is written down in the moment it is due, once (its campaign, occurrence and wave name it). Then its
recipients are selected and written down in chunks. A crash in between starts the selection again.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import islice

import msgspec

from openrate import schedule
from openrate.delivery.desk import Desk
from openrate.delivery.recipients import recipients as recipients_of
from openrate.errors import OpenrateError
from openrate.model import DAY_MS, App, Campaign, Send, SendState
from openrate.schedule import Due

logger = logging.getLogger(__name__)

CHUNK = 2_000
"""Recipients that are claimed, and whose progress is written down, together."""
_CHUNKS_AT_ONCE = 20
"""Chunks written in one transaction, 1.4 MB."""
_KEPT_MS = 2 * DAY_MS
"""For so long recipients are kept at least, for whoever wants to see them."""


class Planner:
    """See above. One thread uses it."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._forgot_at = 0

    def step(self) -> list[Send]:
        """Write down what became due, select its recipients, complete what is over. Returns what is open."""
        now = self._desk.clock.now()
        apps = {app.id: app for app in self._desk.records.apps()}
        for app_id, token in self._desk.sends.due(now):
            with _alone("Planning a campaign"):
                self._plan(app_id, token, now)
        for send in self._desk.sends.open():
            with _alone("Preparing a send"):
                self._prepare(apps[send.app_id], send)
        for app_id, token in self._desk.sends.uncompleted():
            self._desk.records.update_campaign(app_id, token, lambda c: _completed(c, now))
        if now - self._forgot_at > DAY_MS // 24:
            self._forget(now)
            self._forgot_at = now
        return self._desk.sends.open()

    def _plan(self, app_id: int, token: str, now: int) -> None:
        """First the sends, then the campaign's next time: after a crash in between they are there already."""
        campaign = self._desk.records.campaign(app_id, token)
        if campaign is None or campaign.next_due_at is None:
            return
        dues = schedule.due(campaign.parameters, campaign.next_due_at, now, campaign.live_since)
        self._desk.sends.add([_send(campaign, due) for due in dues])
        self._desk.records.update_campaign(app_id, token, lambda c: _planned(c, campaign, now))

    def _prepare(self, app: App, send: Send) -> None:
        now = self._desk.clock.now()
        campaign = self._desk.records.campaign(send.app_id, send.campaign_token)
        if campaign is None or campaign.deleted_at is not None:
            self._desk.sends.finish(send.id, SendState.CANCELLED, now)
        elif send.state is not SendState.SELECTING:
            return
        elif now >= send.expires_at:
            late = "Its time to live was over before it could be sent."
            self._desk.sends.finish(send.id, SendState.CANCELLED, now, send.reason or late)
        elif self._desk.live_campaign(app, send) is not None:
            self._select_recipients(app, campaign, send)

    def _select_recipients(self, app: App, campaign: Campaign, send: Send) -> None:
        try:
            self._select(app, campaign, send)
        except OpenrateError as error:
            if send.reason != str(error):
                logger.warning("Campaign %s of %s waits: %s", campaign.token, app.name, error)
                self._desk.sends.explain(send.id, str(error))

    def _forget(self, now: int) -> None:
        """Drop the recipients of what is finished, unless a later wave of the occurrence is to leave them out."""
        finished = self._desk.sends.finished(now - _KEPT_MS)
        self._desk.sends.forget([send.id for send in finished if not self._goes_on(send)])

    def _goes_on(self, send: Send) -> bool:
        """Whether other waves of the occurrence are still to come, or open."""
        campaign = self._desk.records.campaign(send.app_id, send.campaign_token)
        if campaign is None or campaign.deleted_at is not None:
            return False
        if schedule.has_waves_after(campaign.parameters, send.send_id, campaign.next_due_at):
            return True
        waves = [other for other in self._desk.sends.of(send.campaign_id) if other.send_id == send.send_id]
        return any(wave.finished_at is None for wave in waves)

    def _select(self, app: App, campaign: Campaign, send: Send) -> None:
        due = schedule.wave(campaign.parameters, send.send_id, send.wave)
        earlier = self._desk.sends.taken(campaign.id, send.send_id, send.wave) if send.wave else set()
        chunks = recipients = 0
        found = _chunks(recipients_of(self._desk, app, campaign, due), earlier)
        while some := list(islice(found, _CHUNKS_AT_ONCE)):
            self._desk.sends.add_chunks(send.id, chunks, some)
            chunks += len(some)
            recipients += sum(map(len, some))
        self._desk.sends.begin(send.id, chunks, recipients)
        if not recipients:
            self._desk.sends.finish(send.id, SendState.DONE, self._desk.clock.now())
        logger.info(
            "Campaign %s of %s, send %s: %d recipients.", campaign.token, app.name, send.send_id, recipients
        )


@contextmanager
def _alone(what: str) -> Iterator[None]:
    """What goes wrong with one campaign holds up no other."""
    try:
        yield
    except Exception:  # whatever it was
        logger.exception("%s failed; it is tried again.", what)


def _chunks(parts: Iterator[list[str]], taken: set[str]) -> Iterator[list[str]]:
    """Chunks of one size, without those that an earlier wave took."""
    waiting: list[str] = []
    for part in parts:
        waiting += [name for name in part if name not in taken] if taken else part
        while len(waiting) >= CHUNK:
            yield waiting[:CHUNK]
            waiting = waiting[CHUNK:]
    if waiting:
        yield waiting


def _send(campaign: Campaign, due: Due) -> Send:
    return Send(
        id=0,
        app_id=campaign.app_id,
        campaign_id=campaign.id,
        campaign_token=campaign.token,
        send_id=due.send_id,
        wave=due.wave,
        due_at=due.due_at,
        expires_at=due.expires_at,
    )


def _planned(campaign: Campaign, known: Campaign, now: int) -> Campaign:
    """The campaign with its next time; unless its schedule was changed meanwhile: then it is planned again."""
    if campaign.next_due_at != known.next_due_at or campaign.parameters != known.parameters:
        return campaign
    return msgspec.structs.replace(campaign, next_due_at=schedule.next_due(campaign.parameters, now))


def _completed(campaign: Campaign, now: int) -> Campaign:
    if campaign.next_due_at is not None or campaign.completed_at is not None:
        return campaign
    return msgspec.structs.replace(campaign, completed_at=now)

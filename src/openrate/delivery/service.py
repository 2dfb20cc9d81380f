"""One planner, and a lane for each app that has something to send."""

from __future__ import annotations

import logging
import threading

from openrate.delivery.desk import Desk
from openrate.delivery.lane import Lane
from openrate.delivery.planner import Planner
from openrate.model import SendState

logger = logging.getLogger(__name__)

_EVERY_S = 0.25
"""Seconds between looks at what is due."""


class Delivery:
    """Sends what is due until it is closed. It begins where the one before it ended, however that was."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._planner = Planner(desk)
        self._lanes: dict[tuple[int, bool], Lane] = {}
        self._stop = threading.Event()
        desk.sends.release(desk.worker)
        self._thread = threading.Thread(target=self._run, name="send-planner", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Begin nothing more, and wait a few seconds for what is under way."""
        self._stop.set()
        for lane in list(self._lanes.values()):  # the planner may still add one
            lane.stop()
        self._thread.join()
        for lane in self._lanes.values():
            lane.stop()
            lane.join()

    def _run(self) -> None:
        while not self._stop.wait(_EVERY_S):
            try:
                self._step()
            except Exception:  # a step that fails ends none of the later ones
                logger.exception("Planning sends failed; it is tried again.")

    def _step(self) -> None:
        apps = {app.id: app for app in self._desk.records.apps()}
        for send in self._planner.step():
            campaign = self._desk.live_campaign(apps[send.app_id], send)
            if campaign is None or send.state is not SendState.SENDING:
                continue
            key = send.app_id, campaign.dev_only
            if key not in self._lanes or self._lanes[key].is_over:
                self._lanes[key] = Lane(apps[send.app_id], campaign.dev_only, self._desk)

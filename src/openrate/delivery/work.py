"""The chunks a lane has in hand, and the order in which things are written down.

An end is written down when its fact is durable, an attempt before the network sees it. So a crash loses
nothing, and only what was under way is attempted twice, as the same fact.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Sequence
from concurrent import futures
from concurrent.futures import Future
from typing import NamedTuple

from openrate.delivery.chunk import ChunkRun, End
from openrate.delivery.desk import Desk
from openrate.delivery.pace import Rate
from openrate.delivery.reports import facts_of
from openrate.messages import Messages, version_of
from openrate.model import App, Campaign, Send, Sender, SendState
from openrate.ports.provider import Push, Result, Verdict
from openrate.ports.sends import SendTally

_LEASE_MS = 60_000
"""For so long a worker may be silent before its chunks are given to others."""
_CHUNKS = 8
"""Chunks in hand, so that one whose last answers are slow does not hold up the rest."""
POSITION_BITS = 24
"""The key of a push: the number of its task, then the position in its chunk."""
_RENEW_S = 20.0
"""Seconds after which a lease is renewed though nothing has changed."""


class _Task:
    """A claimed chunk, what it belongs to, and what has happened since it was written down."""

    def __init__(self, send: Send, campaign: Campaign, run: ChunkRun) -> None:
        self.send, self.campaign, self.run = send, campaign, run
        self.messages = Messages(campaign, send.send_id, send.expires_at)
        self.tally = SendTally()
        self.is_changed = False
        self.written_at = time.monotonic()

    def count(self, tally: SendTally) -> None:
        """Add to what is to be written down."""
        self.tally = SendTally(*(a + b for a, b in zip(self.tally, tally, strict=True)))
        self.is_changed = True


class _Report(NamedTuple):
    """Ends whose facts are on their way to the disk, and the tokens among them that are of no use any more."""

    task: _Task
    ends: list[End]
    gone: list[tuple[str, str]]
    stored: Future[None]


class Work:
    """What a lane has in hand. One thread uses it."""

    def __init__(self, app: App, dev: bool, desk: Desk) -> None:
        self._app, self._dev, self._desk = app, dev, desk
        self._open: list[tuple[Send, Campaign]] = []
        self._rates: dict[int, Rate] = {}
        self._tasks: dict[int, _Task] = {}
        self._reports: deque[_Report] = deque()
        self._gone: list[tuple[str, str]] = []
        self._serial = 0

    @property
    def open_sends(self) -> list[Send]:
        """What is being sent, by due time."""
        return [send for send, _ in self._open]

    @property
    def is_over(self) -> bool:
        """Whether there is nothing to send and nothing in hand."""
        return not self._open and not self._tasks

    @property
    def under_way(self) -> int:
        """Pushes without an answer."""
        return sum(task.run.under_way for task in self._tasks.values())

    @property
    def reporting(self) -> int:
        """Ends whose facts are on their way to the disk."""
        return sum(len(report.ends) for report in self._reports)

    def look(self) -> None:
        """See what is open and whose campaign is live; the chunks of what is not any more are put back."""
        found = [(send, self._live_campaign(send)) for send in self._desk.sends.open()]
        self._open = [(send, campaign) for send, campaign in found if campaign is not None]
        for send, campaign in self._open:
            wanted = campaign.parameters.get("send_rate")
            if send.id not in self._rates or self._rates[send.id].per_minute != wanted:
                self._rates[send.id] = Rate(wanted, time.monotonic())
        live = {send.id for send, _ in self._open}
        for key, task in list(self._tasks.items()):
            if task.send.id not in live:
                self._put_back(key, task)

    def attempt(self, most: int, now: int) -> list[Push]:
        """Pushes to begin now, at most so many, in the order in which their sends are due."""
        pushes: list[Push] = []
        for send, campaign in self._open:
            rate = self._rates[send.id]
            room = min(most - len(pushes), rate.room(time.monotonic()))
            begun = self._attempt_send(send, campaign, room, now)
            rate.take(len(begun))
            pushes += begun
        return pushes

    def answered(self, answers: Sequence[tuple[Push, Verdict]], now: int) -> None:
        """Take answers in, and report the ends among them."""
        ends: dict[int, list[End]] = {}
        gone: dict[int, list[tuple[str, str]]] = {}
        for push, verdict in answers:
            key, position = push.key >> POSITION_BITS, push.key & (1 << POSITION_BITS) - 1
            task = self._tasks.get(key)
            if task is None:  # it was lost to another worker
                continue
            task.is_changed = True
            end = task.run.answered(position, verdict, now, task.send.expires_at)
            if end is not None:
                ends.setdefault(key, []).append(end)
                if verdict.result is Result.GONE:
                    gone.setdefault(key, []).append((task.run.chunk.installations[position], push.token))
        for key, of_chunk in ends.items():
            self._report(self._tasks[key], of_chunk, gone.get(key, []))

    def conclude(self, wait: float = 0) -> None:
        """Take in that facts are durable; waits for the first so long (seconds).

        Raises:
            StoreError: they could not be stored; they are on their way again.
        """
        if wait and self._reports:
            futures.wait([self._reports[0].stored], wait)
        while self._reports and self._reports[0].stored.done():
            report = self._reports.popleft()
            error = report.stored.exception()
            if error is not None:
                self._report(report.task, report.ends, report.gone)
                raise error
            report.task.count(report.task.run.conclude(report.ends))
            self._gone += report.gone

    def write(self, now: int) -> set[int]:
        """Write down what has changed, and let go of what is done. Returns the keys of chunks that were lost."""
        lost = set()
        for key, task in list(self._tasks.items()):
            if task.is_changed or time.monotonic() - task.written_at > _RENEW_S:
                if not self._write(task, now + _LEASE_MS):
                    lost.add(key)
                    del self._tasks[key]
                elif task.run.is_done:
                    del self._tasks[key]
        if self._gone:
            # After the journal: a token that is missing before would make its recipient look skipped after a crash.
            self._desk.sends.retire_tokens(self._app.id, self._dev, self._gone)
            self._gone = []
        return lost

    def put_back(self) -> None:
        """Give the chunks back, so that another worker need not wait for the leases to end."""
        for key, task in list(self._tasks.items()):
            self._put_back(key, task)

    def _live_campaign(self, send: Send) -> Campaign | None:
        """The campaign of a send that this lane is to go on with."""
        app = self._desk.records.app_by_key(self._app.live_key)
        if send.app_id != self._app.id or send.state is not SendState.SENDING:
            return None
        if app is None or app.sender is not Sender.OPENRATE:
            return None
        campaign = self._desk.records.campaign(send.app_id, send.campaign_token)
        if campaign is None or campaign.deleted_at is not None or campaign.dev_only != self._dev:
            return None
        return campaign if campaign.parameters["live"] else None

    def _attempt_send(self, send: Send, campaign: Campaign, room: int, now: int) -> list[Push]:
        """Pushes of one send. Chunks are claimed until there is no room, or none is left."""
        pushes: list[Push] = []
        mine = [(key, task) for key, task in self._tasks.items() if task.send.id == send.id]
        while room > len(pushes):
            if not mine and (claimed := self._claim(send, campaign, now)) is not None:
                mine.append(claimed)
            if not mine:
                break
            key, task = mine.pop(0)
            if now >= send.expires_at:
                self._expire(task)
            else:
                pushes += self._attempt_task(key, task, room - len(pushes), now)
        return pushes

    def _attempt_task(self, key: int, task: _Task, most: int, now: int) -> list[Push]:
        positions, skipped = task.run.attempt(most, now)
        if positions or any(skipped):
            task.count(skipped)
        return [self._push(key, task, position) for position in positions]

    def _push(self, key: int, task: _Task, position: int) -> Push:
        recipient, name = task.run.recipient(position), task.run.chunk.installations[position]
        campaign = task.campaign
        version = version_of(campaign.token, name) if campaign.has_versions else None
        message = task.messages.of(version, recipient.language)
        return Push(key << POSITION_BITS | position, recipient.push_token or "", message)

    def _expire(self, task: _Task) -> None:
        """The time to live is over: what is open and not under way ends here."""
        ends, skipped = task.run.expire(task.send.expires_at)
        task.count(skipped)
        if ends:
            self._report(task, ends, [])

    def _claim(self, send: Send, campaign: Campaign, now: int) -> tuple[int, _Task] | None:
        """The next chunk of a send; when there is none and none in hand, the send is done."""
        if len(self._tasks) >= _CHUNKS:
            return None
        chunk = self._desk.sends.claim(send.id, self._desk.worker, now, now + _LEASE_MS)
        if chunk is None:
            if all(task.send.id != send.id for task in self._tasks.values()):
                self._desk.sends.finish(send.id, SendState.DONE, now)
            return None
        known = self._desk.sends.recipients(self._app.id, self._dev, chunk.installations)
        self._serial += 1
        self._tasks[self._serial] = task = _Task(send, campaign, ChunkRun(chunk, known))
        return self._serial, task

    def _report(self, task: _Task, ends: list[End], gone: list[tuple[str, str]]) -> None:
        facts = facts_of(self._app, task.campaign, task.send.send_id, task.run, ends)
        stored = self._desk.log.append(self._app.id, self._dev, facts, is_awaited=False)
        self._reports.append(_Report(task, ends, gone, stored))

    def _write(self, task: _Task, until: int) -> bool:
        written = self._desk.sends.write(
            task.run.written(), self._desk.worker, until, task.tally, is_done=task.run.is_done
        )
        task.tally, task.is_changed, task.written_at = SendTally(), False, time.monotonic()
        return written

    def _put_back(self, key: int, task: _Task) -> None:
        """End the lease on a chunk of which nothing is under way or being reported."""
        if not task.run.under_way and all(report.task is not task for report in self._reports):
            self._write(task, 0)
            del self._tasks[key]

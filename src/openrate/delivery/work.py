"""The chunks a lane has in hand, and the order in which things are written down.

An end is written down when its fact is durable, an attempt before the network sees it. So a crash loses
nothing, and only what was under way is attempted twice, as the same fact.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent import futures
from concurrent.futures import Future
from typing import NamedTuple

from openrate.delivery.chunk import EVER, ChunkRun, End
from openrate.delivery.desk import Desk
from openrate.delivery.pace import Rate
from openrate.delivery.reports import facts_of
from openrate.messages import Messages, version_of
from openrate.model import App, Campaign, Send, SendState
from openrate.ports.provider import Push, Result, Verdict
from openrate.ports.sends import Chunk, Journal, Recipient, SendTally

_LEASE_MS = 60_000
"""For so long a worker may be silent before its chunks are given to others."""
_CHUNKS = 8
"""Chunks of a send in hand, so that one whose last answers are slow does not hold up the rest."""
_POSITION_BITS = 24
"""The key of a push: the number of its task, then the position in its chunk."""
_RENEW_S = 20.0
"""Seconds after which a lease is renewed though nothing has changed."""


class _Task:
    """A claimed chunk, what it belongs to, and what has happened since it was written down."""

    def __init__(self, send: Send, campaign: Campaign, run: ChunkRun) -> None:
        self.send, self.run = send, run
        self.tally = SendTally()
        self.is_changed = False
        self.written_at = time.monotonic()
        self.take_up(campaign)

    def take_up(self, campaign: Campaign) -> None:
        """Say from now on what the campaign says now."""
        self.campaign = campaign
        self.messages = Messages(campaign, self.send.send_id, self.send.expires_at)

    def count(self, tally: SendTally) -> None:
        """Add to what is to be written down."""
        self.tally = SendTally(*(a + b for a, b in zip(self.tally, tally, strict=True)))
        self.is_changed = True

    def was_written(self) -> None:
        """All of it is in the journal."""
        self.tally, self.is_changed, self.written_at = SendTally(), False, time.monotonic()


class _Report(NamedTuple):
    """Ends whose facts are on their way to the disk, and the tokens among them that are of no use any more."""

    task: _Task
    ends: list[End]
    gone: list[tuple[str, str]]
    stored: Future[None]


class Work:
    """What a lane has in hand. One thread uses it.

    Every method may raise StoreError; what was in hand is still there afterwards, and calling again goes on.
    """

    def __init__(self, app: App, dev: bool, desk: Desk) -> None:
        self._app, self._dev, self._desk = app, dev, desk
        self._open: list[tuple[Send, Campaign]] = []
        self._rates: dict[int, Rate] = {}
        self._tasks: dict[int, _Task] = {}
        self._none_left: set[int] = set()
        self._chosen: list[Push] = []
        self._reports: deque[_Report] = deque()
        self._gone: list[tuple[str, str]] = []
        self._ended_gone: list[tuple[str, str]] = []
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

    def look(self, app: App) -> None:
        """See what is open and what its campaigns say; the chunks of what may not go on are put back."""
        self._app = app
        found = [(send, self._campaign(send)) for send in self._desk.sends.open()]
        self._open = [(send, campaign) for send, campaign in found if campaign is not None]
        self._none_left.clear()
        for _, campaign in self._open:
            wanted = campaign.parameters.get("send_rate")
            if campaign.id not in self._rates or self._rates[campaign.id].per_minute != wanted:
                self._rates[campaign.id] = Rate(wanted, time.monotonic())
        live = {send.id: campaign for send, campaign in self._open}
        for task in self._tasks.values():
            campaign = live.get(task.send.id, task.campaign)
            if campaign != task.campaign:
                task.take_up(campaign)
        self._put_back([key for key, task in self._tasks.items() if task.send.id not in live])

    def attempt(self, most: int, now: int) -> int:
        """Choose pushes to begin, at most so many, in the order in which their sends are due; how many there are."""
        chosen = 0
        for send, campaign in self._open:
            if now < send.expires_at:
                rate = self._rates[campaign.id]
                room = min(most - chosen, rate.room(time.monotonic()))
                begun = self._attempt_send(send, campaign, room, now)
                rate.take(begun)
                chosen += begun
        return chosen

    def expire(self, now: int) -> None:
        """End what is open in sends whose time to live is over, and not under way."""
        for send, campaign in self._open:
            if now >= send.expires_at:
                for _, task in self._chunks_of(send, campaign, now):
                    self._expire(task)

    def answered(self, answers: Sequence[tuple[Push, Verdict]], now: int) -> None:
        """Take answers in, and report the ends among them."""
        ends: dict[int, list[End]] = {}
        gone: dict[int, list[tuple[str, str]]] = {}
        for push, verdict in answers:
            key, position = push.key >> _POSITION_BITS, push.key & (1 << _POSITION_BITS) - 1
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
        """Take in that facts are durable; waits for the first so long (seconds)."""
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

    def write(self, now: int) -> list[Push]:
        """Write down what has changed, and let go of what is done or only waits. Returns the pushes to begin.

        What was chosen by ``attempt`` begins only now, and not if its chunk was lost to another worker.
        """
        lost = self._write(self._to_write(now), now + _LEASE_MS)
        self._ended_gone += self._gone
        self._gone = []
        chosen, self._chosen = self._chosen, []
        return [push for push in chosen if push.key >> _POSITION_BITS not in lost]

    def retire(self) -> None:
        """Take away the tokens that are of no use any more and whose ends are written down.

        Before that, a token that is missing would make its recipient look skipped after a crash.
        """
        if self._ended_gone:
            self._desk.sends.retire_tokens(self._app.id, self._dev, self._ended_gone)
            self._ended_gone = []

    def put_back(self) -> None:
        """Give the chunks back, so that another worker need not wait for the leases to end."""
        self._put_back(list(self._tasks))

    def _campaign(self, send: Send) -> Campaign | None:
        """The campaign of a send that this lane is to go on with."""
        if send.app_id != self._app.id or send.state is not SendState.SENDING:
            return None
        campaign = self._desk.live_campaign(self._app, send)
        return campaign if campaign is not None and campaign.dev_only == self._dev else None

    def _chunks_of(self, send: Send, campaign: Campaign, now: int) -> Iterator[tuple[int, _Task]]:
        """The chunks of a send: those in hand, then others, which are claimed as they are asked for."""
        yield from [(key, task) for key, task in self._tasks.items() if task.send.id == send.id]
        while (claimed := self._claim(send, campaign, now)) is not None:
            yield claimed

    def _attempt_send(self, send: Send, campaign: Campaign, room: int, now: int) -> int:
        begun = 0
        if room > 0:
            for key, task in self._chunks_of(send, campaign, now):
                begun += self._attempt_task(key, task, room - begun, now)
                if begun >= room:
                    break
        return begun

    def _attempt_task(self, key: int, task: _Task, most: int, now: int) -> int:
        begun = 0
        while begun < most and (candidates := task.run.candidates(now, most - begun)):
            positions, skipped = task.run.begin(candidates, self._recipients(task, candidates), now)
            task.count(skipped)
            self._chosen += [self._push(key, task, position) for position in positions]
            begun += len(positions)
        return begun

    def _recipients(self, task: _Task, positions: Sequence[int]) -> dict[str, Recipient]:
        """What is known of these now: a token may have changed since they were selected."""
        names = [task.run.chunk.installations[position] for position in positions]
        return self._desk.sends.recipients(self._app.id, self._dev, names)

    def _push(self, key: int, task: _Task, position: int) -> Push:
        recipient, name = task.run.recipient(position), task.run.chunk.installations[position]
        campaign = task.campaign
        version = version_of(campaign.token, name) if campaign.has_versions else None
        message = task.messages.of(version, recipient.language)
        return Push(key << _POSITION_BITS | position, recipient.push_token or "", message)

    def _expire(self, task: _Task) -> None:
        candidates = task.run.candidates(EVER)
        if not candidates:
            return
        ends, skipped = task.run.expire(candidates, self._recipients(task, candidates), task.send.expires_at)
        task.count(skipped)
        if ends:
            self._report(task, ends, [])

    def _claim(self, send: Send, campaign: Campaign, now: int) -> tuple[int, _Task] | None:
        """The next chunk of a send; when there is none and none in hand, the send is done."""
        in_hand = sum(task.send.id == send.id for task in self._tasks.values())
        if in_hand >= _CHUNKS or send.id in self._none_left:
            return None
        chunk = self._desk.sends.claim(send.id, self._desk.worker, now, now + _LEASE_MS)
        while chunk is not None and self._is_in_hand(chunk):  # its lease had run out: now it is renewed
            chunk = self._desk.sends.claim(send.id, self._desk.worker, now, now + _LEASE_MS)
        if chunk is None:
            self._none_left.add(send.id)
            if not in_hand:
                self._desk.sends.finish(send.id, SendState.DONE, now)
            return None
        self._serial += 1
        self._tasks[self._serial] = task = _Task(send, campaign, ChunkRun(chunk))
        return self._serial, task

    def _is_in_hand(self, chunk: Chunk) -> bool:
        held = ((task.run.chunk.send, task.run.chunk.number) for task in self._tasks.values())
        return (chunk.send, chunk.number) in held

    def _report(self, task: _Task, ends: list[End], gone: list[tuple[str, str]]) -> None:
        facts = facts_of(self._app, task.campaign, task.send.send_id, task.run, ends)
        stored = self._desk.log.append(self._app.id, self._dev, facts, is_awaited=False)
        self._reports.append(_Report(task, ends, gone, stored))

    def _is_idle(self, task: _Task) -> bool:
        """Whether nothing of a chunk is under way or being reported."""
        return not task.run.under_way and all(report.task is not task for report in self._reports)

    def _to_write(self, now: int) -> dict[int, int | None]:
        """The chunks to write down, with when they are to be claimed again; None: they stay in hand."""
        found: dict[int, int | None] = {}
        for key, task in self._tasks.items():
            later = task.run.waits_until if self._is_idle(task) else None
            if later is not None and later > now:
                found[key] = later
            elif task.is_changed or time.monotonic() - task.written_at > _RENEW_S:
                found[key] = None
        return found

    def _write(self, wanted: dict[int, int | None], until: int) -> set[int]:
        """Write these chunks down. Those that are done or not to stay are let go of; returns those that were lost."""
        if not wanted:
            return set()
        tasks = [(key, self._tasks[key], later) for key, later in wanted.items()]
        journals = [
            Journal(task.run.written(), task.tally, task.run.is_done, until if later is None else later)
            for _, task, later in tasks
        ]
        kept = self._desk.sends.write(self._desk.worker, journals)
        for key, task, later in tasks:
            task.was_written()
            if later is not None or task.run.is_done:
                del self._tasks[key]
                self._none_left.discard(task.send.id)
        lost = {key for (key, _, _), is_kept in zip(tasks, kept, strict=True) if not is_kept}
        for key in lost:
            self._tasks.pop(key, None)
        return lost

    def _put_back(self, keys: Sequence[int]) -> None:
        self._write({key: 0 for key in keys if self._is_idle(self._tasks[key])}, 0)

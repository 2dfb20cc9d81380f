"""The campaigns of a company as a list: searched, filtered, sorted, a page at a time, with their numbers.

From memory: what a list shows of a campaign is kept true by the records, the numbers by the log. Ten thousand
campaigns are searched and sorted in some 20 ms (``benchmarks/pages.py``).
"""

from __future__ import annotations

import secrets
from bisect import bisect_right
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from enum import StrEnum
from typing import Any, NamedTuple

from openrate import stats
from openrate.campaign_parameters import moment
from openrate.campaigns import Course, course
from openrate.model import App, Campaign, CampaignState
from openrate.ports.clock import Clock
from openrate.ports.event_log import EventLog
from openrate.ports.records import Records

PAGE = 50
"""Campaigns on a page."""
DAYS = 30
"""Day rows of each, the newest."""
_LONGEST_TEXT = 200


class Order(StrEnum):
    """By what a list is sorted; campaigns that are equal in it are newest first."""

    CREATED = "created"
    NAME = "name"
    PUSH_TIME = "push_time"
    SENT = "sent"
    OPEN_RATE = "open_rate"


class Wanted(NamedTuple):
    """Which campaigns, and in what order. A part that is empty does not narrow.

    Attributes:
        text: words that all occur in the name, a label or the token, whatever their case.
        labels: all of which the campaign has.
        states: of which it is in one.
        page: from 1; beyond the last page it is the last.
    """

    text: str = ""
    labels: frozenset[str] = frozenset()
    states: frozenset[CampaignState] = frozenset()
    app_id: int | None = None
    has_versions: bool | None = None
    order: Order = Order.CREATED
    descending: bool = True
    page: int = 1


class Line(NamedTuple):
    """A campaign as a list shows it.

    Attributes:
        campaign: of its parameters those of ``ports.records.SummaryParameters``.
        push_time: milliseconds since 1970; one by the devices' clocks (``is_local``) is read as UTC.
        totals: by counter, of all days.
        open_rate: of all days, from 0 to 1.
        days: the last day rows, ascending.
    """

    campaign: Campaign
    app: App
    state: CampaignState
    push_time: int
    is_local: bool
    totals: Mapping[str, int]
    open_rate: float
    days: Sequence[stats.Day]


class Page(NamedTuple):
    """A page of the list.

    Attributes:
        lines: at most ``PAGE``.
        total: how many campaigns there are on all pages.
        number: of this page, from 1.
        pages: how many there are, at least 1.
        revision: what ``Overview.revision`` said before the page was made.
    """

    lines: list[Line]
    total: int
    number: int
    pages: int
    revision: str


class _Entry(NamedTuple):
    """What a campaign is found by."""

    campaign: Campaign
    app: App
    name: str
    text: str
    labels: frozenset[str]
    course: Course
    push_time: int

    def state(self, now: int) -> CampaignState:
        return [state for begins, state in self.course if begins <= now][-1]


class _Entries(NamedTuple):
    """The campaigns of an app, newest first, and the moments at which one of them changes its state."""

    app: App
    of: Sequence[Campaign]
    entries: list[_Entry]
    moments: list[int]


class Overview:
    """The lists of campaigns of all companies. Safe from any thread."""

    def __init__(self, records: Records, log: EventLog, clock: Clock) -> None:
        self._records = records
        self._log = log
        self._clock = clock
        self._known: dict[int, _Entries] = {}
        self._counted: dict[int, tuple[tuple[int, int], int]] = {}
        self._keys: dict[Order, Callable[[_Entry], Any]] = {
            Order.NAME: lambda entry: entry.name,
            Order.PUSH_TIME: lambda entry: entry.push_time,
            Order.SENT: lambda entry: log.totals(entry.campaign.id)["sent"],
            Order.OPEN_RATE: lambda entry: stats.open_rate(log.totals(entry.campaign.id)),
        }
        # Numbers start anew with the process: what was drawn before must not look like what is there now.
        self._start = secrets.token_hex(4)

    def page(self, company_id: int, wanted: Wanted) -> Page:
        """A page of the campaigns of a company, of all its apps."""
        revision, now = self.revision(company_id), self._clock.now()
        words = wanted.text[:_LONGEST_TEXT].casefold().split()
        found = [
            entry
            for app in self._records.apps(company_id)
            if wanted.app_id in {None, app.id}
            for entry in self._entries(app).entries
            if _meets(entry, wanted, words, now)
        ]
        found = self._sorted(found, wanted.order, descending=wanted.descending)
        pages = max(1, -(-len(found) // PAGE))
        number = min(max(1, wanted.page), pages)
        chosen = found[(number - 1) * PAGE : number * PAGE]
        return Page([self._line(entry, now) for entry in chosen], len(found), number, pages, revision)

    def labels(self, company_id: int) -> dict[str, int]:
        """The labels of a company's campaigns, by name, each with how many have it."""
        entries = (e for app in self._records.apps(company_id) for e in self._entries(app).entries)
        counts = Counter(label for entry in entries for label in entry.labels)
        return dict(sorted(counts.items()))

    def revision(self, company_id: int) -> str:
        """Another text whenever a page of the list may look different; some microseconds while it does not."""
        apps, now = self._records.apps(company_id), self._clock.now()
        written = sum(self._records.campaigns_changed(app.id) for app in apps)
        begun = sum(bisect_right(self._entries(app).moments, now) for app in apps)
        return f"{self._start}-{written}-{self._last_count(company_id, apps, written)}-{begun}"

    def _last_count(self, company_id: int, apps: Sequence[App], written: int) -> int:
        """Grows whenever a row of a campaign of the company does; looks at all only if a row of any did."""
        moment = (self._log.changed(), written)
        known = self._counted.get(company_id)
        if known is None or known[0] != moment:
            ids = (entry.campaign.id for app in apps for entry in self._entries(app).entries)
            known = self._counted[company_id] = moment, max(map(self._log.changed, ids), default=0)
        return known[1]

    def _entries(self, app: App) -> _Entries:
        summaries = self._records.campaign_summaries(app.id)
        known = self._known.get(app.id)
        if known is None or known.app != app:
            known = _Entries(app, [], [], [])
        if known.of is not summaries:
            known = self._known[app.id] = _renewed(known, summaries)
        return known

    def _sorted(self, entries: list[_Entry], order: Order, *, descending: bool) -> list[_Entry]:
        newest_first = sorted(entries, key=lambda entry: -entry.campaign.id)
        if order is Order.CREATED:
            return newest_first if descending else newest_first[::-1]
        return sorted(newest_first, key=self._keys[order], reverse=descending)

    def _line(self, entry: _Entry, now: int) -> Line:
        campaign = entry.campaign
        totals = self._log.totals(campaign.id)
        return Line(
            campaign,
            entry.app,
            entry.state(now),
            entry.push_time,
            "local_push_time" in campaign.parameters,
            totals,
            stats.open_rate(totals),
            stats.days(self._log.rows(campaign.id))[-DAYS:],
        )


def _renewed(known: _Entries, summaries: Sequence[Campaign]) -> _Entries:
    """What is known already of a campaign that did not change is kept: the rest costs 5 µs each."""
    before = {entry.campaign.id: entry for entry in known.entries}
    entries = [
        entry
        if (entry := before.get(campaign.id)) and entry.campaign is campaign
        else _entry(campaign, known.app)
        for campaign in summaries
    ]
    moments = sorted(begins for entry in entries for begins, _ in entry.course[1:])
    return _Entries(known.app, summaries, entries, moments)


def _entry(campaign: Campaign, app: App) -> _Entry:
    given = campaign.parameters
    labels = given.get("labels", [])
    return _Entry(
        campaign,
        app,
        given["name"].casefold(),
        "\n".join((given["name"], *labels, campaign.token)).casefold(),
        frozenset(labels),
        course(campaign, app),
        moment(given.get("push_time") or given["local_push_time"]),
    )


def _meets(entry: _Entry, wanted: Wanted, words: Sequence[str], now: int) -> bool:
    return (
        (wanted.has_versions is None or entry.campaign.has_versions is wanted.has_versions)
        and wanted.labels <= entry.labels
        and all(word in entry.text for word in words)
        and (not wanted.states or entry.state(now) in wanted.states)
    )

"""Bytes to facts, or a refusal with its reason (``http-api.md``, ``POST /events``).

The steps of a request: decode → judge what each event says → check whose it is → set its time → append →
wait until it is durable. All but the last two are pure. A batch has thousands of events and a handful of
kinds, so each kind is judged once; names and times are checked as whole columns, and one by one only when
some of them are not plainly right.
"""

from __future__ import annotations

import asyncio
import re
from collections import Counter
from concurrent.futures import Future
from typing import Any, NamedTuple, cast

import msgspec
import numpy as np
from numpy.typing import NDArray

from openrate.activity import Activity
from openrate.errors import BodyTooLarge, MalformedParameter
from openrate.events import Event, Refusal, decode
from openrate.model import DAY_MS, App, CampaignRef, Cause, FactType, Platform
from openrate.ports.event_log import EventLog, FactColumns, Kind
from openrate.ports.records import Records
from openrate.refusals import Refusals
from openrate.times import parse_rfc3339, parse_time, parse_times

MOST_SERVER_EVENTS = 500_000
MOST_DEVICE_EVENTS = 1_000
MOST_ERRORS = 100
SMALL_BODY = 64 << 10
AHEAD_MS = 5 * 60_000
CLOCK_TOLERANCE_MS = 5_000
DEVICE_AGE_MS = 90 * DAY_MS

_NAME = re.compile(r"[A-Za-z0-9_.:-]{1,64}", re.ASCII)
_NAME_BYTES = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.:-"
_MOST_NAME = 64
_LANGUAGE = re.compile(r"[A-Za-z0-9_-]{1,35}", re.ASCII)
_TYPES = {
    "push_sent": FactType.PUSH_SENT,
    "push_error": FactType.PUSH_ERROR,
    "push_open": FactType.PUSH_OPEN,
    "app_open": FactType.APP_OPEN,
}
_IMPORTED_TYPES = _TYPES | {"installed": FactType.INSTALLED}
_DEVICE_TYPES = {FactType.PUSH_OPEN, FactType.APP_OPEN}
_ABOUT_NO_CAMPAIGN = {FactType.APP_OPEN, FactType.INSTALLED}
_REPORTS = {FactType.PUSH_SENT, FactType.PUSH_ERROR}


class Reporter(NamedTuple):
    """Who reports: a device that speaks for one installation, or (None) a server, for any.

    An import, which comes from the command line, may report ``installed`` as well.
    """

    installation_id: str | None
    is_import: bool = False


class IngestAnswer(msgspec.Struct, frozen=True):
    """The answer to a request; ``errors`` are the first 100 refusals."""

    accepted: int
    rejected: int
    errors: list[Refusal]


class Reading(NamedTuple):
    """What a body holds: facts, every event that is none, and those by campaign (0: no known one) and code."""

    facts: FactColumns
    refusals: list[Refusal]
    refused: Counter[tuple[int, str]]


class _No(NamedTuple):
    """A refusal before it is known which events it strikes."""

    code: str
    message: str


class Ingest:
    """The door for facts, the same for everyone who reports."""

    def __init__(self, records: Records, log: EventLog, activity: Activity) -> None:
        self._records = records
        self._log = log
        self._activity = activity
        self.refusals = Refusals()
        self._commit: Future[None] | None = None
        self._committed: asyncio.Future[None]

    async def take(  # noqa: PLR0913 - the parts of a request
        self,
        app: App,
        dev: bool,
        body: bytes,
        media_type: str,
        reporter: Reporter,
        received_at: int,
        sent_at: str | None = None,
    ) -> IngestAnswer:
        """Take a request's events; returns when every accepted one is durable.

        Raises:
            MalformedJsonBody, MalformedParameter, BodyTooLarge: nothing of it was taken.
            StoreError: the facts could not be stored.
        """
        reading = await self._read_aside(app, body, media_type, reporter, received_at, sent_at)
        await self._durable(self._log.append(app.id, dev, reading.facts))
        # Now: who is told of a failure reports all of it again.
        self.refusals.add(reading.refused)
        self._activity.facts_refused(app.id, reading.refused)
        refusals = reading.refusals
        return IngestAnswer(len(reading.facts), len(refusals), refusals[:MOST_ERRORS])

    async def _durable(self, done: Future[None]) -> None:
        """Wait for a commit. Those who share one wake together, for a thread wakes a loop slowly."""
        if done is not self._commit:
            self._commit, self._committed = done, asyncio.wrap_future(done)
        # Shielded: a caller that gives up takes nothing back from the others.
        await asyncio.shield(self._committed)

    async def _read_aside(self, app: App, body: bytes, *rest: Any) -> Reading:
        """Read a small body at once, a large one in a thread, so that others are answered meanwhile."""
        if len(body) <= SMALL_BODY:
            return self.read(app, body, *rest)
        return await asyncio.to_thread(self.read, app, body, *rest)

    def read(  # noqa: PLR0913 - the parts of a request
        self,
        app: App,
        body: bytes,
        media_type: str,
        reporter: Reporter,
        received_at: int,
        sent_at: str | None = None,
    ) -> Reading:
        """Everything up to storing: the facts a body holds, and what is refused and why."""
        most = MOST_SERVER_EVENTS if reporter.installation_id is None else MOST_DEVICE_EVENTS
        events, index, refusals = decode(body, media_type, most)
        if len(events) + len(refusals) > most:
            raise BodyTooLarge(f"A request takes at most {most} events: send them in several.")
        shift = _clock_shift(reporter, received_at, sent_at)
        kind, judged, about = self._judge(app, reporter, events)
        reasons = _refused_kinds(kind, judged)
        names = [event.installation_id for event in events]
        if reporter.installation_id is not None:
            names = _claim(names, reporter.installation_id, reasons)
        _check_names(names, reasons)
        ats = _times([event.at for event in events], reasons, received_at)
        ats = _checked_times(ats, reasons, reporter, received_at, shift)
        refused = Counter((0, refusal.code) for refusal in refusals)
        refused.update((about[kind[at]], no.code) for at, no in reasons.items())
        refusals += [Refusal(index[at], *no) for at, no in reasons.items()]
        refusals.sort(key=lambda refusal: refusal.index)
        return Reading(_columns(kind, judged, names, ats, reasons), refusals, refused)

    def _judge(
        self, app: App, reporter: Reporter, events: list[Event]
    ) -> tuple[NDArray[np.int64], list[Kind | _No], list[int]]:
        """What the events say beside whose and when, distinct sayings judged once.

        Returns:
            which saying each event has; what each saying comes to; the campaign it names, 0: none that is known.
        """
        sayings = [
            (e.type, e.campaign_token, e.version, e.opted_in, e.send_id, e.cause, e.platform, e.language)
            for e in events
        ]
        numbers = {saying: number for number, saying in enumerate(set(sayings))}
        tokens = {saying[1] for saying in numbers if saying[1] is not None}
        campaigns = self._records.campaign_refs(app.id, sorted(tokens)) if tokens else {}
        judged = [_judge_one(_Saying(*saying), campaigns, reporter) for saying in numbers]
        about = [campaigns[saying[1]].id if saying[1] in campaigns else 0 for saying in numbers]
        return np.fromiter(map(numbers.__getitem__, sayings), np.int64, len(sayings)), judged, about


class _Saying(NamedTuple):
    """What an event says beside whose and when."""

    type: str | None
    campaign_token: str | None
    version: str | None
    opted_in: bool | None
    send_id: str | None
    cause: str | None
    platform: str | None
    language: str | None


def _judge_one(  # noqa: PLR0911 - one return per reason to refuse
    saying: _Saying, campaigns: dict[str, CampaignRef], reporter: Reporter
) -> Kind | _No:
    """A kind of fact, or why it is none."""
    if saying.type is None:
        return _No("missing_field", "type is missing: say push_sent, push_error, push_open or app_open.")
    fact_type = (_IMPORTED_TYPES if reporter.is_import else _TYPES).get(saying.type)
    if fact_type is None:
        return _No("unknown_type", "type is not known: it is push_sent, push_error, push_open or app_open.")
    if reporter.installation_id is not None and fact_type not in _DEVICE_TYPES:
        return _No("not_allowed", "A device reports push_open and app_open: the rest is for its server.")
    if malformed := _malformed(saying):
        return malformed
    if fact_type in _ABOUT_NO_CAMPAIGN:
        return Kind(fact_type)
    if saying.campaign_token is None:
        return _No("missing_field", "campaign_token is missing: say which campaign this is about.")
    campaign = campaigns.get(saying.campaign_token)
    if campaign is None:
        return _No("unknown_campaign", "campaign_token names no campaign of this app.")
    if fact_type is FactType.PUSH_OPEN:
        return Kind(fact_type, campaign.id, saying.send_id)
    return _judge_report(saying, fact_type, campaign)


def _judge_report(saying: _Saying, fact_type: FactType, campaign: CampaignRef) -> Kind | _No:
    if fact_type is FactType.PUSH_ERROR and saying.cause is None:
        return _No("missing_field", f"cause is missing: say one of {', '.join(Cause)}.")
    if campaign.has_versions and saying.version is None:
        return _No("missing_version", "version is missing: this campaign has the versions a and b.")
    if saying.version is not None and not (campaign.has_versions and saying.version in {"a", "b"}):
        known = "the versions a and b" if campaign.has_versions else "no versions"
        return _No("unknown_version", f"version is not known: this campaign has {known}.")
    is_error = fact_type is FactType.PUSH_ERROR
    return Kind(
        fact_type,
        campaign.id,
        saying.send_id,
        saying.version,
        is_error or saying.opted_in is not False,
        Cause(saying.cause) if is_error and saying.cause else None,
        saying.platform,
        saying.language,
    )


def is_language(text: str) -> bool:
    """Whether a fact may carry this as its language."""
    return _LANGUAGE.fullmatch(text) is not None


def _malformed(saying: _Saying) -> _No | None:
    """Form, whatever the type."""
    if saying.send_id is not None and not _NAME.fullmatch(saying.send_id):
        return _No("malformed", "send_id is not 1 to 64 characters of A-Za-z0-9_.:-.")
    if saying.cause is not None and saying.cause not in set(Cause):
        return _No("malformed", f"cause is not one of {', '.join(Cause)}.")
    if saying.platform is not None and saying.platform not in set(Platform):
        return _No("malformed", f"platform is not one of {', '.join(Platform)}.")
    if saying.language is not None and not is_language(saying.language):
        return _No("malformed", "language is not 1 to 35 letters, digits or hyphens, such as fr or pt-BR.")
    return None


def _refused_kinds(kind: NDArray[np.int64], judged: list[Kind | _No]) -> dict[int, _No]:
    """The events whose kind is refused, by position."""
    refused = np.array([isinstance(no, _No) for no in judged], bool)
    if not refused.any():
        return {}
    struck = np.flatnonzero(refused[kind])
    return {at: no for at in struck.tolist() if isinstance(no := judged[kind[at]], _No)}


def _claim(names: list[str | None], own: str, reasons: dict[int, _No]) -> list[str | None]:
    """A device speaks for itself: the id may be left out, another one's is refused."""
    for at, name in enumerate(names):
        if name is not None and name != own:
            reasons.setdefault(
                at, _No("not_allowed", "installation_id is not the one this token speaks for.")
            )
    return [own] * len(names)


def _check_names(names: list[str | None], reasons: dict[int, _No]) -> None:
    if names and None not in names:
        given = cast(list[str], names)
        sizes = set(map(len, given))
        letters = "".join(given).encode("utf-8", "replace")
        if min(sizes) > 0 and max(sizes) <= _MOST_NAME and not letters.translate(None, _NAME_BYTES):
            return
    for at, name in enumerate(names):
        if name is None:
            reasons.setdefault(at, _No("missing_field", "installation_id is missing."))
        elif not _NAME.fullmatch(name):
            reasons.setdefault(
                at, _No("malformed", "installation_id is not 1 to 64 characters of A-Za-z0-9_.:-.")
            )


def _times(texts: list[str | None], reasons: dict[int, _No], received_at: int) -> NDArray[np.int64]:
    """When, in ms; without ``at`` the moment of receipt."""
    if None not in texts and (together := parse_times(cast(list[str], texts))) is not None:
        return together
    ats = np.full(len(texts), received_at, np.int64)
    for position, text in enumerate(texts):
        at = received_at if text is None else parse_time(text)
        if at is None:
            reasons.setdefault(
                position,
                _No(
                    "malformed",
                    "at is not RFC 3339 with an offset between 2000 and 2100, such as 2026-03-10T23:30:00.000Z.",
                ),
            )
        else:
            ats[position] = at
    return ats


def _clock_shift(reporter: Reporter, received_at: int, sent_at: str | None) -> int:
    """By how much a device's clock is behind, in ms; 0 within the tolerance, and for servers.

    Raises:
        MalformedParameter: X-Sent-At is not a time.
    """
    if reporter.installation_id is None or sent_at is None:
        return 0
    at = parse_rfc3339(sent_at)
    if at is None:
        raise MalformedParameter(
            "X-Sent-At is not RFC 3339 with an offset: send the device's clock, "
            "such as 2026-03-10T23:30:00.000Z."
        )
    shift = received_at - at
    return shift if abs(shift) > CLOCK_TOLERANCE_MS else 0


def _checked_times(
    ats: NDArray[np.int64], reasons: dict[int, _No], reporter: Reporter, received_at: int, shift: int
) -> NDArray[np.int64]:
    """Times of a device corrected and not too old; times of a server not in the future."""
    if reporter.installation_id is not None:
        ats = np.minimum(ats + shift, received_at)
        struck = ats < received_at - DEVICE_AGE_MS
        no = _No("too_old", "at is more than 90 days before the moment of receipt.")
    else:
        struck = ats > received_at + AHEAD_MS
        no = _No("in_future", "at is more than 5 minutes ahead of the moment of receipt: check the clock.")
    for at in np.flatnonzero(struck).tolist():
        reasons.setdefault(at, no)
    return ats


def _columns(
    kind: NDArray[np.int64],
    judged: list[Kind | _No],
    names: list[str | None],
    ats: NDArray[np.int64],
    reasons: dict[int, _No],
) -> FactColumns:
    """What is left when the refused events are taken out."""
    if reasons:
        keep = np.ones(len(names), bool)
        keep[list(reasons)] = False
        kind, ats = kind[keep], ats[keep]
        names = [name for name, kept in zip(names, keep.tolist(), strict=True) if kept]
    kinds = [kind if isinstance(kind, Kind) else Kind(FactType.APP_OPEN) for kind in judged]
    return _with_dates(FactColumns(kinds, kind, names, ats))  # type: ignore[arg-type]  # refused ones are out


def _with_dates(facts: FactColumns) -> FactColumns:
    """Name the send of reports that name none after their UTC date (``metrics.md``, "Identity")."""
    unnamed = np.array([kind.type in _REPORTS and kind.send is None for kind in facts.kinds], bool)
    if not unnamed.any():
        return facts
    days = np.where(unnamed[facts.kind], facts.ats // DAY_MS, 0)
    pairs, kind = np.unique(facts.kind << 20 | days, return_inverse=True)
    kinds = [
        facts.kinds[number]._replace(send=str(np.datetime64(day, "D"))) if day else facts.kinds[number]
        for number, day in zip((pairs >> 20).tolist(), (pairs & 0xFFFFF).tolist(), strict=True)
    ]
    return FactColumns(kinds, kind.astype(np.int64), facts.installations, facts.ats)

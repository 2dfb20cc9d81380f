"""When a campaign is sent (``docs/sending.md``, "When"). Nothing here reads a clock or a store.

An *occurrence* is one sending of a campaign: the one at its push time, and each repetition. By local time it
goes out in *waves*, one per moment at which its time comes somewhere. Times are milliseconds since 1970,
UTC; a ``datetime`` here is what a clock shows, without a zone. Parameters are those of a campaign, checked.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from functools import cache, lru_cache
from typing import NamedTuple
from zoneinfo import ZoneInfo, available_timezones

from dateutil.relativedelta import relativedelta

from openrate.campaign_parameters import Parameters
from openrate.model import DAY_MS

_DAYS = {"DAILY": 1, "WEEKLY": 7, "MONTHLY": 0}
_TIME_TO_LIVE = 2_419_200
"""Seconds."""
_LAST_WAVE = 1 << 16
"""A number beyond all waves."""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MS = timedelta(milliseconds=1)
_FIRST, _LAST = (datetime.fromisoformat(end) for end in ("0001-01-01T00:00:00", "9999-12-31T23:59:59"))


class Due(NamedTuple):
    """A part of a campaign that is to be sent, and to whom.

    Attributes:
        send_id: the time of the occurrence as the caller wrote it, like ``2026-03-10T09:00:00``: in UTC, or by
            the devices' own clocks.
        wave: which of the occurrence's waves, from 0 in the order of their times.
        due_at: when it is to be sent.
        expires_at: when it is no longer worth sending.
        zones: the names of the time zones in which it is time; None: everyone is sent to.
        with_unknown: also whoever has no time zone, or one that the IANA database does not have.
        takes_rest: also everyone whom no earlier wave of the occurrence took, wherever they are now.
    """

    send_id: str
    wave: int
    due_at: int
    expires_at: int
    zones: frozenset[str] | None
    with_unknown: bool
    takes_rest: bool


class _Wave(NamedTuple):
    """``due_at`` and whom a wave is for, as in ``Due``."""

    due_at: int
    zones: frozenset[str] | None = None
    with_unknown: bool = True
    takes_rest: bool = False


class _Schedule(NamedTuple):
    """``first``, again every so many days or months, never after ``last``; occurrences are numbered from 0.

    ``time_to_live`` is in milliseconds.
    """

    first: datetime
    days: int
    months: int
    last: datetime
    is_local: bool
    time_to_live: int

    def at(self, number: int) -> datetime:
        """The time of an occurrence. Counted from the first, so that 31 January leads to 31 March."""
        if self.days:
            return self.first + timedelta(days=number * self.days)
        return self.first + relativedelta(months=number * self.months)

    def latest(self, until: datetime = _LAST) -> int:
        """The number of the latest occurrence that is not after ``until``; -1 when there is none."""
        until = min(until, self.last)
        if until < self.first:
            return -1
        if self.days:
            return (until - self.first) // timedelta(days=self.days)
        months = (until.year - self.first.year) * 12 + until.month - self.first.month
        number = months // self.months
        return number if self.at(number) <= until else number - 1

    def waves(self, number: int) -> Sequence[_Wave]:
        """The waves of an occurrence, in the order of their times."""
        return _waves(self.at(number), self.is_local)


def next_due(parameters: Parameters, after: int | None) -> int | None:
    """When the first wave later than ``after`` is due, the very first for None; None when there is none."""
    schedule = _schedule(parameters)
    # No clock is a day ahead of UTC or behind it: an occurrence of more than a day ago is over everywhere.
    # Of those that follow, at least a day apart, the second is still to come in UTC, and so before the third.
    begin = 0 if after is None else schedule.latest(_clock(after - DAY_MS)) + 1
    numbers = range(begin, min(begin + 2, schedule.latest() + 1))
    times = [wave.due_at for number in numbers for wave in schedule.waves(number)]
    return min((at for at in times if after is None or at > after), default=None)


def due(parameters: Parameters, since: int, now: int, live_since: int | None = None) -> list[Due]:
    """The waves that are due from ``since`` to ``now``, both included, in the order of their times.

    Left out are those whose time to live is over, and those in whose zones a later occurrence is due as well:
    who was away for a week sends what is due today. What was due before ``since`` counts as done, also the
    first waves of an occurrence whose others are still to come.

    Args:
        parameters: of the campaign.
        since: what ``next_due`` said when what came before was done.
        now: the present.
        live_since: when the campaign was made live. What was due before that lives from then on: a time in the
            past is due at once (``http-api.md``, "Campaign parameters").
    """
    schedule = _schedule(parameters)
    found: list[Due] = []
    later: set[str] = set()
    for number in range(schedule.latest(_clock(now + DAY_MS)), -1, -1):
        waves = schedule.waves(number)
        if waves[-1].due_at < since:
            break
        inside = [
            _due(schedule, number, position, wave, live_since)
            for position, wave in enumerate(waves)
            if since <= wave.due_at <= now
        ]
        kept = [each for each in inside if each.expires_at > now and not _is_superseded(each, later)]
        takes_rest = len(kept) == len(inside) and _may_take_rest(schedule, number, waves)
        found += [each for each in kept if takes_rest or not each.takes_rest]
        if len(inside) == len(waves):
            break
        later.update(*(each.zones or () for each in inside))
    return sorted(found, key=lambda each: (each.due_at, each.send_id, each.wave))


def wave(parameters: Parameters, send_id: str, number: int) -> Due:
    """A wave that was due, again. Of a number beyond the last, the last: zones may have come together since."""
    schedule = _schedule(parameters)._replace(first=datetime.fromisoformat(send_id))
    waves = schedule.waves(0)
    number = min(number, len(waves) - 1)
    return _due(schedule, 0, number, waves[number], None)


def has_waves_after(parameters: Parameters, send_id: str, next_due: int | None) -> bool:
    """Whether an occurrence has waves that are not due yet, given what ``next_due`` said last."""
    return next_due is not None and wave(parameters, send_id, _LAST_WAVE).due_at >= next_due


def on_clocks(parameters: Parameters, zone: str, now: int) -> Iterator[tuple[datetime, datetime]]:
    """The occurrences at a push time in UTC: what the clocks of a zone show, and would if it were repeated by them.

    The latest one first, or the first of all, then all to come.

    Raises:
        OverflowError, ValueError: on these clocks it is another year than 1 to 9999.
    """
    schedule = _schedule(parameters)
    by_clocks = schedule._replace(first=_on_clock(schedule.first, zone))
    latest = max(schedule.latest(_clock(now)), 0)
    for number in range(latest, schedule.latest() + 1):
        yield _on_clock(schedule.at(number), zone), by_clocks.at(number)


@cache
def zone_names() -> tuple[str, ...]:
    """The time zones that are known: those of the IANA database, sorted.

    Without ``localtime``, which is what some machines call their own, whichever that is.
    """
    return tuple(sorted(available_timezones() - {"localtime"}))


def _schedule(parameters: Parameters) -> _Schedule:
    is_local = "local_push_time" in parameters
    first = datetime.fromisoformat(parameters["local_push_time" if is_local else "push_time"])
    time_to_live = parameters.get("time_to_live", _TIME_TO_LIVE) * 1000
    recurrence = parameters.get("recurrence")
    if recurrence is None:
        return _Schedule(first, 1, 0, first, is_local, time_to_live)
    every = recurrence["repeat_frequency"]
    days = _DAYS[recurrence["repeat_unit"]] * every
    last = datetime.fromisoformat(recurrence["end_date"]) if "end_date" in recurrence else _LAST
    return _Schedule(first, days, every, last, is_local, time_to_live)


def _on_clock(in_utc: datetime, zone: str) -> datetime:
    return in_utc.replace(tzinfo=UTC).astimezone(ZoneInfo(zone)).replace(tzinfo=None)


def _due(schedule: _Schedule, number: int, position: int, wave: _Wave, live_since: int | None) -> Due:
    lives_from = wave.due_at if live_since is None else max(wave.due_at, live_since)
    return Due(
        schedule.at(number).isoformat(timespec="seconds"),
        position,
        wave.due_at,
        lives_from + schedule.time_to_live,
        wave.zones,
        wave.with_unknown,
        wave.takes_rest,
    )


def _is_superseded(wave: Due, later: set[str]) -> bool:
    """Whether a later occurrence is due in all the zones of a wave."""
    return bool(wave.zones and wave.zones <= later)


def _may_take_rest(schedule: _Schedule, number: int, waves: Sequence[_Wave]) -> bool:
    """Whether whoever missed an occurrence on the way may still get it in the end.

    Not when the next has begun: they get that one. Nor when it would be too late for whoever was first: the
    end may not bring what their own wave, if it came late, was not allowed to bring.
    """
    ends = waves[-1].due_at
    is_next_on = number < schedule.latest() and schedule.waves(number + 1)[0].due_at <= ends
    return not is_next_on and ends < waves[0].due_at + schedule.time_to_live


def _waves(clock: datetime, is_local: bool) -> Sequence[_Wave]:
    return _local_waves(clock) if is_local else (_Wave(_at(clock.replace(tzinfo=UTC))),)


@lru_cache(maxsize=64)
def _local_waves(clock: datetime) -> Sequence[_Wave]:
    """Everyone in the order in which their clocks show this time, then whoever was missed, with the last.

    A time that the clocks skip is as late as they put it, one that comes twice is the first: that is what
    ``fold=0`` means. The rest is a wave of its own, so that it can be left out by itself.
    """
    names = defaultdict(set)
    for name, zone in _zones():
        names[_at(clock.replace(tzinfo=zone))].add(name)
    waves = [_Wave(at, frozenset(names[at]), "UTC" in names[at]) for at in sorted(names)]
    return (*waves, _Wave(waves[-1].due_at, frozenset(), with_unknown=False, takes_rest=True))


@cache
def _zones() -> Sequence[tuple[str, ZoneInfo]]:
    return [(name, ZoneInfo(name)) for name in zone_names()]


def _at(moment: datetime) -> int:
    return (moment - _EPOCH) // _MS


_EARLIEST, _LATEST = (_at(end.replace(tzinfo=UTC)) for end in (_FIRST, _LAST))


def _clock(at: int) -> datetime:
    """What a clock in UTC shows then; the first or last moment it can show, if that is beyond."""
    moment = _EPOCH + min(max(at, _EARLIEST), _LATEST) * _MS
    return moment.replace(tzinfo=None)

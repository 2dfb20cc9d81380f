"""The made-up world of ``openrate demo``: the same facts in every run."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from openrate.examples import Row

Event = dict[str, Any]

_MINUTE, _HOUR, _DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
FIRST_DAY = datetime(2026, 3, 2, tzinfo=UTC)
DAYS = 14
_PEOPLE = 1_200


def documented(token: str, row: Row) -> list[Event]:
    """Facts about a campaign from which exactly ``row`` follows."""
    sent_at = datetime.fromisoformat(row["date"] + "T10:00:00+00:00")
    parts = row.get("versions") or {None: row}
    return [
        event
        for version, counts in parts.items()
        for event in _cohort(token, version, f"{row['date']}-{version or 'x'}", sent_at, counts)
    ]


def _cohort(token: str, version: str | None, name: str, sent_at: datetime, counts: Row) -> Iterator[Event]:
    """Deliveries of which the first are direct opens, the next influenced, and the very first re-engaged."""
    direct, opened = counts["direct_open"], counts["direct_open"] + counts["influenced_open"]
    for number in range(counts["sent"]):
        who = f"{name}-{number}"
        yield _sent(token, who, sent_at, version, opted_in=number < counts["sent_optins"])
        if number < counts["reengaged"]:
            yield _app_open(who, sent_at - 60 * _DAY)  # seen once, then inactive for longer than 30 days
        if number < direct:
            yield _push_open(token, who, sent_at + 20 * _MINUTE)
        elif number < opened:
            yield _app_open(who, sent_at + _HOUR)


class Tokens(NamedTuple):
    """The three campaigns of the fortnight."""

    news: str
    sale: str
    comeback: str


def fortnight(tokens: Tokens) -> list[Event]:
    """Two weeks of an app: news every morning, an A/B sale, and a push to those who had gone."""
    chance = random.Random(2026)  # noqa: S311 - a world that is the same every time, not a secret
    events: list[Event] = []
    for number in range(_PEOPLE):
        who, keenness = f"phone-{number}", chance.random() ** 2
        is_gone = number % 6 == 0
        events.append(_app_open(who, FIRST_DAY - (45 if is_gone else 2) * _DAY))
        if not is_gone:
            events += _mornings(tokens.news, who, keenness, chance)
            events += _sale(tokens.sale, who, keenness, chance)
        else:
            events += _comeback(tokens.comeback, who, chance)
    return events


def _mornings(token: str, who: str, keenness: float, chance: random.Random) -> Iterator[Event]:
    for day in range(DAYS):
        sent_at = FIRST_DAY + day * _DAY + 7 * _HOUR
        weekend = (FIRST_DAY + day * _DAY).weekday() >= 5  # noqa: PLR2004 - Saturday
        yield _sent(token, who, sent_at, None, opted_in=_number(who) % 9 > 0)
        yield from _reaction(token, who, sent_at, keenness * (0.55 if weekend else 0.35), chance)


def _sale(token: str, who: str, keenness: float, chance: random.Random) -> Iterator[Event]:
    version = "ab"[_number(who) % 2]
    sent_at = FIRST_DAY + 4 * _DAY + 17 * _HOUR
    if chance.random() < 0.03:  # noqa: PLR2004 - some tokens are stale
        yield {**_sent(token, who, sent_at, version), "type": "push_error", "cause": "unregistered"}
        return
    yield _sent(token, who, sent_at, version)
    yield from _reaction(token, who, sent_at, keenness * (0.8 if version == "a" else 0.5), chance)


def _comeback(token: str, who: str, chance: random.Random) -> Iterator[Event]:
    sent_at = FIRST_DAY + 8 * _DAY + 12 * _HOUR
    yield _sent(token, who, sent_at, None)
    if chance.random() < 0.2:  # noqa: PLR2004 - one in five comes back, most after a while
        yield _app_open(who, sent_at + chance.random() ** 2 * 2 * _DAY)


def _reaction(
    token: str, who: str, sent_at: datetime, likelihood: float, chance: random.Random
) -> Iterator[Event]:
    """A tap, or a look at the app some time later, or nothing."""
    if chance.random() < likelihood:
        yield _push_open(token, who, sent_at + chance.random() * 9 * _HOUR)
    elif chance.random() < likelihood:
        yield _app_open(who, sent_at + chance.random() * 8 * _HOUR)


def as_reported(events: Sequence[Event], parts: int) -> list[list[Event]]:
    """As it happens in the field: out of order, every tenth twice, in several requests."""
    chance = random.Random(7)  # noqa: S311 - the same every time
    reported = [*events, *events[::10]]
    chance.shuffle(reported)
    return [reported[part::parts] for part in range(parts)]


def _number(name: str) -> int:
    """A number from a name that is the same in every process, unlike ``hash``."""
    return sum(name.encode()) * 31


def _sent(token: str, who: str, at: datetime, version: str | None, *, opted_in: bool = True) -> Event:
    event = {"type": "push_sent", "campaign_token": token, "installation_id": who, "at": _text(at)}
    return event | {"opted_in": opted_in} | ({"version": version} if version else {})


def _push_open(token: str, who: str, at: datetime) -> Event:
    return {"type": "push_open", "campaign_token": token, "installation_id": who, "at": _text(at)}


def _app_open(who: str, at: datetime) -> Event:
    return {"type": "app_open", "installation_id": who, "at": _text(at)}


def _text(at: datetime) -> str:
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")

"""What each fact of one installation counts as for one campaign, in words (``docs/metrics.md``).

By the rules of the reference, ``openrate.attribution``: what is said about all installations adds up to the
day rows of the campaign.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import NamedTuple

from openrate.attribution import Delivery, attribute, counting, owner_of
from openrate.model import DAY_MS, Fact, FactType, Rule

_CLOSE_MS = 60_000
"""So near to the edge of a window, a time is told to the millisecond."""
_SECOND_MS = 1000
_OPENS = {FactType.PUSH_OPEN, FactType.APP_OPEN}
_REPORTS = {FactType.PUSH_SENT, FactType.PUSH_ERROR}
_GENERAL = {
    FactType.PUSH_SENT: "A push was sent.",
    FactType.PUSH_ERROR: "A push failed.",
    FactType.PUSH_OPEN: "A push was tapped, which opens the app.",
    FactType.APP_OPEN: "The app was opened.",
    FactType.INSTALLED: "The installation was registered.",
}


class Effect(NamedTuple):
    """A counter that a fact raises by one, on the row of the day and the version of a delivery."""

    counter: str
    delivery: Delivery


class Explained(NamedTuple):
    """A fact, what it is in general, what it means for the campaign, and what it counts there."""

    fact: Fact
    general: str
    for_campaign: list[str]
    effects: list[Effect]


def explain(facts: Sequence[Fact], campaign_id: int, rule: Rule) -> list[Explained]:
    """All facts of ONE installation in order of time, each with what it counts as for the campaign.

    Args:
        facts: all that are stored, in order of arrival, repeats included.
        campaign_id: of the campaign that is asked about.
        rule: the one that made the day rows.
    """
    case = _Case(facts, campaign_id, rule)
    told: set[Fact] = set()
    credited: set[Effect] = set()
    explained = []
    for fact in sorted(facts, key=lambda f: f.at):
        if fact in told:
            explained.append(Explained(fact, "A repeat of another report: it changes nothing.", [], []))
            continue
        told.add(fact)
        # What several facts would bring about, the first of them does.
        effects = [effect for effect in case.effects(fact) if effect not in credited]
        credited.update(effects)
        explained.append(Explained(fact, case.general(fact), [*case.sentences(fact, effects)], effects))
    return explained


class _Case:
    """One installation and one campaign."""

    def __init__(self, facts: Sequence[Fact], campaign_id: int, rule: Rule) -> None:
        self._campaign_id = campaign_id
        self._rule = rule
        reports = [f for f in facts if f.type in _REPORTS and f.campaign_id == campaign_id]
        others = [f for f in facts if f.type not in _REPORTS]
        self._deliveries = {d.send: d for d in attribute([*reports, *others], rule)}
        self._sent = sorted((d for d in self._deliveries.values() if d.sent), key=lambda d: d.at)
        self._counting = {send: counting(f for f in reports if f.send == send) for send in self._deliveries}
        self._opens = sorted({f.at for f in facts if f.type in _OPENS})
        self._first_seen = min((f.at for f in others), default=None)
        self._brought = _brought(self._sent, self._opens)

    def effects(self, fact: Fact) -> Iterator[Effect]:
        """What the fact counts, unless another does already."""
        if (
            self._is_about_campaign(fact)
            and fact.type in _REPORTS
            and self._counting[fact.send or ""] == fact
        ):
            d = self._deliveries[fact.send or ""]
            yield Effect("sent" if d.sent else "errors", d)
            if d.sent and d.opted_in:
                yield Effect("sent_optins", d)
        owner = self._owner(fact)
        if owner is not None:
            yield Effect("direct_open", owner)
        if fact.type in _OPENS:
            yield from self._brought.get(fact.at, ())

    def general(self, fact: Fact) -> str:
        """What the fact is, whatever the campaign."""
        about_other = fact.campaign_id is not None and not self._is_about_campaign(fact)
        cause = f" The cause is {fact.cause}." if fact.cause else ""
        first = (
            " It was seen for the first time."
            if fact.type not in _REPORTS and fact.at == self._first_seen
            else ""
        )
        return (
            f"{_GENERAL[fact.type]}{cause}{' It was about another campaign.' if about_other else ''}{first}"
        )

    def sentences(self, fact: Fact, effects: list[Effect]) -> Iterator[str]:
        """What the fact means for the campaign."""
        if fact.type in _REPORTS and self._is_about_campaign(fact):
            yield from self._of_report(fact)
        if fact.type is FactType.PUSH_OPEN and self._is_about_campaign(fact):
            yield self._of_tap(fact, is_first="direct_open" in {effect.counter for effect in effects})
        if fact.type in _OPENS:
            yield from self._of_open(fact, effects)

    # ── reports ──

    def _of_report(self, fact: Fact) -> Iterator[str]:
        d, counting = self._deliveries[fact.send or ""], self._counting[fact.send or ""]
        if counting != fact:
            yield _why_not(fact, counting)
        elif not d.sent:
            yield f"An error: {_named(d)} failed."
        else:
            yield f"Sent: {_named(d)}{f', version {d.version}' if d.version else ''}."
            yield "Opted in." if d.opted_in else "Not opted in."
            yield self._inactivity(d)
            if not (d.direct_open or d.influenced_open):
                yield f"Not tapped, and not opened within {_exactly(self._rule.influence_window * 1000)}."

    def _inactivity(self, d: Delivery) -> str:
        needed = self._rule.inactive_after * 1000
        if self._first_seen is None or self._first_seen > d.at:
            return "Not inactive: it had not been seen before."
        seen = d.at - self._first_seen
        if seen < needed:
            return f"Not inactive: first seen {_near(seen, needed)} before, and it takes {_exactly(needed)}."
        last = max((t for t in self._opens if t <= d.at), default=None)
        if last is None:
            return f"Inactive: not opened since it was first seen, {_near(seen, needed)} before."
        before = _near(d.at - last, needed)
        if d.at - last < needed:
            return f"Not inactive: opened {before} before."
        return f"Inactive: opened last {before} before."

    # ── taps and opens ──

    def _of_tap(self, fact: Fact, *, is_first: bool) -> str:
        owner = self._owner(fact)
        if owner is None:
            return "An orphan: no delivery of this campaign to this installation was reported as sent."
        what = "Direct open of" if is_first else "One more tap on"
        how = ""
        if fact.send is not None and fact.send != owner.send:
            how = f" It names the send {fact.send}, which was not sent, so its time decides."
        elif fact.at < owner.at:
            how = f" It is {_roughly(owner.at - fact.at)} earlier, as of a clock that runs behind."
        return f"{what} {_named(owner)}.{how}"

    def _of_open(self, fact: Fact, effects: list[Effect]) -> Iterator[str]:
        for effect in effects:
            after = fact.at - effect.delivery.at
            if effect.counter == "influenced_open":
                within = _near(after, self._rule.influence_window * 1000)
                yield f"Influenced open of {_named(effect.delivery)}: {within} after it."
            elif effect.counter == "reengaged":
                within = _near(after, self._rule.reengage_window * 1000)
                yield f"Re-engaged by {_named(effect.delivery)}: {within} after it, and it was inactive then."
        before = [d for d in self._sent if d.at < fact.at]
        if before and not effects:
            yield from self._of_latest(before[-1], fact)
        elif self._sent and not before and not self._is_about_campaign(fact):
            yield "Not after any delivery of this campaign."

    def _of_latest(self, d: Delivery, fact: Fact) -> Iterator[str]:
        """Why an open counts nothing for the delivery before it."""
        after, window = fact.at - d.at, self._rule.influence_window * 1000
        if after > window:
            late = f"{_roughly(after - window)} too late for influenced"
            yield f"{_near(after, window)} after {_named(d)}: {late}."
        elif d.direct_open and self._owner(fact) is not d:
            yield f"{_roughly(after)} after {_named(d)}, which is a direct open: nothing more."
        elif not d.direct_open:
            yield f"{_roughly(after)} after {_named(d)}, which was opened before: it counts once."

    def _owner(self, fact: Fact) -> Delivery | None:
        """The delivery that a tap belongs to."""
        if fact.type is not FactType.PUSH_OPEN or not self._is_about_campaign(fact):
            return None
        owner = owner_of(fact, self._sent)
        return None if owner is None else self._deliveries[owner[1]]

    def _is_about_campaign(self, fact: Fact) -> bool:
        return fact.campaign_id == self._campaign_id


def _brought(sent: list[Delivery], opens: list[int]) -> dict[int, list[Effect]]:
    """What opens count that belong to no delivery, by time: of each delivery the first open after it."""
    brought: dict[int, list[Effect]] = defaultdict(list)
    for d in sent:
        for counter, counts in (("influenced_open", d.influenced_open), ("reengaged", d.reengaged)):
            if counts:
                brought[opens[bisect_right(opens, d.at)]].append(Effect(counter, d))
    return brought


def _why_not(fact: Fact, counting: Fact) -> str:
    if fact.type is not counting.type:
        return "It does not count: another report says that this push was sent."
    if fact.at != counting.at:
        return f"It does not count: of several reports the earliest does, of {_moment(counting.at)}."
    return "It does not count: another report of the same moment comes before it in order."


def _named(d: Delivery) -> str:
    return f"the delivery of {_moment(d.at)} (send {d.send})"


def _moment(at: int) -> str:
    moment = datetime.fromtimestamp(at // 1000, UTC)
    return f"{moment.day} {moment:%B %Y %H:%M}"


def _near(duration: int, edge: int) -> str:
    """A length of time that is held against a limit: exact when it is close to it."""
    return _exactly(duration) if abs(duration - edge) < _CLOSE_MS else _roughly(duration)


def _exactly(duration: int) -> str:
    """A length of time in ms, like ``3 h 0 min 0.001 s``."""
    return _length(duration, parts=4)


def _roughly(duration: int) -> str:
    """The same cut to its first two parts, like ``12 days 3 h``."""
    return _length(duration, parts=2)


def _length(duration: int, parts: int) -> str:
    if duration < _SECOND_MS:
        return f"{duration} ms"
    days, rest = divmod(duration, DAY_MS)
    hours, rest = divmod(rest, 3_600_000)
    minutes, rest = divmod(rest, 60_000)
    amounts = [
        (days, "day" if days == 1 else "days"),
        (hours, "h"),
        (minutes, "min"),
        (rest / _SECOND_MS, "s"),
    ]
    there = [place for place, (amount, _) in enumerate(amounts) if amount]
    shown = amounts[there[0] : min(there[-1], there[0] + parts - 1) + 1]
    while not shown[-1][0]:
        shown.pop()
    return " ".join(f"{amount:g} {unit}" for amount, unit in shown)

"""The EventLog in memory: a list of facts and the reference over it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future

import numpy as np

from openrate import stats
from openrate.attribution import Delivery, attribute, owner_of, statistics
from openrate.model import Cause, DayRow, Fact, FactType, Rule
from openrate.ports.event_log import (
    LATE_MS,
    NEVER,
    Behind,
    Difference,
    FactColumns,
    HourRow,
    Inspection,
    Opens,
    OpenTimes,
    Progress,
)


class MemoryLog:
    """Keeps nothing when the process ends."""

    def __init__(self) -> None:
        self._facts: list[Fact] = []
        self._dev_facts: list[Fact] = []
        self._rules: dict[int, Rule] = {}

    def append(
        self,
        app_id: int,
        dev: bool,
        facts: FactColumns,
        *,
        is_awaited: bool = True,  # noqa: ARG002 - counted when asked
    ) -> Future[None]:
        (self._dev_facts if dev else self._facts).extend(facts_in(app_id, facts))
        done: Future[None] = Future()
        done.set_result(None)
        return done

    def rows(self, campaign_id: int) -> Sequence[DayRow]:
        rows = statistics(self._facts, self._rules)
        mine = [row for row in rows.values() if row.campaign_id == campaign_id]
        return sorted(mine, key=lambda row: (row.day, row.version or ""))

    def totals(self, campaign_id: int) -> dict[str, int]:
        return stats.totals(self.rows(campaign_id))

    def changed(self, campaign_id: int | None = None) -> int:  # noqa: ARG002 - any fact may have changed it
        return len(self._facts)

    def rule(self, app_id: int) -> Rule:
        return self._rules.get(app_id, Rule())

    def settle(self) -> None:
        pass

    def set_rule(self, app_ids: Sequence[int], rule: Rule, progress: Progress | None = None) -> None:  # noqa: ARG002 - done at once
        self._rules |= dict.fromkeys(app_ids, rule)

    def rebuild(self, progress: Progress | None = None) -> int:  # noqa: ARG002 - done at once
        return len(self._facts)

    def verify(self, progress: Progress | None = None) -> list[Difference]:  # noqa: ARG002 - done at once
        return []

    def facts(
        self, app_id: int | None = None, campaign_id: int | None = None, installation_id: str | None = None
    ) -> Iterator[Fact]:
        return (
            f
            for f in self._facts
            if app_id in {None, f.app_id}
            and campaign_id in {None, f.campaign_id}
            and installation_id in {None, f.installation_id}
        )

    def inspect(self, campaign_id: int, hours: int = 72) -> Inspection:
        mine = [f for f in self._facts if f.campaign_id == campaign_id]
        dev_facts = sum(f.campaign_id == campaign_id for f in self._dev_facts)
        return inspected(self._facts, mine, self._rules, hours)._replace(dev_facts=dev_facts)

    def opens(self, app_id: int, dev: bool) -> Opens:
        return MemoryOpens([f for f in (self._dev_facts if dev else self._facts) if f.app_id == app_id])

    def sent_often(self, app_id: int, dev: bool, campaign_id: int, often: int) -> set[str]:
        sends: dict[str, set[str | None]] = {}
        for fact in self._dev_facts if dev else self._facts:
            is_of_it = fact.app_id == app_id and fact.campaign_id == campaign_id
            if is_of_it and fact.type is FactType.PUSH_SENT:
                sends.setdefault(fact.installation_id, set()).add(fact.send)
        return {name for name, of_it in sends.items() if len(of_it) >= often}

    def behind(self, app_ids: Sequence[int]) -> Behind:  # noqa: ARG002 - counted when asked
        return Behind(0, 0)

    def counts(self) -> dict[str, int]:
        return {"facts": len(self._facts), "attributed_facts": len(self._facts)}

    def check(self) -> None:
        pass

    def close(self) -> None:
        pass


class MemoryOpens:
    """As the facts were when it was made."""

    def __init__(self, facts: list[Fact]) -> None:
        self._facts = facts

    def of(self, installation_ids: Sequence[str]) -> OpenTimes:
        rows = []
        for name in installation_ids:
            mine = [f for f in self._facts if f.installation_id == name]
            opened = [f.at for f in mine if f.type in {FactType.APP_OPEN, FactType.PUSH_OPEN}]
            installed = [f.at for f in mine if f.type is FactType.INSTALLED]
            first_seen = min(opened + installed, default=NEVER)
            rows.append((first_seen, min(opened, default=NEVER), max(opened, default=NEVER)))
        return OpenTimes(*np.array(rows, np.int64).reshape(-1, 3).T)


def facts_in(app_id: int, columns: FactColumns) -> list[Fact]:
    facts = []
    for number, name, at in zip(
        columns.kind.tolist(), columns.installations, columns.ats.tolist(), strict=True
    ):
        kind, campaign_id, *rest = columns.kinds[number]
        facts.append(Fact(app_id, kind, name, at, campaign_id or None, *rest))
    return facts


def inspected(
    facts: Sequence[Fact], mine: Sequence[Fact], rules: Mapping[int, Rule], hours: int
) -> Inspection:
    """By the reference, from all facts and from those about the campaign, in order of arrival."""
    found = Found()
    for app_id, name in sorted({(f.app_id, f.installation_id) for f in mine}):
        theirs = [f for f in facts if (f.app_id, f.installation_id) == (app_id, name)]
        found.add(theirs, mine[0].campaign_id, rules.get(app_id, Rule()))
    reported = {(f.installation_id, f.send, f) for f in mine if f.type <= FactType.PUSH_ERROR}
    reports = Counter((name, send) for name, send, _ in reported)
    began_at = min((at for at, kind, _ in found.events if kind == "sent"), default=None)
    return Inspection(
        began_at,
        hour_rows(found.events, began_at, hours),
        dict(found.errors),
        facts=len(mine),
        repeats=len(mine) - len(set(mine)),
        several_reports=sum(count > 1 for count in reports.values()),
        late=sum(
            f.at + LATE_MS < max([other.at for other in mine[:n]], default=0) for n, f in enumerate(mine)
        ),
        orphans=found.orphans,
        fallbacks=found.fallbacks,
        dev_facts=0,
    )


class Found:
    """What is found at one installation after the other."""

    def __init__(self) -> None:
        self.events: list[tuple[int, str, str | None]] = []
        self.errors: Counter[Cause] = Counter()
        self.orphans = self.fallbacks = 0

    def add(self, facts: Sequence[Fact], campaign_id: int | None, rule: Rule) -> None:
        deliveries = attribute(facts, rule)
        taps = [f for f in set(facts) if f.type is FactType.PUSH_OPEN and f.campaign_id == campaign_id]
        owners = {tap: owner_of(tap, deliveries) for tap in taps}
        self.orphans += sum(owner is None for owner in owners.values())
        self.fallbacks += sum(
            owner is not None and tap.send not in {None, owner[1]} for tap, owner in owners.items()
        )
        opens = [f.at for f in facts if f.type in {FactType.PUSH_OPEN, FactType.APP_OPEN}]
        for d in deliveries:
            if d.campaign_id == campaign_id and d.sent:
                self.events += happened(d, [t.at for t, owner in owners.items() if owner == d[:2]], opens)
            elif d.campaign_id == campaign_id:
                self.errors[cause_of(d, facts)] += 1


def happened(d: Delivery, taps: list[int], opens: list[int]) -> list[tuple[int, str, str | None]]:
    events = [(d.at, "sent", d.version)]
    if d.direct_open:
        events.append((max(d.at, min(taps)), "direct_open", d.version))
    if d.influenced_open:
        events.append((min(t for t in opens if t > d.at), "influenced_open", d.version))
    return events


def cause_of(d: Delivery, facts: Sequence[Fact]) -> Cause:
    reports = [f for f in facts if (f.campaign_id, f.send) == (d.campaign_id, d.send)]
    failed = [f for f in reports if f.type is FactType.PUSH_ERROR]
    counts = min(failed, key=lambda f: (f.at, f.version or "", f.opted_in, f.cause or ""))
    return Cause(counts.cause or Cause.OTHER)


def hour_rows(events: list[tuple[int, str, str | None]], began_at: int | None, hours: int) -> list[HourRow]:
    counts = Counter(
        ((at - (began_at or 0)) // 3_600_000, version or "", kind) for at, kind, version in events
    )
    cells = sorted({(hour, version) for hour, version, _ in counts if hour < hours})
    kinds = ("sent", "direct_open", "influenced_open")
    return [
        HourRow(*cell, *(counts[(*cell, kind)] for kind in kinds))._replace(version=cell[1] or None)
        for cell in cells
    ]

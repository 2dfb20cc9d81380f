"""The EventLog in memory: a list of facts and the reference over it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import Future

import numpy as np

from openrate import stats
from openrate.attribution import statistics
from openrate.model import DayRow, Fact, FactType, Rule
from openrate.ports.event_log import NEVER, Difference, FactColumns, Opens, OpenTimes, Progress


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

    def opens(self, app_id: int, dev: bool) -> Opens:
        return MemoryOpens([f for f in (self._dev_facts if dev else self._facts) if f.app_id == app_id])

    def sent_often(self, app_id: int, dev: bool, campaign_id: int, often: int) -> set[str]:
        sends: dict[str, set[str | None]] = {}
        for fact in self._dev_facts if dev else self._facts:
            is_of_it = fact.app_id == app_id and fact.campaign_id == campaign_id
            if is_of_it and fact.type is FactType.PUSH_SENT:
                sends.setdefault(fact.installation_id, set()).add(fact.send)
        return {name for name, of_it in sends.items() if len(of_it) >= often}

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

"""The day rows: in memory to answer from, in the file to start from."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping

import duckdb
import numpy as np

from openrate.model import COUNTERS, DayRow, Rule
from openrate.storage.duckdb.evaluate import Tally, cell_parts

Counts = tuple[int, ...]
_NOTHING: Counts = (0,) * len(COUNTERS)
VERSIONS = (None, "a", "b")
_NO_TOTALS = dict.fromkeys(COUNTERS, 0)
_SAME_CELL = " and ".join(f"day_row.{name} = batch.{name}" for name in ("campaign", "day", "version"))
_NOT_EMPTY = " + ".join(COUNTERS) + " > 0"


class DayRows:
    """Counters by campaign and (day, version), and the rules by app that made them.

    Readers see the rows of a campaign change all at once.
    """

    def __init__(self, rules: dict[int, Rule], since: int = 0) -> None:
        self.rules = rules
        self._rows: dict[int, dict[tuple[int, int], Counts]] = {}
        self._totals: dict[int, Mapping[str, int]] = {}
        self._changed: dict[int, int] = {}
        # To those who compare ``changed``, every campaign has changed when rows take the place of others.
        self.changes = self._since = since

    def of(self, campaign_id: int) -> list[DayRow]:
        """Ascending by day, then version."""
        rows = sorted(self._rows.get(campaign_id, {}).items())
        return [DayRow(campaign_id, day, VERSIONS[version], *counts) for (day, version), counts in rows]

    def all(self) -> list[DayRow]:
        """Every row there is."""
        return [row for campaign_id in sorted(self._rows) for row in self.of(campaign_id)]

    def totals(self, campaign_id: int) -> Mapping[str, int]:
        """The sum of the rows of the campaign, by counter."""
        return self._totals.get(campaign_id, _NO_TOTALS)

    def changed(self, campaign_id: int | None = None) -> int:
        """Grows whenever there is something new about the campaign, or about any."""
        if campaign_id is None:
            return self.changes
        return self._changed.get(campaign_id, self._since)

    def plus(self, change: Tally) -> dict[int, dict[tuple[int, int], Counts]]:
        """The rows of the campaigns that ``change`` touches, as they are with it; nothing is changed yet."""
        changed: dict[int, dict[tuple[int, int], Counts]] = {}
        parts = (part.tolist() for part in cell_parts(change.cells))
        for campaign, day, version, counts in zip(*parts, change.counts.tolist(), strict=True):
            rows = changed.setdefault(campaign, dict(self._rows.get(campaign, {})))
            old = rows.get((day, version), _NOTHING)
            rows[day, version] = tuple(a + b for a, b in zip(old, counts, strict=True))
            if rows[day, version] == _NOTHING:
                del rows[day, version]
        return changed

    def put(self, rows: dict[int, dict[tuple[int, int], Counts]], mentioned: Iterable[int] = ()) -> None:
        """Answer with these rows of these campaigns from now on; about those mentioned there are new facts."""
        changed = {*rows, *mentioned}
        if not changed:
            return
        self._rows.update(rows)
        self._totals.update(_totals(rows))
        # Last: who asks for the number first and for the rows then misses nothing.
        self.changes += 1
        self._changed.update(dict.fromkeys(changed, self.changes))

    def anew(self, change: Tally, rules: dict[int, Rule]) -> DayRows:
        """Rows that start from nothing, under other rules, to take the place of these."""
        fresh = DayRows(rules, self.changes + 1)
        fresh._rows = fresh.plus(change)
        fresh._totals = _totals(fresh._rows)
        return fresh

    def load(self, cursor: duckdb.DuckDBPyConnection) -> None:
        """Read the rows from the file."""
        loaded: dict[int, dict[tuple[int, int], Counts]] = defaultdict(dict)
        for campaign, day, version, *counts in cursor.execute("select * from day_row").fetchall():
            loaded[campaign][day, version] = tuple(counts)
        self._rows = dict(loaded)
        self._totals = _totals(self._rows)

    def save(self, cursor: duckdb.DuckDBPyConnection, change: Tally) -> None:
        """Write the cells of ``change`` as they are with it; within the caller's transaction."""
        rows = self.plus(change)
        cells = list(zip(*(part.tolist() for part in cell_parts(change.cells)), strict=True))
        if not cells:
            return
        counts = [rows[campaign].get((day, version), _NOTHING) for campaign, day, version in cells]
        table = np.concatenate((np.array(cells, np.int64), np.array(counts, np.int64)), axis=1)
        names = ("campaign", "day", "version", *COUNTERS)
        batch = {name: table[:, at].copy() for at, name in enumerate(names)}
        cursor.register("batch", batch)
        cursor.execute(f"delete from day_row using batch where {_SAME_CELL}")  # noqa: S608 - names are ours
        cursor.execute(f"insert into day_row select {', '.join(names)} from batch where {_NOT_EMPTY}")  # noqa: S608 - names are ours
        cursor.unregister("batch")


def _totals(rows: Mapping[int, Mapping[tuple[int, int], Counts]]) -> dict[int, Mapping[str, int]]:
    """By campaign, the sum of its rows by counter."""
    return {
        campaign: dict(zip(COUNTERS, map(sum, zip(_NOTHING, *of_it.values(), strict=True)), strict=True))
        for campaign, of_it in rows.items()
    }

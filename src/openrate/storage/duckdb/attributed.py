"""The facts that are attributed: their rows, and what is kept in memory to attribute the next ones.

What changes is always "counters after, minus counters before" of whole installations, by one function
(``evaluate``). Recent facts come from memory (``hot.py``), late ones from the log (``by_installation.py``).
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import duckdb
import numpy as np
from numpy.typing import NDArray

from openrate.model import Rule
from openrate.ports.event_log import Progress
from openrate.storage.duckdb import file, recompute, start, writing
from openrate.storage.duckdb.by_installation import Runs
from openrate.storage.duckdb.day_rows import DayRows
from openrate.storage.duckdb.evaluate import Counted, Facts, Sends, counted, evaluate
from openrate.storage.duckdb.hot import HotFacts
from openrate.storage.duckdb.numbering import Numbering

MOST_FACTS_A_TICK = 400_000


class Attributed:
    """The facts up to the number ``upto``, in one connection to the file.

    One thread at a time changes something here; ``rows`` may be read meanwhile, and so may ``runs``.

    Attributes:
        orphans: opens that no delivery was known for.
        hot: the recent facts.
        runs: facts sorted by installation, up to a number of their own.
    """

    def __init__(  # noqa: PLR0913 - where it is read from, and how much of it is kept
        self,
        path: Path,
        connection: duckdb.DuckDBPyConnection,
        numbering: Numbering,
        *,
        changes: int,
        hot_facts: int,
        run_facts: int,
    ) -> None:
        self._connection = connection
        self._numbering = numbering
        cursor = connection.cursor()
        self.upto = file.meta(cursor, "attributed")
        self.orphans = file.meta(cursor, "orphans")
        rules = {app: Rule(*seconds) for app, *seconds in cursor.execute("from app_rule").fetchall()}
        self.rows = DayRows(rules, changes)
        self.rows.load(cursor)
        self.hot = HotFacts(hot_facts, self._longest_reengage_window(), numbering)
        self.runs = Runs(path.with_suffix(".runs"), file.identity(cursor), self.upto, run_facts)

    def load(self) -> None:
        """Read the names and the recent facts; before that nothing can be attributed."""
        start.load(self._connection.cursor(), self.runs, self._numbering, self.hot, self.upto)

    def sends(self, rules: Mapping[int, Rule] | None = None) -> Sends:
        """What ``evaluate`` needs to know of the sends, under the rules of the rows or others."""
        cursor = self._connection.cursor()
        return recompute.sends_of(self._numbering, self.rows.rules if rules is None else rules, cursor)

    def take(self, durable: int) -> int:
        """Attribute the oldest facts that are waiting, of those up to ``durable``; returns how many there were."""
        upto = min(durable, self.upto + MOST_FACTS_A_TICK)
        if upto == self.upto:
            return 0
        cursor = self._connection.cursor()
        facts = file.read_facts(cursor, "seq > ? and seq <= ?", self.upto, upto)
        self.hot.make_known(self._numbering.sizes[0])
        installations, local = np.unique(facts.installation, return_inverse=True)
        new = facts._replace(installation=local.astype(np.int32))
        change = self._change(cursor, installations, new, upto)
        self._save(cursor, installations, change, upto, self._mentioned(facts))
        self.hot.take(facts)
        return len(facts.installation)

    def _change(
        self, cursor: duckdb.DuckDBPyConnection, installations: NDArray[np.int32], new: Facts, upto: int
    ) -> Counted:
        """What new facts, numbered by position in ``installations``, change."""
        size = len(installations)
        here, known = self.hot.gather(installations), self.hot.before(installations, new)
        reread = self.hot.must_reread(installations, here, new)
        old = evaluate(here, known, self.sends())
        now = evaluate(Facts.together((here, new)), known, self.sends())
        reread |= self.hot.undecided(old, now, size)
        change = counted(now, size, ~reread).after(counted(old, size, ~reread))
        if reread.any():
            late = self._change_from_log(cursor, installations[reread], upto)
            change.loose_since[reread] = late.loose_since
            change = change._replace(tally=change.tally + late.tally, orphans=change.orphans + late.orphans)
        return change

    def _change_from_log(
        self, cursor: duckdb.DuckDBPyConnection, installations: NDArray[np.int32], upto: int
    ) -> Counted:
        """The same for installations whose change may reach behind the horizon: all their facts are read."""
        facts, is_new = recompute.facts_of(cursor, self.runs, installations, self.upto, upto)
        now = recompute.count(facts, len(installations), self.sends())
        return now.after(recompute.count(facts.where(~is_new), len(installations), self.sends()))

    def _mentioned(self, facts: Facts) -> set[int]:
        """The campaigns that facts are about."""
        sends = np.flatnonzero(np.bincount(facts.send))
        return set(self._numbering.send_campaign.values[sends].tolist()) - {0}

    def _save(
        self,
        cursor: duckdb.DuckDBPyConnection,
        installations: NDArray[np.int32],
        change: Counted,
        upto: int,
        mentioned: set[int],
    ) -> None:
        rows = self.rows.plus(change.tally)
        moved = self.hot.loose_since(installations) != change.loose_since
        with file.transaction(cursor):
            self.rows.save(cursor, change.tally)
            file.set_meta(cursor, "attributed", upto)
            if change.orphans:
                file.set_meta(cursor, "orphans", self.orphans + change.orphans)
            if moved.any():
                writing.save_loose(cursor, installations[moved], change.loose_since[moved])
        self.hot.set_loose_since(installations[moved], change.loose_since[moved])
        self.rows.put(rows, mentioned)
        self.orphans += change.orphans
        self.upto = upto

    def adopt(self, rules: dict[int, Rule]) -> None:
        """Take over rules that change no row: of apps about which nothing was reported."""
        cursor = self._connection.cursor()
        with file.transaction(cursor):
            writing.save_rules(cursor, rules)
        self.rows.rules = rules
        self.hot.reengage_window_ms = self._longest_reengage_window()

    def recompute(self, rules: dict[int, Rule], go_on: Progress) -> None:
        """Make all rows anew under these rules; until then the old ones answer. What ``go_on`` raises ends it."""
        cursor, size = self._connection.cursor(), self._numbering.sizes[0]
        whole = recompute.rebuild(cursor, self.runs, size, self.sends(rules), self.upto, go_on)
        everyone = np.arange(size, dtype=np.int32)
        with file.transaction(cursor):
            cursor.execute("delete from day_row")
            cursor.execute("delete from loose_tap")
            DayRows(rules).save(cursor, whole.tally)
            writing.save_loose(cursor, everyone, whole.loose_since)
            writing.save_rules(cursor, rules)
            file.set_meta(cursor, "orphans", whole.orphans)
        self.rows = self.rows.anew(whole.tally, rules)  # rows and rules at once
        self.orphans = whole.orphans
        self.hot.make_known(size)
        self.hot.set_loose_since(everyone, whole.loose_since)
        self.hot.reengage_window_ms = self._longest_reengage_window()

    def _longest_reengage_window(self) -> int:
        return 1000 * max(rule.reengage_window for rule in (Rule(), *self.rows.rules.values()))

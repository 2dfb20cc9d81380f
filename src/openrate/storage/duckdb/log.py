"""The EventLog of one machine: facts and day rows in one DuckDB file.

Three threads. The *writer* takes what callers append, many at a time, numbers the names and commits; then the
callers are told. *Attribution* follows: it reads the facts that came since, works out by how much they
change the counters of the installations concerned, and commits the new day rows together with how far it
got. A crash between the two loses nothing: attribution goes on from where it had got to. *Sorting* puts what
is attributed into runs, a million facts at a time.

What changes is always "counters after, minus counters before" of whole installations, by one function
(``evaluate``). Recent facts come from memory (``hot.py``), late ones from the log (``by_installation.py``).
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future
from pathlib import Path

import duckdb
import numpy as np
from numpy.typing import NDArray

from openrate.errors import StoreError, StoreFull
from openrate.model import DayRow, Fact, Rule
from openrate.ports.event_log import Behind, Difference, FactColumns, Inspection, Opens, Progress
from openrate.storage.duckdb import file, inspection, named_facts, recompute, start, writing
from openrate.storage.duckdb.arrivals import Arrivals, Stored
from openrate.storage.duckdb.batches import Batch, Batches
from openrate.storage.duckdb.by_installation import RUN_FACTS, Runs
from openrate.storage.duckdb.day_rows import DayRows
from openrate.storage.duckdb.evaluate import Counted, Facts, Sends, counted, evaluate
from openrate.storage.duckdb.hot import HotFacts
from openrate.storage.duckdb.numbering import Numbering
from openrate.storage.duckdb.opens import NamedOpens, NumberedOpens, named_times, numbered_times

logger = logging.getLogger(__name__)

MOST_FACTS_A_TICK = 400_000
FEW_APPENDS = 8
"""Up to so many callers at once the server counts as idle: they wait for attribution too."""
GATHER_S = 0.004
"""With more of them, a commit waits for those who come back: a quarter more single events a second."""
NO_ROOM = "No room left on the disk of the data folder: free some, then send again."
PAUSE_S, LONG_PAUSE_S = 0.05, 0.2
"""Between ticks under load: a larger tick is cheaper per fact, and a small one costs as much as one of thousands."""
PATIENCE_S = 0.05
"""So long the writer waits for a tick that is under way: mostly it is attribution, which woke up for the same fact."""
FEW_FACTS = 4_000
"""A tick of so few is followed by the long pause; nobody waits for it (those who do are served by the writer)."""


class DuckdbLog:
    """See ``ports.EventLog`` for what each method promises."""

    def __init__(
        self,
        path: Path,
        *,
        memory_limit_mb: int = 512,
        hot_facts: int = 32_000_000,
        run_facts: int = RUN_FACTS,
        stored: Stored = lambda _live, _dev: None,
    ) -> None:
        self._path = path
        self._stored = stored
        self._arrivals = Arrivals()
        self._memory_limit_mb = memory_limit_mb
        self._hot_capacity = hot_facts
        self._run_facts = run_facts
        self._batches = Batches()
        self._closing = False
        self._committed = threading.Condition()
        self._attribution = threading.RLock()
        self._rows = DayRows({})
        self._writing: duckdb.DuckDBPyConnection | None = None
        self._load()
        self._threads = [
            threading.Thread(target=self._write_forever, name="facts-writer", daemon=True),
            threading.Thread(target=self._attribute_forever, name="attribution", daemon=True),
            threading.Thread(target=self._sort_forever, name="sorting", daemon=True),
        ]
        for thread in self._threads:
            thread.start()

    # ── what callers ask ──

    def append(self, app_id: int, dev: bool, facts: FactColumns, *, is_awaited: bool = True) -> Future[None]:
        """Store facts; the future is done when they are durable."""
        return self._batches.add(writing.Append(app_id, dev, facts), is_awaited=is_awaited)

    def rows(self, campaign_id: int) -> Sequence[DayRow]:
        """The day rows of a campaign, ascending by day, then version."""
        return self._rows.of(campaign_id)

    def totals(self, campaign_id: int) -> Mapping[str, int]:
        """The sum of the day rows of a campaign, by counter."""
        return self._rows.totals(campaign_id)

    def changed(self, campaign_id: int | None = None) -> int:
        """A number that grows whenever there is something new about the campaign, or about any."""
        return self._rows.changed(campaign_id)

    def rule(self, app_id: int) -> Rule:
        """The rule that made the rows which answer now."""
        return self._rows.rules.get(app_id, Rule())

    def settle(self) -> None:
        """Wait until every fact durable now is in the rows."""
        with self._committed:
            wanted = self._durable
            self._committed.wait_for(lambda: self._attributed >= wanted or self._closing)

    def set_rule(self, app_ids: Sequence[int], rule: Rule, progress: Progress | None = None) -> None:
        """Make the rows of these apps anew under ``rule``; until then the old ones answer, whole."""
        changing = [app_id for app_id in app_ids if self.rule(app_id) != rule]
        rules = self._rows.rules | dict.fromkeys(changing, rule)
        if np.isin(self._numbering.send_app.values, changing).any():
            self._recompute(rules, progress)
        elif changing:
            self._adopt(rules)

    def rebuild(self, progress: Progress | None = None) -> int:
        """Drop the day rows and make them again; returns the number of facts read."""
        return self._recompute(self._rows.rules, progress)

    def verify(self, progress: Progress | None = None) -> list[Difference]:
        """Recompute every row with the reference and return what differs."""
        return recompute.verify(self._connection.cursor(), self._unless_closing(progress))

    def facts(
        self, app_id: int | None = None, campaign_id: int | None = None, installation_id: str | None = None
    ) -> Iterator[Fact]:
        """Stream stored facts of the live world in order of arrival."""
        cursor = self._connection.cursor()
        if app_id is None or installation_id is None or campaign_id is not None:
            return named_facts.stream(cursor, app_id, campaign_id, installation_id)
        upto = self._durable
        number = int(self._numbering.find_installations(app_id, [installation_id])[0])
        return named_facts.of_one(cursor, self._runs, upto, (app_id, installation_id), number)

    def inspect(self, campaign_id: int, hours: int = 72) -> Inspection:
        """What the facts about a campaign are like that are in its rows now."""
        source = inspection.Source(self._connection.cursor(), self._runs, self._attributed)
        is_named = self._numbering.send_is_named.values
        totals = self.totals(campaign_id)
        deliveries = totals["sent"] + totals["errors"]
        return inspection.inspect(source, campaign_id, self._sends(), is_named, deliveries, hours)

    def opens(self, app_id: int, dev: bool) -> Opens:
        """When the installations of an app and a world opened, by everything that is durable now."""
        cursor = self._connection.cursor()
        if dev:
            return NamedOpens(named_times(cursor, app_id))
        times = numbered_times(cursor, app_id)
        # Last: whatever was opened anew meanwhile, the numbers of durable facts stay what they are.
        return NumberedOpens(self._numbering, app_id, times)

    def sent_often(self, app_id: int, dev: bool, campaign_id: int, often: int) -> set[str]:
        """The installations that a campaign was sent to at least so often."""
        return recompute.sent_often(self._connection.cursor(), app_id, dev, campaign_id, often)

    def behind(self, app_ids: Sequence[int]) -> Behind:
        """What is stored of these apps and not in the rows yet."""
        return self._arrivals.behind(app_ids)

    def counts(self) -> dict[str, int]:
        """Figures for operators."""
        installations, sends, _ = self._numbering.sizes
        return {
            "facts": self._durable,
            "attributed_facts": self._attributed,
            "installations": installations,
            "sends": sends - 1,
            "orphan_opens": self._orphans,
            "hot_facts": len(self._hot),
            "hot_since_ms": self._hot.horizon,
            "largest_campaign_id": self._numbering.sizes[2] - 1,
        }

    def check(self) -> None:
        """Raise StoreError when facts cannot be stored now."""
        if not file.has_room(self._path):
            raise StoreFull(NO_ROOM)
        if self._writing is None:
            raise StoreError("The last write of facts failed; the next one opens the file again.")

    def close(self) -> None:
        """Finish what was accepted, then let go of the file."""
        self._batches.close()
        with self._committed:
            self._closing = True
            self._committed.notify_all()
        for thread in self._threads:
            thread.join()
        self._connection.close()

    def _unless_closing(self, progress: Progress | None) -> Progress:
        """Long work ends early when the log is to be closed; what it would have replaced stays as it was."""

        def go_on(done: int, total: int) -> None:
            if progress:
                progress(done, total)
            if self._closing:
                raise StoreError("The server is stopping: nothing was changed, start this again later.")

        return go_on

    # ── start-up ──

    def _load(self) -> duckdb.DuckDBPyConnection:
        """Open the file, read what attribution needs, and attribute what a crash left over.

        Returns:
            the cursor of the writer.
        """
        self._connection = file.connect(self._path, self._memory_limit_mb)
        try:
            self._read(self._connection.cursor())
            while self._tick():
                pass
        except duckdb.Error as error:
            self._connection.close()
            raise file.unusable(self._path, error) from error
        self._writing = self._connection.cursor()
        return self._writing

    def _read(self, cursor: duckdb.DuckDBPyConnection) -> None:
        self._attributed = file.meta(cursor, "attributed")
        self._orphans = file.meta(cursor, "orphans")
        self._durable = int(cursor.execute("select coalesce(max(seq), 0) from fact").fetchall()[0][0])
        rules = {app: Rule(*seconds) for app, *seconds in cursor.execute("from app_rule").fetchall()}
        rows = DayRows(rules, self._rows.changes + 1)
        rows.load(cursor)
        self._rows = rows
        self._numbering = Numbering()
        self._hot = HotFacts(self._hot_capacity, self._longest_reengage_window(), self._numbering)
        folder = self._path.with_suffix(".runs")
        self._runs = Runs(folder, file.identity(cursor), self._attributed, self._run_facts)
        start.load(cursor, self._runs, self._numbering, self._hot, self._attributed)
        if left := self._durable - self._attributed:
            logger.warning("Attributing %d facts that were stored but not yet counted.", left)

    def _longest_reengage_window(self) -> int:
        return 1000 * max(rule.reengage_window for rule in (Rule(), *self._rows.rules.values()))

    # ── the writer ──

    def _write_forever(self) -> None:
        while batch := self._batches.take():
            caught_up = self._attributed == self._durable
            try:
                self._commit(batch.appends)
            except Exception as error:  # noqa: BLE001 - whatever it was, the callers must be told
                self._refuse(batch, error)
                continue
            is_idle = len(batch.appends) <= FEW_APPENDS and not self._batches
            if caught_up and is_idle and batch.is_awaited:
                self._tick_if_free()  # idle: who was told that a fact is stored finds it in the statistics
            batch.done.set_result(None)
            if len(batch.appends) > FEW_APPENDS:
                time.sleep(GATHER_S)

    def _commit(self, batch: list[writing.Append]) -> None:
        cursor = self._writing or self._reopen()
        if not file.has_room(self._path):
            raise StoreFull(NO_ROOM)
        apps, dev = writing.by_app(batch, dev=False), writing.by_app(batch, dev=True)
        numbered = [(facts, *self._numbering.number(app_id, facts)) for app_id, facts in apps]
        with file.transaction(cursor):
            writing.insert_names(cursor, self._numbering.unsaved)
            writing.insert_facts(cursor, self._durable + 1, numbered)
            for app_id, facts in dev:
                writing.insert_dev_facts(cursor, app_id, facts)
        self._numbering.unsaved.installations.clear()
        self._numbering.unsaved.sends.clear()
        upto = self._durable + sum(len(facts) for _, facts in apps)
        self._arrivals.add(upto, apps)
        with self._committed:
            self._durable = upto
            self._committed.notify_all()
        self._stored(apps, dev)

    def _refuse(self, batch: Batch, error: Exception) -> None:
        """Nothing of the batch was stored: tell the callers. The file is opened anew for the next batch."""
        if not isinstance(error, StoreError):
            logger.error("A commit failed: %s", error)
            full = file.is_full(error)
            self._writing = None
            error = (StoreFull if full else StoreError)("The facts could not be stored; send them again.")
        batch.done.set_exception(error)

    def _reopen(self) -> duckdb.DuckDBPyConnection:
        """After a failed write DuckDB may refuse all further work: what is in the file is what counts."""
        with self._attribution:
            self._connection.close()
            return self._load()

    # ── attribution ──

    def _attribute_forever(self) -> None:
        """Tick when facts are waiting, with a pause in between."""
        while True:
            with self._committed:
                self._committed.wait_for(lambda: self._durable > self._attributed or self._closing)
                if self._closing and self._durable <= self._attributed:
                    return
            brought = 0
            try:
                brought = self._tick()
            except Exception:
                if self._closing:
                    logger.exception("Attribution failed; what is not counted yet is at the next start.")
                    return
                logger.exception("Attribution failed; it is tried again in a second.")
                time.sleep(1)
            if not self._closing:
                time.sleep(PAUSE_S if brought > FEW_FACTS else LONG_PAUSE_S)

    def _tick_if_free(self) -> None:
        """A tick, unless a rebuild or a long tick is under way; one that fails is tried again later."""
        if self._attribution.acquire(timeout=PATIENCE_S):
            try:
                self._tick()
            except Exception:
                logger.exception("Attribution failed; it is tried again.")
            finally:
                self._attribution.release()

    def _tick(self) -> int:
        """Attribute the oldest facts that are waiting; returns how many there were."""
        with self._attribution:
            upto = min(self._durable, self._attributed + MOST_FACTS_A_TICK)
            if upto == self._attributed:
                return 0
            cursor = self._connection.cursor()
            facts = file.read_facts(cursor, "seq > ? and seq <= ?", self._attributed, upto)
            self._hot.make_known(self._numbering.sizes[0])
            installations, local = np.unique(facts.installation, return_inverse=True)
            new = facts._replace(installation=local.astype(np.int32))
            change = self._change(cursor, installations, new, upto)
            self._save(cursor, installations, change, upto, self._mentioned(facts))
            self._hot.take(facts)
            return len(facts.installation)

    def _change(
        self, cursor: duckdb.DuckDBPyConnection, installations: NDArray[np.int32], new: Facts, upto: int
    ) -> Counted:
        """What new facts, numbered by position in ``installations``, change."""
        size = len(installations)
        here, known = self._hot.gather(installations), self._hot.before(installations, new)
        reread = self._hot.must_reread(installations, here, new)
        old = evaluate(here, known, self._sends())
        now = evaluate(Facts.together((here, new)), known, self._sends())
        reread |= self._hot.undecided(old, now, size)
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
        facts, is_new = recompute.facts_of(cursor, self._runs, installations, self._attributed, upto)
        now = recompute.count(facts, len(installations), self._sends())
        return now.after(recompute.count(facts.where(~is_new), len(installations), self._sends()))

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
        rows = self._rows.plus(change.tally)
        moved = self._hot.loose_since(installations) != change.loose_since
        with file.transaction(cursor):
            self._rows.save(cursor, change.tally)
            file.set_meta(cursor, "attributed", upto)
            if change.orphans:
                file.set_meta(cursor, "orphans", self._orphans + change.orphans)
            if moved.any():
                writing.save_loose(cursor, installations[moved], change.loose_since[moved])
        self._hot.set_loose_since(installations[moved], change.loose_since[moved])
        self._rows.put(rows, mentioned)
        self._orphans += change.orphans
        with self._committed:
            self._attributed = upto
            self._arrivals.counted(upto)
            self._committed.notify_all()

    # ── sorting ──

    def _sort_forever(self) -> None:
        """Make a run whenever there are enough facts for one: beside attribution, as it takes as long as a tick."""
        while True:
            with self._committed:
                self._committed.wait_for(lambda: self._runs.lacks(self._attributed) or self._closing)
            if self._closing:
                return
            try:
                if self._runs.extend(self._connection.cursor(), self._attributed):
                    continue
            except Exception:
                logger.exception("Sorting facts failed; it is tried again in a second.")
            with self._committed:
                self._committed.wait_for(lambda: self._closing, 1)

    def _sends(self, rules: Mapping[int, Rule] | None = None) -> Sends:
        return recompute.sends_of(
            self._numbering, self._rows.rules if rules is None else rules, self._connection.cursor()
        )

    def _adopt(self, rules: dict[int, Rule]) -> None:
        """Take over rules that change no row: of apps about which nothing was reported."""
        with self._attribution:
            cursor = self._connection.cursor()
            with file.transaction(cursor):
                writing.save_rules(cursor, rules)
            self._rows.rules = rules
            self._hot.reengage_window_ms = self._longest_reengage_window()

    def _recompute(self, rules: dict[int, Rule], progress: Progress | None) -> int:
        with self._attribution:
            cursor = self._connection.cursor()
            size = self._numbering.sizes[0]
            upto, go_on = self._attributed, self._unless_closing(progress)
            whole = recompute.rebuild(cursor, self._runs, size, self._sends(rules), upto, go_on)
            everyone = np.arange(size, dtype=np.int32)
            with file.transaction(cursor):
                cursor.execute("delete from day_row")
                cursor.execute("delete from loose_tap")
                DayRows(rules).save(cursor, whole.tally)
                writing.save_loose(cursor, everyone, whole.loose_since)
                writing.save_rules(cursor, rules)
                file.set_meta(cursor, "orphans", whole.orphans)
            self._rows = self._rows.anew(whole.tally, rules)  # rows and rules at once
            self._orphans = whole.orphans
            self._hot.make_known(size)
            self._hot.set_loose_since(everyone, whole.loose_since)
            self._hot.reengage_window_ms = self._longest_reengage_window()
            return self._attributed

"""The EventLog of one machine: facts and day rows in one DuckDB file.

Three threads. The *writer* takes what callers append, many at a time, numbers the names and commits; then the
callers are told. *Attribution* follows: it reads the facts that came since, works out by how much they
change the counters of the installations concerned, and commits the new day rows together with how far it
got (``attributed.py``). A crash between the two loses nothing: attribution goes on from where it had got to.
*Sorting* puts what is attributed into runs, a million facts at a time.
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

from openrate.errors import StoreError, StoreFull
from openrate.model import DayRow, Fact, Rule
from openrate.ports.event_log import Behind, Difference, FactColumns, Inspection, Opens, Progress
from openrate.storage.duckdb import file, inspection, named_facts, recompute, writing
from openrate.storage.duckdb.arrivals import Arrivals, Stored
from openrate.storage.duckdb.attributed import Attributed
from openrate.storage.duckdb.batches import Batch, Batches
from openrate.storage.duckdb.by_installation import RUN_FACTS
from openrate.storage.duckdb.numbering import Numbering
from openrate.storage.duckdb.opens import NamedOpens, NumberedOpens, named_times, numbered_times

logger = logging.getLogger(__name__)

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
        return self._attributed.rows.of(campaign_id)

    def totals(self, campaign_id: int) -> Mapping[str, int]:
        """The sum of the day rows of a campaign, by counter."""
        return self._attributed.rows.totals(campaign_id)

    def changed(self, campaign_id: int | None = None) -> int:
        """A number that grows whenever there is something new about the campaign, or about any."""
        return self._attributed.rows.changed(campaign_id)

    def rule(self, app_id: int) -> Rule:
        """The rule that made the rows which answer now."""
        return self._attributed.rows.rules.get(app_id, Rule())

    def settle(self) -> None:
        """Wait until every fact durable now is in the rows."""
        with self._committed:
            wanted = self._durable
            self._committed.wait_for(lambda: self._attributed.upto >= wanted or self._closing)

    def set_rule(self, app_ids: Sequence[int], rule: Rule, progress: Progress | None = None) -> None:
        """Make the rows of these apps anew under ``rule``; until then the old ones answer, whole."""
        with self._attribution:  # whoever is at it now may be making the rows under yet another
            changing = [app_id for app_id in app_ids if self.rule(app_id) != rule]
            if not changing:
                return
            rules = self._attributed.rows.rules | dict.fromkeys(changing, rule)
            if np.isin(self._numbering.send_app.values, changing).any():
                self._attributed.recompute(rules, self._unless_closing(progress))
            else:
                self._attributed.adopt(rules)

    def rebuild(self, progress: Progress | None = None) -> int:
        """Drop the day rows and make them again; returns the number of facts read."""
        with self._attribution:
            self._attributed.recompute(self._attributed.rows.rules, self._unless_closing(progress))
            return self._attributed.upto

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
        return named_facts.of_one(cursor, self._attributed.runs, upto, (app_id, installation_id), number)

    def inspect(self, campaign_id: int, hours: int = 72) -> Inspection:
        """What the facts about a campaign are like that are in its rows now."""
        attributed = self._attributed
        source = inspection.Source(self._connection.cursor(), attributed.runs, attributed.upto)
        is_named = self._numbering.send_is_named.values
        totals = self.totals(campaign_id)
        deliveries = totals["sent"] + totals["errors"]
        return inspection.inspect(source, campaign_id, attributed.sends(), is_named, deliveries, hours)

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
            "attributed_facts": self._attributed.upto,
            "installations": installations,
            "sends": sends - 1,
            "orphan_opens": self._attributed.orphans,
            "hot_facts": len(self._attributed.hot),
            "hot_since_ms": self._attributed.hot.horizon,
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

    def _load(self, changes: int = 0) -> duckdb.DuckDBPyConnection:
        """Open the file, read what attribution needs, and attribute what a crash left over.

        Args:
            changes: of the rows until now.

        Returns:
            the cursor of the writer.
        """
        self._connection = file.connect(self._path, self._memory_limit_mb)
        try:
            self._read(changes)
            while self._tick():
                pass
        except duckdb.Error as error:
            self._connection.close()
            raise file.unusable(self._path, error) from error
        self._writing = self._connection.cursor()
        return self._writing

    def _read(self, changes: int) -> None:
        newest = self._connection.execute("select coalesce(max(seq), 0) from fact").fetchall()
        # After a failure these take the place of others, which are let go before the names and facts are read:
        # there need not be room for both.
        self._numbering = Numbering()
        self._attributed = Attributed(
            self._path,
            self._connection,
            self._numbering,
            changes=changes + 1,
            hot_facts=self._hot_capacity,
            run_facts=self._run_facts,
        )
        self._durable = int(newest[0][0])
        self._attributed.load()
        if left := self._durable - self._attributed.upto:
            logger.warning("Attributing %d facts that were stored but not yet counted.", left)

    # ── the writer ──

    def _write_forever(self) -> None:
        while batch := self._batches.take():
            caught_up = self._attributed.upto == self._durable
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
            return self._load(self._attributed.rows.changes)

    # ── attribution ──

    def _attribute_forever(self) -> None:
        """Tick when facts are waiting, with a pause in between."""
        while True:
            with self._committed:
                self._committed.wait_for(lambda: self._durable > self._attributed.upto or self._closing)
                if self._closing and self._durable <= self._attributed.upto:
                    return
            brought = 0
            try:
                brought = self._tick()
            except Exception:  # a tick that fails ends none of the later ones
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
            except Exception:  # what is stored is stored, whatever this was
                logger.exception("Attribution failed; it is tried again.")
            finally:
                self._attribution.release()

    def _tick(self) -> int:
        """Attribute the oldest facts that are waiting; returns how many there were."""
        with self._attribution:
            brought = self._attributed.take(self._durable)
            with self._committed:
                self._arrivals.counted(self._attributed.upto)
                self._committed.notify_all()
            return brought

    # ── sorting ──

    def _sort_forever(self) -> None:
        """Make a run whenever there are enough facts for one: beside attribution, as it takes as long as a tick."""
        while True:
            with self._committed:
                self._committed.wait_for(
                    lambda: self._attributed.runs.lacks(self._attributed.upto) or self._closing
                )
            if self._closing:
                return
            try:
                if self._attributed.runs.extend(self._connection.cursor(), self._attributed.upto):
                    continue
            except Exception:  # it saves time only
                logger.exception("Sorting facts failed; it is tried again in a second.")
            with self._committed:
                self._committed.wait_for(lambda: self._closing, 1)

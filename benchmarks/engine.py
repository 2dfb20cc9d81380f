"""The parts alone: parsing, appending, and the cost of a fact at some length of history."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import duckdb
import numpy as np

from benchmarks import workload
from openrate.activity import Activity
from openrate.ingest import Ingest, Reporter
from openrate.model import App, CampaignRef, Platform, Sender
from openrate.ports.clock import SystemClock
from openrate.ports.event_log import EventLog, FactColumns
from openrate.ports.records import Records
from openrate.storage.duckdb import DuckdbLog

_APP = App(1, 1, "Bench", Platform.IOS, Sender.EXTERNAL, "", "", "")
_NDJSON = "application/x-ndjson"
_LONG_AFTER = workload.START + 10**11


def parse_rate(bodies: Sequence[bytes]) -> float:
    """Events a second from bytes to accepted columns, in one thread."""
    started = time.perf_counter()
    facts = [_read(body) for body in bodies]
    return sum(map(len, facts)) / (time.perf_counter() - started)


def _read(body: bytes) -> FactColumns:
    refs = SimpleNamespace(
        campaign_refs=lambda _, tokens: {token: CampaignRef(_id(token), False) for token in tokens}
    )
    ingest = Ingest(cast(Records, refs), cast(EventLog, None), Activity(SystemClock()))
    reading = ingest.read(_APP, body, _NDJSON, Reporter(None), _LONG_AFTER)
    if reading.refusals:
        raise RuntimeError(str(reading.refusals[0]))
    return reading.facts


def _id(token: str) -> int:
    return int(token) if token.isdigit() else 1


def append_rate(path: Path) -> float:
    """Rows a second of this shape into DuckDB in durable commits of 10,000, and nothing else."""
    size, commits = 10_000, 60
    columns = {
        "installation": np.random.default_rng(1).integers(0, 5_000_000, size).astype(np.int32),
        "at_ms": np.arange(size) + workload.START,
        "send": np.ones(size, np.int32),
        "kind": np.zeros(size, np.uint8),
    }
    with duckdb.connect(str(path)) as db:
        db.execute("create table fact (installation integer, at_ms bigint, send integer, kind utinyint)")
        db.register("batch", columns)
        started = time.perf_counter()
        for _ in range(commits):
            db.execute("insert into fact select * from batch")
        return size * commits / (time.perf_counter() - started)


def cost_per_fact(path: Path, tokens: Sequence[str], stored: int) -> list[float]:
    """Microseconds a fact, from columns to committed day rows, in rounds of 300,000 facts that go on from there."""
    ids = [str(number) for number in range(len(tokens))]
    log = DuckdbLog(path)
    try:
        return [_round(log, ids, stored + at * 300_000) for at in range(-1, 6)][1:]
    finally:
        log.close()


def _round(log: DuckdbLog, ids: list[str], first: int) -> float:
    batches = [_read(body) for body in workload.bodies(ids, max(first, 0), 30)]
    started = time.perf_counter()
    waiting = [log.append(1, False, batch) for batch in batches]
    for done in waiting:
        done.result()
    log.settle()
    return (time.perf_counter() - started) / 300_000 * 1e6

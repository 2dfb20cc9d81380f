"""What the server does for the list of campaigns and the page of one.

A store of ten thousand campaigns, a hundred a day: of 100 facts 45 sent, 2 errors, 3 taps and 50 app opens, of
which 2 % arrive up to two days late. One campaign has a million deliveries, one a hundred thousand.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from hashlib import md5
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from openrate.explanation import explain
from openrate.model import CampaignState, Fact, FactType, Platform, Rule, Sender
from openrate.overview import Order, Overview, Wanted
from openrate.ports.clock import SystemClock
from openrate.storage.duckdb import DuckdbLog, file
from openrate.storage.records import SqlRecords
from openrate.storage.tables import campaigns

CAMPAIGNS, A_DAY = 10_000, 100
LARGE, ORDINARY = 5_001, 5_002
"""Campaign ids: a million deliveries, and a hundred thousand."""
DAY_MS = 86_400_000
DAYS = CAMPAIGNS // A_DAY
START = (time.time_ns() // 1_000_000 // DAY_MS - DAYS - 4) * DAY_MS


class Store:
    """Records and facts in a folder that is empty."""

    def __init__(self, folder: Path, facts: int) -> None:
        self.records = SqlRecords(folder / "records.db")
        self.company_id = _fill_records(self.records)
        _fill_facts(folder / "facts.duckdb", facts)
        self.log = DuckdbLog(folder / "facts.duckdb")
        self.overview = Overview(self.records, self.log, SystemClock())

    def close(self) -> None:
        """Let the files go."""
        self.log.close()
        self.records.close()


def _fill_records(records: SqlRecords) -> int:
    """A company with its app and its campaigns; the id of the company."""
    company = records.create_company("Acme", Rule())
    app = records.create_app(company.id, "Shop", Platform.IOS, Sender.EXTERNAL, "live", "dev", "sdk")
    rows = [_campaign(number, app.id) for number in range(CAMPAIGNS)]
    with records.database.writing() as connection:
        connection.execute(campaigns.insert(), rows)
    return company.id


def _campaign(number: int, app_id: int) -> dict[str, Any]:
    words = ("Spring", "Summer", "Autumn", "Winter", "News", "Basket", "Welcome")
    name = f"{words[number % 7]} {words[number // 7 % 7]} {number}"
    at = START + number // A_DAY * DAY_MS
    parameters = {
        "name": name,
        "live": number % 10 > 0,
        "push_time": str(np.datetime64(at // 1000 + 32400, "s")),
        "labels": [f"label {number % 40}", f"team {number % 9}"],
        "messages": [
            {"language": language, "title": name, "body": "x" * 200} for language in ("en", "fr", "de")
        ],
        "targeting": {"segments": ["ENGAGED", "NEW"]},
    }
    own = {"token": f"{number + 1:032x}", "app_id": app_id, "parameters": json.dumps(parameters)}
    flags = {"live": number % 10 > 0, "has_versions": False, "dev_only": number % 50 == 0, "from_api": True}
    return own | flags | {"created_at": at, "was_live": True, "was_completed": False}


def _fill_facts(path: Path, facts: int) -> None:
    """Two million installations for the first ten million facts, and no more than five."""
    DuckdbLog(path, hot_facts=1000).close()
    installations = min(5_000_000, max(2_000_000, facts // 10))
    connection = file.connect(path, 2048)
    connection.execute(
        f"insert into installation select n, 1, md5(n::varchar) from range({installations}) r(n)"
    )
    connection.execute(f"insert into send select n, 1, n, 'only' from range(1, {CAMPAIGNS + 1}) r(n)")
    seq = 0
    for day in range(DAYS + 3):
        columns = _day(day, facts // DAYS, installations)
        count = len(columns["at_ms"])
        file.insert(
            connection,
            "fact",
            seq=np.arange(seq + 1, seq + count + 1),
            platform=None,
            language=None,
            **columns,
        )
        seq += count
    connection.execute(f"update meta set value = {seq} where name = 'attributed'")
    connection.close()
    log = DuckdbLog(path, memory_limit_mb=2048)
    log.rebuild()
    log.close()


def _day(day: int, facts: int, installations: int) -> dict[str, NDArray[Any]]:
    """The facts that arrive on a day, in order of arrival; after the last campaign there are only opens."""
    random = np.random.default_rng(day)
    parts = [_app_opens(random, day, facts // 2, installations)]
    if day < DAYS:
        sizes = np.full(A_DAY, facts * 47 // 100 // A_DAY)
        for campaign, size in ((LARGE, 1_000_000), (ORDINARY, 100_000)):
            if (campaign - 1) // A_DAY == day:
                sizes[(campaign - 1) % A_DAY] = size
        for number, size in enumerate(sizes.tolist()):
            parts += _sending(random, day, day * A_DAY + number + 1, number, size, installations)
    arrival, at, installation, send, kind = (np.concatenate(columns) for columns in zip(*parts, strict=True))
    order = np.argsort(arrival)
    kind = kind[order].astype(np.uint8)
    causes = np.full(len(kind), None, object)
    causes[kind == FactType.PUSH_ERROR] = "unregistered"
    return {
        "type": kind,
        "installation": installation[order].astype(np.int32),
        "at_ms": at[order],
        "send": send[order].astype(np.int32),
        "version": np.zeros(len(kind), np.uint8),
        "opted_in": np.ones(len(kind), np.bool_),
        "cause": causes,
    }


Part = tuple[NDArray[np.int64], ...]
"""Arrival, at, installation, send, type."""


def _app_opens(random: np.random.Generator, day: int, count: int, installations: int) -> Part:
    arrival = START + day * DAY_MS + random.integers(0, DAY_MS, count)
    late = np.where(random.random(count) < 0.02, random.integers(0, 2 * DAY_MS, count), 0)
    zeros = np.zeros(count, np.int64)
    return arrival, arrival - late, random.integers(0, installations, count), zeros, zeros + FactType.APP_OPEN


def _sending(  # every column of a campaign
    random: np.random.Generator, day: int, campaign: int, number: int, size: int, installations: int
) -> list[Part]:
    begins = START + day * DAY_MS + number * DAY_MS // A_DAY
    at = begins + np.arange(size) * 3_600_000 // max(size, 1)
    installation = (np.arange(size) * 7 + campaign * 101) % installations
    failed = random.random(size) < 0.04
    sent = np.where(failed, FactType.PUSH_ERROR, FactType.PUSH_SENT).astype(np.int64)
    tapped = np.flatnonzero(~failed & (random.random(size) < 0.06))
    taps = at[tapped] + random.exponential(2 * 3_600_000, len(tapped)).astype(np.int64)
    send = np.full(size, campaign)
    return [
        (at, at, installation, send, sent),
        (taps, taps, installation[tapped], send[tapped], np.full(len(tapped), FactType.PUSH_OPEN, np.int64)),
    ]


def times_ms(work: Callable[..., object], *given: object, times: int = 7) -> list[float]:
    """How long it takes each time, in ms of this thread: nothing here uses two, and others may use the machine."""
    took = []
    for _ in range(times):
        began = time.thread_time()
        work(*given)
        took.append(1000 * (time.thread_time() - began))
    return took


def list_times(store: Store) -> Iterator[tuple[str, list[float]]]:
    """The list of campaigns."""
    company, overview = store.company_id, store.overview
    pages = {
        "newest": Wanted(),
        "search": Wanted(text="spring 77"),
        "labels and state": Wanted(
            labels=frozenset({"label 3"}), states=frozenset({CampaignState.COMPLETED})
        ),
        "by name": Wanted(order=Order.NAME, descending=False),
        "by open rate": Wanted(order=Order.OPEN_RATE, page=7),
    }
    yield (
        "reading the list of campaigns (comes before the page)",
        times_ms(overview.page, company, Wanted(), times=1),
    )
    for name, wanted in pages.items():
        yield f"list of campaigns, {name}", times_ms(overview.page, company, wanted)
    yield "has the list changed?", times_ms(overview.revision, company, times=1000)


def campaign_times(store: Store) -> Iterator[tuple[str, list[float]]]:
    """The page of one campaign, the part of it that is loaded after it, and one installation explained."""
    log = store.log
    sizes = {"500": 3_002, "100,000": ORDINARY, "1,000,000": LARGE}
    for name, campaign in sizes.items():
        yield f"numbers of a campaign of {name} deliveries", times_ms(log.rows, campaign)
    for name, campaign in sizes.items():
        after = " (comes after the page)" if campaign in {ORDINARY, LARGE} else ""
        yield f"why these numbers, {name} deliveries{after}", times_ms(log.inspect, campaign)
    names = [md5(str(number).encode(), usedforsecurity=False).hexdigest() for number in range(40)]
    one = iter(names)
    yield (
        "facts of one installation",
        times_ms(lambda: list(log.facts(1, installation_id=next(one))), times=40),
    )
    busy = [_visit(number) for number in range(1_000)]
    yield "explaining 1,000 facts", times_ms(explain, busy, ORDINARY, Rule())


def _visit(number: int) -> Fact:
    """A tap or an open of one installation, every hour."""
    kind = FactType.PUSH_OPEN if number % 20 == 0 else FactType.APP_OPEN
    campaign = ORDINARY if kind is FactType.PUSH_OPEN else None
    return Fact(1, kind, "busy", START + number * 3_600_000, campaign)

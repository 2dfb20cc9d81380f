"""``make bench``: every figure, measured and written to ``benchmarks/RESULTS.md``.

``python -m benchmarks --facts 10000000`` runs the same with a smaller history, to try a change.
"""

from __future__ import annotations

import argparse
import os
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import granian
import numpy as np

from benchmarks import clients, engine, loads, pages, sending, workload
from benchmarks.serving import Keys, Server, create_campaigns, new_app, port_of, serving

ROUNDS = 5
SECONDS = 3.0
BODY = 10_000


class Report:
    """What was measured, as it is measured: on the terminal and in the page."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def title(self, text: str) -> None:
        """Begin a table."""
        self._add(f"\n## {text}\n")
        self._add("| figure | goal | measured |\n|---|---|---|")

    def row(self, figure: str, goal: str, measured: str) -> None:
        """Add a figure."""
        self._add(f"| {figure} | {goal} | {measured} |")

    def _add(self, text: str) -> None:
        print(text, flush=True)
        self.lines.append(text)


def spread(values: Sequence[float], form: str = ".2f") -> str:
    """The median, and between what the values lay."""
    low, middle, high = min(values), statistics.median(values), max(values)
    return f"**{middle:{form}}** ({low:{form}} to {high:{form}}, {len(values)} rounds)"


class Bench:
    """One data folder with a long history, one with ten thousand facts, one that is empty."""

    def __init__(self, folder: Path, facts: int, report: Report) -> None:
        self.folder, self.facts, self.report = folder, facts, report
        self.log = folder / "server.log"

    def prepare(self, name: str, facts: int) -> tuple[Path, Keys, list[str]]:
        """A data folder whose campaigns have the ids that the workload uses."""
        data = self.folder / name
        keys = new_app(data)
        with serving(data, self.log) as server:
            days = self.facts // workload.FACTS_A_DAY + 20
            tokens = create_campaigns(server, keys, days)
        if facts:
            workload.fill(data / "facts.duckdb", facts)
        return data, keys, tokens

    def stats(self, small: Server, large: Server, keys: Sequence[Keys], tokens: Sequence[list[str]]) -> None:
        """GET stats against a bare answer of the same size, and a small store against a large one."""
        paths = [f"/1.1/{k.live}/campaigns/stats/{t[2]}" for k, t in zip(keys, tokens, strict=True)]
        size = len(large.call("GET", paths[1], keys[1]))
        command = [sys.executable, "-m", "benchmarks.bare", str(size)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as bare:
            bare_port = port_of(bare)
            rates = [
                [
                    loads.get_rate(port, path, key, SECONDS).per_second
                    for port, path, key in (
                        (bare_port, "/", keys[0]),
                        (small.port, paths[0], keys[0]),
                        (large.port, paths[1], keys[1]),
                    )
                ]
                for _ in range(ROUNDS)
            ]
            bare.terminate()
        self.report.title("GET stats, 32 connections")
        self.report.row("bare ASGI answer, requests/s", "", spread([r[0] for r in rates], ",.0f"))
        self.report.row("GET stats, large store, requests/s", "", spread([r[2] for r in rates], ",.0f"))
        self.report.row("ratio to the bare answer", "at least 0.6", spread([r[2] / r[0] for r in rates]))
        self.report.row(
            f"large store ({self.facts:,} facts) to small store (10,000)",
            "0.9 to 1.1",
            spread([r[2] / r[1] for r in rates]),
        )

    def ingest(self, server: Server, keys: Keys, tokens: list[str], first: int) -> None:
        """Bodies of 10,000 events as fast as they are taken; and what parsing or appending alone would allow."""
        self.report.title("Durable ingest over HTTP, attribution included")
        rates = []
        for at in range(ROUNDS):
            batch = workload.bodies(tokens, first + at * 1_500_000, 150, BODY)
            rates.append(len(batch) * BODY / loads.post_bodies(server, keys, batch, 6))
        parse, append = engine.parse_rate(batch[:40]), engine.append_rate(self.folder / "append.duckdb")
        slower = min(parse, append)
        self.report.row(
            "NDJSON, bodies of 10,000 events, 6 connections, facts/s",
            "300,000; least 150,000",
            spread(rates, ",.0f"),
        )
        self.report.row("parse only, one thread, events/s", "", f"{parse:,.0f}")
        self.report.row("append to DuckDB only, commits of 10,000, facts/s", "", f"{append:,.0f}")
        self.report.row("ratio to the slower of the two", "", f"{statistics.median(rates) / slower:.2f}")
        script = self.folder / "single.lua"
        singles = [loads.single_event_rate(server, keys, SECONDS, 64, script) for _ in range(ROUNDS)]
        self.report.row(
            "one event a request, 64 connections, requests/s",
            "10,000",
            spread([s.per_second for s in singles], ",.0f"),
        )
        self.report.row("… of which failed", "0", str(sum(s.failed for s in singles)))

    def freshness(self, server: Server, keys: Keys, tokens: list[str], first: int) -> None:
        """From the 200 to the statistics, while 100,000 facts/s arrive; and when idle."""
        bodies = workload.bodies(tokens, first, 200, BODY)
        path = f"/1.1/{keys.live}/campaigns/stats/{tokens[-1]}"
        marked = [body + b"\n" + _marker(tokens[-1], f"m{first}-{at}") for at, body in enumerate(bodies)]
        acknowledged: list[float] = []
        seen: list[float] = []
        before = server.stats_sent(path, keys)
        done = threading.Event()

        def watch() -> None:
            while len(seen) < len(marked) and not (
                done.is_set() and time.perf_counter() > acknowledged[-1] + 10
            ):
                new = server.stats_sent(path, keys) - before - len(seen)
                seen.extend([time.perf_counter()] * new)
                time.sleep(0.005)

        watcher = threading.Thread(target=watch)
        watcher.start()
        loads.post_bodies(server, keys, marked, 4, 10.0, lambda _, at: acknowledged.append(at))
        done.set()
        watcher.join()
        # The k-th marker to be seen is at the latest the k-th that was acknowledged: an upper bound.
        waits = sorted(max(0.0, s - a) for a, s in zip(sorted(acknowledged), seen, strict=False))
        self.report.title("From the acknowledgement to the statistics")
        self.report.row("facts acknowledged and then seen", f"{len(marked)}", str(len(waits)))
        self.report.row(
            "at 100,000 facts/s: p50 / p99 / max, ms",
            "p99 under 1,000",
            " / ".join(f"{1000 * waits[int((len(waits) - 1) * p)]:.0f}" for p in (0.5, 0.99, 1)),
        )
        time.sleep(1)
        idle = [self._idle_delay(server, keys, tokens, path, f"i{first}-{at}") for at in range(20)]
        self.report.row("idle: GETs after the 200 that did not show the fact", "0", str(sum(idle)))

    def _idle_delay(self, server: Server, keys: Keys, tokens: list[str], path: str, name: str) -> int:
        before = server.stats_sent(path, keys)
        server.call(
            "POST",
            f"/v1/{keys.live}/events",
            keys,
            _marker(tokens[-1], name),
            **{"Content-Type": "application/json"},
        )
        missed = 0
        while server.stats_sent(path, keys) == before:
            missed += 1
        return missed


def _marker(token: str, name: str) -> bytes:
    at = datetime.fromtimestamp(workload.START / 1000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return (
        f'{{"type":"push_sent","campaign_token":"{token}","installation_id":"{name}","at":"{at}"}}'.encode()
    )


def history(bench: Bench) -> None:
    """The cost per fact at a tenth, half and all of a long history; then what its store takes."""
    sizes = [bench.facts // 10, bench.facts // 2, bench.facts]
    costs = {}
    for size in sizes:
        data, keys, tokens = bench.prepare(f"history{size}", size)
        costs[size] = engine.cost_per_fact(data / "facts.duckdb", tokens, size)
    bench.report.title("Cost per fact at constant traffic, µs (numbers, append, attribution; parsing apart)")
    for size, cost in costs.items():
        bench.report.row(f"with {size:,} facts stored", "flat within 20 %", spread(cost))
    middle = [statistics.median(cost) for cost in costs.values()]
    bench.report.row("dearest to cheapest", "at most 1.2", f"**{max(middle) / min(middle):.2f}**")
    large(bench, data, keys, tokens)


def large(bench: Bench, data: Path, keys: Keys, tokens: list[str]) -> None:
    """Rebuild, start-up after a kill, memory and GET stats with a long history."""
    report, stored = bench.report, workload.stored(data / "facts.duckdb")
    report.title(f"A store of {stored:,} facts")
    with serving(data, bench.log) as server:
        seconds = openrate_seconds("rebuild", data)
    report.row("rebuild by the running server, facts/s", "2,000,000", f"**{stored / seconds:,.0f}**")
    with serving(data, bench.log) as server:
        loads.post_bodies(server, keys, workload.bodies(tokens, stored, 30), 4)
        server.process.kill()
        server.process.wait()
    with serving(data, bench.log) as server:
        report.row(
            "start-up after kill -9 under load, to the first answer, s", "10", f"**{server.started_s:.1f}**"
        )
        loads.post_bodies(server, keys, workload.bodies(tokens, stored + 300_000, 200), 4)
        report.row("resident memory after 2,000,000 more, MB", "2,000", f"**{server.rss_mb():,.0f}**")
        small_data, small_keys, small_tokens = bench.prepare("small", 10_000)
        with serving(small_data, bench.log) as small:
            bench.stats(small, server, [small_keys, keys], [small_tokens, tokens])


def openrate_seconds(command: str, data: Path) -> float:
    """How long a command takes."""
    started = time.perf_counter()
    openrate = str(Path(sys.executable).with_name("openrate"))
    subprocess.run([openrate, command, "--data", str(data)], check=True, capture_output=True)
    return time.perf_counter() - started


def empty(bench: Bench) -> None:
    """What a new server does."""
    data, keys, tokens = bench.prepare("empty", 0)
    with serving(data, bench.log) as server:
        time.sleep(2)
        bench.report.title("A new server")
        bench.report.row("resident memory, idle, MB", "300", f"**{server.rss_mb():,.0f}**")
        bench.ingest(server, keys, tokens, 0)
        bench.freshness(server, keys, tokens, 10_000_000)


def send(bench: Bench) -> None:
    """Whole sends beside the bare client, then one to a million."""
    report, folder = bench.report, bench.folder
    rates, ratios = [], []
    for at in range(3):
        bare = sending.client_rate(folder / f"bare{at}", clients.bare_libcurl, 60_000)
        rates.append(sending.whole_send(folder / f"send{at}", 100_000).per_second)
        ratios.append((bare, rates[-1] / bare))
    million = sending.whole_send(folder / "million", 1_000_000)
    others = {
        client.__name__: sending.client_rate(folder / client.__name__, client, count)
        for client, count in ((clients.aioapns, 4_000), (clients.httpx, 2_000))
    }
    report.title("Sending to a local endpoint, TLS and HTTP/2, 450 bytes a message")
    report.row("bare libcurl, messages/s", "", spread([bare for bare, _ in ratios], ",.0f"))
    report.row("whole sends to 100,000, messages/s", "20,000; least 10,000", spread(rates, ",.0f"))
    report.row("whole sends to the bare client", "", spread([ratio for _, ratio in ratios]))
    for name, rate in others.items():
        times = statistics.median(rates) / rate
        report.row(
            f"{name}, messages/s; whole sends are so many times as fast", "", f"{rate:,.0f}; **{times:.1f}**"
        )
    report.row("a send to 1,000,000, messages/s", "20,000; least 10,000", f"**{million.per_second:,.0f}**")
    report.row("… selecting the audience, s", "2", f"**{million.select:.2f}**")
    report.row("… resident memory, MB", "500", f"**{million.rss:,.0f}**")


def shown(bench: Bench) -> None:
    """What the pages ask of a long history: the thread's own time, without Jinja and HTTP."""
    folder = bench.folder / "pages"
    folder.mkdir()
    store = pages.Store(folder, bench.facts)
    bench.report.title(
        f"Pages of {pages.CAMPAIGNS:,} campaigns and {store.log.counts()['facts']:,} facts, ms"
    )
    for name, took in (*pages.list_times(store), *pages.campaign_times(store)):
        goal = "" if "(comes " in name else "100"
        bench.report.row(name, goal, spread(took, ".3f" if max(took) < 1 else ".0f"))
    store.close()
    shutil.rmtree(folder)


PARTS: dict[str, Callable[[Bench], None]] = {"empty": empty, "history": history, "send": send, "pages": shown}


def main() -> None:
    """Measure, and write the page when all of it was measured."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--only", choices=list(PARTS), help="measure this part and write nothing")
    parser.add_argument("--facts", type=int, default=100_000_000, help="how long the long history is")
    given = parser.parse_args()
    report = Report()
    folder = Path(tempfile.mkdtemp(prefix="openrate-bench-"))
    try:
        for name, part in PARTS.items():
            if given.only in {None, name}:
                part(Bench(folder, given.facts, report))
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    if given.only is None:
        page = Path(__file__).with_name("RESULTS.md")
        page.write_text(f"{_head(given.facts)}{chr(10).join(report.lines)}\n", encoding="utf-8")


def _head(facts: int) -> str:
    cpu = next(
        (line for line in Path("/proc/cpuinfo").read_text().splitlines() if "model name" in line), "?: ?"
    )
    return (
        "# Results\n\nWhat one run of `make bench` printed. Every ratio was taken within that run.\n\n"
        f"{datetime.now(UTC):%Y-%m-%d}, {cpu.split(': ')[1]}, {os.cpu_count()} cores, "
        f"Python {platform.python_version()}, DuckDB {duckdb.__version__}, numpy {np.__version__}, "
        f"Granian {granian.__version__}; a history of {facts:,} facts.\n"
    )


if __name__ == "__main__":
    main()

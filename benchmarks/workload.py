"""The made traffic: two campaigns a day, one of them recurring; of 100 facts 45 sent, 2 errors, 3 taps, 50 opens.

2 % of the opens arrive late, by up to two days. ``fill`` makes a store of it in SQL, ``bodies`` goes on from
there over HTTP. Constant traffic: a larger store is a longer history, not busier days.
"""

from __future__ import annotations

import time
from hashlib import md5
from pathlib import Path

import duckdb
import numpy as np
from numpy.typing import NDArray

from openrate.storage.duckdb import DuckdbLog

DAY_MS = 86_400_000
FACTS_A_DAY = 2_000_000
INSTALLATIONS = 5_000_000
START = (time.time_ns() // 1_000_000 // DAY_MS - 100) * DAY_MS
"""A hundred days ago: no fact may be from the future."""
RECURRING = 1
"""Campaign ids: 1 recurs every day, 2 + day is sent on that day only."""

_FACTS = f"""
insert into fact
with numbered as (
    select n, n % 100 as slot, case when n % 100 between 47 and 49
           then (n // 100 - (hash(n + 3) % least(3000, n // 100 + 1)::ubigint)::bigint) * 100
                + (hash(n + 4) % 45)::bigint
           else n end as cause_n
    from range({{first}}, {{end}}) r(n)
), placed as (
    select n, slot, (hash(cause_n) % {INSTALLATIONS})::integer as installation,
           cause_n // {FACTS_A_DAY} as day, (hash(cause_n + 1) % 2)::integer as which,
           {START} + n * {DAY_MS} // {FACTS_A_DAY} - case when slot > 49 and hash(n + 2) % 50 = 0
               then (hash(n + 5) % {2 * DAY_MS})::bigint else 0 end as at_ms
    from numbered
)
select n + 1, case when slot < 45 then 0 when slot < 47 then 1 when slot < 50 then 2 else 3 end,
       installation, at_ms,
       case when slot < 47 then 1 + 2 * day + which
            when slot < 50 then 1 + 2 * {{days}} + case when which = 0 then 0 else 1 + day end
            else 0 end,
       0, true, case when slot between 45 and 46 then 'unregistered' end, null, null
from placed order by n
"""


def fill(path: Path, facts: int) -> None:
    """Make a store of that many attributed facts, and of what is derived from them."""
    DuckdbLog(path, hot_facts=1000).close()
    days = facts // FACTS_A_DAY + 3
    name = f"strftime(epoch_ms({START} + n * {DAY_MS}), '%Y-%m-%d') from range({days}) r(n)"
    with duckdb.connect(str(path)) as db:
        db.execute(f"insert into installation select n, 1, md5(n::varchar) from range({INSTALLATIONS}) r(n)")
        db.execute(f"insert into send select 1 + 2 * n, 1, {RECURRING}, {name}")
        db.execute(f"insert into send select 2 + 2 * n, 1, 2 + n, {name}")
        db.execute(f"insert into send select {1 + 2 * days} + n, 1, 1 + n, null from range({days + 1}) r(n)")
        for first in range(0, facts, 5_000_000):
            db.execute(_FACTS.format(first=first, end=min(facts, first + 5_000_000), days=days))
        db.execute(f"update meta set value = {facts} where name = 'attributed'")
    log = DuckdbLog(path)
    log.rebuild()
    log.close()


def stored(path: Path) -> int:
    """How many facts a store has."""
    with duckdb.connect(str(path), read_only=True) as db:
        return int(db.execute("select count(*) from fact").fetchall()[0][0])


def bodies(tokens: list[str], first: int, count: int, size: int = 10_000) -> list[bytes]:
    """NDJSON bodies that go on from fact number ``first``; ``tokens`` by campaign id."""
    return [_body(tokens, first + at * size, size) for at in range(count)]


def _body(tokens: list[str], first: int, size: int) -> bytes:
    random = np.random.default_rng(first)
    n = np.arange(first, first + size)
    slot = n % 100
    installation = random.integers(0, INSTALLATIONS, size)
    which = random.integers(0, 2, size)
    taps = np.flatnonzero((slot >= 47) & (slot < 50) & (n % size > 100))
    of = (taps // 100 - 1 - random.integers(0, 100, len(taps))).clip(0) * 100 + random.integers(
        0, 45, len(taps)
    )
    installation[taps], which[taps] = installation[of], which[of]
    at = START + n * DAY_MS // FACTS_A_DAY
    late = (slot > 49) & (random.random(size) < 0.02)
    at[late] -= random.integers(0, 2 * DAY_MS, int(late.sum()))
    times = np.datetime_as_string(at.astype("datetime64[ms]"), unit="ms")
    campaign = np.where(which == 0, RECURRING, 2 + n // FACTS_A_DAY)
    rows = zip(slot.tolist(), _names(installation), times.tolist(), campaign.tolist(), strict=True)
    return "\n".join(_line(slot, name, time, tokens[c]) for slot, name, time, c in rows).encode()


def _names(installation: NDArray[np.int64]) -> list[str]:
    return [md5(str(number).encode(), usedforsecurity=False).hexdigest() for number in installation.tolist()]


def _line(slot: int, name: str, time: str, token: str) -> str:
    rest = f'"installation_id":"{name}","at":"{time}Z"'
    if slot < 45:
        return f'{{"type":"push_sent","campaign_token":"{token}",{rest}}}'
    if slot < 47:
        return f'{{"type":"push_error","campaign_token":"{token}",{rest},"cause":"unregistered"}}'
    if slot < 50:
        return f'{{"type":"push_open","campaign_token":"{token}",{rest}}}'
    return f'{{"type":"app_open",{rest}}}'

"""What is written, within the transaction of the caller: facts, names, rules, loose taps."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import duckdb
import numpy as np
from msgspec.structs import astuple
from numpy.typing import NDArray

from openrate.model import Rule
from openrate.ports.event_log import FactColumns
from openrate.storage.duckdb import file
from openrate.storage.duckdb.day_rows import VERSIONS
from openrate.storage.duckdb.evaluate import NOT_YET
from openrate.storage.duckdb.numbering import Unsaved

_VERSION_NUMBERS = {version: number for number, version in enumerate(VERSIONS)}


class Append(NamedTuple):
    """What one caller wants stored."""

    app_id: int
    dev: bool
    facts: FactColumns


def insert_names(cursor: duckdb.DuckDBPyConnection, names: Unsaved) -> None:
    """New installations and sends."""
    if names.installations:
        numbers, apps, texts = zip(*names.installations, strict=True)
        file.insert(
            cursor,
            "installation",
            id=np.array(numbers, np.int32),
            app=np.array(apps, np.int32),
            name=np.array(texts, object),
        )
    if names.sends:
        cursor.executemany("insert into send values (?, ?, ?, ?)", names.sends)


def save_loose(
    cursor: duckdb.DuckDBPyConnection, installations: NDArray[np.int32], loose_since: NDArray[np.int64]
) -> None:
    """When each of these installations has its first loose tap; NOT_YET takes its row away."""
    cursor.register("batch", {"installation": installations, "at_ms": loose_since})
    cursor.execute("delete from loose_tap using batch where loose_tap.installation = batch.installation")
    cursor.execute("insert into loose_tap select installation, at_ms from batch where at_ms < ?", [NOT_YET])
    cursor.unregister("batch")


def save_rules(cursor: duckdb.DuckDBPyConnection, rules: Mapping[int, Rule]) -> None:
    """The rules by app, all of them."""
    cursor.execute("delete from app_rule")
    for app, rule in rules.items():
        cursor.execute("insert into app_rule values (?, ?, ?, ?)", [app, *astuple(rule)])


def by_app(batch: list[Append], *, dev: bool) -> list[tuple[int, FactColumns]]:
    """The facts of each app as one: a statement costs as much for one fact as for thousands."""
    parts: dict[int, list[FactColumns]] = defaultdict(list)
    for append in batch:
        if append.dev is dev:
            parts[append.app_id].append(append.facts)
    return [(app_id, FactColumns.together(of_app)) for app_id, of_app in parts.items()]


def insert_facts(
    cursor: duckdb.DuckDBPyConnection,
    first: int,
    batches: list[tuple[FactColumns, NDArray[np.int32], NDArray[np.int32]]],
) -> None:
    """Facts with the numbers of their installations and sends; ``first`` is the seq of the first."""
    for facts, installations, sends in batches:
        file.insert(
            cursor,
            "fact",
            seq=np.arange(first, first + len(facts)),
            installation=installations,
            at_ms=facts.ats,
            send=sends,
            version=_column(facts, np.uint8, [_VERSION_NUMBERS[kind.version] for kind in facts.kinds]),
            **_kind_columns(facts),
        )
        first += len(facts)


def insert_dev_facts(cursor: duckdb.DuckDBPyConnection, app_id: int, facts: FactColumns) -> None:
    """Facts of the development world, by name."""
    file.insert(
        cursor,
        "dev_fact",
        app=np.full(len(facts), app_id, np.int32),
        installation=np.array(facts.installations, object),
        at_ms=facts.ats,
        campaign=_column(facts, np.int32, [kind.campaign_id for kind in facts.kinds]),
        send=_texts(facts, [kind.send for kind in facts.kinds]),
        version=_texts(facts, [kind.version for kind in facts.kinds]),
        **_kind_columns(facts),
    )


def _kind_columns(facts: FactColumns) -> dict[str, NDArray[np.generic] | None]:
    """The columns that both worlds store alike."""
    return {
        "type": _column(facts, np.uint8, [kind.type for kind in facts.kinds]),
        "opted_in": _column(facts, np.bool_, [kind.opted_in for kind in facts.kinds]),
        "cause": _texts(facts, [kind.cause for kind in facts.kinds]),
        "platform": _texts(facts, [kind.platform for kind in facts.kinds]),
        "language": _texts(facts, [kind.language for kind in facts.kinds]),
    }


def _column(facts: FactColumns, dtype: type[np.generic], of_kinds: Sequence[int]) -> NDArray[np.generic]:
    return np.array(of_kinds, dtype)[facts.kind]


def _texts(facts: FactColumns, of_kinds: Sequence[str | None]) -> NDArray[np.object_] | None:
    """A text column; None when there is nothing in it, as in most batches, which spares a slow conversion."""
    texts = [None if text is None else str(text) for text in of_kinds]
    return np.array(texts, object)[facts.kind] if any(texts) else None

"""When installations were first seen and opened: one pass over the facts, for those who select an audience."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import duckdb
import numpy as np
from numpy.typing import NDArray

from openrate.ports.event_log import NEVER, OpenTimes
from openrate.storage.duckdb.numbering import Numbering

_TIMES = """
    min(at_ms) as first_seen,
    min(at_ms) filter (where type <> 4) as first_open,
    max(at_ms) filter (where type <> 4) as last_open
"""
"""Of the types 2 push_open, 3 app_open and 4 installed."""


class NumberedOpens:
    """Of the live world, as arrays by installation number: 24 bytes for each there is, of whatever app."""

    def __init__(self, numbering: Numbering, app_id: int, times: OpenTimes) -> None:
        self._numbering = numbering
        self._app_id = app_id
        self._times = times

    def of(self, installation_ids: Sequence[str]) -> OpenTimes:
        """See ``ports.Opens``."""
        numbers = self._numbering.find_installations(self._app_id, installation_ids)
        # The last entry is NEVER: there -1 leads, and what was numbered after the facts were read.
        numbers[numbers >= len(self._times.first_seen)] = -1
        return OpenTimes(*(times[numbers] for times in self._times))


class NamedOpens:
    """Of the development world, where nothing is numbered and there is little."""

    def __init__(self, times: dict[str, tuple[int, int, int]]) -> None:
        self._times = times

    def of(self, installation_ids: Sequence[str]) -> OpenTimes:
        """See ``ports.Opens``."""
        nothing = (NEVER, NEVER, NEVER)
        found = [self._times.get(name, nothing) for name in installation_ids]
        return OpenTimes(*np.array(found, np.int64).reshape(-1, 3).T)


def numbered_times(cursor: duckdb.DuckDBPyConnection, app_id: int) -> OpenTimes:
    """By installation number, with one entry more at the end."""
    columns = cursor.execute(
        f"select f.installation as number, {_TIMES} from fact f join installation i on i.id = f.installation "  # noqa: S608 - ours
        "where f.type >= 2 and i.app = ? group by f.installation",
        [app_id],
    ).fetchnumpy()
    numbers = np.asarray(columns["number"])
    return OpenTimes(*(_dense(numbers, columns[name]) for name in OpenTimes._fields))


def named_times(cursor: duckdb.DuckDBPyConnection, app_id: int) -> dict[str, tuple[int, int, int]]:
    """By installation id, of the development world."""
    rows = cursor.execute(
        f"select installation, {_TIMES} from dev_fact where type >= 2 and app = ? group by installation",  # noqa: S608 - ours
        [app_id],
    ).fetchall()
    return {name: tuple(NEVER if at is None else at for at in times) for name, *times in rows}  # type: ignore[misc]  # three


def _dense(numbers: NDArray[np.int32], column: Any) -> NDArray[np.int64]:
    """A column by installation number; a null, which numpy has as a masked entry, is NEVER."""
    values = np.full(int(numbers.max(initial=-1)) + 2, NEVER, np.int64)
    values[numbers] = np.ma.filled(column, NEVER)
    return values

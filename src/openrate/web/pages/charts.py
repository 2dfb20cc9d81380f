"""What ``chart.js`` draws: one time axis, and bars or lines over it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal, NamedTuple

MINUTE_S, HOUR_S, DAY_S = 60, 3_600, 86_400


class Series(NamedTuple):
    """One value for each time; None where there is none.

    Attributes:
        color: the name of a custom property of ``openrate.css``.
        scale: ``count``, or ``percent`` from 0 to 100; each has an axis of its own.
    """

    label: str
    color: str
    values: Sequence[float | None]
    kind: Literal["line", "bars"] = "line"
    scale: Literal["count", "percent"] = "count"


def bars(label: str, values: Sequence[float | None]) -> Series:
    """What the lines are about, behind them."""
    return Series(label, "--quiet", values, "bars")


def chart(unit: int, times: Sequence[int], *series: Series) -> dict[str, Any]:
    """A chart; ``unit`` is the distance of two times, which are seconds since 1970."""
    return {"unit": unit, "times": times, "series": [each._asdict() for each in series]}

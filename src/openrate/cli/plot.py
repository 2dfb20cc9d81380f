"""The small plot of ``openrate stats``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import plotext  # type: ignore[import-untyped]  # it ships no types

from openrate.stats import open_rate

_WIDTH, _HEIGHT = 76, 11
"""Characters."""
_DAYS = 28
"""As many bars as fit, the newest."""


def open_rates(detail: Sequence[dict[str, Any]]) -> str:
    """The open rate of each of the last days, in per cent, as text without colours."""
    detail = detail[-_DAYS:]
    rates = [100 * open_rate(day) for day in detail]
    figure = plotext.figure
    figure.clear()
    figure.plot_size(_WIDTH, _HEIGHT)
    figure.title("open rate by day, %")
    figure.draw(figure.bar([day["date"][5:] for day in detail], rates, width=0.6))
    return str(plotext.uncolorize(str(figure.build())))

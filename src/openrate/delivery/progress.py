"""How far the sends of a campaign are, for whoever watches."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from openrate.model import Send
from openrate.times import format_time

_COUNTS = ("recipients", "sent", "errors", "skipped")


def progress(sends: Sequence[Send]) -> dict[str, Any]:
    """Totals, and a line for each occurrence, by due time; the waves of one by local time are added up.

    ``recipients`` grows while waves of an occurrence are still to come.
    """
    # Not neighbours only: the last waves of an occurrence come after the first of the next.
    occurrences: dict[str, list[Send]] = {}
    for send in sends:
        occurrences.setdefault(send.send_id, []).append(send)
    lines = [_occurrence(waves) for waves in occurrences.values()]
    return {**_sum(sends), "reason": _reason(sends), "sends": lines}


def _occurrence(waves: Sequence[Send]) -> dict[str, Any]:
    open_waves = [wave for wave in waves if wave.finished_at is None]
    last = open_waves[0] if open_waves else waves[-1]
    return {
        "send_id": waves[0].send_id,
        "state": last.state,
        "due_at": format_time(waves[0].due_at),
        "finished_at": None if open_waves else format_time(max(wave.finished_at or 0 for wave in waves)),
        **_sum(waves),
        "reason": _reason(waves),
    }


def _sum(sends: Sequence[Send]) -> dict[str, int]:
    return {name: sum(getattr(send, name) for send in sends) for name in _COUNTS}


def _reason(sends: Sequence[Send]) -> str | None:
    return next((send.reason for send in sends if send.reason is not None), None)

"""The segments in words."""

from __future__ import annotations

from openrate.audience import NEW_MS
from openrate.conditions import Segment
from openrate.model import Rule
from openrate.web.pages.render import span


def segment_meanings(rule: Rule) -> dict[Segment, str]:
    """Who is in each segment; everybody is in one."""
    return {
        Segment.NEW: f"first open less than {span(NEW_MS // 1000)} ago",
        Segment.ONE_TIME: "opened on one day only",
        Segment.ENGAGED: "opened again, and lately",
        Segment.DORMANT: f"no open for {span(rule.inactive_after)}",
        Segment.IMPORTED: "never opened the app",
    }

"""The rules of ``docs/metrics.md`` as pure functions: the reference that every engine is held against.

Written to be obviously right, one installation at a time, not to be fast. No rule depends on the order of
the facts or on how often one is repeated, because the first thing done is to make a set of them.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from openrate.model import DAY_MS, DayRow, Fact, FactType, Rule


class Delivery(NamedTuple):
    """One (campaign, installation, send) and what it counts as; ``at`` is its T (``metrics.md``, "Deliveries")."""

    campaign_id: int
    send: str
    at: int
    version: str | None
    sent: bool
    opted_in: bool
    direct_open: bool = False
    influenced_open: bool = False
    reengaged: bool = False


def attribute(facts: Iterable[Fact], rule: Rule) -> list[Delivery]:
    """What the facts of ONE installation add up to: its deliveries, each with what it counts as."""
    known = set(facts)
    deliveries = _deliveries(known)
    opens = sorted({f.at for f in known if f.type in {FactType.PUSH_OPEN, FactType.APP_OPEN}})
    seen = [f.at for f in known if f.type is FactType.INSTALLED] + opens[:1]
    first_seen = min(seen, default=None)
    tapped = {
        owner
        for f in known
        if f.type is FactType.PUSH_OPEN and (owner := owner_of(f, deliveries)) is not None
    }
    return [_judge(d, (d.campaign_id, d.send) in tapped, opens, first_seen, rule) for d in deliveries]


def orphans(facts: Iterable[Fact]) -> int:
    """How many taps of ONE installation belong to no sent delivery (``metrics.md``, "Deliveries")."""
    known = set(facts)
    deliveries = _deliveries(known)
    return sum(f.type is FactType.PUSH_OPEN and owner_of(f, deliveries) is None for f in known)


def _deliveries(facts: Iterable[Fact]) -> list[Delivery]:
    """Settle the reports of each delivery (``metrics.md``, "Identity")."""
    reports: dict[tuple[int, str], list[Fact]] = defaultdict(list)
    for f in facts:
        if f.type in {FactType.PUSH_SENT, FactType.PUSH_ERROR}:
            reports[f.campaign_id or 0, f.send or ""].append(f)
    return [_delivery(campaign_id, send, of) for (campaign_id, send), of in reports.items()]


def _delivery(campaign_id: int, send: str, reports: list[Fact]) -> Delivery:
    counts = counting(reports)
    is_sent = counts.type is FactType.PUSH_SENT
    return Delivery(campaign_id, send, counts.at, counts.version, is_sent, counts.opted_in)


def counting(reports: Iterable[Fact]) -> Fact:
    """Of the reports of a delivery the one that counts (``metrics.md``, "Identity"): a sent one, the earliest."""
    return min(reports, key=_rank)


def _rank(report: Fact) -> tuple[bool, int, str, bool, str, str, str]:
    return (
        report.type is not FactType.PUSH_SENT,
        report.at,
        report.version or "",
        report.opted_in,
        report.cause or "",
        report.platform or "",
        report.language or "",
    )


def owner_of(tap: Fact, deliveries: Iterable[Delivery]) -> tuple[int, str] | None:
    """The sent delivery that a push_open belongs to, as (campaign, send); None is an orphan."""
    sent = sorted(
        (d.at, d.send.encode(), d.send) for d in deliveries if d.sent and d.campaign_id == tap.campaign_id
    )
    if not sent:
        return None
    if any(send == tap.send for _, _, send in sent):
        return (tap.campaign_id or 0, tap.send or "")
    before = [send for at, _, send in sent if at <= tap.at]
    return (tap.campaign_id or 0, before[-1] if before else sent[0][2])


def _judge(d: Delivery, direct: bool, opens: list[int], first_seen: int | None, rule: Rule) -> Delivery:
    if not d.sent:
        return d
    since = d.at - rule.inactive_after * 1000
    inactive = first_seen is not None and first_seen <= since and not any(since < t <= d.at for t in opens)

    def opened_within(seconds: int) -> bool:
        return any(d.at < t <= d.at + seconds * 1000 for t in opens)

    return d._replace(
        direct_open=direct,
        influenced_open=not direct and opened_within(rule.influence_window),
        reengaged=inactive and opened_within(rule.reengage_window),
    )


def day_rows(deliveries: Iterable[Delivery]) -> dict[tuple[int, int, str | None], DayRow]:
    """Count deliveries into the row of their campaign, UTC day and version."""
    cells: dict[tuple[int, int, str | None], list[int]] = defaultdict(lambda: [0] * 6)
    for d in deliveries:
        cell = cells[d.campaign_id, d.at // DAY_MS, d.version]
        counts = (d.sent, d.sent and d.opted_in, d.direct_open, d.influenced_open, d.reengaged, not d.sent)
        cell[:] = [n + int(c) for n, c in zip(cell, counts, strict=True)]
    return {key: DayRow(*key, *cell) for key, cell in cells.items()}


def statistics(facts: Iterable[Fact], rules: Mapping[int, Rule]) -> dict[tuple[int, int, str | None], DayRow]:
    """Every day row of a whole set of facts; ``rules`` by app id. An installation is a name inside one app."""
    by_installation: dict[tuple[int, str], list[Fact]] = defaultdict(list)
    for f in facts:
        by_installation[f.app_id, f.installation_id].append(f)
    return day_rows(
        d for (app_id, _), of in by_installation.items() for d in attribute(of, rules.get(app_id, Rule()))
    )

"""To whom a send goes: the campaign's targeting, its capping, and the time zones of the wave."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from openrate import schedule
from openrate.audience import read_targeting
from openrate.conditions import AsOf, InTimezones, Selection
from openrate.delivery.desk import Desk
from openrate.model import App, Campaign
from openrate.schedule import Due


def recipients(desk: Desk, app: App, campaign: Campaign, due: Due) -> Iterator[list[str]]:
    """The ids of the installations that a wave goes to, ascending, in parts."""
    rule = desk.records.company_of(app).rule
    selection = Selection(
        app.id,
        campaign.dev_only,
        read_targeting(campaign.parameters.get("targeting")),
        AsOf(desk.clock.now(), rule.inactive_after),
        _timezones(due),
    )
    had_enough = _had_enough(desk, app, campaign)
    for part in desk.records.select(selection, lambda: desk.log.opens(app.id, campaign.dev_only)):
        names = part.installation_ids
        yield [name for name in names if name not in had_enough] if had_enough else names


def _timezones(due: Due) -> InTimezones | None:
    """The zones of a wave; the one that takes the rest, like a send that is not by local time, is for all."""
    if due.zones is None or due.takes_rest:
        return None
    known = schedule.zone_names() if due.with_unknown else None
    return InTimezones(tuple(sorted(due.zones)), known)


def _had_enough(desk: Desk, app: App, campaign: Campaign) -> set[str]:
    """Who got as many pushes of this campaign as its capping allows, or will by what is open; 0 is no capping."""
    capping = campaign.parameters.get("capping")
    if not capping:
        return set()
    pending = Counter(desk.sends.pending(campaign.id))
    enough = desk.log.sent_often(app.id, campaign.dev_only, campaign.id, capping)
    for times in set(pending.values()):
        to_come = {name for name, count in pending.items() if count == times}
        if times < capping:
            to_come &= desk.log.sent_often(app.id, campaign.dev_only, campaign.id, capping - times)
        enough |= to_come
    return enough

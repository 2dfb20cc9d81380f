"""Commands about facts and what is derived from them."""

from __future__ import annotations

from itertools import islice

import msgspec

from openrate.commands.parts import Parts
from openrate.commands.records import Answer, app_of, find_campaign
from openrate.commands.requests import GiveFacts, Rebuild, ShowStats, TakeFacts, Verify
from openrate.control import Talk
from openrate.errors import OpenrateError
from openrate.ingest import Reporter
from openrate.model import App, Fact, FactType
from openrate.ports.event_log import Difference
from openrate.stats import iso_date, statistics, totals
from openrate.times import format_time

_PART = 10_000
"""Facts given at once, about 2 MB."""


def show_stats(parts: Parts, request: ShowStats, _talk: Talk) -> Answer:
    """The statistics of a campaign, with everything that is acknowledged by now in them."""
    app, campaign = find_campaign(parts, request.token)
    parts.log.settle()
    rows = parts.log.rows(campaign.id)
    return {
        **statistics(campaign.token, rows, has_versions=campaign.has_versions),
        "name": campaign.parameters.get("name"),
        "app": app.name,
        "attribution_rule": msgspec.structs.asdict(parts.log.rule(app.id)),
    }


def verify(parts: Parts, _request: Verify, talk: Talk) -> Answer:
    """Recompute every row with the reference and show what differs."""
    differences = parts.log.verify(talk.progress)
    names = _campaign_names(parts) if differences else {}
    return {
        "facts": parts.log.counts()["facts"],
        "differences": [_difference(difference, names) for difference in differences],
    }


def rebuild(parts: Parts, _request: Rebuild, talk: Talk) -> Answer:
    """Make every row again."""
    return {"facts": parts.log.rebuild(talk.progress)}


def take(parts: Parts, request: TakeFacts, _talk: Talk) -> Answer:
    """Take a batch of facts and say which were refused; an import may also report ``installed``."""
    app = app_of(parts, request.app)
    reporter = Reporter(None, is_import=True)
    body = request.lines.encode()
    reading = parts.ingest.read(app, body, "application/x-ndjson", reporter, parts.clock.now())
    parts.log.append(app.id, False, reading.facts).result()
    return {"accepted": len(reading.facts), "refused": reading.refusals}


def give(parts: Parts, request: GiveFacts, talk: Talk) -> Answer:
    """Give facts in order of arrival, repeats included, in the form in which they are taken."""
    app = app_of(parts, request.app)
    campaign_id = None if request.campaign is None else _campaign_of(parts, app, request.campaign)
    tokens = parts.records.campaign_tokens(app.id)
    total = parts.log.counts()["facts"]
    facts = parts.log.facts(app.id, campaign_id)
    count = 0
    while batch := list(islice(facts, _PART)):
        talk.items([_event(fact, tokens) for fact in batch])
        count += len(batch)
        talk.progress(count, max(count, total))
    return {"facts": count}


def _campaign_of(parts: Parts, app: App, token: str) -> int:
    campaign = parts.records.campaign(app.id, token)
    if campaign is None:
        raise OpenrateError(f"{app.name} has no campaign {token}: openrate campaign list shows them.")
    return campaign.id


def _event(fact: Fact, tokens: dict[int, str]) -> Answer:
    """A fact as an event. What was left out when it was reported, and has a default, is there."""
    event = {
        "type": fact.type.name.lower(),
        "campaign_token": None if fact.campaign_id is None else tokens[fact.campaign_id],
        "installation_id": fact.installation_id,
        "at": format_time(fact.at),
        "version": fact.version,
        "opted_in": fact.opted_in if fact.type is FactType.PUSH_SENT else None,
        "cause": fact.cause,
        "send_id": fact.send,
        "platform": fact.platform,
        "language": fact.language,
    }
    return {name: value for name, value in event.items() if value is not None}


def _campaign_names(parts: Parts) -> dict[int, Answer]:
    """Campaigns by number, for people."""
    return {
        campaign_id: {"app": app.name, "campaign_token": token}
        for app in parts.records.apps()
        for campaign_id, token in parts.records.campaign_tokens(app.id).items()
    }


def _difference(difference: Difference, names: dict[int, Answer]) -> Answer:
    stored, recomputed = difference
    return {
        **names.get(stored.campaign_id, {"campaign": stored.campaign_id}),
        "date": iso_date(stored.day),
        "version": stored.version,
        "stored": totals([stored]),
        "recomputed": totals([recomputed]),
    }

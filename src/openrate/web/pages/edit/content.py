"""What the templates of the editor show."""

from __future__ import annotations

import re
from contextlib import suppress
from functools import cache
from itertools import groupby
from typing import Any

import msgspec

from openrate import campaigns
from openrate.campaign_parameters import checked
from openrate.commands.parts import Parts
from openrate.errors import ApiError
from openrate.model import App, Campaign, CampaignState, Sender
from openrate.schedule import zone_names
from openrate.stats import VERSIONS
from openrate.web.pages.edit.form import LABELS, Form
from openrate.web.pages.edit.kinds import UNITS
from openrate.web.pages.edit.sizes import Sizes
from openrate.web.pages.edit.times import chosen, shift
from openrate.web.pages.edit.warnings import warnings, what_is_past
from openrate.web.pages.edit.work import Work, begins, encoded
from openrate.web.pages.render import moment
from openrate.web.pages.segments import segment_meanings
from openrate.web.pages.visit import Visit, base_url

_COOKIE = re.compile(r"[A-Za-z0-9_.:/+-]{1,64}", re.ASCII)
_NAME_LENGTH = 80


def of(parts: Parts, visit: Visit, work: Work, form: Form) -> dict[str, Any]:
    """What a page with the form has, and each part of it that is asked for alone."""
    return {
        "work": work,
        "form": form,
        "versions": VERSIONS,
        "labels": LABELS,
        "units": list(UNITS),
        "segments": segment_meanings(visit.company.rule),
        "zones": zones(),
        "audiences": parts.records.audiences(work.app.id, work.dev),
        "is_ours": work.app.sender is Sender.OPENRATE,
        "summary": summary(work, form, visit.now) | {"unsent": why_nothing_goes_out(parts, work.app)},
        "sizes": Sizes(form),
        "call": _call(visit, work, form),
        "now": visit.now,
        "problem": None,
        "estimate": None,
        "estimate_problem": None,
        "tried": None,
        "added": "",
    }


def why_nothing_goes_out(parts: Parts, app: App) -> str:
    """What has to be done before anything is sent for an app that we send for; empty when nothing has."""
    if app.sender is not Sender.OPENRATE or parts.providers.credentials(app) is not None:
        return ""
    return (
        f"{app.name} has no credentials of a provider yet, so nothing goes out until a manager gives it some "
        "under Settings, Providers."
    )


def known_audiences(parts: Parts, work: Work) -> list[str]:
    """The named lists of the app."""
    return [audience.name for audience in parts.records.audiences(work.app.id, work.dev)]


def preview(work: Work, form: Form, version: str, key: str) -> dict[str, Any]:
    """What the preview of one message needs."""
    return {"work": work, "form": form, "prefix": f"messages.{version}[{key}].", "sizes": Sizes(form)}


def summary(work: Work, form: Form, now: int) -> dict[str, Any]:
    """When it goes out, what of it is given, what is still wrong, and what is probably not meant."""
    zone, given = "UTC", []
    with suppress(ApiError):  # which is the problem below
        zone = form.zone
        given = list(work.given(form))
    problem = work.check(form, now)
    document = {} if problem else form.document()
    at = chosen(form.text("push_time"), "UTC" if form.is_local else zone)
    return {
        "zone": zone,
        "given": given,
        "when": form.text("when"),
        "chosen": at,
        "shift": _shift(form, zone, now) if at and form.text("when") == "at" else "",
        "problem": problem,
        "warnings": warnings(document, work.app.platform) if document else [],
        "past": what_is_past(document, now) if document and begins(work.app, work.campaign) else "",
    }


def _shift(form: Form, zone: str, now: int) -> str:
    """What changes of clocks do to a campaign that is repeated, also while other fields are wrong."""
    try:
        document = form.document()
        repeated = checked({name: document[name] for name in ("push_time", "recurrence")})
    except (ApiError, KeyError):
        return ""
    return shift(repeated, zone, now)


def _call(visit: Visit, work: Work, form: Form) -> dict[str, str]:
    """The call that does the same: its JSON, and a line with curl."""
    try:
        given = encoded(work.given(form))
    except ApiError:
        return {}
    quoted = given.decode().replace("'", "'\\''")
    line = (
        f"curl -X POST {base_url(visit.call)}{work.path} -H 'X-Authorization: REST_API_KEY' "
        f"-H 'Content-Type: application/json' -d '{quoted}'"
    )
    return {"json": msgspec.json.format(given, indent=2).decode(), "line": line}


@cache
def zones() -> dict[str, list[str]]:
    """The names of the time zones by their first part."""

    def region(name: str) -> str:
        return name.partition("/")[0] if "/" in name else "Others"

    by_region = sorted(zone_names(), key=lambda name: (region(name) == "Others", name))
    return {name: list(names) for name, names in groupby(by_region, region)}


def told(campaign: Campaign, app: App, now: int) -> str:
    """What has become of a new campaign, in a sentence."""
    name = short_name(campaign)
    match campaigns.state(campaign, app, now):
        case CampaignState.DRAFT:
            return f"{name} is created as a draft: nothing is sent until it is live."
        case CampaignState.SCHEDULED if campaign.next_due_at is not None:
            return f"{name} is created and goes out on {moment(campaign.next_due_at)} UTC."
        case CampaignState.SCHEDULED:
            return f"{name} is created and scheduled."
    return f"{name} is created and goes out now."


def short_name(campaign: Campaign) -> str:
    """The name, as long as a sentence can bear."""
    name: str = campaign.parameters["name"]
    return name if len(name) <= _NAME_LENGTH else f"{name[:_NAME_LENGTH]}…"


def fits_cookie(value: str) -> bool:
    """Whether a value can be remembered in a cookie: a time zone or the id of an installation."""
    return _COOKIE.fullmatch(value) is not None

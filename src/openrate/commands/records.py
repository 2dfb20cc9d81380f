"""Commands about companies, apps, keys and campaigns. Only a change of windows touches the facts."""

from __future__ import annotations

from typing import Any

import msgspec

from openrate import campaigns, companies
from openrate.commands.parts import Parts
from openrate.commands.requests import (
    CreateApp,
    CreateKey,
    ListApps,
    ListCampaigns,
    ListKeys,
    RevokeKey,
    RotateTokens,
    SetCompany,
    ShowCampaign,
)
from openrate.control import Talk
from openrate.errors import OpenrateError
from openrate.model import App, By, Campaign, Company, RestKey, Rule
from openrate.times import format_time

Answer = dict[str, Any]


def create_app(parts: Parts, request: CreateApp, talk: Talk) -> Answer:
    """Make an app; its company and that one's first REST key too, if the company is new."""
    made = companies.create_app(
        parts.records, request.company, request.name, request.platform, request.sender, by(parts, talk)
    )
    if company_of(parts, request.company).rule != Rule():  # else the log need not be opened
        _follow_rule(parts, made.app)
    return {
        "company": request.company,
        "app": made.app.name,
        "platform": made.app.platform,
        "rest_api_key": made.rest_key,
        "live_key": made.app.live_key,
        "dev_key": made.app.dev_key,
        "sdk_key": made.app.sdk_key,
    }


def list_apps(parts: Parts, _request: ListApps, _talk: Talk) -> list[Answer]:
    """Every app with its keys, by company."""
    names = {company.id: company.name for company in parts.records.companies()}
    return [
        {
            "company": names[app.company_id],
            "app": app.name,
            "platform": app.platform,
            "sender": app.sender,
            "send_rate": app.send_rate,
            "live_key": app.live_key,
            "dev_key": app.dev_key,
            "sdk_key": app.sdk_key,
        }
        for app in parts.records.apps()
    ]


def rotate_tokens(parts: Parts, _request: RotateTokens, _talk: Talk) -> Answer:
    """Sign installation tokens with a new key; those of the key before it stay good until the next time."""
    parts.installations.rotate_key()
    return {"rotated": True}


def create_key(parts: Parts, request: CreateKey, talk: Talk) -> Answer:
    """Make a REST key; this is the only time it is shown."""
    company = company_of(parts, request.company)
    key, secret = companies.create_key(parts.records, company.id, request.scope, by(parts, talk))
    return {**_key(company, key), "rest_api_key": secret}


def list_keys(parts: Parts, request: ListKeys, _talk: Talk) -> list[Answer]:
    """What is known of a company's keys; the keys themselves are not kept."""
    company = company_of(parts, request.company)
    return [_key(company, key) for _, key in parts.records.keys(company.id)]


def revoke_key(parts: Parts, request: RevokeKey, talk: Talk) -> Answer:
    """Make a key void."""
    company = company_of(parts, request.company)
    if not parts.records.revoke_key(company.id, request.id, parts.clock.now(), by(parts, talk)):
        raise OpenrateError(
            f"{company.name} has no key {request.id}: openrate company key list shows those it has."
        )
    return {"company": company.name, "id": request.id, "revoked": True}


def set_company(parts: Parts, request: SetCompany, talk: Talk) -> Answer:
    """Change a company's windows and make its rows anew under them.

    To give it the windows that it has completes what an interrupted command has begun.

    Raises:
        UnderWayError: somebody else does so just now. Records and rows are to agree in the end.
        UsageError: a window is out of its range.
    """
    known = company_of(parts, request.company)
    with parts.at_work.alone(("company", known.id), talk) as step:
        company = company_of(parts, request.company)
        given = msgspec.structs.asdict(request)
        changes = {name: given[name] for name in Rule.__struct_fields__ if given[name] is not None}
        rule = msgspec.structs.replace(company.rule, **changes)
        if rule != company.rule:
            companies.set_rule(parts.records, company.id, rule, by(parts, talk))
        parts.log.set_rule([app.id for app in parts.records.apps(company.id)], rule, step)
    return {"company": company.name, **msgspec.structs.asdict(rule)}


def list_campaigns(parts: Parts, request: ListCampaigns, _talk: Talk) -> list[Answer]:
    """The newest campaigns of each app, or of one."""
    apps = parts.records.apps() if request.app is None else [app_of(parts, request.app)]
    return [
        _campaign(parts, app, campaign)
        for app in apps
        for campaign in parts.records.campaigns(app.id, 0, request.limit)
    ]


def show_campaign(parts: Parts, request: ShowCampaign, _talk: Talk) -> Answer:
    """One campaign, deleted or not, with what its creator gave."""
    app, campaign = find_campaign(parts, request.token)
    return {**_campaign(parts, app, campaign), "parameters": campaign.parameters}


def by(parts: Parts, talk: Talk) -> By:
    """Who asks, and when, for the audit log."""
    return By(talk.by, parts.clock.now())


def app_of(parts: Parts, key: str) -> App:
    """The app whose Live or SDK key this is.

    Raises:
        OpenrateError: there is none.
    """
    app = parts.records.app_by_key(key)
    if app is None or key == app.dev_key:
        raise OpenrateError(f"{key} is no app's Live key: openrate app list shows them.")
    return app


def find_campaign(parts: Parts, token: str) -> tuple[App, Campaign]:
    """The campaign of that token, and its app.

    Raises:
        OpenrateError: there is none.
    """
    for company in parts.records.companies():
        campaign = parts.records.campaign_of(company.id, token)
        if campaign is not None:
            return next(app for app in parts.records.apps(company.id) if app.id == campaign.app_id), campaign
    raise OpenrateError(f"There is no campaign {token}: openrate campaign list shows them.")


def state_of(parts: Parts, app: App, campaign: Campaign) -> str:
    """Where a campaign is in its life, or ``deleted``: nothing more comes of it then, wherever it was."""
    return "deleted" if campaign.deleted_at is not None else campaigns.state(campaign, app, parts.clock.now())


def company_of(parts: Parts, name: str) -> Company:
    """The company of that name; raises OpenrateError when there is none."""
    company = parts.records.company(name)
    if company is None:
        names = ", ".join(company.name for company in parts.records.companies()) or "none yet"
        raise OpenrateError(f"There is no company {name}; there are: {names}.")
    return company


def _follow_rule(parts: Parts, app: App) -> None:
    """Make the rows of a new app under the rule of its company, which may be changed at this moment."""
    while parts.log.rule(app.id) != (rule := parts.records.company_of(app).rule):
        parts.log.set_rule([app.id], rule)


def _key(company: Company, key: RestKey) -> Answer:
    return {
        "company": company.name,
        "id": key.id,
        "scope": key.scope,
        "created": format_time(key.created_at),
        "revoked": None if key.revoked_at is None else format_time(key.revoked_at),
    }


def _campaign(parts: Parts, app: App, campaign: Campaign) -> Answer:
    return {
        "campaign_token": campaign.token,
        "name": campaign.parameters.get("name"),
        "app": app.name,
        "platform": app.platform,
        "live_key": app.live_key,
        "state": state_of(parts, app, campaign),
        "created": format_time(campaign.created_at),
        "versions": campaign.has_versions,
        "dev_only": campaign.dev_only,
        "deleted": None if campaign.deleted_at is None else format_time(campaign.deleted_at),
    }

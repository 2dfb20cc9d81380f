"""What somebody works on: a new campaign of an app, or one that there is."""

from __future__ import annotations

import hashlib
import secrets
from typing import NamedTuple
from urllib.parse import urlencode

import msgspec

from openrate import campaigns
from openrate.campaign_parameters import PUSH_TIMES, Parameters, written
from openrate.errors import ApiError, MalformedJsonBody, RouteNotFound
from openrate.model import App, Campaign, Sender
from openrate.ports.records import Records
from openrate.web.pages.edit.form import Form
from openrate.web.pages.edit.problems import Problem, problem
from openrate.web.pages.visit import Visit, find_campaign

_LONGEST_NAME = 1_000
_TOKEN_LENGTH = 32
_encode_sorted = msgspec.json.Encoder(order="sorted").encode


class Work(NamedTuple):
    """See above.

    Attributes:
        app: whose campaign it is.
        dev: whether it is for development builds.
        base: the parameters that the fields show at first.
        campaign: the one that is changed; None for a new one.
        copied: the token of the one that a new one is made after; empty for none.
        once: of the form of a new one, so that a form that comes twice makes one campaign.
    """

    app: App
    dev: bool
    base: Parameters
    campaign: Campaign | None = None
    copied: str = ""
    once: str = ""

    @property
    def key(self) -> str:
        """The app's key for the path of a call."""
        is_dev_call = self.dev and self.campaign is None
        return self.app.dev_key if is_dev_call else self.app.live_key

    @property
    def at(self) -> str:
        """Where the form is, and is sent."""
        if self.campaign is not None:
            return f"/campaigns/{self.campaign.token}/edit"
        copy = {"copy": self.copied} if self.copied else {}
        return "/campaigns/new?" + urlencode({"app": self.key} | copy)

    @property
    def path(self) -> str:
        """The path of the call that does the same as the form."""
        what = "create" if self.campaign is None else f"update/{self.campaign.token}"
        return f"/1.1/{self.key}/campaigns/{what}"

    @property
    def seen(self) -> str:
        """A text that is another one when the campaign has been changed."""
        return "" if self.campaign is None else seen(self.campaign)

    @property
    def fixed(self) -> dict[str, str]:
        """The parameters that cannot be changed any more, each with the reason."""
        return {} if self.campaign is None else campaigns.fixed(self.campaign, self.app)

    def body(self, form: Form) -> bytes:
        """What the call takes.

        Raises:
            MalformedParameter: something that is on the page alone is wrong.
            MalformedJsonBody: JSON in a field is nested too deep to be written again.
        """
        return encoded(self.given(form))

    @property
    def token(self) -> str:
        """What the new campaign is called: the same again when the form comes again."""
        named = f"{self.app.id} {self.dev} {self.once}"
        return hashlib.sha256(named.encode()).hexdigest()[:_TOKEN_LENGTH]

    def anew(self) -> Work:
        """The same as another form, which makes another campaign."""
        return self._replace(once=secrets.token_hex(16))

    def given(self, form: Form) -> Parameters:
        """What the call takes, before it is JSON."""
        document = form.document()
        return document if self.campaign is None else form.changes(document)

    def check(self, form: Form, now: int) -> Problem | None:
        """What would be refused, if it were saved now."""
        try:
            body = self.body(form)
            if self.campaign is not None:
                campaigns.update(self.campaign, self.app, body, now)
            else:
                new = campaigns.create(body, now)
                campaigns.check_targeting(self.app, new.parameters)
                campaigns.first_due(self.app, new.parameters)
        except ApiError as error:
            return problem(error, form)
        return None


def begins(app: App, campaign: Campaign | None) -> bool:
    """Whether making it live lets our sender begin with its first time; None is a new one."""
    was_live = campaign is not None and campaign.was_live
    return app.sender is Sender.OPENRATE and not was_live


def seen(campaign: Campaign) -> str:
    """A text that is another one when the campaign is."""
    return hashlib.sha256(_encode_sorted(campaign.parameters)).hexdigest()[:16]


def encoded(parameters: Parameters) -> bytes:
    """As JSON; raises MalformedJsonBody when it is nested too deep."""
    try:
        return msgspec.json.encode(parameters)
    except RecursionError:
        raise MalformedJsonBody("JSON in a field is nested too deep: take levels out of it.") from None


def as_chosen(campaign: Campaign) -> Parameters:
    """The parameters, with "at once" for a draft whose time is that of its creation: this is what was chosen."""
    given = campaign.parameters
    is_now = given.get("push_time") == written(campaign.created_at)
    is_chosen = is_now and not campaign.was_live and "recurrence" not in given
    return given | {"push_time": "now"} if is_chosen else given


def existing(records: Records, visit: Visit) -> Work:
    """The campaign that the path names; raises RouteNotFound."""
    app, campaign = find_campaign(records, visit)
    return Work(app, campaign.dev_only, as_chosen(campaign), campaign)


def instead_of_deleted(records: Records, visit: Visit) -> Work:
    """A new campaign, for who changed one that was deleted meanwhile; raises RouteNotFound if none was."""
    deleted = records.campaign_of(visit.company.id, visit.call.parts[2])
    if deleted is None:
        raise RouteNotFound("There is no such campaign here.")
    app = next(app for app in records.apps(visit.company.id) if app.id == deleted.app_id)
    return Work(app, deleted.dev_only, {}, once=secrets.token_hex(16))


def new(records: Records, visit: Visit) -> Work | None:
    """A new campaign of the app, and after the one, that are asked for; None: the app has to be chosen.

    Raises:
        RouteNotFound: the company has no such app, or no such campaign.
    """
    apps, asked = records.apps(visit.company.id), visit.query
    copied = asked["copy"]
    once = visit.form["once"] or secrets.token_hex(16)
    origin = find_campaign(records, visit, copied) if copied else None
    base = _copied(origin[1]) if origin else {}
    if asked["app"]:
        app = next((app for app in apps if asked["app"] in {app.live_key, app.dev_key}), None)
        if app is None:
            raise RouteNotFound("There is no such app here.")
        return Work(app, asked["app"] == app.dev_key, base, copied=copied, once=once)
    if origin:
        return Work(origin[0], origin[1].dev_only, base, copied=copied, once=once)
    return Work(apps[0], False, base, once=once) if len(apps) == 1 else None


def _copied(campaign: Campaign) -> Parameters:
    """The parameters of a campaign for another one: a draft, of which is not known yet when it is sent."""
    kept = {name: value for name, value in campaign.parameters.items() if name not in PUSH_TIMES}
    name = f"{campaign.parameters['name'][: _LONGEST_NAME - 7]} (copy)"
    return kept | {"live": False, "name": name}

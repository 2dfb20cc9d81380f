"""The pages that create and edit a campaign.

The form of a page makes the body of a call to ``/1.1``, and what is wrong with it is what that call says. Buttons that
only change the form, or ask something about it, send it too; it comes back with what was typed.
"""

from __future__ import annotations

from functools import partial
from typing import Any

from openrate import campaigns
from openrate.audience import Estimate, Estimates
from openrate.campaign_parameters import Parameters, checked
from openrate.commands.parts import Parts
from openrate.errors import ApiError, OpenrateError, RouteNotFound, StoreError
from openrate.model import Campaign, Role
from openrate.web.call import Answer
from openrate.web.campaign_changes import create_campaign, update_campaign
from openrate.web.failures import as_api_error
from openrate.web.pages.door import Door, is_https
from openrate.web.pages.edit import content
from openrate.web.pages.edit.form import Form
from openrate.web.pages.edit.problems import Problem, problem
from openrate.web.pages.edit.shown import fields_of, with_copy_of_a, with_message, without_message
from openrate.web.pages.edit.times import ZONE_COOKIE, remembered_zone
from openrate.web.pages.edit.trying import Trials, Tried
from openrate.web.pages.edit.work import Work, existing, instead_of_deleted, new, seen
from openrate.web.pages.render import Renderer
from openrate.web.pages.visit import Fields, Visit, cookie, cookies, redirect
from openrate.web.routing import Route

_INSTALLATION = "openrate_test_installation"
"""The cookie with the installation that somebody chose last."""
_YEAR_S = 31_536_000
_CONFLICT = 409
_DELETED = Problem(
    "",
    "Somebody has deleted this campaign since you opened it. What you typed is still here: saved now, it becomes "
    "a new campaign.",
)
_MADE_BEFORE = (
    "This form has made {} already. What you typed is still here: saved now, it makes another campaign."
)


class EditPages:
    """New campaigns and changed ones, and the parts of their pages that follow what is typed."""

    def __init__(self, parts: Parts, estimates: Estimates, door: Door, renderer: Renderer) -> None:
        self._parts = parts
        self._estimates = estimates
        self._trials = Trials(parts)
        self._door = door
        self._renderer = renderer

    def routes(self) -> list[Route]:
        """Which handler answers where."""
        page, action = self._door.page, self._door.action
        return [
            Route("GET", "/campaigns/new", page(self.begin, Role.EDITOR)),
            Route("POST", "/campaigns/new", action(self.create, Role.EDITOR)),
            Route("GET", "/campaigns/{token}/edit", page(self.open, Role.EDITOR)),
            Route("POST", "/campaigns/{token}/edit", action(self.change, Role.EDITOR)),
            Route("POST", "/campaigns/{token}/test", action(self.test, Role.EDITOR)),
        ]

    def begin(self, visit: Visit) -> Answer:
        """The form for a new campaign, or first the choice of an app."""
        work = new(self._parts.records, visit)
        if work is None:
            apps = self._parts.records.apps(visit.company.id)
            return self._renderer.page(visit, "edit_app.html", apps=apps)
        return self._first(visit, work)

    def create(self, visit: Visit) -> Answer:
        """What a button of that form does."""
        work = new(self._parts.records, visit)
        return redirect("/campaigns/new") if work is None else self._act(visit, work)

    def open(self, visit: Visit) -> Answer:
        """The form with a campaign in it."""
        return self._first(visit, existing(self._parts.records, visit))

    def change(self, visit: Visit) -> Answer:
        """What a button of that form does."""
        try:
            work = existing(self._parts.records, visit)
        except RouteNotFound:
            if visit.is_fragment:
                raise
            work = instead_of_deleted(self._parts.records, visit)
            return self._conflict(visit, work, _DELETED)
        if not visit.is_fragment and _is_overtaken(visit, work.campaign):
            return self._conflict(visit, work, _overtaken(work, Form(visit.form, work.base)))
        return self._act(visit, work)

    def test(self, visit: Visit) -> Answer:
        """Sends a campaign, as it is stored, to one installation."""
        work = existing(self._parts.records, visit)
        tried = self._try(work, work.base, visit.form)
        answer = redirect(f"/campaigns/{visit.call.parts[2]}", tried.sentence, is_error=not tried.is_sent)
        return _remembering(answer, visit)

    def _first(self, visit: Visit, work: Work) -> Answer:
        audiences = content.known_audiences(self._parts, work)
        zone = remembered_zone(visit.call)
        return self._page(visit, work, Form(fields_of(work.base, zone, audiences), work.base))

    def _act(self, visit: Visit, work: Work) -> Answer:
        """Do what the pressed button says; without one, only look at what is wrong."""
        form = Form(visit.form, work.base)
        match visit.form["action"].split():
            case ["save"]:
                return self._save(visit, work, form)
            case ["add" | "remove" | "copy", *_]:
                return self._rearranged(visit, work)
            case ["estimate"]:
                return self._estimated(visit, work, form)
            case ["test"]:
                return self._tested(visit, work, form)
            case [part, *which] if visit.is_fragment:
                return self._part(visit, work, form, part, which)
        wrong = work.check(form, visit.now)
        return self._page(visit, work, form, status=400 if wrong else 200, problem=wrong)

    def _rearranged(self, visit: Visit, work: Work) -> Answer:
        """The form with a message more or less, or with those of version a in b."""
        fields, added = visit.form, ""
        match visit.form["action"].split():
            case ["add", "a" | "b" as version]:
                fields, added = with_message(fields, version)
            case ["remove", "a" | "b" as version, key]:
                fields = without_message(fields, version, key)
            case ["copy"]:
                fields = with_copy_of_a(fields)
        return self._page(visit, work, Form(fields, work.base), added=added)

    def _part(self, visit: Visit, work: Work, form: Form, part: str, which: list[str]) -> Answer:
        """What follows the typing."""
        if part == "preview" and len(which) == len(("version", "key")):
            shown = content.preview(work, form, *which)
            return self._renderer.fragment(visit, "edit_preview.html", **shown)
        return self._fragment(visit, work, form, "edit_follow.html")

    def _save(self, visit: Visit, work: Work, form: Form) -> Answer:
        try:
            token, said = self._stored(visit, work, form)
        except _Overtaken:
            work = existing(self._parts.records, visit)
            return self._conflict(visit, work, _overtaken(work, Form(visit.form, work.base)))
        except _MadeBefore as before:
            return self._conflict(visit, work.anew(), Problem("", str(before)))
        except (ApiError, StoreError) as error:
            refused = as_api_error(error, visit.call)
            return self._page(visit, work, form, status=refused.status, problem=problem(refused, form))
        return _remembering(redirect(f"/campaigns/{token}", said), visit)

    def _stored(self, visit: Visit, work: Work, form: Form) -> tuple[str, str]:
        """The token of the campaign, and what has happened to it in a sentence."""
        body, records = work.body(form), self._parts.records
        if work.campaign is None:
            made = self._created(visit, work, body)
            return made.token, content.told(made, work.app, visit.now)
        token = work.campaign.token
        if not work.given(form):
            return token, "Nothing was changed."
        check = partial(_check_seen, visit)
        changed = update_campaign(records, work.app, token, body, visit.by, check)
        return token, f"{content.short_name(changed)} is changed."

    def _created(self, visit: Visit, work: Work, body: bytes) -> Campaign:
        """The new campaign; the one there is, if the same form came before and said the same."""
        records, token = self._parts.records, work.token
        try:
            return create_campaign(records, work.app, work.dev, body, visit.by, from_api=False, token=token)
        except OpenrateError:
            made = records.campaign(work.app.id, token)
            if made is None:
                raise
            if made.deleted_at is not None:
                raise _MadeBefore(_DELETED.sentence) from None
            if made.parameters != campaigns.create(body, made.created_at).parameters:
                raise _MadeBefore(_MADE_BEFORE.format(content.short_name(made))) from None
            return made

    def _conflict(self, visit: Visit, work: Work, wrong: Problem) -> Answer:
        """What was typed, with what somebody else did meanwhile."""
        return self._page(visit, work, Form(visit.form, work.base), status=_CONFLICT, problem=wrong)

    def _estimated(self, visit: Visit, work: Work, form: Form) -> Answer:
        estimate, wrong = self._estimate(work, form)
        shown: dict[str, Any] = {"estimate": estimate, "estimate_problem": wrong}
        if visit.is_fragment:
            return self._fragment(visit, work, form, "edit_estimate.html", **shown)
        return self._page(visit, work, form, **shown)

    def _estimate(self, work: Work, form: Form) -> tuple[Estimate | None, Problem | None]:
        try:
            targeting = form.document().get("targeting", {})
            accepted = checked({"targeting": targeting})["targeting"]
            return self._estimates.estimate(work.app, work.dev, accepted), None
        except ApiError as error:
            return None, problem(error, form)

    def _tested(self, visit: Visit, work: Work, form: Form) -> Answer:
        try:
            tried, wrong = self._try(work, form.document(), visit.form), None
        except ApiError as error:
            tried, wrong = Tried(False, str(error)), problem(error, form)
        if visit.is_fragment:
            answer = self._renderer.fragment(visit, "edit_tried.html", tried=tried)
        else:
            answer = self._page(visit, work, form, problem=wrong, tried=tried)
        return _remembering(answer, visit)

    def _try(self, work: Work, given: Parameters, asked: Fields) -> Tried:
        return self._trials.send(work.app, work.dev, given, asked["test.version"], asked["test.installation"])

    def _page(self, visit: Visit, work: Work, form: Form, *, status: int = 200, **more: Any) -> Answer:
        shown = self._content(visit, work, form) | more
        wrong: Problem | None = shown["problem"]
        shown["wrong"] = {wrong.field: wrong.sentence} if wrong else {}
        return self._renderer.page(visit, "edit.html", status=status, **shown)

    def _fragment(self, visit: Visit, work: Work, form: Form, template: str, **more: Any) -> Answer:
        return self._renderer.fragment(visit, template, **(self._content(visit, work, form) | more))

    def _content(self, visit: Visit, work: Work, form: Form) -> dict[str, Any]:
        installation = visit.form["test.installation"] or cookies(visit.call).get(_INSTALLATION, "")
        return content.of(self._parts, visit, work, form) | {
            "obstacle": self._trials.obstacle(work.app),
            "installation": installation,
            "guesses_zone": visit.call.method == "GET"
            and not work.campaign
            and ZONE_COOKIE not in cookies(visit.call),
        }


class _Overtaken(Exception):
    """The campaign is not the one that somebody saw when they began to change it."""


class _MadeBefore(Exception):
    """The form has made a campaign already, which is another one than it makes now, or is deleted."""


def _is_overtaken(visit: Visit, campaign: Campaign | None) -> bool:
    return campaign is not None and seen(campaign) != visit.form["seen"]


def _check_seen(visit: Visit, campaign: Campaign) -> None:
    if _is_overtaken(visit, campaign):
        raise _Overtaken


def _overtaken(work: Work, form: Form) -> Problem:
    try:
        names = ", ".join(work.given(form)) or "nothing"
    except ApiError as error:
        return problem(error, form)
    return Problem(
        "",
        "Somebody has changed this campaign since you opened it. What you typed is still here; saving it now "
        f"sets these to what this form says: {names}. Open the campaign anew to see theirs.",
    )


def _remembering(answer: Answer, visit: Visit) -> Answer:
    """The answer, with the time zone and the installation that were chosen for the next time."""
    chosen = {ZONE_COOKIE: visit.form["zone"], _INSTALLATION: visit.form["test.installation"]}
    kept = [
        cookie(name, value, seconds=_YEAR_S, secure=is_https(visit.call))
        for name, value in chosen.items()
        if content.fits_cookie(value)
    ]
    return answer._replace(headers=[*answer.headers, *kept])

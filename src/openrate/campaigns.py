"""Campaigns: what a body makes of one, what an update may change, what state it is in, how it is shown.

Nothing here reads or writes; ``web/campaign_changes.py`` does (``http-api.md``, ``/1.1``).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, NamedTuple

import msgspec

from openrate import campaign_parameters as parameters_of
from openrate import schedule
from openrate.audience import read_targeting
from openrate.campaign_parameters import PUSH_TIMES, Parameters, moment, written
from openrate.errors import MalformedParameter
from openrate.model import DAY_MS, App, Campaign, CampaignState, Sender

Course = tuple[tuple[int, CampaignState], ...]

_NUMBER = re.compile(r"[0-9]{1,18}")
_LARGEST_PAGE = 100
_OVER = "This campaign was completed and then switched off; create a new campaign to send again."
_SENT = (
    "The campaign has been sent, or is going out, so when it is sent cannot be changed any more: "
    "create a new campaign for another time."
)
_encode_sorted = msgspec.json.Encoder(order="sorted").encode
_encode = msgspec.json.Encoder().encode


class NewCampaign(NamedTuple):
    """What a body asks to create."""

    parameters: Parameters
    has_versions: bool
    live: bool


class Page(NamedTuple):
    """Which campaigns a list shows."""

    offset: int
    limit: int
    live: bool | None
    from_api: bool | None


def create(body: bytes, now: int) -> NewCampaign:
    """The campaign in a body; ``now`` in milliseconds is what ``"now"`` becomes.

    Raises:
        MalformedJsonBody: no JSON object.
        MissingParameter: something required is absent, or null.
        MalformedParameter: something is wrong.
    """
    given = {name: value for name, value in parameters_of.read(body).items() if value is not None}
    parameters_of.check_complete(given)
    parameters = _dated(parameters_of.checked(given), now)
    return NewCampaign(parameters, parameters_of.has_versions(parameters), parameters["live"])


def update(campaign: Campaign, app: App, body: bytes, now: int) -> Campaign:
    """The campaign after an update: what the body gives replaces what was there, key by key.

    Raises:
        MalformedJsonBody: no JSON object.
        MissingParameter: something inside a parameter is absent.
        MalformedParameter: something is wrong, or may not be changed.
    """
    changes = _changes(campaign, parameters_of.read(body), now)
    if not changes:
        return campaign
    _check_versions(campaign, changes)
    _check_revival(campaign, changes)
    if "targeting" in changes:
        check_targeting(app, changes)
    parameters = _merged(campaign.parameters, changes)
    was_live = campaign.was_live or parameters["live"]
    was_completed = campaign.was_completed
    if campaign.parameters["live"] and not parameters["live"]:
        was_completed = state(campaign, app, now) is CampaignState.COMPLETED
    return msgspec.structs.replace(
        campaign,
        parameters=parameters,
        was_live=was_live,
        was_completed=was_completed,
        next_due_at=_next_due(campaign, parameters, now) if app.sender is Sender.OPENRATE else None,
        live_since=now if parameters["live"] and not campaign.parameters["live"] else campaign.live_since,
    )


def fixed(campaign: Campaign, app: App) -> dict[str, str]:
    """The parameters that no update can change any more, each with the reason."""
    found = {"live": _OVER} if campaign.was_completed else {}
    if app.sender is not Sender.OPENRATE:
        return found
    is_begun = campaign.next_due_at != schedule.next_due(campaign.parameters, None)
    if campaign.completed_at is not None:
        found["recurrence"] = _SENT
    if campaign.completed_at is not None or (is_begun and "recurrence" not in campaign.parameters):
        found |= dict.fromkeys(PUSH_TIMES, _SENT)
    return found


def check_targeting(app: App, parameters: Parameters) -> None:
    """See that our sender understands to whom a campaign is to go; another sender reads its query itself.

    Raises:
        MalformedParameter: something in ``targeting.query`` is not accepted.
    """
    if app.sender is Sender.OPENRATE:
        read_targeting(parameters.get("targeting"))


def first_due(app: App, parameters: Parameters) -> int | None:
    """When a new campaign is to be sent first, in milliseconds since 1970; None: somebody else sends it.

    Raises:
        MalformedParameter: it would never be sent.
    """
    return _first(parameters) if app.sender is Sender.OPENRATE else None


def handed_over(campaign: Campaign, app: App, now: int) -> Campaign:
    """The campaign when its app has another sender: ours sends what is due after now, and nothing of the past.

    One that our sender has already is left as it is.
    """
    if app.sender is not Sender.OPENRATE:
        return msgspec.structs.replace(campaign, next_due_at=None)
    if campaign.next_due_at is not None or campaign.completed_at is not None:
        return campaign
    next_due_at = schedule.next_due(campaign.parameters, now)
    completed_at = now if next_due_at is None and campaign.was_live else None
    return msgspec.structs.replace(campaign, next_due_at=next_due_at, completed_at=completed_at)


def state(campaign: Campaign, app: App, now: int) -> CampaignState:
    """Where the campaign is in its life (``http-api.md``, "The life of a campaign").

    Args:
        campaign: which; a deleted one is where it was.
        app: the one it is of, which says who sends.
        now: milliseconds since 1970.
    """
    return [state for begins, state in course(campaign, app) if begins <= now][-1]


def course(campaign: Campaign, app: App) -> Course:
    """The states that time alone takes the campaign through, each with when it begins; the first begins at 0."""
    if not campaign.parameters["live"]:
        return ((0, CampaignState.STOPPED if campaign.was_live else CampaignState.DRAFT),)
    if app.sender is Sender.OPENRATE:
        return _own_course(campaign)
    return _course(campaign.parameters)


def shown(campaign: Campaign) -> dict[str, Any]:
    """The answer of get: what the server knows, then what the caller gave."""
    return {**_identity(campaign), **campaign.parameters}


def listed(campaign: Campaign) -> dict[str, Any]:
    """An item of a list."""
    given = campaign.parameters
    names = ("name", "live", *PUSH_TIMES)
    return {**_identity(campaign), **{name: given[name] for name in names if name in given}}


def page(query: Mapping[str, str]) -> Page:
    """The query parameters of a list; unknown ones are ignored.

    Raises:
        MalformedParameter: a value is not accepted.
    """
    return Page(
        _number(query, "from", 0, 0, None),
        _number(query, "limit", 10, 1, _LARGEST_PAGE),
        _word(query, "live"),
        _word(query, "from_api"),
    )


def _dated(parameters: Parameters, now: int) -> Parameters:
    """The same with the date that ``"now"`` stands for, so that it means the same whenever it is read."""
    return {
        name: written(now) if name in PUSH_TIMES and value == "now" else value
        for name, value in parameters.items()
    }


def _changes(campaign: Campaign, given: Parameters, now: int) -> Parameters:
    """What a body would change; what it repeats is left out before anything can be held against it."""
    current = campaign.parameters
    _check_removals(current, given)
    wanted = {name: value for name, value in given.items() if value is not None}
    parameters_of.check_one_push_time(wanted)
    new = {name: value for name, value in wanted.items() if not _is_same(current, name, value)}
    kept = _dated(parameters_of.checked(new), now)
    return {name: value for name, value in kept.items() if not _is_same(current, name, value)}


def _is_same(current: Parameters, name: str, value: object) -> bool:
    """Whether that is what is there; compared as JSON, where ``true`` is not 1."""
    return name in current and _encode_sorted(current[name]) == _encode_sorted(value)


def _check_removals(current: Parameters, given: Parameters) -> None:
    """A parameter that was set stays; of the push times, one goes when the other comes."""
    replaced = {there for there, other in (PUSH_TIMES, PUSH_TIMES[::-1]) if given.get(other) is not None}
    for name, value in given.items():
        if value is None and name in current and name not in replaced:
            raise MalformedParameter(
                f"{name[:100]} is null, but an update cannot remove a parameter: send a new value, or leave it out."
            )


def _check_versions(campaign: Campaign, changes: Parameters) -> None:
    if "messages" in changes and parameters_of.has_versions(changes) != campaign.has_versions:
        has, accepted = (
            ("the versions a and b", "an object with the arrays a and b")
            if campaign.has_versions
            else ("no versions", "an array")
        )
        raise MalformedParameter(
            f"messages would change what kind of campaign this is: it has {has}, for its whole life, "
            f"so {accepted} is accepted."
        )


def _check_revival(campaign: Campaign, changes: Parameters) -> None:
    """A campaign that was completed and then switched off is over."""
    if campaign.was_completed and changes.get("live"):
        raise MalformedParameter(f"live is true, but only false is accepted: {_OVER[0].lower()}{_OVER[1:]}")


def _merged(current: Parameters, changes: Parameters) -> Parameters:
    merged = current | changes
    for there, other in (PUSH_TIMES, PUSH_TIMES[::-1]):
        if other in changes:
            merged.pop(there, None)
    if len(_encode(merged)) > parameters_of.LARGEST:
        raise MalformedParameter(
            f"{max(changes, key=lambda name: len(_encode(changes[name])))[:100]} makes the campaign too large: "
            f"at most {parameters_of.LARGEST} bytes of JSON are accepted in all."
        )
    return merged


def _course(parameters: Parameters) -> Course:
    """Of a live campaign whose company sends it: its sender is taken at its word, the push time.

    A device's own time is read as UTC; the day after it is for the time zones.
    """
    is_local = "local_push_time" in parameters
    begins = moment(parameters["local_push_time" if is_local else "push_time"])
    until_begun = ((0, CampaignState.SCHEDULED), (begins, CampaignState.RUNNING))
    ends = _end(parameters, begins)
    if ends is None:
        return until_begun
    return (*until_begun, (max(begins, ends + DAY_MS * is_local), CampaignState.COMPLETED))


def _end(parameters: Parameters, begins: int) -> int | None:
    """When the last send begins; None when that is open."""
    if "recurrence" in parameters:
        end_date = parameters["recurrence"].get("end_date")
        return None if end_date is None else moment(end_date)
    return begins


def _own_course(campaign: Campaign) -> Course:
    """Of a live campaign that we send: it is completed when our sender says so."""
    if campaign.completed_at is not None:
        return ((0, CampaignState.COMPLETED),)
    first = schedule.next_due(campaign.parameters, None)
    if first is None or campaign.next_due_at != first:
        return ((0, CampaignState.RUNNING),)
    return ((0, CampaignState.SCHEDULED), (first, CampaignState.RUNNING))


def _next_due(campaign: Campaign, parameters: Parameters, now: int) -> int | None:
    """When the next send begins after an update (ms). What was sent is not sent again.

    Before the first send, a new time replaces the old one. After it, only what recurs has a next time.
    """
    if not _reschedules(campaign.parameters, parameters):
        return campaign.next_due_at
    if campaign.completed_at is None:
        if campaign.next_due_at == schedule.next_due(campaign.parameters, None):
            return _first(parameters)
        if "recurrence" in parameters:
            return schedule.next_due(parameters, now)
    raise MalformedParameter(_SENT)


def _first(parameters: Parameters) -> int:
    first = schedule.next_due(parameters, None)
    if first is None:
        raise MalformedParameter(
            "recurrence.end_date is before the push time, so that nothing would ever be sent: "
            "a time at or after it is accepted."
        )
    return first


def _reschedules(before: Parameters, after: Parameters) -> bool:
    return any(before.get(name) != after.get(name) for name in (*PUSH_TIMES, "recurrence"))


def _identity(campaign: Campaign) -> dict[str, Any]:
    return {
        "campaign_token": campaign.token,
        "from_api": campaign.from_api,
        "dev_only": campaign.dev_only,
        "created_date": written(campaign.created_at),
    }


def _number(query: Mapping[str, str], name: str, default: int, least: int, most: int | None) -> int:
    value = query.get(name)
    if value is None:
        return default
    if _NUMBER.fullmatch(value) and least <= int(value) and (most is None or int(value) <= most):
        return int(value)
    accepted = f"{least} or more" if most is None else f"{least} to {most}"
    raise MalformedParameter(f'{name} is "{value[:40]}": a whole number, {accepted}, is accepted.')


def _word(query: Mapping[str, str], name: str) -> bool | None:
    match query.get(name):
        case None:
            return None
        case "true":
            return True
        case "false":
            return False
        case other:
            raise MalformedParameter(f'{name} is "{other[:40]}": true or false is accepted.')

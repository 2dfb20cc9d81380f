"""What a campaign says about when, to whom and how, in words: the labels are those of the editor."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import msgspec

from openrate.campaign_parameters import Parameters, written
from openrate.model import App, Campaign, CampaignState, Send, Sender, SendState
from openrate.web.pages.edit.form import others
from openrate.web.pages.edit.kinds import lifetime
from openrate.web.pages.edit.query_words import in_words
from openrate.web.pages.edit.times import from_utc, shortened
from openrate.web.pages.waits import on_a_page

_UNITS = {"DAILY": ("daily", "days"), "WEEKLY": ("weekly", "weeks"), "MONTHLY": ("monthly", "months")}
_LABELS = {
    "capping": "Capping",
    "send_rate": "Send rate",
    "priority": "Priority",
    "push_type": "Push type",
    "deeplink": "Deep link",
    "custom_payload": "Custom payload",
    "landing": "Landing",
}
_FORMS = {"capping": "at most {} to an installation", "send_rate": "at most {} a minute"}


class Said(NamedTuple):
    """A line.

    Attributes:
        is_code: whether the text is as a program reads it.
        code: the same as a program reads it, where that says more than the text.
    """

    label: str
    text: str
    is_code: bool = False
    code: str = ""


def described(given: Parameters, zone: str) -> list[Said]:
    """The parameters beside name, state, labels and messages; times also on the clocks of a zone."""
    return [
        *_when(given, zone),
        *_to_whom(given.get("targeting") or {}),
        *_how(given),
        *(Said(name, _json(value), is_code=True) for name, value in others(given).items()),
    ]


def what_comes_next(campaign: Campaign, app: App, state: CampaignState, now: int, zone: str) -> str:
    """What is to be expected of a campaign of which no number is known, unless our sender has completed it."""
    is_ahead = state in {CampaignState.DRAFT, CampaignState.SCHEDULED}
    if campaign.dev_only and not is_ahead:
        return "What development builds get is in no number."
    if app.sender is not Sender.OPENRATE:
        return (
            f"Nothing has been sent yet. {app.name} is sent for by its own sender: as soon as that reports what "
            "it sent, the numbers appear here."
        )
    if state is CampaignState.STOPPED:
        return "Nothing has been sent, and nothing will be while it is stopped."
    is_due = campaign.next_due_at is None or campaign.next_due_at <= now
    if state is CampaignState.DRAFT:
        when = "it goes out as soon as it is live" if is_due else "once it is live, it goes out on {}"
    else:
        when = "it is going out now" if is_due else "it goes out on {}"
    begins = _next(campaign, zone)
    return f"Nothing has been sent yet: {when.format(begins)}. The numbers appear here by themselves."


def why_nobody_got_it(sends: Sequence[Send]) -> str:
    """What is said of a campaign that our sender has completed and of which no number is known.

    Args:
        sends: all of it.
    """
    over = "It is over, and was sent to nobody"
    selected, skipped = (sum(getattr(send, name) for send in sends) for name in ("recipients", "skipped"))
    if reason := next((send.reason for send in sends if send.reason), None):
        said = on_a_page(reason)
        return f"{over}. {said.text}{'.' if said.lacks_credentials else ''}"
    if selected and skipped == selected:
        return f"{over}: no installation that was selected had a push token any more."
    if sends and not selected and all(send.state is SendState.DONE for send in sends):
        return f"{over}: when it was due, no installation with a push token was among those it is for."
    return f"{over}."


def _next(campaign: Campaign, zone: str) -> str:
    """The next push time: one by each device's clock is no moment, and is said as it was given."""
    given, due = campaign.parameters, campaign.next_due_at
    if due is None or "local_push_time" in given:
        return _begins(given, zone)
    return _moment(written(due), zone)


def _begins(given: Parameters, zone: str) -> str:
    """The first push time."""
    if "local_push_time" in given:
        return _local(given["local_push_time"])
    return _moment(given.get("push_time"), zone)


def _when(given: Parameters, zone: str) -> Iterator[Said]:
    yield Said("Push time", _begins(given, zone))
    repeated = given.get("recurrence")
    if repeated:
        once, several = _UNITS[repeated["repeat_unit"]]
        every = repeated.get("repeat_frequency", 1)
        yield Said("Repeated", once if every == 1 else f"every {every} {several}")
        end = repeated.get("end_date")
        if end:
            yield Said("End", _local(end) if "local_push_time" in given else _moment(end, zone))
    if "time_to_live" in given:
        count, unit = lifetime(given["time_to_live"])
        yield Said("Time to live", f"1 {unit.removesuffix('s')}" if count == "1" else f"{count} {unit}")


def _to_whom(targeting: Mapping[str, Any]) -> Iterator[Said]:
    names = {
        "segments": "Segments",
        "languages": "Languages",
        "regions": "Regions",
        "audiences": "Named lists",
    }
    said = [Said(label, ", ".join(targeting[name])) for name, label in names.items() if targeting.get(name)]
    if query := targeting.get("query"):
        words, code = in_words(query), query if isinstance(query, str) else _json(query)
        said.append(Said("Query", words, code=code) if words else Said("Query", code, is_code=True))
    yield from said or [Said("To whom", "everybody")]


def _how(given: Parameters) -> Iterator[Said]:
    for name, label in _LABELS.items():
        if value := given.get(name):
            is_code = name in {"deeplink", "custom_payload", "landing"}
            text = value if isinstance(value, str) else _FORMS.get(name, "{}").format(_text(value))
            yield Said(label, text, is_code)
    for name, address in (given.get("media") or {}).items():
        if address:
            yield Said(name.capitalize(), address, is_code=True)
    collapse = given.get("gcm_collapse_key") or {}
    if collapse.get("enabled") and collapse.get("key"):
        yield Said("Collapse key", collapse["key"])


def _moment(text: str | None, zone: str) -> str:
    if text is None:
        return "none"
    here = "" if zone == "UTC" else f" ({_plain(from_utc(text, zone))} in {zone})"
    return f"{_plain(text)} UTC{here}"


def _local(text: str) -> str:
    return f"{_plain(text)}, by the clock of each device"


def _plain(text: str) -> str:
    return shortened(text).replace("T", " ")


def _text(value: Any) -> str:
    return f"{value:,}" if isinstance(value, int) else _json(value)


def _json(value: Any) -> str:
    return msgspec.json.encode(value).decode()

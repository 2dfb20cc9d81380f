"""A campaign as a form and back: what the editor's fields make of it, without a server."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, assume, example, given, settings
from hypothesis import strategies as st

from openrate import campaigns
from openrate.campaign_parameters import moment
from openrate.errors import MalformedParameter
from openrate.schedule import zone_names
from openrate.web.pages.edit.form import Form
from openrate.web.pages.edit.shown import fields_of, with_copy_of_a, with_message, without_message
from openrate.web.pages.edit.times import chosen, from_utc, shift, to_utc
from openrate.web.pages.visit import Fields
from test_campaigns import FULL, NOW

AREAS = ("body", "custom_payload", "landing", "query", "other")
"""The last part of the names of fields with several lines."""
KNOWN_LISTS = ["vip", "news"]

texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=12)
words = st.text(
    st.characters(categories=["L", "N", "P", "S"], exclude_characters=","), min_size=1, max_size=12
)
"""What a field of one line keeps as it is: no space at an end, no comma."""
lines = st.lists(words, min_size=1, max_size=3).map(" ".join)
values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**70), 2**70) | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=4,
)
moments = st.datetimes(datetime(1, 1, 1), datetime(9999, 12, 31)).map(  # noqa: DTZ001 - parameters have no zone
    lambda at: at.isoformat(timespec="seconds")
)
ends = st.one_of(moments, moments.map(lambda text: text[:16]))
SEGMENTS = ["NEW", "ENGAGED", "ONE_TIME", "DORMANT", "IMPORTED"]


def an_object(**parts: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    """An object with any of these parts, and perhaps one that nobody knows."""
    extra: st.SearchStrategy[dict[str, Any]] = st.sampled_from([{}, {"own": [1, None]}])
    known = st.fixed_dictionaries({}, optional=parts)
    return st.tuples(known, extra).map(lambda pair: pair[0] | pair[1])


def message(text: st.SearchStrategy[str], body: st.SearchStrategy[str]) -> st.SearchStrategy[dict[str, Any]]:
    parts = an_object(language=text, title=text, deeplink=text)
    return st.tuples(parts, body).map(lambda pair: pair[0] | {"body": pair[1]})


def campaigns_of(required: dict[str, Any], optional: dict[str, Any]) -> st.SearchStrategy[dict[str, Any]]:
    """The parameters of campaigns that the HTTP interface accepts."""
    times = st.sampled_from(["push_time", "local_push_time"])
    whole = st.fixed_dictionaries({"live": st.booleans(), **required}, optional=optional)
    given = st.tuples(whole, times, moments).map(lambda parts: parts[0] | {parts[1]: parts[2]})
    return given.map(lambda body: campaigns.create(json.dumps(body).encode(), NOW).parameters)


def versions(messages: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    several = st.lists(messages, min_size=1, max_size=3)
    return several | st.fixed_dictionaries({"a": several, "b": several})


SCALARS: dict[str, Any] = {
    "priority": st.sampled_from(["normal", "high"]),
    "push_type": st.sampled_from(["alert", "background"]),
    "time_to_live": st.integers(1, 2_419_200),
    "capping": st.integers(0, 1_000_000),
    "send_rate": st.integers(1, 100_000_000),
}
recurrences: st.SearchStrategy[dict[str, Any]] = st.fixed_dictionaries(
    {
        "repeat_unit": st.sampled_from(["DAILY", "WEEKLY", "MONTHLY"]),
        "repeat_frequency": st.integers(1, 10_000),
    },
    optional={"end_date": ends},
)
json_texts = st.tuples(values.map(json.dumps), st.sampled_from(["", " ", "\n", "\r\n"])).map("".join)
accepted = campaigns_of(
    {
        "name": texts.map(lambda text: f"{text}   "),
        "messages": versions(message(texts, texts.map("x{}".format))),
    },
    SCALARS
    | {
        "labels": st.lists(texts, max_size=3),
        "recurrence": recurrences,
        "gcm_collapse_key": an_object(enabled=st.booleans(), key=texts),
        "targeting": an_object(
            segments=st.lists(st.sampled_from(SEGMENTS), max_size=6),
            languages=st.lists(texts, max_size=3),
            regions=st.lists(texts, max_size=3),
            audiences=st.lists(texts | st.sampled_from(KNOWN_LISTS), max_size=4),
            query=texts | st.dictionaries(texts, values, max_size=3),
        ),
        "media": an_object(icon=texts, picture=texts, audio=texts, video=texts),
        "deeplink": texts,
        "custom_payload": json_texts,
        "landing": st.dictionaries(texts, values, max_size=3),
        "own": values.filter(lambda value: value is not None),
    },
)
"""Campaigns of any kind, odd ones too."""
plain_message = st.fixed_dictionaries(
    {"body": st.lists(lines, min_size=1, max_size=3).map("\n".join)},
    optional={"language": words, "title": lines, "deeplink": lines},
)
several_words = st.lists(words, min_size=1, max_size=3, unique=True)
expressible = campaigns_of(
    {"name": st.lists(words, min_size=3, max_size=4).map(" ".join), "messages": versions(plain_message)},
    SCALARS
    | {
        "labels": st.lists(lines, min_size=1, max_size=3),
        "recurrence": recurrences.map(
            lambda made: made | ({"end_date": made["end_date"][:16] + ":00"} if "end_date" in made else {})
        ),
        "gcm_collapse_key": st.just({"enabled": True})
        | st.fixed_dictionaries({"enabled": st.booleans(), "key": lines}),
        "targeting": st.fixed_dictionaries(
            {"segments": st.sampled_from([["IMPORTED"], ["NEW", "DORMANT"], ["ONE_TIME", "ENGAGED"]])},
            optional={
                "languages": several_words,
                "regions": several_words,
                "audiences": several_words,
                "query": st.dictionaries(words, values, min_size=1, max_size=3),
            },
        ),
        "media": st.fixed_dictionaries({"icon": lines}, optional={"picture": lines, "video": lines}),
        "deeplink": lines,
        "custom_payload": values.map(json.dumps),
        "landing": st.dictionaries(words, values, min_size=1, max_size=3),
        "own": values.filter(lambda value: value is not None),
    },
)
"""Campaigns that can be typed: without empty texts, or keys that no page knows."""


def sent(fields: Fields) -> Fields:
    """What a browser sends of fields: its own ends of lines, none in a field of one line, no empty boxes."""
    pairs = []
    for name in fields:
        is_area = name.rpartition(".")[2] in AREAS
        for text in fields.all(name) or [""]:
            kept = text.replace("\r\n", "\n").replace("\r", "\n")
            pairs.append((name, kept.replace("\n", "\r\n" if is_area else "")))
    return Fields.parsed(urlencode(pairs).encode())


def document(fields: Fields, base: dict[str, Any]) -> dict[str, Any]:
    return Form(fields, base).document()


def shown(parameters: dict[str, Any], zone: str = "UTC") -> Fields:
    return fields_of(parameters, zone, KNOWN_LISTS)


def changed(fields: Fields, **values: str) -> Fields:
    return Fields({name: fields.all(name) for name in fields} | {k: [v] for k, v in values.items()})


def same(one: object, other: object) -> bool:
    return json.dumps(one, sort_keys=True) == json.dumps(other, sort_keys=True)


slowly = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
"""Campaigns are large, and other tests keep the machine busy."""


@slowly
@given(accepted, st.sampled_from(zone_names()))
@example(FULL, "Europe/Paris")
def test_a_form_that_nobody_touched_changes_nothing(parameters: dict[str, Any], zone: str) -> None:
    form = Form(sent(shown(parameters, zone)), parameters)
    assert same(form.document(), parameters)
    assert form.changes(form.document()) == {}


@slowly
@given(expressible, st.sampled_from(zone_names()))
def test_what_is_typed_is_what_is_created(parameters: dict[str, Any], zone: str) -> None:
    if "push_time" in parameters:
        given = [parameters["push_time"], parameters.get("recurrence", {}).get("end_date")]
        assume(not any(comes_twice(text, zone) for text in given if text))
    assert same(document(sent(shown(parameters, zone)), {}), parameters)


def comes_twice(text: str, zone: str) -> bool:
    """Whether the clocks of a zone have shown the same before, or cannot show it: their years are 1 to 9999."""
    try:
        return datetime.fromisoformat(text).replace(tzinfo=UTC).astimezone(ZoneInfo(zone)).fold == 1
    except OverflowError:
        return True


@pytest.mark.parametrize(
    ("field", "typed", "parameter", "value"),
    [
        ("name", "Autumn sale", "name", "Autumn sale"),
        ("live", "true", "live", True),
        ("labels[1]", "2", "labels", ["one", "2", "three"]),
        ("labels[2]", "", "labels", ["one", "two"]),
        ("messages.a[1].body", "z", "messages", [FULL["messages"][0], {"body": "z"}]),
        ("messages.a[0].title", "T", "messages", [FULL["messages"][0] | {"title": "T"}, {"body": "y"}]),
        ("priority", "high", "priority", "high"),
        ("push_type", "alert", "push_type", "alert"),
        ("time_to_live", "2", "time_to_live", 172_800),
        ("time_to_live.unit", "minutes", "time_to_live", 1_680),
        ("capping", "0", "capping", 0),
        ("capping", "", "capping", None),
        ("capping", "many", "capping", "many"),
        ("send_rate", "1.5", "send_rate", 1.5),
        ("deeplink", "", "deeplink", ""),
        ("custom_payload", "{", "custom_payload", "{"),
        ("landing", "[]", "landing", "[]"),
        ("landing", '{"x": 1}', "landing", {"x": 1}),
        ("media.icon", "", "media", {"picture": "", "audio": "x", "video": "y"}),
        ("media.picture", "p", "media", FULL["media"] | {"picture": "p"}),
        ("gcm_collapse_key.key", "k", "gcm_collapse_key", {"enabled": True, "key": "k"}),
        ("gcm_collapse_key.enabled", "", "gcm_collapse_key", {"enabled": False, "key": "sale"}),
        ("targeting.languages", "en, fr,", "targeting", FULL["targeting"] | {"languages": ["en", "fr"]}),
        ("targeting.segments", "NEW", "targeting", FULL["targeting"] | {"segments": ["NEW"]}),
        ("targeting.query", "{", "targeting", FULL["targeting"] | {"query": "{"}),
        ("targeting.audiences.other", "x", "targeting", FULL["targeting"] | {"audiences": ["vip", "x"]}),
        ("recurrence.repeat_frequency", "2", "recurrence", FULL["recurrence"] | {"repeat_frequency": 2}),
        ("recurrence.end_date", "", "recurrence", {"repeat_unit": "DAILY", "repeat_frequency": 1}),
        ("recurrence.repeat_unit", "", "recurrence", None),
        ("push_time", "2026-03-11T00:30", "push_time", "2026-03-11T00:30:00"),
        ("when", "local", "local_push_time", "2026-03-10T23:30:00"),
        ("when", "now", "push_time", "now"),
        ("other", '{"ours": 1}', "ours", 1),
        ("other", "", "ours", None),
    ],
)
def test_a_change_of_one_field_changes_one_parameter(
    field: str, typed: str, parameter: str, value: object
) -> None:
    form = Form(sent(changed(shown(FULL), **{field: typed})), FULL)
    assert same(form.changes(form.document()), {parameter: value})


def test_a_message_that_is_taken_out_takes_what_is_unseen_in_it_along() -> None:
    base = FULL | {"messages": [{"body": "1", "own": 1}, {"body": "2", "own": 2}]}
    fields = without_message(shown(base), "a", "0")
    assert document(sent(fields), base)["messages"] == [{"body": "2", "own": 2}]
    added, prefix = with_message(without_message(fields, "a", "1"), "a")
    named = changed(added, **{f"{prefix}body": "3"})
    assert document(sent(named), base)["messages"] == [{"body": "3"}]


@pytest.mark.parametrize("text", ["9" * 5_000, "99999", "٣", "-1", "x"])
def test_a_number_for_the_next_message_that_no_page_of_ours_gave_does_not_count(text: str) -> None:
    _, prefix = with_message(changed(shown(FULL), **{"next.a": text}), "a")
    assert prefix == "messages.a[2]."


def test_the_messages_of_a_are_copied_to_b() -> None:
    fields = with_copy_of_a(changed(shown(FULL), kind="ab"))
    made = document(sent(fields), {})["messages"]
    assert made["b"] == made["a"] == [{"language": "en", "body": "x"}, {"body": "y"}]


def test_version_b_is_kept_while_it_is_not_wanted() -> None:
    fields = changed(shown({}), **{"messages.a[0].body": "one", "messages.b[0].body": "two"})
    assert document(fields, {})["messages"] == [{"body": "one"}]
    assert document(changed(fields, kind="ab"), {})["messages"] == {
        "a": [{"body": "one"}],
        "b": [{"body": "two"}],
    }


@pytest.mark.parametrize("other", ["1", "[]", "{", '"x"', '{"name": "x"}', '{"messages": []}'])
def test_other_parameters_are_an_object_without_those_that_have_a_field(other: str) -> None:
    with pytest.raises(MalformedParameter, match=r"^other "):
        document(changed(shown({}), other=other), {})


def test_what_the_server_owns_is_left_out_of_other_parameters() -> None:
    made = document(changed(shown({}), other='{"from_api": true, "ours": 1}'), {})
    assert (made.get("ours"), "from_api" in made) == (1, False)


# Time zones


@pytest.mark.parametrize(
    ("zone", "typed", "in_utc", "note"),
    [
        ("UTC", "2026-03-29T02:30", "2026-03-29T02:30:00", ""),
        ("Europe/Paris", "2026-03-29T01:59", "2026-03-29T00:59:00", ""),
        ("Europe/Paris", "2026-03-29T02:30", "2026-03-29T01:30:00", "skip 02:30 on that day: it is 03:30"),
        ("Europe/Paris", "2026-03-29T03:00", "2026-03-29T01:00:00", ""),
        (
            "Europe/Paris",
            "2026-10-25T02:30",
            "2026-10-25T00:30:00",
            "show 02:30 twice on that day: it is the first",
        ),
        ("Europe/Paris", "2026-10-25T03:00", "2026-10-25T02:00:00", ""),
        ("Australia/Lord_Howe", "2026-10-04T02:15", "2026-10-03T15:45:00", "it is 02:45"),
        ("America/New_York", "2026-11-01T01:30:15", "2026-11-01T05:30:15", "it is the first"),
        ("Asia/Kathmandu", "2026-01-01T05:45", "2026-01-01T00:00:00", ""),
    ],
)
def test_a_time_in_a_zone_is_a_time_in_utc_also_when_clocks_change(
    zone: str, typed: str, in_utc: str, note: str
) -> None:
    found = chosen(typed, zone)
    assert found
    assert datetime.fromtimestamp(found.at / 1000, UTC).strftime("%Y-%m-%dT%H:%M:%S") == in_utc
    assert note in found.note
    assert bool(note) == bool(found.note)


@pytest.mark.parametrize(
    ("zone", "first", "recurrence", "begins"),
    [
        ("Europe/Berlin", "2027-03-10T08:00:00", ("DAILY", 1), "From 2027-03-28 it goes out at 10:00 on"),
        ("Europe/Berlin", "2027-03-10T08:00:00", ("WEEKLY", 1), "From 2027-03-31 it goes out at 10:00 on"),
        ("Europe/Berlin", "2027-03-10T08:00:00", ("MONTHLY", 1), "From 2027-04-10 it goes out at 10:00 on"),
        ("Europe/Berlin", "2027-03-10T08:00:00", ("DAILY", 1, "2027-03-27T08:00:00"), ""),
        ("Europe/Berlin", "2027-03-10T08:00:00", ("DAILY", 1, "2027-03-28T08:00"), "From 2027-03-28 it goes"),
        ("Europe/Berlin", "2026-03-10T08:00:00", ("DAILY", 1), "From 2026-10-25 it goes out at 09:00 on"),
        ("Europe/Berlin", "2026-03-10T08:00:00", ("MONTHLY", 12), ""),
        ("America/New_York", "2027-03-10T03:30:00", ("DAILY", 1), "From 2027-03-14 it goes out at 23:30 on"),
        (
            "Australia/Lord_Howe",
            "2027-03-10T00:00:00",
            ("DAILY", 1),
            "From 2027-04-04 it goes out at 10:30 on",
        ),
        ("Asia/Tokyo", "2027-03-10T08:00:00", ("DAILY", 1), ""),
        ("UTC", "2027-03-10T08:00:00", ("DAILY", 1), ""),
        ("Pacific/Kiritimati", "9999-12-30T08:00:00", ("DAILY", 1), ""),
        ("Pacific/Kiritimati", "9999-11-30T23:00:00", ("MONTHLY", 1), ""),
        ("Europe/Paris", "2026-06-10T06:00:00", ("MONTHLY", 1), "From 2026-11-10 it goes out at 07:00 on"),
        # The chosen day is another one in UTC, and months and summers move that.
        (
            "Asia/Tokyo",
            "2027-02-28T23:00:00",
            ("MONTHLY", 1),
            "The one of 2027-04-01 goes out on 2027-03-29 at 08:00 there: a campaign that is repeated keeps",
        ),
        (
            "Asia/Tokyo",
            "2027-01-30T23:00:00",
            ("MONTHLY", 1),
            "The one of 2027-02-28 goes out on 2027-03-01 at",
        ),
        ("Asia/Tokyo", "2027-03-10T23:00:00", ("MONTHLY", 1), ""),
        (
            "Europe/Paris",
            "2027-06-06T22:30:00",
            ("WEEKLY", 1),
            "The one of 2027-11-01 goes out on 2027-10-31 at",
        ),
        (
            "America/New_York",
            "2027-03-10T04:30:00",
            ("DAILY", 1),
            "The one of 2027-03-14 goes out on 2027-03-15 at",
        ),
    ],
)
def test_what_a_change_of_clocks_does_to_a_campaign_that_is_repeated_is_said(
    zone: str, first: str, recurrence: tuple[Any, ...], begins: str
) -> None:
    keys = ("repeat_unit", "repeat_frequency", "end_date")
    repeated = dict(zip(keys, recurrence, strict=False))
    now = moment("2026-06-10T12:00:00")
    sentence = shift({"push_time": first, "recurrence": repeated}, zone, now)
    assert sentence.startswith(begins)
    assert bool(sentence) == bool(begins)
    assert not sentence.startswith("From ") or f" on the clocks of {zone} instead of " in sentence


@given(moments, st.sampled_from(zone_names()))
def test_a_time_is_shown_as_the_clocks_of_its_zone_show_it(text: str, zone: str) -> None:
    at = datetime.fromisoformat(text).replace(tzinfo=UTC)
    try:
        clock = at.astimezone(ZoneInfo(zone))
    except OverflowError:
        assert from_utc(text, zone) == text
        return
    assert from_utc(text, zone) == clock.replace(tzinfo=None).isoformat(timespec="seconds")
    if clock.fold == 0:
        assert to_utc(from_utc(text, zone), zone) == text


@pytest.mark.parametrize(
    "typed",
    ["", "tomorrow", "2026-02-30T10:00", "2026-03-10", "2026-W10-1T10:00", "10:00", "9999-12-31T23:30"],
)
def test_what_is_no_time_is_left_to_be_refused(typed: str) -> None:
    assert to_utc(typed, "America/New_York").startswith(typed)
    assert chosen(typed, "America/New_York") is None


def test_the_clocks_of_another_zone_are_another_time() -> None:
    fields = changed(shown(FULL), zone="Asia/Tokyo")
    changes = Form(fields, FULL).changes(document(fields, FULL))
    assert changes == {
        "push_time": "2026-03-10T14:30:00",
        "recurrence": FULL["recurrence"] | {"end_date": "2026-04-01T03:00:00"},
    }


def test_a_zone_that_there_is_not_is_refused() -> None:
    with pytest.raises(MalformedParameter, match=r"^zone is not known"):
        document(changed(shown({}), zone="Europe/Atlantis"), {})

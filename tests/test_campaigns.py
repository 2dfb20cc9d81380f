"""Campaigns: what is accepted, what an update may change, their states, and how they are shown."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, TypeVar

import msgspec
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from jsonschema_rs import Draft202012Validator

from openrate import campaign_parameters, campaigns
from openrate.errors import ApiError, MalformedJsonBody, MalformedParameter, MissingParameter
from openrate.model import App, Campaign, CampaignState, Platform, Sender
from openrate.web.openapi.schemas import SCHEMAS, ref

T = TypeVar("T")

NOW = 1_773_185_400_123
"""2026-03-10T23:30:00.123Z."""
SECOND, HOUR, DAY = 1_000, 3_600_000, 86_400_000
BODY: dict[str, Any] = {
    "name": "Spring sale",
    "live": False,
    "push_time": "2026-03-10T23:30:00",
    "messages": [{"title": "Hello", "body": "Two days only"}],
}
VERSIONS = {"a": [{"body": "One"}], "b": [{"body": "Two"}]}
RECURRENCE = {"repeat_unit": "DAILY", "repeat_frequency": 1}
FULL: dict[str, Any] = BODY | {
    "messages": [{"language": "en", "title": "", "body": "x", "deeplink": "", "own": [1]}, {"body": "y"}],
    "labels": ["one", "two", "three"],
    "priority": "normal",
    "time_to_live": 2_419_200,
    "push_type": "background",
    "gcm_collapse_key": {"enabled": True, "key": "sale"},
    "recurrence": RECURRENCE | {"end_date": "2026-04-01T12:00"},
    "capping": 3,
    "send_rate": 60_000,
    "targeting": {
        "segments": ["NEW", "ENGAGED", "ONE_TIME", "DORMANT", "IMPORTED"],
        "languages": ["en"],
        "regions": ["fr"],
        "query": {"c.age": {"$gt": 20}},
        "audiences": ["vip"],
    },
    "media": {"icon": "https://a.example/i.png", "picture": "", "audio": "x", "video": "y"},
    "deeplink": "app://sale",
    "custom_payload": '{"sale": [1, 2]}',
    "landing": {"theme": "dark", "more": None},
    "ours": {"kept": [None, 1.5, 123456789012345678901234567890]},
}


def app(sender: Sender = Sender.EXTERNAL) -> App:
    return App(1, 1, "shop", Platform.IOS, sender, "L", "D", "S")


def made(body: dict[str, Any] | None = None, now: int = NOW, **fields: Any) -> Campaign:
    """The campaign that a body makes."""
    new = campaigns.create(json.dumps((body or BODY) | fields).encode(), now)
    return Campaign(1, 1, "t" * 32, new.parameters, new.has_versions, False, True, now, new.live)


def updated(campaign: Campaign, now: int = NOW, **fields: Any) -> Campaign:
    return campaigns.update(campaign, app(), json.dumps(fields).encode(), now)


def state(campaign: Campaign, now: int = NOW, sender: Sender = Sender.EXTERNAL) -> CampaignState:
    return campaigns.state(campaign, app(sender), now)


# What is accepted


def test_get_gives_back_what_was_created_and_no_key_that_was_never_set() -> None:
    shown = campaigns.shown(made(FULL))
    assert json.loads(msgspec.json.encode(shown)) == FULL | {
        "campaign_token": "t" * 32,
        "from_api": True,
        "dev_only": False,
        "created_date": "2026-03-10T23:30:00",
    }
    assert list(shown)[:4] == ["campaign_token", "from_api", "dev_only", "created_date"]
    assert [name for name in shown if name in FULL] == list(FULL)


def test_null_on_create_is_the_same_as_absent() -> None:
    campaign = made(
        labels=None,
        own=None,
        local_push_time=None,
        messages=[{"title": None, "language": None, "body": "x"}],
        targeting={"query": None, "segments": ["NEW"]},
    )
    assert campaign.parameters == BODY | {"messages": [{"body": "x"}], "targeting": {"segments": ["NEW"]}}


@pytest.mark.parametrize("name", ["name", "live", "messages"])
def test_a_campaign_without_what_it_needs_is_refused_with_30(name: str) -> None:
    for body in ({k: v for k, v in BODY.items() if k != name}, BODY | {name: None}):
        with pytest.raises(MissingParameter, match=f"^{name} is missing"):
            made(body)


def test_no_push_time_is_refused_with_30_and_two_with_31() -> None:
    with pytest.raises(MissingParameter, match="local_push_time"):
        made({k: v for k, v in BODY.items() if k != "push_time"})
    with pytest.raises(MalformedParameter, match="exactly one"):
        made(local_push_time="now")


@pytest.mark.parametrize("name", ["push_time", "local_push_time"])
def test_now_becomes_a_date(name: str) -> None:
    body = {k: v for k, v in BODY.items() if k != "push_time"} | {name: "now"}
    assert made(body).parameters[name] == "2026-03-10T23:30:00"


def test_what_is_inside_a_parameter_can_be_missing_too() -> None:
    with pytest.raises(MissingParameter, match=r"^messages\[1\]\.body is missing"):
        made(messages=[{"body": "x"}, {"title": "y"}])
    with pytest.raises(MissingParameter, match=r"^recurrence\.repeat_unit is missing"):
        made(recurrence={"repeat_frequency": 1})


WRONG: list[tuple[str, Any]] = [
    ("name", "ab"),
    ("name", 123),
    ("name", "x" * 1_001),
    ("live", 1),
    ("live", "true"),
    ("messages", []),
    ("messages", "Hello"),
    ("messages[0]", ["Hello"]),
    ("messages", {}),
    ("messages", {"a": [{"body": "x"}]}),
    ("messages", VERSIONS | {"c": [{"body": "x"}]}),
    ("messages.b", VERSIONS | {"b": []}),
    ("messages[0].body", [{"body": ""}]),
    ("messages[0].title", [{"body": "x", "title": 1}]),
    ("messages.a[0].body", VERSIONS | {"a": [{"body": ["x"]}]}),
    ("push_time", "tomorrow"),
    ("push_time", "2026-02-30T10:00:00"),
    ("push_time", "2026-03-10T24:00:00"),
    ("push_time", "2026-03-10T10:00"),
    ("push_time", "2026-03-10 10:00:00"),
    ("push_time", "2026-03-10T10:00:00Z"),
    ("push_time", "2026-03-10T10:00:00\n"),
    ("push_time", "\u0662\u0660\u0662\u0666-03-10T10:00:00"),
    ("push_time", 1_773_185_400),
    ("labels", ["1", "2", "3", "4"]),
    ("labels[0]", [1]),
    ("labels", "one"),
    ("priority", "low"),
    ("priority", 1),
    ("time_to_live", 0),
    ("time_to_live", 2_419_201),
    ("time_to_live", True),
    ("time_to_live", 1.5),
    ("time_to_live", "60"),
    ("time_to_live", 10**40),
    ("push_type", "ALERT"),
    ("gcm_collapse_key", True),
    ("gcm_collapse_key.enabled", {"enabled": 1}),
    ("recurrence", "DAILY"),
    ("recurrence.repeat_unit", RECURRENCE | {"repeat_unit": "YEARLY"}),
    ("recurrence.repeat_frequency", RECURRENCE | {"repeat_frequency": 0}),
    ("recurrence.end_date", RECURRENCE | {"end_date": "now"}),
    ("capping", -1),
    ("capping", 10**7),
    ("send_rate", 0),
    ("send_rate", 10**8 + 1),
    ("send_rate", "fast"),
    ("recurrence.end_date", RECURRENCE | {"end_date": "2026-03-10T24:00"}),
    ("messages[0].language", [{"body": "x", "language": "x" * 65}]),
    ("targeting.query", {"query": [1]}),
    ("targeting", ["NEW"]),
    ("targeting.segments[0]", {"segments": ["new"]}),
    ("targeting.languages", {"languages": "en"}),
    ("targeting.query", {"query": 1}),
    ("media.icon", {"icon": 1}),
    ("deeplink", 1),
    ("custom_payload", {"sale": 1}),
    ("custom_payload", "{"),
    ("landing", "dark"),
]


@pytest.mark.parametrize(("field", "value"), WRONG)
def test_a_wrong_value_is_refused_with_a_message_that_names_the_field(field: str, value: object) -> None:
    fields: dict[str, Any] = {field.partition(".")[0].partition("[")[0]: value}
    with pytest.raises(MalformedParameter) as on_create:
        made(BODY | fields)
    with pytest.raises(MalformedParameter) as on_update:
        updated(made(), **fields)
    assert str(on_create.value).startswith(f"{field} ")
    assert "accepted" in str(on_create.value)
    assert str(on_create.value) == str(on_update.value)


@pytest.mark.parametrize(
    ("name", "said"), [("x", "name has 1 character: "), ("xy", "name has 2 characters: ")]
)
def test_of_one_character_is_said_that_it_is_one(name: str, said: str) -> None:
    with pytest.raises(MalformedParameter, match=f"^{said}"):
        made(name=name)


def test_the_description_accepts_and_refuses_the_same_values() -> None:
    def validator(name: str) -> Draft202012Validator:
        return Draft202012Validator({**ref(name), "components": {"schemas": SCHEMAS}})

    for body in (BODY, FULL, BODY | {"messages": VERSIONS}, BODY | {"push_time": "now"}):
        validator("CampaignCreate").validate(body)
    for field, value in WRONG:
        fields = {field.partition(".")[0].partition("[")[0]: value}
        # A schema knows neither the calendar nor what is inside a string.
        if value not in ("2026-02-30T10:00:00", "{"):
            assert not validator("CampaignCreate").is_valid(BODY | fields), fields
            assert not validator("CampaignUpdate").is_valid(fields), fields


def test_what_the_server_owns_is_ignored_in_a_body() -> None:
    own: dict[str, Any] = {"campaign_token": 1, "from_api": None, "dev_only": True, "created_date": "x"}
    assert made(BODY | own).parameters == BODY
    campaign = made()
    assert updated(campaign, **own) is campaign


DEEP = b'{"own":' + b'{"x":' * 33 + b"1" + b"}" * 34


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"null",
        b"{",
        b"\xef\xbb\xbf{}",
        b'{"name":"\xff"}',
        b'{"name":"\\ud800"}',
        b'{"name":NaN}',
        b'{"name":1e999}',
        b'{"name":' + b"9" * 5_000 + b"}",
        b"[" * 100_000,
        b'{"a":' * 100_000 + b"1" + b"}" * 100_000,
    ],
)
def test_a_body_that_is_no_json_object_is_refused_with_32(body: bytes) -> None:
    with pytest.raises(MalformedJsonBody):
        campaigns.create(body, NOW)
    with pytest.raises(MalformedJsonBody):
        campaigns.update(made(), app(), body, NOW)


def test_a_slip_in_json_is_shown_where_it_is() -> None:
    with pytest.raises(MalformedJsonBody, match=r"expected ',' or '\]' \(byte 21\)"):
        campaigns.create(b'{"messages": ["hello"}', NOW)
    with pytest.raises(MalformedJsonBody, match="it ends too early"):
        campaigns.create(b'{"messages": [', NOW)


def test_nesting_has_an_end() -> None:
    with pytest.raises(MalformedParameter, match=r"^own is nested too deep"):
        campaigns.create(DEEP, NOW)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("name", "Spring\x00"),
        ("labels", ["sale", "\x00"]),
        ("messages", [{"language": "en", "body": "a\x00b"}]),
        ("targeting", {"audiences": ["\x00"]}),
        ("own", {"deep": [{"a\x00": 1}]}),
        ("own\x00", 1),
    ],
)
def test_the_character_that_no_text_can_have_everywhere_is_refused_wherever_it_is(
    field: str, value: Any
) -> None:
    refused = f"^{field} has the character U\\+0000"
    with pytest.raises(MalformedParameter, match=refused):
        campaigns.create(msgspec.json.encode(BODY | {field: value}), NOW)
    with pytest.raises(MalformedParameter, match=refused):
        campaigns.update(made(), app(), msgspec.json.encode({field: value}), NOW)
    assert made(name="Six characters: \\u0000 \x01").parameters["name"] == "Six characters: \\u0000 \x01"


# Updates


def test_an_update_replaces_key_by_key_and_leaves_the_rest() -> None:
    campaign = updated(made(FULL), name="Renamed", targeting={"regions": ["us"]}, ours=2)
    assert campaign.parameters == FULL | {"name": "Renamed", "targeting": {"regions": ["us"]}, "ours": 2}


def test_giving_one_push_time_replaces_the_other() -> None:
    local = updated(made(), local_push_time="2026-05-01T10:00:00")
    assert "push_time" not in local.parameters
    assert local.parameters["local_push_time"] == "2026-05-01T10:00:00"
    back = updated(local, push_time="now", local_push_time=None)
    assert "local_push_time" not in back.parameters
    assert back.parameters["push_time"] == "2026-03-10T23:30:00"
    with pytest.raises(MalformedParameter, match="exactly one"):
        updated(made(), push_time="now", local_push_time="now")


@pytest.mark.parametrize("name", list(FULL))
def test_an_update_cannot_remove_a_parameter(name: str) -> None:
    nothing: dict[str, Any] = {name: None}
    with pytest.raises(MalformedParameter, match=f"^{name} is null"):
        updated(made(FULL), **nothing)


def test_a_recurring_campaign_stays_recurring_and_a_single_one_may_become_it() -> None:
    with pytest.raises(MalformedParameter, match=r"^recurrence is null"):
        updated(made(FULL), recurrence=None)
    assert updated(made(), recurrence=RECURRENCE).parameters["recurrence"] == RECURRENCE


def test_a_campaign_has_versions_for_its_whole_life_or_never() -> None:
    with pytest.raises(MalformedParameter, match=r"^messages would change"):
        updated(made(), messages=VERSIONS)
    with_versions = made(messages=VERSIONS)
    assert with_versions.has_versions
    with pytest.raises(MalformedParameter, match=r"^messages would change"):
        updated(with_versions, messages=BODY["messages"])
    other = {"b": [{"body": "Three"}], "a": [{"body": "Four"}]}
    assert updated(with_versions, messages=other).parameters["messages"] == other


def test_what_does_not_change_is_never_refused() -> None:
    campaign = made(FULL)
    for name, value in FULL.items():
        assert updated(campaign, **{name: value}) is campaign
    assert updated(campaign, never_there=None) is campaign
    turned = {"repeat_frequency": 1, "end_date": "2026-04-01T12:00", "repeat_unit": "DAILY"}
    assert updated(campaign, recurrence=turned) is campaign
    finished = made(live=True)
    assert updated(finished, DAY + NOW, live=True) is finished
    kept = msgspec.structs.replace(campaign, parameters=FULL | {"name": "x", "capping": -1})
    assert updated(kept, name="x", capping=-1, own=1).parameters["own"] == 1


def test_a_number_is_not_what_a_boolean_was() -> None:
    with pytest.raises(MalformedParameter, match=r"^live is a number"):
        updated(made(live=True), live=1)


def test_updates_do_not_add_up_without_end() -> None:
    campaign = updated(made(), one="x" * 600_000)
    with pytest.raises(MalformedParameter, match=r"^two makes the campaign too large"):
        updated(campaign, two="x" * 600_000)


def test_an_update_leaves_the_campaign_it_was_given_as_it_is() -> None:
    campaign = made(FULL)
    before = msgspec.json.encode(campaign)
    updated(campaign, name="Renamed", local_push_time="now")
    assert msgspec.json.encode(campaign) == before


FIRST_DUE = NOW - NOW % SECOND + DAY


@pytest.mark.parametrize("sender", Sender)
@pytest.mark.parametrize("recurrence", [None, RECURRENCE])
@pytest.mark.parametrize(
    "known",
    [
        {"next_due_at": FIRST_DUE},
        {"next_due_at": FIRST_DUE + DAY},
        {"next_due_at": None},
        {"next_due_at": None, "completed_at": NOW},
        {"next_due_at": FIRST_DUE, "was_live": True, "was_completed": True},
    ],
)
def test_what_is_fixed_is_what_an_update_refuses_with_that_reason(
    sender: Sender, recurrence: dict[str, Any] | None, known: dict[str, Any]
) -> None:
    campaign = made(push_time="2026-03-11T23:30:00", recurrence=recurrence)
    if sender is Sender.EXTERNAL:
        known = known | {"next_due_at": None, "completed_at": None}
    campaign = msgspec.structs.replace(campaign, **known)
    fixed = campaigns.fixed(campaign, app(sender))
    other = RECURRENCE | {"repeat_frequency": 9}
    for name, value in {"live": True, "push_time": "2027-01-01T00:00:00", "recurrence": other}.items():
        body = json.dumps({name: value}).encode()
        if name in fixed:
            with pytest.raises(MalformedParameter) as refusal:
                campaigns.update(campaign, app(sender), body, NOW)
            assert fixed[name].lower() in str(refusal.value).lower()
        else:
            assert campaigns.update(campaign, app(sender), body, NOW).parameters[name] == value


# States


def test_a_campaign_that_was_never_live_is_a_draft_whatever_the_time() -> None:
    assert state(made(), NOW - DAY) == state(made(), NOW + DAY) == CampaignState.DRAFT


def test_a_live_campaign_is_scheduled_until_its_time_and_then_completed() -> None:
    campaign = made(live=True)
    due = NOW - NOW % SECOND
    assert state(campaign, due - 1) == CampaignState.SCHEDULED
    assert state(campaign, due) == CampaignState.COMPLETED
    assert state(campaign, due, Sender.OPENRATE) == CampaignState.RUNNING
    assert campaign.parameters["live"] is True


def test_a_recurring_campaign_runs_until_its_end_or_for_ever() -> None:
    endless = made(live=True, recurrence=RECURRENCE)
    assert state(endless, NOW + 1_000 * DAY) == CampaignState.RUNNING
    ending = made(live=True, recurrence=RECURRENCE | {"end_date": "2026-03-12T23:30"})
    due = NOW - NOW % SECOND
    assert state(ending, due - 1) == CampaignState.SCHEDULED
    assert state(ending, due + 2 * DAY - 1) == CampaignState.RUNNING
    assert state(ending, due + 2 * DAY) == CampaignState.COMPLETED


def test_a_campaign_at_local_time_runs_for_a_day() -> None:
    body = {k: v for k, v in BODY.items() if k != "push_time"}
    campaign = made(body, live=True, local_push_time="2026-03-10T23:30:00")
    due = NOW - NOW % SECOND
    assert state(campaign, due - 1) == CampaignState.SCHEDULED
    assert state(campaign, due + DAY - 1) == CampaignState.RUNNING
    assert state(campaign, due + DAY) == CampaignState.COMPLETED


def test_what_we_send_is_completed_when_our_sender_says_so() -> None:
    campaign = made(live=True)
    assert state(campaign, NOW + 1_000 * DAY, Sender.OPENRATE) == CampaignState.RUNNING
    done = msgspec.structs.replace(campaign, completed_at=NOW)
    assert state(done, NOW, Sender.OPENRATE) == CampaignState.COMPLETED


def test_a_campaign_that_was_switched_off_before_its_time_can_be_live_again() -> None:
    stopped = updated(made(live=True), NOW - DAY, live=False)
    assert state(stopped, NOW + DAY) == CampaignState.STOPPED
    again = updated(stopped, NOW + DAY, live=True)
    assert state(again, NOW + DAY) == CampaignState.COMPLETED


def test_a_completed_campaign_that_was_switched_off_is_never_live_again() -> None:
    stopped = updated(made(live=True), NOW + DAY, live=False)
    assert state(stopped, NOW + DAY) == CampaignState.STOPPED
    moved = updated(stopped, NOW + DAY, push_time="2030-01-01T00:00:00")
    for campaign in (stopped, moved, updated(stopped, NOW + 2 * DAY, live=False, name="Over")):
        for more in ({}, {"push_time": "2031-01-01T00:00:00"}):
            with pytest.raises(MalformedParameter, match=r"^live is true"):
                updated(campaign, NOW + 2 * DAY, live=True, **more)


def test_a_draft_whose_time_has_passed_can_be_made_live() -> None:
    assert state(updated(made(), NOW + DAY, live=True), NOW + DAY) == CampaignState.COMPLETED


# Lists


def test_an_item_of_a_list_has_these_keys() -> None:
    item = campaigns.listed(made(FULL, live=True))
    names = ["campaign_token", "from_api", "dev_only", "created_date", "name", "live", "push_time"]
    assert list(item) == names
    local = updated(made(FULL), local_push_time="now")
    assert list(campaigns.listed(local)) == [*names[:-1], "local_push_time"]


def test_a_page_is_the_first_ten_unless_the_query_says_otherwise() -> None:
    assert campaigns.page({"unknown": "x"}) == (0, 10, None, None)
    query = {"from": "20", "limit": "100", "live": "true", "from_api": "false"}
    assert campaigns.page(query) == (20, 100, True, False)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        (n, v)
        for n in ("from", "limit")
        for v in ("", "-1", "+1", "1.0", " 1", "x", "9" * 19, "9" * 5_000, "\u0661")
    ]
    + [("limit", "0"), ("limit", "101")]
    + [(n, v) for n in ("live", "from_api") for v in ("", "1", "True", "TRUE", "yes", "x" * 5_000)],
)
def test_a_query_that_is_not_accepted_is_refused_with_31(name: str, value: str) -> None:
    with pytest.raises(MalformedParameter, match=f"^{name} is ") as caught:
        campaigns.page({name: value})
    assert len(str(caught.value)) < 200


# Anything at all

_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
_names = st.sampled_from([*campaign_parameters.CHECKS, *campaign_parameters.SERVERS_OWN]) | st.text(
    max_size=5
)
_inner = st.dictionaries(
    st.sampled_from(
        ["a", "b", "body", "title", "enabled", "end_date", "repeat_unit", "repeat_frequency", "query"]
    ),
    _json,
    max_size=4,
)
_bodies = st.dictionaries(_names, _json | _inner | st.lists(_inner, max_size=2), max_size=5)


def answer(call: Callable[[], T]) -> T | None:
    """What comes out, None when it is a refusal; anything else that is raised fails the test."""
    try:
        return call()
    except ApiError as error:
        sentence = str(error)
        if error.status == 400 and len(sentence) < 500:
            return None
        raise


@given(_bodies, st.booleans())
@example(
    {"push_time": "0001-01-01T00:00:00", "recurrence": RECURRENCE | {"end_date": "9999-12-31T23:59"}}, True
)
@example({"\x00" * 300: "\x00"}, False)
def test_whatever_is_sent_is_taken_or_refused(fields: dict[str, Any], live: bool) -> None:
    campaign = made(FULL, live=live)
    changed = answer(lambda: campaigns.update(campaign, app(), json.dumps(fields).encode(), NOW))
    if changed is not None:
        assert msgspec.json.decode(msgspec.json.encode(campaigns.shown(changed)))
        assert campaigns.state(changed, app(), NOW) in CampaignState
        assert campaigns.update(changed, app(), msgspec.json.encode(changed.parameters), NOW) is changed
    new = answer(lambda: campaigns.create(json.dumps(BODY | fields).encode(), NOW))
    if new is not None:
        assert None not in new.parameters.values()
        assert campaigns.create(msgspec.json.encode(new.parameters), NOW) == new


@given(st.binary(max_size=200))
def test_whatever_the_bytes_are_nothing_but_an_answer_of_the_catalogue_comes_out(body: bytes) -> None:
    with pytest.raises(ApiError):
        campaigns.create(body, NOW)

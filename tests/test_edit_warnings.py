"""What the editor says about what is accepted and probably not meant."""

from __future__ import annotations

from typing import Any

import pytest

from openrate import payloads
from openrate.campaign_parameters import moment
from openrate.messages import Messages
from openrate.model import Campaign, Platform
from openrate.web.pages.edit.warnings import warnings, what_is_past

NOW = moment("2026-03-10T12:00:00")
WEEKLY = {"repeat_unit": "WEEKLY", "repeat_frequency": 1}


def said(**given: Any) -> list[str]:
    return warnings({"name": "Sale", "messages": [{"body": "x"}], **given}, Platform.ANDROID)


@pytest.mark.parametrize(
    ("given", "begins"),
    [
        ({"targeting": {"languages": ["fr", "french"]}}, ["french is no code of a language"]),
        ({"messages": [{"language": "Deutsch", "body": "x"}]}, ["Deutsch is no code of a language"]),
        ({"targeting": {"regions": ["FR", "France"]}}, ["France is no code of a region"]),
        ({"targeting": {"regions": ["UK", "GB", "EN"]}}, ["UK is no code", "EN is no code"]),
        (
            {"messages": {"a": [{"language": "fr", "body": "x"}, {"body": "x"}], "b": [{"body": "x"}]}},
            ["Only one of A and B has a message for fr"],
        ),
        (
            {
                "messages": {
                    "a": [
                        {"language": "fr", "title": "", "body": "x"},
                        {"body": "y", "deeplink": "shop://sale"},
                    ],
                    "b": [{"body": "y", "deeplink": "shop://sale"}, {"language": "fr", "body": "x"}],
                }
            },
            ["A and B say the same: there is nothing to compare."],
        ),
    ],
)
def test_what_is_probably_not_meant_is_said(given: dict[str, Any], begins: list[str]) -> None:
    sentences = said(**given)
    assert len(sentences) == len(begins)
    assert all(sentence.startswith(begin) for sentence, begin in zip(sentences, begins, strict=True))


@pytest.mark.parametrize(
    "given",
    [
        {
            "targeting": {
                "languages": ["fr", "pt-BR", "zh-Hant-TW", "pt_br"],
                "regions": ["FR", "be", "XK", "419"],
            }
        },
        {"messages": {"a": [{"language": "fr", "body": "x"}], "b": [{"language": "fr", "body": "y"}]}},
        {"messages": {"a": [{"body": "x", "deeplink": "shop://hats"}], "b": [{"body": "x"}]}},
    ],
)
def test_what_may_well_be_meant_is_not(given: dict[str, Any]) -> None:
    assert said(**given) == []


@pytest.mark.parametrize(
    ("platform", "most"), [(Platform.ANDROID, 4096), (Platform.IOS, 4096), (Platform.WEB, 3993)]
)
def test_a_message_is_too_long_from_the_byte_on_from_which_it_is_not_sent(
    platform: Platform, most: int
) -> None:
    message = {"title": "Soldes d'été", "body": "x", "deeplink": "shop://sale"}
    given: dict[str, Any] = {
        "name": "Sale",
        "messages": [message],
        "media": {"picture": "https://cdn.example.com/hat.png"},
        "custom_payload": '{"shelf": "é"}',
    }
    sent = Campaign(1, 1, "d9d5e5a52ca08110d4893af3254ec21b", given, False, False, True, NOW, True)
    pushed = Messages(sent, "2026-03-10T12:00:00", NOW).of(None, None)
    room = most - payloads.size(platform, pushed)
    fits = given | {"messages": [message | {"body": "x" * (1 + room)}]}
    assert warnings(fits, platform) == []
    longer = given | {"messages": [message | {"body": "x" * (2 + room)}]}
    [sentence] = warnings(longer, platform)
    assert sentence == (
        "The message is too long to be sent: as a push, with its links, media and payload, it has about "
        f"{most + 1:,} bytes, and {most:,} are the most."
    )


def test_it_is_said_which_messages_are_too_long_and_of_many_how_many() -> None:
    long = "é" * 2_500
    a = [{"language": language, "body": long} for language in ("fr", "de")] + [{"body": "x"}]
    first, second, third, fourth = said(
        messages={"a": a, "b": [*a[:1], {"language": "de", "body": long}, {"body": long}]}
    )
    assert first.startswith("The message in fr of A is too long")
    assert second.startswith("The message in de of A is too long")
    assert third.startswith("The message in fr of B is too long")
    assert fourth == "2 more messages are too long."


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"push_time": "now", "recurrence": WEEKLY}, ""),
        ({"local_push_time": "now"}, ""),
        ({"push_time": "2026-04-01T09:00:00", "recurrence": WEEKLY}, ""),
        ({"push_time": "2026-03-01T09:00:00"}, "Its time is past: it goes out as soon as it is live."),
        (
            {"local_push_time": "2026-03-10T12:30:00"},
            "Where it comes first, its time is past: there it goes out as soon as it is live.",
        ),
        (
            {"local_push_time": "2026-03-01T12:30:00"},
            "Its time is past: it goes out as soon as it is live.",
        ),
        (
            {"push_time": "2026-03-01T09:00:00", "recurrence": WEEKLY | {"end_date": "2026-03-09T00:00:00"}},
            "Every time of it is past: it goes out once, as soon as it is live.",
        ),
        (
            {"push_time": "2026-03-01T09:00:00", "recurrence": WEEKLY},
            "Its first time is past: it goes out as soon as it is live, and then on 2026-03-15 09:00 UTC.",
        ),
    ],
)
def test_what_becomes_of_a_time_that_is_past_is_said(given: dict[str, Any], said: str) -> None:
    assert what_is_past(given, NOW) == said

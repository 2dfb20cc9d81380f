"""What a campaign says to whom: languages, versions, and what stands beside the text."""

from __future__ import annotations

import hashlib
import json
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openrate import campaigns
from openrate.messages import Messages, choose, version_of
from openrate.model import Campaign, Message
from openrate.schedule import next_due

TOKEN, OTHER = "d9d5e5a52ca08110d4893af3254ec21b", "aae13559e0493c0b350c547533f5b28f"
SEND_ID, EXPIRES_AT = "2026-03-10T09:00:00", 1_775_500_000_000
MANY = [f"installation-{number}" for number in range(20_000)]
languages = st.sampled_from([None, "", "en", "EN", "en-GB", "fr", "fr-CA", "fr_CA", "zh-Hant-TW", "de"])


def campaign(messages: Any, **parameters: Any) -> Campaign:
    given = {"name": "Sale", "live": True, "push_time": SEND_ID, "messages": messages} | parameters
    return Campaign(1, 1, TOKEN, given, isinstance(messages, dict), False, True, 0, True)


def said(messages: Any, **parameters: Any) -> Message:
    return Messages(campaign(messages, **parameters), SEND_ID, EXPIRES_AT).of(None, None)


def in_languages(*names: str | None) -> list[dict[str, Any]]:
    return [{"body": name or "none"} | ({} if name is None else {"language": name}) for name in names]


# Versions


def test_the_version_is_what_its_documentation_says() -> None:
    for name in MANY[:100]:
        digit = hashlib.sha256(f"{TOKEN}:{name}".encode()).hexdigest()[0]
        assert version_of(TOKEN, name) == ("a" if digit in "01234567" else "b")


def test_the_version_of_an_installation_never_changes() -> None:
    assert [version_of(TOKEN, f"i{number}") for number in range(1, 9)] == list("abaabaab")


def test_half_of_the_installations_get_each_version() -> None:
    share = sum(version_of(TOKEN, name) == "a" for name in MANY)
    assert abs(share - len(MANY) / 2) < 4 * (len(MANY) / 4) ** 0.5


def test_the_version_in_one_campaign_says_nothing_about_that_in_another() -> None:
    same = sum(version_of(TOKEN, name) == version_of(OTHER, name) for name in MANY)
    assert abs(same - len(MANY) / 2) < 4 * (len(MANY) / 4) ** 0.5


# Languages


@pytest.mark.parametrize(
    ("there", "language", "expected"),
    [
        (["en", "fr"], "fr", "fr"),
        (["en", "FR"], "fr", "FR"),
        (["en", "fr"], "Fr-Ca", "fr"),
        (["en", "fr", "fr-CA"], "fr_CA", "fr-CA"),
        (["zh", "zh-Hant"], "zh-Hant-TW", "zh-Hant"),
        (["fr-CA", None, "fr"], "fr-CH", "fr"),
        (["fr-CA", None], "fr", "none"),
        (["en", "fr-CA"], "fr", "fr-CA"),
        (["en", "fr-CA"], "fr-CH", "fr-CA"),
        (["en", None], "de", "none"),
        (["en", "fr"], "de", "en"),
        (["en", None], None, "none"),
        (["en", "fr"], None, "en"),
        (["en", ""], "de", "none"),
        (["en", "fr"], "", "en"),
        (["en", "english"], "english", "english"),
        (["fr", "enm"], "en", "fr"),
    ],
)
def test_the_message_is_in_the_nearest_language(
    there: list[str | None], language: str | None, expected: str
) -> None:
    assert choose(in_languages(*there), language)["body"] == expected


@given(st.lists(languages, min_size=1), languages)
def test_of_several_messages_in_one_language_the_first_is_taken(
    there: list[str | None], language: str | None
) -> None:
    messages = [{"body": str(number), "language": name} for number, name in enumerate(there)]
    chosen = choose(messages, language)
    assert chosen == next(each for each in messages if each["language"] == chosen["language"])


@given(st.lists(languages, min_size=1), languages.filter(bool))
def test_a_message_in_the_very_language_is_never_passed_over(there: list[str | None], language: str) -> None:
    wanted = language.lower().replace("_", "-")
    chosen = choose([{"body": "x", "language": name} for name in [*there, language]], language)
    assert chosen["language"].lower().replace("_", "-") == wanted


# Messages


def test_each_version_has_its_own_messages() -> None:
    versions = {"a": in_languages("en", "fr"), "b": [{"body": "B"}]}
    messages = Messages(campaign(versions), SEND_ID, EXPIRES_AT)
    assert [messages.of("a", "fr").body, messages.of("a", None).body, messages.of("b", "fr").body] == [
        "fr",
        "en",
        "B",
    ]


def test_a_message_carries_all_that_the_campaign_gives() -> None:
    message = said(
        [{"title": "Sale", "body": "Two days", "deeplink": "app://sale"}],
        deeplink="app://home",
        custom_payload='{"id": 1}',
        media={"icon": "https://a.example/i.png", "picture": "", "own": [1]},
        priority="normal",
        push_type="background",
        gcm_collapse_key={"enabled": True, "key": "sale"},
    )
    assert message == Message(
        TOKEN,
        SEND_ID,
        "Sale",
        "Two days",
        "app://sale",
        '{"id": 1}',
        {"icon": "https://a.example/i.png"},
        is_urgent=False,
        is_background=True,
        collapse_key="sale",
        expires_at=EXPIRES_AT,
    )


def test_what_is_not_given_is_not_there_and_the_priority_is_high() -> None:
    assert said([{"body": "x"}]) == Message(
        TOKEN, SEND_ID, None, "x", None, None, {}, True, False, None, EXPIRES_AT
    )


def test_empty_texts_are_as_good_as_none() -> None:
    message = said([{"title": "", "body": "x", "deeplink": ""}], deeplink="app://home")
    assert (message.title, message.deeplink) == (None, "app://home")
    assert said([{"body": "x"}], deeplink="").deeplink is None


@pytest.mark.parametrize(
    "given", [{"key": "k"}, {"enabled": False, "key": "k"}, {"enabled": True, "key": ""}]
)
def test_a_collapse_key_counts_when_it_is_enabled(given: dict[str, Any]) -> None:
    assert said([{"body": "x"}], gcm_collapse_key=given).collapse_key is None


def test_installations_of_one_version_and_language_share_their_message() -> None:
    messages = Messages(campaign(in_languages("en", "fr")), SEND_ID, EXPIRES_AT)
    assert messages.of(None, "fr") is messages.of(None, "fr")
    assert messages.of(None, "fr") != messages.of(None, "en")


# The documentation


def test_the_examples_of_the_documentation_are_campaigns() -> None:
    page = (Path(__file__).parent.parent / "docs" / "sending.md").read_text("utf-8")
    examples = [
        json.loads(each) for each in re.findall(r"^```json\n(.*?)^```", page, re.MULTILINE | re.DOTALL)
    ]
    created = [each for each in examples if each.keys() & {"push_time", "local_push_time"}]
    assert len(created) > 1
    for example in created:
        body = {"name": "Sale", "live": True, "messages": [{"body": "x"}]} | example
        new = campaigns.create(json.dumps(body).encode(), 1_773_185_400_000)
        assert next_due(new.parameters, None) is not None


def test_the_documented_languages_are_those_that_are_chosen() -> None:
    there = in_languages("fr", "pt-BR", None)
    assert [choose(there, name)["body"] for name in ("fr-CA", "pt-BR", "pt")] == ["fr", "pt-BR", "none"]

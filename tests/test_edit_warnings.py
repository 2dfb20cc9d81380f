"""What the editor says about what is accepted and probably not meant."""

from __future__ import annotations

from typing import Any

import pytest

from openrate.campaign_parameters import moment
from openrate.web.pages.edit.warnings import warnings, what_is_past

NOW = moment("2026-03-10T12:00:00")
WEEKLY = {"repeat_unit": "WEEKLY", "repeat_frequency": 1}


def said(**given: Any) -> list[str]:
    return warnings({"name": "Sale", "messages": [{"body": "x"}], **given})


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
    ],
)
def test_what_may_well_be_meant_is_not(given: dict[str, Any]) -> None:
    assert said(**given) == []


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

"""What the editor says about what is accepted and probably not meant."""

from __future__ import annotations

from typing import Any

import pytest

from openrate.campaign_parameters import moment
from openrate.web.pages.edit.warnings import warnings

NOW = moment("2026-03-10T12:00:00")
WEEKLY = {"repeat_unit": "WEEKLY", "repeat_frequency": 1}


def said(**given: Any) -> list[str]:
    return warnings({"name": "Sale", "messages": [{"body": "x"}], **given}, NOW, was_live=False)


@pytest.mark.parametrize(
    ("given", "begins"),
    [
        ({"targeting": {"languages": ["fr", "french"]}}, ["french is no code of a language"]),
        ({"messages": [{"language": "Deutsch", "body": "x"}]}, ["Deutsch is no code of a language"]),
        ({"targeting": {"regions": ["FR", "France"]}}, ["France is no code of a region"]),
        (
            {"messages": {"a": [{"language": "fr", "body": "x"}, {"body": "x"}], "b": [{"body": "x"}]}},
            ["Only one of A and B has a message for fr"],
        ),
        (
            {"push_time": "2026-03-01T09:00:00", "recurrence": WEEKLY | {"end_date": "2026-03-09T00:00:00"}},
            ["Every time of it is past: it goes out once"],
        ),
        (
            {"push_time": "2026-03-01T09:00:00", "recurrence": WEEKLY},
            ["Its first time is past: it goes out as soon as it is live, and then on 2026-03-15 09:00 UTC."],
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
        {"targeting": {"languages": ["fr", "pt-BR", "zh-Hant-TW", "pt_br"], "regions": ["FR", "be", "419"]}},
        {"messages": {"a": [{"language": "fr", "body": "x"}], "b": [{"language": "fr", "body": "y"}]}},
        {"push_time": "now", "recurrence": WEEKLY},
        {"push_time": "2026-04-01T09:00:00", "recurrence": WEEKLY},
        {"push_time": "2026-03-01T09:00:00"},
    ],
)
def test_what_may_well_be_meant_is_not(given: dict[str, Any]) -> None:
    assert said(**given) == []


def test_the_times_of_a_campaign_that_was_live_are_its_own_business() -> None:
    document = {"messages": [{"body": "x"}], "push_time": "2026-03-01T09:00:00", "recurrence": WEEKLY}
    assert warnings(document, NOW, was_live=True) == []

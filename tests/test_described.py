"""What a campaign says about when, to whom and how, in words."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from openrate.web.pages.described import described
from openrate.web.pages.sign_in import browser_of
from test_campaigns import FULL


def words(zone: str = "UTC", **given: Any) -> dict[str, str]:
    return {line.label: line.text for line in described(given, zone)}


@pytest.mark.parametrize(
    ("given", "label", "said"),
    [
        ({"push_time": "2026-03-10T23:30:00"}, "Push time", "2026-03-10 23:30 UTC"),
        ({"push_time": "2026-03-10T23:30:05"}, "Push time", "2026-03-10 23:30:05 UTC"),
        (
            {"local_push_time": "2026-03-10T09:00:00"},
            "Push time",
            "2026-03-10 09:00, by the clock of each device",
        ),
        ({"recurrence": {"repeat_unit": "DAILY", "repeat_frequency": 1}}, "Repeated", "daily"),
        ({"recurrence": {"repeat_unit": "WEEKLY", "repeat_frequency": 2}}, "Repeated", "every 2 weeks"),
        ({"time_to_live": 172_800}, "Time to live", "2 days"),
        ({"targeting": {"languages": ["fr", "pt-br"]}}, "Languages", "fr, pt-br"),
        ({"targeting": {"query": {"c.age": {"$gt": 20}}}}, "Query", "age is more than 20"),
        ({"targeting": {}}, "To whom", "everybody"),
        ({"capping": 3}, "Capping", "at most 3 to an installation"),
        ({"send_rate": 60_000}, "Send rate", "at most 60,000 a minute"),
        ({"own": [1]}, "own", "[1]"),
    ],
)
def test_a_parameter_is_said_in_words(given: dict[str, Any], label: str, said: str) -> None:
    assert words(**given)[label] == said


def test_times_are_said_on_the_clocks_of_the_zone_too() -> None:
    said = words("Europe/Paris", push_time="2026-03-10T23:30:00", recurrence=FULL["recurrence"])
    assert said["Push time"] == "2026-03-10 23:30 UTC (2026-03-11 00:30 in Europe/Paris)"
    assert said["End"] == "2026-04-01 12:00 UTC (2026-04-01 14:00 in Europe/Paris)"


def test_every_parameter_that_is_given_is_said() -> None:
    said = " ".join(f"{line.label}={line.text}" for line in described(FULL, "UTC"))
    for name, value in FULL.items():
        if name in {"name", "live", "labels", "messages"}:
            continue  # they stand elsewhere on the page
        leaves = value.values() if isinstance(value, dict) and name in {"media", "targeting"} else [value]
        for leaf in leaves:
            some = leaf[0] if isinstance(leaf, list) else leaf
            if isinstance(some, str) and name != "push_time":
                assert some in said, (name, some)
    assert {line.label for line in described(FULL, "UTC")} >= {
        "Capping",
        "Send rate",
        "Collapse key",
        "ours",
        "Landing",
    }


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ({"opted_in": True, "app_version": {"$lt": "2.10"}}, "opted in and app version is before 2.10"),
        ({"c.age": {"$gte": 18, "$lt": 30}}, "age is at least 18 and age is less than 30"),
        (
            {"$or": [{"region": "FR"}, {"c.age": {"$gte": 18, "$lt": 30}}, {"$not": {"c.vip": True}}]},
            "(region is FR or (age is at least 18 and age is less than 30) or not (vip is true))",
        ),
        ({"t.likes": "tea"}, 'likes has the tag "tea"'),
        ({"t.likes": {"$nin": ["tea", "milk, cold"]}}, 'likes has none of the tags "tea", "milk, cold"'),
        (
            {"language": {"$in": ["fr", None]}, "c.city": {"$ne": None}},
            "language is one of fr, absent and city is there",
        ),
        (
            {"$and": [{"c.city": {"$exists": False}}, {"opted_in": {"$ne": True}}]},
            "city is absent and not opted in",
        ),
        (
            {"c.city": {"$not": {"$contains": "Pa", "$gt": "L"}}},
            'not (city has "Pa" in it and city is after "L")',
        ),
        ({"last_open": {"$gte": "2026-03-01T00:00:00Z"}}, "last open is not before 2026-03-01T00:00:00Z"),
        ('{"platform": {"$nin": ["ios"]}}', "platform is none of ios"),
    ],
)
def test_a_query_is_said_in_words_with_its_json_behind(query: Any, said: str) -> None:
    [line] = [line for line in described({"targeting": {"query": query}}, "UTC") if line.label == "Query"]
    assert (line.text, line.is_code) == (said, False)
    assert msgspec.json.decode(line.code) == (msgspec.json.decode(query) if isinstance(query, str) else query)


@pytest.mark.parametrize("query", [{"age": 1}, {"$xor": []}, "no JSON"])
def test_a_query_that_only_another_sender_understands_is_said_as_it_is(query: Any) -> None:
    [line] = [line for line in described({"targeting": {"query": query}}, "UTC") if line.label == "Query"]
    assert line.is_code


WEBKIT = "AppleWebKit/537.36 (KHTML, like Gecko)"


@pytest.mark.parametrize(
    ("agent", "said"),
    [
        (f"Mozilla/5.0 (X11; Linux x86_64) {WEBKIT} Chrome/143.0.0.0 Safari/537.36", "Chrome on Linux"),
        (
            f"Mozilla/5.0 (Windows NT 10.0) {WEBKIT} Chrome/143.0.0.0 Safari/537.36 Edg/143.0",
            "Edge on Windows",
        ),
        (f"Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) {WEBKIT} Safari/604.1", "Safari on iPhone"),
        ("Mozilla/5.0 (Macintosh; Intel Mac OS X 10.15; rv:145.0) Firefox/145.0", "Firefox on Mac"),
        (f"Mozilla/5.0 (Linux; Android 10; K) {WEBKIT} Chrome/143.0 Safari/537.36", "Chrome on Android"),
        ("Own (X11; Linux x86_64)", "A browser on Linux"),
        ("curl/8.5.0", "A browser"),
    ],
)
def test_a_browser_is_named_as_people_do(agent: str, said: str) -> None:
    assert browser_of(agent) == said

"""``targeting.query``: what is accepted, what it becomes, and the place that a refusal names."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openrate.audience import read_query, read_targeting, stored_number, version_key
from openrate.conditions import (
    All,
    AnyOf,
    At,
    Compares,
    Contains,
    Equals,
    Exists,
    Field,
    Lies,
    Not,
    Order,
    Source,
)
from openrate.errors import MalformedParameter

AGE = Field(Source.ATTRIBUTE, "age")
TAGS = Field(Source.TAGS, "likes")
NOON = "2026-03-10T12:00:00Z"
NOON_MS = 1_773_144_000_000

READ: list[tuple[dict[str, Any], object]] = [
    ({}, All()),
    ({"c.age": 3}, Equals(AGE, (3,))),
    ({"c.age": {"$ne": "x"}}, Not(Equals(AGE, ("x",)))),
    ({"c.age": {"$gte": 3, "$lt": 9}}, All((Compares(AGE, Order.AT_LEAST, 3), Compares(AGE, Order.LESS, 9)))),
    ({"c.age": None}, Not(Exists(AGE))),
    (
        {"c.age": {"$in": [True, NOON, None, 2.5]}},
        AnyOf((Equals(AGE, (True, 2.5)), At(AGE, (NOON_MS,)), Not(Exists(AGE)))),
    ),
    ({"c.age": {"$not": {"$gt": NOON}}}, Not(Lies(AGE, Order.MORE, NOON_MS))),
    ({"c.age": {"$contains": "a"}}, Contains(AGE, "a")),
    ({"t.likes": {"$contains": "a"}}, Equals(TAGS, ("a",))),
    ({"t.likes": "a"}, Equals(TAGS, ("a",))),
    ({"t.likes": {"$exists": False}}, Not(Exists(TAGS))),
    ({"app_version": {"$gt": "2.9"}}, Compares(Field(Source.APP_VERSION), Order.MORE, version_key("2.9"))),  # type: ignore[arg-type]  # it is a version
    ({"last_open": {"$nin": [NOON]}}, Not(At(Field(Source.LAST_OPEN), (NOON_MS,)))),
    ({"c.a.b": 1}, Equals(Field(Source.ATTRIBUTE, "a.b"), (1,))),
    (
        {"$or": [{"platform": "ios"}, {"$not": {"opted_in": True}}], "region": "fr"},
        All(
            (
                AnyOf(
                    (Equals(Field(Source.PLATFORM), ("ios",)), Not(Equals(Field(Source.OPTED_IN), (True,))))
                ),
                Equals(Field(Source.REGION), ("fr",)),
            )
        ),
    ),
]


@pytest.mark.parametrize(("query", "condition"), READ)
def test_a_query_becomes_conditions_whether_it_is_an_object_or_a_string(
    query: dict[str, Any], condition: object
) -> None:
    assert read_query(query) == read_query(json.dumps(query)) == condition


REFUSED: list[tuple[object, str]] = [
    ([1], "targeting.query is an array"),
    (1, "targeting.query is a number"),
    ("", "targeting.query is a string that does not hold JSON"),
    ("[" * 99_000, "targeting.query is a string that does not hold JSON"),
    ("{" + " " * 100_000 + "}", "targeting.query has 100002 characters"),
    ({f"c.a{number}": {"$in": ["x" * 500] * 64} for number in range(4)}, "targeting.query has 128"),
    ("3", "targeting.query is a number"),
    ({"age": 3}, "targeting.query.age is not known"),
    ({"c.": 3}, "targeting.query.c. cannot be a name"),
    ({'c."': 3}, 'targeting.query.c." cannot be a name'),
    ({"c." + "x" * 65: 3}, "targeting.query.c.xxxx"),
    ({"$nor": [{}]}, "targeting.query.$nor is not known"),
    ({"$or": []}, "targeting.query.$or has 0 items"),
    ({"$or": {}}, "targeting.query.$or is an object"),
    ({"$or": [{"c.a": 1}, {"c.age": {"$gt": True}}]}, "targeting.query.$or[1].c.age.$gt is true"),
    ({"$or": [{}, {"c.age": 3}]}, "targeting.query.$or[0] is empty"),
    ({"$not": {}}, "targeting.query.$not is empty"),
    ({"$and": [3]}, "targeting.query.$and[0] is a number"),
    ({"c.age": {"$gt": None}}, "targeting.query.c.age.$gt is null"),
    ({"c.age": {"$between": 1}}, "targeting.query.c.age.$between is not known"),
    ({"c.age": {}}, "targeting.query.c.age is empty"),
    ({"c.age": [1]}, "targeting.query.c.age is an array"),
    ({"c.age": 2**63}, "targeting.query.c.age is out of range"),
    ({"c.age": 1e305}, "targeting.query.c.age is out of range"),
    ({"c.age": "x" * 513}, "targeting.query.c.age cannot be compared with"),
    ({"c.age": "\0"}, "targeting.query.c.age cannot be compared with"),
    ({"c.age": {"$in": []}}, "targeting.query.c.age.$in has 0 values"),
    ({"c.age": {"$in": list(range(65))}}, "targeting.query.c.age.$in has 65 values"),
    ({"c.age": {"$in": 3}}, "targeting.query.c.age.$in is a number"),
    ({"c.age": {"$in": [[1]]}}, "targeting.query.c.age.$in is an array"),
    ({"c.age": {"$contains": ""}}, 'targeting.query.c.age.$contains is ""'),
    ({"c.age": {"$exists": 1}}, "targeting.query.c.age.$exists is a number"),
    ({"c.age": {"$not": 1}}, "targeting.query.c.age.$not is a number"),
    ({"t.likes": 3}, "targeting.query.t.likes is a number"),
    ({"t.likes": {"$gt": "a"}}, "targeting.query.t.likes.$gt compares what has no order"),
    ({"language": {"$contains": "f"}}, "targeting.query.language.$contains looks into"),
    ({"opted_in": "true"}, 'targeting.query.opted_in is "true"'),
    ({"platform": "windows"}, 'targeting.query.platform is "windows"'),
    ({"app_version": "new"}, 'targeting.query.app_version is "new"'),
    ({"last_open": {"$gt": "2026-03-10"}}, 'targeting.query.last_open.$gt is "2026-03-10"'),
]


@pytest.mark.parametrize(("query", "begin"), REFUSED)
def test_a_refusal_begins_with_the_place_and_says_what_is_accepted(query: object, begin: str) -> None:
    with pytest.raises(MalformedParameter) as refused:
        read_query(query)
    assert str(refused.value).startswith(begin)
    assert "accepted" in str(refused.value)
    assert len(str(refused.value)) < 500


def test_thirty_one_conditions_are_accepted_and_not_one_more() -> None:
    most = {"$or": [{f"c.a{number}": {"$gt": 1, "$lt": 2}} for number in range(15)], "region": "fr"}
    read_query(most)
    with pytest.raises(MalformedParameter, match=r"\$or\[14\].c.a14.\$lt is one condition too many"):
        read_query({"language": "fr", "region": "fr"} | {"$or": most["$or"]})


def test_thirty_one_groups_are_accepted_and_not_one_more() -> None:
    def groups(count: int) -> dict[str, Any]:
        return {"$and": [{"$and": [{"c.a": 1}]} for _ in range(count - 1)]}

    with pytest.raises(MalformedParameter, match="one condition too many"):
        read_query({"$and": [{"$and": [{"c.a": 1}, {"c.b": 2}]} for _ in range(20)]})
    read_query(groups(31))
    with pytest.raises(MalformedParameter, match="one group too many"):
        read_query({"$or": [groups(16), groups(16)]})


def test_ten_levels_are_accepted_and_not_one_more() -> None:
    def nested(levels: int) -> dict[str, Any]:
        return {"$not": nested(levels - 1)} if levels else {"c.age": 1}

    read_query(nested(10))
    with pytest.raises(MalformedParameter, match="nested too deep"):
        read_query(nested(11))


_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["$and", "$or", "$not", "$in", "$eq", "$gt", "$contains", "c.a", "t.a", "region"])
            | st.text(max_size=5),
            inner,
            max_size=3,
        )
    ),
    max_leaves=12,
)


@given(_json)
def test_whatever_json_is_sent_is_read_or_refused(query: object) -> None:
    try:
        read_query(query)
    except MalformedParameter as refused:
        assert str(refused).startswith("targeting.query")  # noqa: PT017 - what is not refused is as good


_numbers = st.lists(st.integers(0, 120), min_size=1, max_size=4)


@given(_numbers, _numbers)
def test_keys_of_versions_are_ordered_as_their_numbers_are(one: list[int], other: list[int]) -> None:
    def padded(numbers: list[int]) -> list[int]:
        return numbers + [0] * (4 - len(numbers))

    keys = [version_key(".".join(map(str, numbers))) for numbers in (one, other)]
    assert None not in keys
    assert (keys[0] < keys[1]) == (padded(one) < padded(other))  # type: ignore[operator]  # neither is None
    assert (keys[0] == keys[1]) == (padded(one) == padded(other))


def test_versions_come_in_the_order_that_people_expect() -> None:
    ascending = [
        "1.9",
        "2.0-alpha",
        "2.0-beta2",
        "2.0-beta10",
        "2.0rc1",
        "2.0",
        "2.0.1-beta",
        "2.0.1",
        "2.10",
    ]
    keys = [version_key(version) for version in ascending]
    assert keys == sorted(keys, key=str)
    assert len(set(keys)) == len(keys)
    for same in ("v2", "2.0.0", "02.00", "2.0+7", "2 (1234)", "V2.0"):
        assert version_key(same) == version_key("2.0")
    for none in ("", "new", "-1", ".5", "٢"):
        assert version_key(none) is None


@given(st.integers() | st.floats())
def test_a_number_is_stored_so_that_storing_it_again_changes_nothing(given_number: float) -> None:
    stored = stored_number(given_number)
    if stored is not None:
        assert stored_number(stored) == stored
        assert stored == pytest.approx(given_number, rel=1e-14)


@pytest.mark.parametrize(
    ("targeting", "says"),
    [
        ({"language": ["fr"]}, "targeting.language is not known: did you mean languages"),
        ({"audience": ["vip"]}, "targeting.audience is not known: did you mean audiences"),
        ({"Regions": ["fr"]}, "targeting.Regions is not known: did you mean regions"),
        (
            {"people": "x"},
            "people is not known: segments, languages, regions, audiences and query are accepted",
        ),
        ({"x" * 100: None}, "targeting.x{40} is not known"),
        ({"live": 1, "targeting": {"languages": ["fr"]}}, "targeting is not known: send what is inside it"),
        ({"languages": ["fr"] * 501}, "targeting.languages has 501 entries: at most 500"),
        ({"audiences": ["vip"] * 501}, "targeting.audiences has 501 entries: at most 500"),
    ],
)
def test_a_targeting_that_would_be_for_others_than_was_meant_is_refused(
    targeting: dict[str, Any], says: str
) -> None:
    with pytest.raises(MalformedParameter, match=says):
        read_targeting(targeting)

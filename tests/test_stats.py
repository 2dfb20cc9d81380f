"""Day rows become exactly the documented answers."""

from __future__ import annotations

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from openrate import stats
from openrate.model import COUNTERS, DayRow

PLAIN = (
    b'{"campaign_token":"d9d5e5a52ca08110d4893af3254ec21b","detail":[{"date":"2015-11-20","sent":754,'
    b'"sent_optins":521,"direct_open":102,"influenced_open":98,"reengaged":12,"errors":0}]}'
)
VERSIONED = (
    b'{"campaign_token":"aae13559e0493c0b350c547533f5b28f","detail":[{"date":"2016-03-29","sent":972,'
    b'"direct_open":98,"influenced_open":75,"reengaged":36,"errors":0,"versions":{"a":{"sent":486,'
    b'"sent_optins":459,"direct_open":67,"influenced_open":46,"reengaged":24},"b":{"sent":486,'
    b'"sent_optins":451,"direct_open":31,"influenced_open":29,"reengaged":12}}}]}'
)


def test_a_campaign_without_versions_has_the_documented_answer_to_the_byte() -> None:
    rows = [DayRow(1, 16_759, None, 754, 521, 102, 98, 12, 0)]
    answer = stats.statistics("d9d5e5a52ca08110d4893af3254ec21b", rows, has_versions=False)
    assert msgspec.json.encode(answer) == PLAIN


def test_a_campaign_with_versions_has_the_documented_answer_to_the_byte() -> None:
    rows = [DayRow(1, 16_889, "a", 486, 459, 67, 46, 24), DayRow(1, 16_889, "b", 486, 451, 31, 29, 12)]
    answer = stats.statistics("aae13559e0493c0b350c547533f5b28f", rows, has_versions=True)
    assert msgspec.json.encode(answer) == VERSIONED


def test_both_versions_are_there_when_one_was_not_sent() -> None:
    [day] = stats.statistics("t", [DayRow(1, 0, "b", sent=2, errors=3)], has_versions=True)["detail"]
    assert day["date"] == "1970-01-01"
    assert day["versions"]["a"] == dict.fromkeys(day["versions"]["b"], 0)
    assert (day["sent"], day["errors"], day["versions"]["b"]["sent"]) == (2, 3, 2)


def test_without_a_delivery_there_is_no_row() -> None:
    for has_versions in (False, True):
        assert stats.statistics("t", [], has_versions=has_versions)["detail"] == []


def test_the_open_rate_is_of_what_was_sent_and_zero_when_nothing_was() -> None:
    assert stats.open_rate({"sent": 4, "direct_open": 1, "influenced_open": 1}) == 0.5
    assert stats.open_rate(stats.totals([])) == 0


_counts = st.integers(0, 1_000)
_rows = st.lists(
    st.builds(DayRow, st.just(1), st.integers(0, 5), st.sampled_from("ab"), *[_counts] * len(COUNTERS)),
    unique_by=lambda row: (row.day, row.version),
).map(lambda rows: sorted(rows, key=lambda row: (row.day, row.version or "")))


@given(_rows)
def test_the_totals_of_a_day_are_the_sums_of_its_versions(rows: list[DayRow]) -> None:
    detail = stats.statistics("t", rows, has_versions=True)["detail"]
    assert [day["date"] for day in detail] == sorted({stats.iso_date(row.day) for row in rows})
    for day in detail:
        for name in ("sent", "direct_open", "influenced_open", "reengaged"):
            assert day[name] == sum(version[name] for version in day["versions"].values())
    assert sum(day["errors"] for day in detail) == stats.totals(rows)["errors"]

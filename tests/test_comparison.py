"""A and B side by side: the interval is the one that statisticians compute."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from statsmodels.stats.proportion import confint_proportions_2indep  # type: ignore[import-untyped]  # it has no types

from openrate.model import DayRow
from openrate.stats import compare, difference_interval

_versions = st.integers(1, 10**7).flatmap(lambda sent: st.tuples(st.integers(0, sent), st.just(sent)))


def test_the_documented_campaign_has_the_documented_interval() -> None:
    rows = [DayRow(1, 16_889, "a", 486, 459, 67, 46, 24), DayRow(1, 16_889, "b", 486, 451, 31, 29, 12)]
    compared = compare(rows)
    assert compared.low is not None
    assert compared.high is not None
    assert (compared.a["sent"], compared.b["direct_open"]) == (486, 31)
    assert f"{100 * compared.low:.2f} to {100 * compared.high:.2f}" == "6.12 to 15.66"
    assert compared.difference == pytest.approx(53 / 486)


@given(_versions, _versions)
def test_the_interval_is_that_of_a_statistics_library(a: tuple[int, int], b: tuple[int, int]) -> None:
    expected = confint_proportions_2indep(*a, *b, method="newcomb", compare="diff")
    assert difference_interval(*a, *b) == pytest.approx(expected, abs=1e-9)


@given(_versions, _versions)
def test_the_interval_holds_the_difference_and_turns_round_with_the_versions(
    a: tuple[int, int], b: tuple[int, int]
) -> None:
    low, high = difference_interval(*a, *b)
    assert -1 - 1e-9 <= low <= a[0] / a[1] - b[0] / b[1] <= high <= 1 + 1e-9
    assert difference_interval(*b, *a) == pytest.approx((-high, -low))


def test_a_version_that_was_not_sent_has_no_difference() -> None:
    compared = compare([DayRow(1, 0, "a", sent=3), DayRow(1, 0, "b", errors=3)])
    assert (compared.difference, compared.low, compared.high) == (None, None, None)
    assert (compared.a["sent"], compared.b["errors"]) == (3, 3)

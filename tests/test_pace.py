"""How fast pushes are begun."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openrate.delivery.pace import Rate, Window


@given(
    per_minute=st.integers(1, 600_000),
    steps=st.lists(st.tuples(st.floats(0, 5), st.integers(0, 2000)), min_size=1, max_size=60),
)
def test_no_more_is_begun_than_the_rate_allows_for_the_time_and_one_second(
    per_minute: int, steps: list[tuple[float, int]]
) -> None:
    rate = Rate(per_minute, 0.0)
    now, begun = 0.0, 0
    for pause, wanted in steps:
        now += pause
        count = min(wanted, rate.room(now))
        rate.take(count)
        begun += count
        assert begun <= per_minute / 60 * (now + 1) + 1


def test_a_rate_is_used_up_and_not_only_held() -> None:
    rate = Rate(6_000, 0.0)
    begun = 0
    for step in range(1, 1001):
        count = rate.room(step / 100)
        rate.take(count)
        begun += count
    assert begun >= 990


def test_one_a_minute_is_one_a_minute() -> None:
    rate = Rate(1, 0.0)
    assert rate.room(0.0) == 1
    rate.take(1)
    assert rate.room(59.0) == 0
    assert rate.room(60.5) == 1


def test_a_provider_that_takes_all_gets_twice_as_much_at_a_time() -> None:
    window = Window()
    first = window.room(0, 0.0)
    window.on_answers(first, 0, 0.1)
    assert window.room(0, 0.1) == 2 * first
    for _ in range(20):
        window.on_answers(5_000, 0, 0.2)
    assert window.room(0, 0.2) == 2048
    assert window.room(2000, 0.2) == 48


def test_a_provider_that_says_not_now_to_all_is_left_alone_longer_each_time_and_asked_with_few() -> None:
    window = Window()
    pauses = []
    now = 0.0
    for _ in range(12):
        window.on_answers(0, 10, now)
        assert window.room(0, now) == 0
        pauses.append(window.opens_at - now)
        now = window.opens_at
    assert 0.5 <= pauses[0] <= 1
    assert pauses == sorted(pauses[:6]) + pauses[6:]
    assert max(pauses) <= 60
    assert window.room(0, now) == 1


def test_answers_to_what_was_under_way_when_it_closed_do_not_close_it_for_longer() -> None:
    window = Window()
    window.on_answers(0, 10, 0.0)
    until = window.opens_at
    window.on_answers(0, 10, until / 2)
    assert window.opens_at == until


def test_a_provider_that_recovers_is_trusted_again() -> None:
    window = Window()
    for _ in range(10):
        window.on_answers(0, 10, window.opens_at)
    now = window.opens_at
    for _ in range(15):
        window.on_answers(window.room(0, now), 0, now)
    assert window.room(0, now) == 2048


@pytest.mark.parametrize("share", [1, 5, 10])
def test_a_few_who_are_always_answered_not_now_slow_down_nobody_else(share: int) -> None:
    window = Window()
    for _ in range(2_000):
        window.on_answers(100 - share, share, 0.0)
    assert window.room(0, 0.0) == 2048


def test_a_provider_that_takes_half_gets_less_until_it_takes_nearly_all() -> None:
    window = Window()
    for _ in range(20):
        window.on_answers(5_000, 0, 0.0)
    limit = 300
    for _ in range(200):
        begun = window.room(0, 0.0)
        window.on_answers(min(begun, limit), max(0, begun - limit), 0.0)
        if window.opens_at:
            window = Window()
    assert limit <= window.room(0, 0.0) <= 1.4 * limit


def test_a_provider_that_says_how_long_it_is_busy_is_left_alone_so_long_but_no_more_than_a_minute() -> None:
    for asked, pause in ((30.0, 30.0), (86_400.0, 60.0)):
        window = Window()
        window.on_answers(0, 10, 5.0, asked)
        assert window.opens_at == 5.0 + pause


def test_credentials_that_were_refused_are_tried_again_with_one_message() -> None:
    window = Window()
    window.shut(5.0, 1.0)
    assert window.room(0, 5.9) == 0
    assert window.room(0, 6.0) == 1

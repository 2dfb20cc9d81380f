"""When a campaign is sent: occurrences, waves by local time, and what is left of them after an absence."""

from __future__ import annotations

import calendar
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import islice, pairwise, takewhile
from typing import Any
from zoneinfo import ZoneInfo, available_timezones

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from openrate import schedule
from openrate.schedule import Due, due, has_waves_after, next_due, wave

HOUR, DAY = 3_600_000, 86_400_000
ZONES = available_timezones() - {"localtime"}
UNITS = ("DAILY", "WEEKLY", "MONTHLY")


def at(text: str) -> int:
    """A UTC time in milliseconds since 1970."""
    return round(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()) * 1000


def once(text: str, **others: Any) -> dict[str, Any]:
    return {"push_time": text} | others


def locally(text: str, **others: Any) -> dict[str, Any]:
    return {"local_push_time": text} | others


def every(unit: str, frequency: int = 1, **others: Any) -> dict[str, Any]:
    return {"recurrence": {"repeat_unit": unit, "repeat_frequency": frequency} | others}


def sent(parameters: dict[str, Any]) -> Iterator[Due]:
    """All that a server sends that is never late."""
    moment = next_due(parameters, None)
    while moment is not None:
        yield from due(parameters, moment, moment)
        moment = next_due(parameters, moment)


def zones_of(dues: list[Due]) -> Counter[str]:
    return Counter(zone for each in dues for zone in each.zones or ())


def written(moment: datetime) -> str:
    return moment.isoformat(timespec="seconds")


clocks = st.datetimes(datetime.fromisoformat("1972-01-01"), datetime.fromisoformat("2100-12-31")).map(
    lambda moment: moment.replace(microsecond=0)
)
modern = st.datetimes(datetime.fromisoformat("2012-01-01"), datetime.fromisoformat("2100-12-31")).map(
    lambda moment: moment.replace(microsecond=0)
)


@st.composite
def campaigns(draw: st.DrawFn) -> dict[str, Any]:
    key = draw(st.sampled_from(["push_time", "local_push_time"]))
    first = draw(modern)
    parameters: dict[str, Any] = {key: written(first)}
    if draw(st.booleans()):
        parameters |= every(draw(st.sampled_from(UNITS)), draw(st.integers(1, 3)))
        if draw(st.booleans()):
            end = first + timedelta(days=draw(st.integers(-1, 90)))
            parameters["recurrence"]["end_date"] = written(end)
    return parameters


# One occurrence


def test_a_push_time_is_one_wave_for_everyone() -> None:
    found = list(sent(once("2026-03-10T09:00:00", time_to_live=60)))
    ninth = at("2026-03-10T09:00:00")
    assert found == [Due("2026-03-10T09:00:00", 0, ninth, ninth + 60_000, None, True, False)]


def test_a_push_lives_for_four_weeks_unless_the_campaign_says_otherwise() -> None:
    assert next(sent(once("2026-03-10T09:00:00"))).expires_at == at("2026-04-07T09:00:00")


@settings(max_examples=40, deadline=None)
@given(clocks)
def test_every_zone_gets_a_local_time_once_and_the_rest_comes_last(clock: datetime) -> None:
    *waves, rest = sent(locally(written(clock)))
    assert zones_of(waves) == Counter(dict.fromkeys(ZONES, 1))
    assert all(earlier.due_at < later.due_at for earlier, later in pairwise(waves))
    assert [each.wave for each in (*waves, rest)] == list(range(len(waves) + 1))
    assert "Etc/GMT-14" in (waves[0].zones or ())
    assert "Etc/GMT+12" in (waves[-1].zones or ())
    assert [each.zones for each in waves if each.with_unknown] == [
        each.zones for each in waves if "UTC" in (each.zones or ())
    ]
    assert rest[2:] == (waves[-1].due_at, waves[-1].expires_at, frozenset(), False, True)
    assert not any(each.takes_rest for each in waves)


@settings(max_examples=40, deadline=None)
@given(clocks)
def test_at_its_moment_the_clock_shows_the_time_for_the_first_time_or_has_skipped_it(
    clock: datetime,
) -> None:
    for each in sent(locally(written(clock))):
        for name in each.zones or ():
            zone = ZoneInfo(name)
            shown = datetime.fromtimestamp(each.due_at / 1000, zone)
            if shown.replace(tzinfo=None, fold=0) == clock:
                assert shown.fold == 0
            else:
                skipped = clock.replace(tzinfo=zone)
                assert shown.replace(tzinfo=None) > clock
                assert skipped.astimezone(UTC).astimezone(zone).replace(tzinfo=None) != clock
                assert skipped.replace(fold=1).astimezone(UTC).astimezone(zone).replace(tzinfo=None) != clock


@pytest.mark.parametrize(
    ("zone", "clock", "expected"),
    [
        ("Europe/Paris", "2026-03-29T02:30:00", "2026-03-29T01:30:00"),
        ("Europe/Paris", "2026-10-25T02:30:00", "2026-10-25T00:30:00"),
        ("America/New_York", "2026-03-08T02:30:00", "2026-03-08T07:30:00"),
        ("America/New_York", "2026-11-01T01:30:00", "2026-11-01T05:30:00"),
        ("Australia/Lord_Howe", "2026-10-04T02:15:00", "2026-10-03T15:45:00"),
        ("Australia/Lord_Howe", "2026-04-05T01:45:00", "2026-04-04T14:45:00"),
        ("Pacific/Apia", "2011-12-30T09:00:00", "2011-12-30T19:00:00"),
        ("Pacific/Apia", "2011-12-31T09:00:00", "2011-12-30T19:00:00"),
        ("Africa/Casablanca", "2024-03-10T02:30:00", "2024-03-10T01:30:00"),
        ("Africa/Casablanca", "2024-04-14T02:30:00", "2024-04-14T02:30:00"),
    ],
)
def test_a_time_that_is_skipped_or_repeated_comes_once(zone: str, clock: str, expected: str) -> None:
    found = [each.due_at for each in sent(locally(clock)) if zone in (each.zones or ())]
    assert found == [at(expected)]


def test_a_day_that_a_zone_skips_is_sent_with_the_next() -> None:
    days = locally("2011-12-29T09:00:00") | every("DAILY", end_date="2012-01-01T09:00:00")
    apia = [(each.send_id[8:10], each.due_at) for each in sent(days) if "Pacific/Apia" in (each.zones or ())]
    assert sorted(apia) == [
        ("01", at("2011-12-31T19:00:00")),
        ("29", at("2011-12-29T19:00:00")),
        ("30", at("2011-12-30T19:00:00")),
        ("31", at("2011-12-30T19:00:00")),
    ]


def test_the_zone_that_a_machine_calls_its_own_is_none_that_a_device_may_name(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(schedule, "available_timezones", lambda: {"UTC", "localtime", "Europe/Paris"})
    assert schedule.zone_names.__wrapped__() == ("Europe/Paris", "UTC")


# Recurrence


@settings(max_examples=25, deadline=None)
@given(modern, st.sampled_from(UNITS), st.integers(1, 3))
def test_every_zone_gets_each_occurrence_once(first: datetime, unit: str, frequency: int) -> None:
    days = frequency * {"DAILY": 1, "WEEKLY": 7, "MONTHLY": 31}[unit]
    parameters = locally(written(first)) | every(
        unit, frequency, end_date=written(first + timedelta(days=days * 2))
    )
    found = list(sent(parameters))
    assert [each.due_at for each in found] == sorted(each.due_at for each in found)
    for send_id in {each.send_id for each in found}:
        zones = zones_of([each for each in found if each.send_id == send_id])
        assert zones == Counter(dict.fromkeys(ZONES, 1))
    assert len({each.send_id for each in found}) == 3


@given(st.dates().filter(lambda day: day.year < 9900), st.integers(1, 30))
def test_a_month_that_is_too_short_is_sent_on_its_last_day(first: Any, frequency: int) -> None:
    parameters = once(f"{first.isoformat()}T10:00:00") | every("MONTHLY", frequency)
    for number, each in enumerate(islice(sent(parameters), 5)):
        years, month = divmod(first.month - 1 + number * frequency, 12)
        last = calendar.monthrange(first.year + years, month + 1)[1]
        assert each.send_id == (f"{first.year + years:04}-{month + 1:02}-{min(first.day, last):02}T10:00:00")


@pytest.mark.parametrize(
    ("end_date", "count"),
    [
        ("2026-03-12T09:00:00", 3),
        ("2026-03-12T09:00", 3),
        ("2026-03-12T08:59", 2),
        ("2026-03-09T09:00:00", 0),
    ],
)
@pytest.mark.parametrize("push_time", ["push_time", "local_push_time"])
def test_the_end_date_is_included_in_the_clock_of_the_push_time(
    push_time: str, end_date: str, count: int
) -> None:
    parameters = {push_time: "2026-03-10T09:00:00"} | every("DAILY", end_date=end_date)
    assert len({each.send_id for each in sent(parameters)}) == count


@settings(deadline=None)
@given(campaigns(), st.integers(-3 * DAY, 200 * DAY))
def test_the_next_due_time_is_that_of_the_next_wave(parameters: dict[str, Any], later: int) -> None:
    first = parameters.get("push_time") or parameters["local_push_time"]
    after = at(first) + later
    moment = next_due(parameters, after)
    if moment is None:
        assert not due(parameters, after + 1, after + 20 * DAY)
    else:
        assert not due(parameters, after + 1, moment - 1)
        assert {each.due_at for each in due(parameters, moment, moment)} == {moment}


@pytest.mark.parametrize("push_time", ["push_time", "local_push_time"])
def test_a_campaign_that_began_long_ago_is_not_walked_through(
    push_time: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked_at: list[int] = []
    original = schedule._Schedule.at

    def counted(self: Any, number: int) -> datetime:
        looked_at.append(number)
        return original(self, number)

    monkeypatch.setattr(schedule._Schedule, "at", counted)
    parameters = {push_time: "1990-01-01T09:00:00"} | every("DAILY")
    now = at("2026-03-10T09:00:00")
    assert next_due(parameters, now) is not None
    assert due(parameters, at("1990-01-01T09:00:00"), now)
    assert len(set(looked_at)) < 10


@pytest.mark.parametrize("year", ["0001", "1800", "2100", "9999"])
@pytest.mark.parametrize("unit", [*UNITS, None])
@pytest.mark.parametrize("push_time", ["push_time", "local_push_time"])
def test_the_ends_of_the_calendar_are_times_like_any_other(
    push_time: str, unit: str | None, year: str
) -> None:
    parameters = {push_time: f"{year}-12-31T23:59:59"} | (every(unit) if unit else {})
    first = next_due(parameters, None)
    assert first is not None
    assert [each.due_at for each in due(parameters, first, first)] == [first]
    assert not due(parameters, -(1 << 60), 1 << 60)
    assert next_due(parameters, 1 << 60) is None
    assert next_due(parameters, -(1 << 60)) == first


# After an absence


@settings(deadline=None, max_examples=50)
@given(
    modern,
    st.sampled_from(["WEEKLY", "MONTHLY"]),
    st.sampled_from(["push_time", "local_push_time"]),
    st.integers(-DAY, 15 * DAY),
    st.integers(0, 5 * DAY),
    st.lists(st.floats(0, 1), max_size=4),
)
def test_it_does_not_matter_how_often_one_looks_when_nothing_is_superseded(  # noqa: PLR0913 - a window and its cuts
    first: datetime, unit: str, push_time: str, begins: int, length: int, cuts: list[float]
) -> None:
    parameters = {push_time: written(first)} | every(unit)
    since = at(written(first)) + begins
    moments = [since - 1, *sorted(since + int(length * cut) for cut in cuts), since + length]
    pieces = [each for a, b in pairwise(moments) for each in due(parameters, a + 1, b)]
    assert pieces == due(parameters, since, since + length)


def test_who_was_away_for_days_sends_only_the_latest() -> None:
    parameters = once("2026-03-10T09:00:00") | every("DAILY")
    found = due(parameters, at("2026-03-11T09:00:00"), at("2026-03-14T08:00:00"))
    assert [each.send_id for each in found] == ["2026-03-13T09:00:00"]


def test_who_was_away_for_days_sends_the_latest_of_each_zone() -> None:
    parameters = locally("2026-06-01T09:00:00") | every("DAILY")
    found = due(parameters, at("2026-06-10T03:00:00"), at("2026-06-14T10:00:00"))
    assert zones_of(found) == Counter(dict.fromkeys(ZONES, 1))
    assert {each.send_id[8:10] for each in found} == {"13", "14"}
    assert sum(each.with_unknown for each in found) == 1
    assert not any(each.takes_rest for each in found)


def test_an_occurrence_that_was_half_done_is_finished() -> None:
    parameters = locally("2026-06-01T09:00:00") | every("WEEKLY")
    end = at("2026-06-03T00:00:00")
    whole = list(takewhile(lambda each: each.due_at <= end, sent(parameters)))
    done = [each for each in whole if each.due_at <= at("2026-06-01T09:00:00")]
    since = next_due(parameters, done[-1].due_at)
    assert since is not None
    assert done + due(parameters, since, at("2026-06-05T00:00:00")) == whole
    assert whole[-1].takes_rest


def test_the_end_does_not_bring_an_old_occurrence_to_those_who_get_the_new_one() -> None:
    parameters = locally("2026-06-01T09:00:00") | every("WEEKLY")
    found = due(parameters, at("2026-05-31T23:00:00"), at("2026-06-08T03:00:00"))
    assert {each.send_id[8:10] for each in found} == {"01", "08"}
    assert max(zones_of(found).values()) == 1
    assert not any(each.takes_rest for each in found)


def test_who_missed_a_daily_push_gets_the_next_one() -> None:
    days = locally("2026-06-01T09:00:00") | every("DAILY", end_date="2026-06-03T09:00:00")
    assert [each.send_id[8:10] for each in sent(days) if each.takes_rest] == ["03"]


def test_what_has_outlived_its_time_is_not_sent() -> None:
    parameters = once("2026-03-10T09:00:00", time_to_live=60)
    nine = at("2026-03-10T09:00:00")
    assert due(parameters, nine, nine + 59_999)
    assert not due(parameters, nine, nine + 60_000)


def test_with_a_short_life_each_zone_is_sent_to_in_time_or_not_at_all() -> None:
    parameters = locally("2026-06-10T09:00:00", time_to_live=3_600)
    found = due(parameters, at("2026-06-09T19:00:00"), at("2026-06-10T09:30:00"))
    assert [each.with_unknown for each in found] == [True]
    assert not any(each.takes_rest for each in sent(parameters))


def test_a_time_that_was_past_when_the_campaign_was_made_is_due_at_once() -> None:
    parameters = once("2020-01-01T00:00:00", time_to_live=3_600)
    since = next_due(parameters, None)
    made = at("2026-03-10T09:00:00")
    assert since is not None
    (found,) = due(parameters, since, made + 1, live_since=made)
    assert (found.due_at, found.expires_at) == (since, made + HOUR)
    assert not due(parameters, since, made + HOUR, live_since=made)
    assert not due(parameters, since, since + HOUR, live_since=since - DAY)


@settings(deadline=None, max_examples=25)
@given(campaigns())
def test_a_wave_is_found_again_by_its_number(parameters: dict[str, Any]) -> None:
    for each in islice(sent(parameters), 60):
        assert wave(parameters, each.send_id, each.wave) == each


def test_a_wave_beyond_the_last_is_the_last() -> None:
    last = list(sent(locally("2026-06-10T09:00:00")))[-1]
    assert wave(locally("2026-06-10T09:00:00"), "2026-06-10T09:00:00", 999) == last


def test_an_occurrence_by_local_time_has_waves_until_the_last_clock_has_shown_its_time() -> None:
    parameters = {
        "local_push_time": "2026-03-10T12:00:00",
        "recurrence": {"repeat_unit": "DAILY", "repeat_frequency": 1},
    }
    for after, more in (("2026-03-10T11:30", True), ("2026-03-10T23:59", True), ("2026-03-11T00:01", False)):
        known = next_due(parameters, at(after))
        assert has_waves_after(parameters, "2026-03-10T12:00:00", known) is more
        assert has_waves_after(parameters, "2026-03-11T12:00:00", known)
    assert not has_waves_after(parameters, "2026-03-10T12:00:00", None)

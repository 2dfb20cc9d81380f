"""From bytes to facts: what is taken, what is refused and why."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta, timezone
from types import SimpleNamespace
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.memory_log import MemoryLog, facts_in
from openrate.activity import Activity
from openrate.errors import BodyTooLarge, MalformedJsonBody, MalformedParameter
from openrate.ingest import Ingest, Reading, Reporter
from openrate.model import App, CampaignRef, Cause, Fact, FactType, Platform, Sender
from openrate.ports.clock import SystemClock
from openrate.ports.records import Records
from openrate.times import parse_time, parse_times

APP = App(1, 1, "Shop", Platform.IOS, Sender.EXTERNAL, "L", "D", "S")
PLAIN, AB = "a" * 32, "b" * 32
NOW = 1_773_185_400_000
SERVER, DEVICE = Reporter(None), Reporter("i1")
NDJSON, JSON = "application/x-ndjson", "application/json"


def _refs(app_id: int, tokens: Sequence[str]) -> dict[str, CampaignRef]:
    known = {PLAIN: CampaignRef(1, False), AB: CampaignRef(2, True)} if app_id == 1 else {}
    return {token: ref for token, ref in known.items() if token in tokens}


def read(*events: Any, reporter: Reporter = SERVER, sent_at: str | None = None) -> Reading:
    return read_body(json.dumps(list(events)).encode(), JSON, reporter=reporter, sent_at=sent_at)


def read_body(
    body: bytes, media_type: str, *, reporter: Reporter = SERVER, sent_at: str | None = None
) -> Reading:
    records = cast(Records, SimpleNamespace(campaign_refs=_refs))
    return Ingest(records, MemoryLog(), Activity(SystemClock())).read(
        APP, body, media_type, reporter, NOW, sent_at
    )


def sent(**other: object) -> dict[str, object]:
    return {"type": "push_sent", "campaign_token": PLAIN, "installation_id": "i1", "at": iso(NOW)} | other


def opened(**other: object) -> dict[str, object]:
    return {"type": "app_open", "installation_id": "i1", "at": iso(NOW)} | other


def iso(at: int) -> str:
    return (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=at)).isoformat()


def test_each_type_becomes_the_fact_it_says() -> None:
    reading = read(
        sent(campaign_token=AB, version="b", opted_in=False, send_id="x", platform="web", language="pt-BR"),
        {
            "type": "push_error",
            "campaign_token": PLAIN,
            "installation_id": "i2",
            "at": iso(NOW),
            "cause": "expired",
        },
        {"type": "push_open", "campaign_token": PLAIN, "installation_id": "i1", "at": iso(NOW)},
        opened(extra={"ignored": True}),
    )
    day = "2026-03-10"
    assert reading.refusals == []
    assert facts_in(1, reading.facts) == [
        Fact(1, FactType.PUSH_SENT, "i1", NOW, 2, "x", "b", False, None, "web", "pt-BR"),
        Fact(1, FactType.PUSH_ERROR, "i2", NOW, 1, day, None, True, Cause.EXPIRED),
        Fact(1, FactType.PUSH_OPEN, "i1", NOW, 1),
        Fact(1, FactType.APP_OPEN, "i1", NOW),
    ]


def test_a_report_without_send_id_is_of_the_send_of_its_own_utc_date() -> None:
    reading = read(sent(at="2026-03-10T00:30:00+01:00"), sent(at="2026-03-10T00:30:00Z"))
    assert [f.send for f in facts_in(1, reading.facts)] == ["2026-03-09", "2026-03-10"]


@pytest.mark.parametrize(
    ("event", "code"),
    [
        ([], "malformed"),
        (sent(opted_in="yes"), "malformed"),
        (sent(installation_id=7), "malformed"),
        (sent(installation_id=""), "malformed"),
        (sent(installation_id="x" * 65), "malformed"),
        (sent(installation_id="a b"), "malformed"),
        (sent(installation_id="\u00e9"), "malformed"),
        (sent(at="2026-03-10T23:30:00"), "malformed"),
        (sent(at="2026-02-30T23:30:00Z"), "malformed"),
        (sent(at="1999-12-31T23:59:59.999Z"), "malformed"),
        (sent(at="2101-01-01T00:00:00Z"), "malformed"),
        (sent(send_id="a/b"), "malformed"),
        (sent(platform="vms"), "malformed"),
        (sent(language="x" * 36), "malformed"),
        (
            {"type": "push_error", "campaign_token": PLAIN, "installation_id": "i", "cause": "tired"},
            "malformed",
        ),
        (sent(type="push_seen"), "unknown_type"),
        (sent(type="installed"), "unknown_type"),
        ({"installation_id": "i"}, "missing_field"),
        (sent(campaign_token=None), "missing_field"),
        (sent(installation_id=None), "missing_field"),
        ({"type": "push_error", "campaign_token": PLAIN, "installation_id": "i"}, "missing_field"),
        (sent(campaign_token="c" * 32), "unknown_campaign"),
        (sent(campaign_token=AB), "missing_version"),
        (sent(campaign_token=AB, version="c"), "unknown_version"),
        (sent(version="a"), "unknown_version"),
        (sent(at=iso(NOW + 300_001)), "in_future"),
    ],
)
def test_what_is_wrong_is_refused_with_its_code_and_costs_nothing_else(event: object, code: str) -> None:
    reading = read(sent(), event, sent(installation_id="i9"))
    assert [(r.index, r.code) for r in reading.refusals] == [(1, code)]
    assert [f.installation_id for f in facts_in(1, reading.facts)] == ["i1", "i9"]


def test_five_minutes_ahead_and_any_age_are_taken_from_a_server() -> None:
    reading = read(sent(at=iso(NOW + 300_000)), sent(at="2000-01-01T00:00:00Z"), sent(at=None))
    assert [f.at for f in facts_in(1, reading.facts)] == [NOW + 300_000, 946_684_800_000, NOW]


def test_of_ndjson_exactly_the_bad_lines_are_refused() -> None:
    lines = [
        b'{"type":"app_open","installation_id":"i1"}',
        b"{",
        b"",
        b"\xff",
        b"null",
        b'{"type":"app_open"}',
    ]
    reading = read_body(b"\n".join(lines), NDJSON)
    expected = [(1, "malformed"), (2, "malformed"), (3, "malformed"), (4, "missing_field")]
    assert [(r.index, r.code) for r in reading.refusals] == expected
    assert len(reading.facts) == 1


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"7",
        b'"x"',
        b"\xff\xfe",
        b"[" * 100_000,
        b'[{"a":1},]',
        b"[7 7]",
        b"[7",
        b"[]]",
        b'[{"type":',
    ],
)
def test_a_body_that_is_no_json_is_refused_whole(body: bytes) -> None:
    with pytest.raises(MalformedJsonBody):
        read_body(body, JSON)


def test_one_object_and_an_array_are_both_bodies() -> None:
    assert len(read_body(json.dumps(opened()).encode(), JSON).facts) == 1
    assert len(read_body(b"[]", JSON).facts) == 0


def test_what_is_refused_is_counted_by_the_campaign_it_names_and_by_code() -> None:
    reading = read(
        sent(),
        sent(version="a"),
        sent(campaign_token=AB),
        sent(at=iso(NOW + 300_001)),
        sent(at=iso(NOW + 300_001)),
        sent(campaign_token="c" * 32),
        sent(installation_id=""),
        opened(installation_id=""),
        7,
    )
    assert reading.refused == {
        (1, "unknown_version"): 1,
        (2, "missing_version"): 1,
        (1, "in_future"): 2,
        (0, "unknown_campaign"): 1,
        (1, "malformed"): 1,
        (0, "malformed"): 2,
    }


@pytest.mark.parametrize("bad", ["7", "[]", "null", '"x"', "NaN", "1e999", '{"type":7}'])
def test_of_an_array_exactly_the_bad_elements_are_refused(bad: str) -> None:
    good = json.dumps(opened())
    reading = read_body(f" [ {good} , {bad},{good}]\n".encode(), JSON)
    assert [(r.index, r.code) for r in reading.refusals] == [(1, "malformed")]
    assert len(reading.facts) == 2


def test_an_array_of_a_million_numbers_is_refused_early() -> None:
    with pytest.raises(BodyTooLarge):
        read_body(b"[" + b"7," * 1_000_000 + b"7]", JSON)


def test_more_events_than_a_request_takes_are_refused_whole() -> None:
    with pytest.raises(BodyTooLarge):
        read(*[opened()] * 1001, reporter=DEVICE)


def test_a_device_speaks_for_itself_about_opens() -> None:
    reading = read(
        {"type": "app_open"},
        opened(installation_id="i2"),
        sent(),
        opened(installation_id="i1"),
        reporter=DEVICE,
    )
    assert [(r.index, r.code) for r in reading.refusals] == [(1, "not_allowed"), (2, "not_allowed")]
    assert [f.installation_id for f in facts_in(1, reading.facts)] == ["i1", "i1"]


@pytest.mark.parametrize(
    ("clock", "at", "expected"),
    [
        (NOW - 60_000, NOW - 90_000, NOW - 30_000),
        (NOW + 60_000, NOW + 30_000, NOW - 30_000),
        (NOW - 5_000, NOW - 9_000, NOW - 9_000),
        (NOW - 5_001, NOW - 9_000, NOW - 3_999),
        (NOW - 60_000, NOW, NOW),
    ],
)
def test_a_device_clock_that_is_more_than_five_seconds_off_is_corrected(
    clock: int, at: int, expected: int
) -> None:
    reading = read(opened(at=iso(at)), reporter=DEVICE, sent_at=iso(clock))
    assert [f.at for f in facts_in(1, reading.facts)] == [expected]


def test_a_device_whose_clock_was_reset_to_1970_is_heard() -> None:
    reading = read({"type": "app_open"}, reporter=DEVICE, sent_at="1970-01-01T00:00:09Z")
    assert [f.at for f in facts_in(1, reading.facts)] == [NOW]


def test_a_device_reports_at_most_ninety_days_back() -> None:
    reading = read(
        opened(at=iso(NOW - 90 * 86_400_000)), opened(at=iso(NOW - 90 * 86_400_000 - 1)), reporter=DEVICE
    )
    assert [(r.index, r.code) for r in reading.refusals] == [(1, "too_old")]


def test_a_clock_that_cannot_be_read_is_an_error_of_the_request() -> None:
    with pytest.raises(MalformedParameter, match="X-Sent-At"):
        read(opened(), reporter=DEVICE, sent_at="yesterday")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-03-10T23:30:00Z", NOW),
        ("2026-03-10T23:30:00.0009999Z", NOW),
        ("2026-03-10T23:30:00.9999999999Z", NOW + 999),
        ("2026-03-11T00:30:00.5+01:00", NOW + 500),
        ("2026-03-10t23:30:00z", NOW),
        ("2026-03-10T23:30:60Z", None),
        ("2026-03-10T24:00:00Z", None),
        ("2026-03-10T23:30:00+0100", None),
        ("\u0662026-03-10T23:30:00Z", None),
        ("2026-03-10T23:30:00Z\n", None),
    ],
)
def test_times_are_rfc_3339_and_cut_to_milliseconds_never_rounded(text: str, expected: int | None) -> None:
    assert parse_time(text) == expected


@given(
    st.lists(
        st.datetimes(
            datetime(2000, 1, 2),  # noqa: DTZ001 - the strategy adds the zone
            datetime(2100, 12, 30),  # noqa: DTZ001 - the strategy adds the zone
            timezones=st.integers(-14, 14).map(lambda hours: timezone(timedelta(hours=hours))),
        ),
        min_size=1,
        max_size=5,
    )
)
def test_many_times_at_once_are_what_each_is_alone(times: list[datetime]) -> None:
    texts = [time.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z") for time in times]
    together = parse_times(texts)
    assert together is not None
    assert together.tolist() == [parse_time(text) for text in texts]
    assert [parse_time(time.isoformat()) for time in times] == together.tolist()


@given(st.lists(st.text(max_size=30), min_size=1))
def test_no_text_breaks_the_reading_of_times(texts: list[str]) -> None:
    together = parse_times(texts)
    assert together is None or together.tolist() == [parse_time(text) for text in texts]


@given(
    st.binary(max_size=200) | st.recursive(st.none() | st.integers() | st.text(), st.lists).map(json.dumps)
)
def test_any_bytes_are_read_or_refused(body: bytes | str) -> None:
    raw = body if isinstance(body, bytes) else body.encode()
    for media_type in (JSON, NDJSON):
        try:
            reading = read_body(raw, media_type)
        except MalformedJsonBody:
            continue
        assert len(reading.facts) == 0

"""What is selected by SQL and numpy is what the reference selects, on a real SQLite and a real DuckDB."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from functools import partial
from itertools import count
from typing import Any, NamedTuple

import msgspec
import numpy as np
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from contracts.worlds import DAY, START
from openrate.audience import (
    Seen,
    Subject,
    read_query,
    read_targeting,
    segment,
    segments_of,
    selects,
    stored_number,
)
from openrate.conditions import All, AsOf, InTimezones, Segment, Selection
from openrate.model import App, Fact, FactType, Installation, Platform, Rule, Sender
from openrate.ports.event_log import NEVER, FactColumns, OpenTimes
from openrate.ports.records import Selected
from openrate.storage import audience
from openrate.storage.duckdb import DuckdbLog
from openrate.storage.records import SqlRecords
from openrate.times import format_time

DATES = [
    "2026-09-01T00:00:00Z",
    "2026-09-01T02:00:00.000+02:00",
    "1999-12-31T23:59:59.999z",
    format_time(START),
]
TEXTS = [
    "",
    "a",
    "A",
    "ab",
    "a'b",
    'a"b',
    "a\\b",
    "é",
    "\u0130",
    "日本\U0001f600",
    "%",
    "_",
    "5",
    "true",
    "null",
    "\n",
]
VERSIONS = ["2.9", "2.10", "2.0", "2.0.0", "v2", "2.0-beta", "2.0 (7)", "new", "10"]
LANGUAGES = ["fr", "FR", "fr-FR", "fr_CA", "fro", "en", "É", "%", "", "_"]
REGIONS = ["FR", "fr", "US", "_"]
ZONES = ["Europe/Paris", "Asia/Tokyo", "Mars/Base", ""]
LISTS = ["vip", "new", "nobody's"]
NAMES = ["age", "a.b", "é n'"]

numbers = (
    (
        st.sampled_from(
            [0, 1, -1, 5, 2**53, 2**53 + 1, 2**63 - 1, -(2**63), 0.5, 0.1 + 0.2, 1e23, 5.0, 1e300, -1e-300]
        )
        | st.integers(-(2**63), 2**63 - 1)
        | st.floats(allow_nan=False, allow_infinity=False)
        | st.decimals(-1000, 1000, places=2).map(float)
    )
    .map(stored_number)
    .filter(lambda number: number is not None)
)
texts = st.sampled_from(TEXTS) | st.text(
    st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=4
)
scalars = numbers | texts | st.booleans() | st.sampled_from(DATES)
names = st.sampled_from(NAMES)
maybe = partial(st.one_of, st.none())

attributes = maybe(st.dictionaries(names, scalars | st.none(), max_size=4))
tags = maybe(st.dictionaries(names, st.lists(texts, max_size=3), max_size=3))
moments = st.builds(
    lambda days, off: START + days * DAY + off,
    st.sampled_from([-400, -31, -30, -8, -7, -1, 0]),
    st.sampled_from([-1, 0, 1, DAY // 2, DAY - 1]),
)
facts = st.lists(
    st.tuples(
        st.sampled_from(
            [FactType.PUSH_SENT, FactType.PUSH_OPEN, FactType.APP_OPEN, FactType.APP_OPEN, FactType.INSTALLED]
        ),
        moments,
    ),
    max_size=4,
)


@st.composite
def installations(draw: st.DrawFn) -> tuple[Installation, list[tuple[FactType, int]], frozenset[str]]:
    installation = Installation(
        app_id=1,
        installation_id=draw(st.text("Za_-", min_size=1, max_size=2)),
        dev=draw(st.sampled_from([False, False, True])),
        platform=draw(st.sampled_from(Platform)),
        secret_hash=None,
        token_version=1,
        push_token=draw(st.sampled_from([None, "given", "given", "given"])),
        language=draw(maybe(st.sampled_from(LANGUAGES))),
        region=draw(maybe(st.sampled_from(REGIONS))),
        timezone=draw(maybe(st.sampled_from(ZONES))),
        app_version=draw(maybe(st.sampled_from(VERSIONS))),
        opted_in=draw(st.booleans()),
        attributes=draw(attributes),
        tags=draw(tags),
    )
    return installation, draw(facts), draw(st.frozensets(st.sampled_from(LISTS)))


def operators(values: st.SearchStrategy[Any], *more: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    equal = st.fixed_dictionaries({}, optional={"$eq": maybe(values), "$ne": maybe(values)})
    several = st.lists(maybe(values), min_size=1, max_size=3)
    member = st.fixed_dictionaries({}, optional={"$in": several, "$nin": several, "$exists": st.booleans()})
    one = st.one_of(equal, member, *more).filter(bool)
    return values | st.none() | one | one.map(lambda each: {"$not": each})


def ordered(values: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.dictionaries(st.sampled_from(["$gt", "$gte", "$lt", "$lte"]), values, min_size=1, max_size=2)


contains = st.builds(lambda text: {"$contains": text}, texts.filter(bool))
dates = st.sampled_from(DATES) | moments.map(format_time)
on_field = st.one_of(
    st.tuples(names.map("c.{}".format), operators(scalars, ordered(numbers | texts | dates), contains)),
    st.tuples(names.map("t.{}".format), operators(texts, contains)),
    st.tuples(st.just("language"), operators(st.sampled_from(LANGUAGES))),
    st.tuples(st.just("region"), operators(st.sampled_from(REGIONS))),
    st.tuples(st.just("platform"), operators(st.sampled_from([platform.value for platform in Platform]))),
    st.tuples(st.just("opted_in"), operators(st.booleans())),
    st.tuples(
        st.just("app_version"),
        operators(
            st.sampled_from(["2.9", "2.0", "2", "3"]), ordered(st.sampled_from(["2.9", "2.0", "2.0-a"]))
        ),
    ),
    st.tuples(st.sampled_from(["first_seen", "last_open"]), operators(dates, ordered(dates))),
)
single = on_field.map(lambda one: dict([one]))
on_facts = st.fixed_dictionaries({"last_open": ordered(dates) | st.none()})
# What SQL knows and what only facts know, in one condition: where the two have to be put together again.
mixed = st.builds(
    lambda group, known, facts, negated: (
        {"$not": {group: [*known, facts]}} if negated else {group: [*known, facts]}
    ),
    st.sampled_from(["$or", "$and"]),
    st.lists(single, min_size=1, max_size=3),
    on_facts,
    st.booleans(),
)
queries = st.recursive(
    st.lists(on_field, min_size=1, max_size=2).map(dict),
    lambda inner: (
        st.builds(lambda parts: {"$or": parts}, st.lists(inner, min_size=1, max_size=3))
        | st.builds(lambda parts: {"$and": parts}, st.lists(inner, min_size=1, max_size=3))
        | st.builds(lambda part: {"$not": part}, inner)
    ),
    max_leaves=5,
)
parts: dict[str, st.SearchStrategy[Any]] = {
    "query": queries,
    "segments": st.lists(st.sampled_from([each.name for each in Segment]), max_size=2),
    "languages": st.lists(st.sampled_from(LANGUAGES), max_size=2),
    "regions": st.lists(st.sampled_from(REGIONS), max_size=2),
    "audiences": st.lists(st.sampled_from([*LISTS, "unknown"]), max_size=2),
}
# Mostly one part alone: where all must hold, few installations are left to be wrong about.
targetings = st.one_of(
    *(st.fixed_dictionaries({name: part}) for name, part in parts.items()),
    st.fixed_dictionaries({"query": queries}),
    st.fixed_dictionaries({"query": single}),
    st.fixed_dictionaries({"query": mixed}),
    st.fixed_dictionaries({}, optional=parts),
)
zones = maybe(
    st.builds(
        InTimezones,
        st.lists(st.sampled_from(ZONES)).map(tuple),
        maybe(st.lists(st.sampled_from(ZONES)).map(tuple)),
    )
)


class Stores(NamedTuple):
    records: SqlRecords
    log: DuckdbLog
    numbers: Iterator[int]

    def new_app(self) -> App:
        """One app for each example, so that the stores are opened once."""
        key = f"app{next(self.numbers)}"
        return self.records.create_app(1, key, Platform.IOS, Sender.EXTERNAL, f"{key}l", f"{key}d", f"{key}s")

    def report(self, app: App, dev: bool, *facts: Fact) -> None:
        self.log.append(app.id, dev, FactColumns.of(facts)).result(30)

    def ids(self, selection: Selection, after: str = "") -> list[str]:
        parts = self.records.select(selection, lambda: self.log.opens(selection.app_id, selection.dev), after)
        return [name for part in parts for name in part.installation_ids]


@pytest.fixture(scope="module")
def stores(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stores]:
    folder = tmp_path_factory.mktemp("selection")
    records, log = SqlRecords(folder / "records.db"), DuckdbLog(folder / "facts.duckdb")
    records.create_company("Acme", Rule())
    yield Stores(records, log, count(1))
    log.close()
    records.close()


def seen(reported: list[tuple[FactType, int]]) -> Seen:
    opened = [at for kind, at in reported if kind in {FactType.APP_OPEN, FactType.PUSH_OPEN}]
    installed = [at for kind, at in reported if kind is FactType.INSTALLED]
    return Seen(min(opened + installed, default=None), min(opened, default=None), max(opened, default=None))


def stored(stores: Stores, app: App, drawn: list[Any]) -> list[Subject]:
    """What was drawn, in the stores and as subjects of the reference."""
    subjects: dict[tuple[bool, str], Subject] = {}
    for installation, reported, lists in drawn:
        own = msgspec.structs.replace(installation, app_id=app.id)
        if own.push_token is not None:
            own = msgspec.structs.replace(own, push_token=f"token of {own.installation_id}")
        name = (own.dev, own.installation_id)
        if name not in subjects:
            subjects[name] = Subject(own, seen(reported), lists)
            given_facts = [
                Fact(app.id, kind, own.installation_id, at, *((1, "s") if kind < FactType.APP_OPEN else ()))
                for kind, at in reported
            ]
            stores.report(app, own.dev, *given_facts)
    for dev in (False, True):
        of_world = [subject for (of, _), subject in subjects.items() if of == dev]
        stores.records.put_installations([subject.installation for subject in of_world], START)
        for each in LISTS:
            ids = [subject.installation.installation_id for subject in of_world if each in subject.audiences]
            stores.records.put_audience(app.id, dev, each, ids, START)
    return list(subjects.values())


@settings(max_examples=120, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    drawn=st.lists(installations(), min_size=1, max_size=12),
    wanted=st.lists(targetings, min_size=1, max_size=6),
    zone=zones,
    now=moments,
    part=st.sampled_from([1, 2, 1000]),
)
def test_the_stores_select_what_the_reference_selects(  # noqa: PLR0913 - what is drawn
    stores: Stores,
    drawn: list[Any],
    wanted: list[dict[str, Any]],
    zone: InTimezones | None,
    now: int,
    part: int,
) -> None:
    subjects = stored(stores, app := stores.new_app(), drawn)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(audience, "PART", part)
        for targeting in wanted:
            for dev in (False, True):
                as_of = AsOf(now, 30 * 86400)
                selection = Selection(app.id, dev, read_targeting(targeting), as_of, zone)
                expected = [s.installation.installation_id for s in subjects if selects(selection, s)]
                assert stores.ids(selection) == sorted(expected), targeting


@settings(max_examples=200, deadline=None)
@given(
    value=maybe(scalars),
    other=maybe(scalars),
    operator=st.sampled_from(["$eq", "$ne", "$in", "$nin", "$gt", "$gte", "$lt", "$lte"]),
)
def test_an_attribute_compares_with_a_value_as_the_reference_says(
    stores: Stores, value: object, other: Any, operator: str
) -> None:
    """Values alone, many of them: this is where databases differ."""
    assume(operator in {"$eq", "$ne", "$in", "$nin"} or not isinstance(other, bool | None))
    app = stores.new_app()
    installation = Installation(app.id, "i", False, Platform.IOS, None, 1, "token", attributes={"age": value})
    stores.records.put_installation(installation, START)
    condition = read_query({"c.age": {operator: [other] if operator in {"$in", "$nin"} else other}})
    selection = Selection(app.id, False, condition, AsOf(START, 1))
    assert bool(stores.ids(selection)) == selects(selection, Subject(installation, Seen())), (value, other)


def test_who_stopped_goes_on_behind_the_last_id(stores: Stores, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(audience, "PART", 3)
    app = stores.new_app()
    for number in range(10):
        stores.records.put_installation(
            Installation(
                app.id, f"i{number}", False, Platform.IOS, None, 1, f"t{number}", opted_in=number % 2 == 0
            ),
            START,
        )
    selection = Selection(app.id, False, All(), AsOf(START, 1))
    parts: list[Selected] = list(stores.records.select(selection, lambda: stores.log.opens(app.id, False)))
    assert [len(part.installation_ids) for part in parts] == [3, 3, 3, 1]
    assert np.concatenate([part.opted_in for part in parts]).tolist() == [True, False] * 5
    assert stores.ids(selection, after="i6") == ["i7", "i8", "i9"]


def test_opens_are_found_while_others_are_added(stores: Stores) -> None:
    """The table of names grows many times over while it is read; what was there is found every time."""
    app = stores.new_app()
    there = [f"old{number}" for number in range(200)]
    stores.report(app, False, *(Fact(app.id, FactType.APP_OPEN, name, START) for name in there))
    opens = stores.log.opens(app.id, False)
    stop = threading.Event()

    def add() -> None:
        for number in count():
            names = [f"new{number}.{each}" for each in range(2_000)]
            stores.report(app, False, *(Fact(app.id, FactType.APP_OPEN, name, START) for name in names))
            if stop.is_set():
                return

    adding = threading.Thread(target=add)
    adding.start()
    for _ in range(1_500):
        times = opens.of([*there, "nobody", "new0.1"])
        assert (times.last_open[:200] == START).all()
        assert (times.last_open[200:] < 0).all()
    stop.set()
    adding.join()
    assert (stores.log.opens(app.id, False).of(["new0.1"]).first_seen == START).all()


def test_as_many_entries_as_are_accepted_can_be_selected(stores: Stores) -> None:
    app = stores.new_app()
    installation = Installation(
        app.id, "i", False, Platform.IOS, None, 1, "t", language="fr_CA", region="FR", tags={"a": ["b"]}
    )
    stores.records.put_installation(installation, START)
    stores.records.put_audience(app.id, False, "vip", ["i"], START)
    others = [f"{'x' * number}{number}" for number in range(499)]
    targeting: dict[str, Any] = {
        "segments": ["IMPORTED"] * 500,
        "languages": [*others, "FR"],
        "regions": [*others, "fr"],
        "audiences": [*others, "vip"],
        "query": {"$and": [{"t.a": {"$in": ["b", *others[:30]]}} for _ in range(30)]},
    }
    selection = Selection(app.id, False, read_targeting(targeting), AsOf(START, 1))
    assert stores.ids(selection) == ["i"]


def test_a_list_of_one_world_selects_nobody_of_the_other(stores: Stores) -> None:
    app = stores.new_app()
    for dev in (False, True):
        stores.records.put_installation(Installation(app.id, "i", dev, Platform.IOS, None, 1, "t"), START)
    stores.records.put_audience(app.id, True, "testers", ["i"], START)
    condition = read_targeting({"audiences": ["testers"]})
    assert stores.ids(Selection(app.id, True, condition, AsOf(START, 1))) == ["i"]
    assert stores.ids(Selection(app.id, False, condition, AsOf(START, 1))) == []


@given(
    at=st.sampled_from([START - 1, START, START + 1]),
    first=st.sampled_from([None, *(START - days * DAY for days in (0, 6, 7, 8, 30, 31))]),
    later=st.sampled_from([0, 1, DAY - 1, DAY, 24 * DAY]),
)
def test_segments_of_many_are_those_of_each_to_the_millisecond(
    at: int, first: int | None, later: int
) -> None:
    of_one = Seen(first, first, None if first is None else first + later)
    times = OpenTimes(*(np.array([NEVER if each is None else each], np.int64) for each in of_one))
    as_of = AsOf(at, 6 * 86400)
    assert segments_of(times, as_of).tolist() == [segment(of_one, as_of)]

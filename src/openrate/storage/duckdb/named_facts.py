"""Facts as they were told, with the names of installations and sends."""

from __future__ import annotations

from collections.abc import Iterator

import duckdb

from openrate.model import Cause, Fact, FactType
from openrate.storage.duckdb.by_installation import Runs
from openrate.storage.duckdb.day_rows import VERSIONS

NAMED_FACTS = """
    select i.app, f.type, i.name, f.at_ms, s.campaign, s.name, f.version, f.opted_in,
           f.cause, f.platform, f.language
    from fact f join installation i on i.id = f.installation left join send s on s.id = f.send
"""
_OF_ONE = """
    select type, at_ms, send, version, opted_in, cause, platform, language
    from fact where installation = ? and seq > ? and seq <= ? order by seq
"""
_SENDS = "select id, campaign, name from send where id in (select unnest(?::integer[]))"


def stream(
    cursor: duckdb.DuckDBPyConnection,
    app_id: int | None,
    campaign_id: int | None,
    installation_id: str | None,
) -> Iterator[Fact]:
    """Stored facts in order of arrival; None does not narrow."""
    given = {"i.app": app_id, "s.campaign": campaign_id, "i.name": installation_id}
    narrowed = {name: value for name, value in given.items() if value is not None}
    where = "where " + " and ".join([*(f"{name} = ?" for name in narrowed), "true"])
    cursor.execute(f"{NAMED_FACTS} {where} order by f.seq", list(narrowed.values()))
    while rows := cursor.fetchmany(10_000):
        yield from (fact(*row) for row in rows)


def fact(  # noqa: PLR0913 - the columns of a fact
    app: int,
    kind: int,
    installation: str,
    at: int,
    campaign: int | None,
    send: str | None,
    version: int,
    opted_in: bool,
    cause: str | None,
    platform: str | None,
    language: str | None,
) -> Fact:
    """A row of ``NAMED_FACTS``."""
    return Fact(
        app,
        FactType(kind),
        installation,
        at,
        campaign or None,
        send,
        VERSIONS[version],
        opted_in,
        Cause(cause) if cause else None,
        platform,
        language,
    )


def of_one(
    cursor: duckdb.DuckDBPyConnection, runs: Runs, upto: int, installation: tuple[int, str], number: int
) -> Iterator[Fact]:
    """The facts up to seq ``upto`` of an installation, by app and name and by its number, in order of arrival.

    Read where they lie: of a store of 100 million facts that is a few hundredths.
    """
    app_id, name = installation
    for first, last in runs.of_one(number, upto):
        rows = cursor.execute(_OF_ONE, [number, first, last]).fetchall()
        found = cursor.execute(_SENDS, [[send for _, _, send, *_ in rows]]).fetchall()
        sends = {id_: (campaign, send) for id_, campaign, send in found}
        for kind, at, send, *rest in rows:
            yield fact(app_id, kind, name, at, *sends.get(send, (None, None)), *rest)

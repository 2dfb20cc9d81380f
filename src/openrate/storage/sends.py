"""What is to be sent and how far that is, in the database of the records (``ports.Sends``)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
from sqlalchemy import Connection, and_, bindparam, delete, exists, insert, select, true, update
from sqlalchemy.sql.elements import ColumnElement

from openrate.model import Send, Sender, SendState
from openrate.ports.sends import Attempt, Chunk, Journal, Recipient, SendTally
from openrate.storage.database import Database, rows_of
from openrate.storage.tables import apps, campaigns, installations, send_chunks, send_journals, sends

_FIELDS = Send.__struct_fields__
_OF_CAMPAIGN = {"app_id": campaigns.c.app_id, "campaign_token": campaigns.c.token}
_COLUMNS = [_OF_CAMPAIGN[field] if field in _OF_CAMPAIGN else sends.c[field] for field in _FIELDS]
_GIVEN = {"id", *_OF_CAMPAIGN}
_OPEN = (SendState.SELECTING.value, SendState.SENDING.value)
_AT_ONCE = 5_000
"""Installations asked for in one statement; SQLite takes at most 32,766 values."""

_encode = msgspec.msgpack.Encoder().encode
_decode_names = msgspec.msgpack.Decoder(list[str]).decode
_decode_attempts = msgspec.msgpack.Decoder(dict[int, Attempt]).decode


class SqlSends:
    """The sends beside the records, in one database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def due(self, now: int) -> list[tuple[int, str]]:
        """App and token of the live campaigns whose next send is due."""
        wanted = select(campaigns.c.app_id, campaigns.c.token).where(
            campaigns.c.next_due_at <= now, campaigns.c.live.is_(True), campaigns.c.deleted_at.is_(None)
        )
        with self._database.reading() as connection:
            return [(row.app_id, row.token) for row in connection.execute(wanted)]

    def add(self, new: Sequence[Send]) -> None:
        """Write down sends; one that is there already is left as it is."""
        with self._database.writing() as connection:
            for send in new:
                known = and_(
                    sends.c.campaign_id == send.campaign_id,
                    sends.c.send_id == send.send_id,
                    sends.c.wave == send.wave,
                )
                if connection.scalar(select(sends.c.id).where(known)) is None:
                    values = {name: getattr(send, name) for name in _FIELDS if name not in _GIVEN}
                    connection.execute(insert(sends).values({**values, "state": send.state.value}))

    def open(self, app_ids: Sequence[int] | None = None) -> list[Send]:
        """Those that are not finished, by due time; only of these apps, unless that is None."""
        wanted = true() if app_ids is None else campaigns.c.app_id.in_(app_ids)
        return self._read(and_(sends.c.state.in_(_OPEN), wanted))

    def of(self, campaign_id: int) -> list[Send]:
        """All sends of a campaign, by due time."""
        return self._read(sends.c.campaign_id == campaign_id)

    def under_way(self, campaign_id: int) -> list[Send]:
        """Every wave of those occurrences of a campaign of which one is not finished, by due time."""
        own = sends.c.campaign_id == campaign_id
        occurrences = select(sends.c.send_id).where(own, sends.c.state.in_(_OPEN))
        return self._read(and_(own, sends.c.send_id.in_(occurrences)))

    def add_chunks(self, send: int, first: int, chunks: Sequence[Sequence[str]]) -> None:
        """Write down recipients of a send that is being selected; chunks of these numbers are replaced."""
        numbers = range(first, first + len(chunks))
        old = and_(send_chunks.c.send == send, send_chunks.c.number.between(numbers[0], numbers[-1]))
        rows = [
            {"send": send, "number": number, "recipients": _encode(names)}
            for number, names in zip(numbers, chunks, strict=True)
        ]
        fresh = {"send": send, "worker": None, "lease_until": 0, "is_done": False, "attempts": _encode({})}
        journals = [
            {**fresh, "number": number, "outcomes": bytes(len(names))}
            for number, names in zip(numbers, chunks, strict=True)
        ]
        with self._database.writing() as connection:
            _drop_chunks(connection, old)
            connection.execute(insert(send_chunks), rows)
            connection.execute(insert(send_journals), journals)

    def begin(self, send: int, chunks: int, recipients: int) -> None:
        """The selection is complete; chunks that an interrupted one left beyond it are dropped."""
        with self._database.writing() as connection:
            _drop_chunks(connection, and_(send_chunks.c.send == send, send_chunks.c.number >= chunks))
            row = update(sends).where(sends.c.id == send)
            connection.execute(row.values(state=SendState.SENDING.value, recipients=recipients, reason=None))

    def taken(self, campaign_id: int, send_id: str, wave: int) -> set[str]:
        """Who was selected in the waves of an occurrence before this one."""
        earlier = and_(sends.c.campaign_id == campaign_id, sends.c.send_id == send_id, sends.c.wave < wave)
        wanted = select(send_chunks.c.recipients).join(sends, sends.c.id == send_chunks.c.send).where(earlier)
        with self._database.reading() as connection:
            return {name for row in connection.execute(wanted) for name in _decode_names(row.recipients)}

    def pending(self, campaign_id: int) -> list[str]:
        """Who is to get what is being sent of a campaign and has come to no end yet; once for each send."""
        of_chunk = and_(
            send_journals.c.send == send_chunks.c.send, send_journals.c.number == send_chunks.c.number
        )
        wanted = (
            select(send_chunks.c.recipients, send_journals.c.outcomes)
            .join(send_journals, of_chunk)
            .join(sends, sends.c.id == send_chunks.c.send)
            .where(sends.c.campaign_id == campaign_id, sends.c.state == SendState.SENDING.value)
        )
        with self._database.reading() as connection:
            chunks = [(_decode_names(row.recipients), row.outcomes) for row in connection.execute(wanted)]
        return [name for names, ends in chunks for name, end in zip(names, ends, strict=True) if not end]

    def claim(self, send: int, worker: str, now: int, until: int) -> Chunk | None:
        """A chunk that is not done, for this worker alone until then; None when there is none."""
        journal = send_journals.c
        free = and_(journal.send == send, journal.is_done.is_(False), journal.lease_until <= now)
        with self._database.writing() as connection:
            row = connection.execute(
                select(send_journals).where(free).order_by(journal.number).limit(1)
            ).one_or_none()
            if row is None:
                return None
            mine = and_(_named(send_journals, send, row.number), free)
            taken = update(send_journals).where(mine).values(worker=worker, lease_until=until)
            if not connection.execute(taken).rowcount:
                return None
            names = connection.execute(
                select(send_chunks.c.recipients).where(_named(send_chunks, send, row.number))
            ).scalar_one()
        return Chunk(send, row.number, _decode_names(names), row.outcomes, _decode_attempts(row.attempts))

    def release(self, worker: str) -> None:
        """End the leases of a worker that is known to be dead."""
        journal = send_journals.c
        with self._database.writing() as connection:
            held = and_(journal.is_done.is_(False), journal.lease_until > 0, journal.worker == worker)
            connection.execute(update(send_journals).where(held).values(lease_until=0))

    def write(self, worker: str, journals: Sequence[Journal]) -> list[bool]:
        """Write down how far chunks are; False for each whose lease was lost to another worker."""
        with self._database.writing() as connection:
            return [_write(connection, worker, journal) for journal in journals]

    def explain(self, send: int, reason: str | None) -> None:
        """Say why a send waits, or that it does not."""
        with self._database.writing() as connection:
            connection.execute(update(sends).where(sends.c.id == send).values(reason=reason))

    def finish(self, send: int, state: SendState, at: int, reason: str | None = None) -> bool:
        """It is over; False when it was over before, or is to be done and a chunk of it is not."""
        over = update(sends).where(sends.c.id == send, sends.c.state.in_(_OPEN))
        if state is SendState.DONE:
            left = exists().where(send_journals.c.send == send, send_journals.c.is_done.is_(False))
            over = over.where(~left)
        with self._database.writing() as connection:
            changed = connection.execute(over.values(state=state.value, reason=reason, finished_at=at))
            return bool(changed.rowcount)

    def uncompleted(self) -> list[tuple[int, str]]:
        """App and token of the campaigns that we send, whose sends are all finished, and of which nothing says so."""
        still = exists().where(sends.c.campaign_id == campaigns.c.id, sends.c.state.in_(_OPEN))
        wanted = (
            select(campaigns.c.app_id, campaigns.c.token)
            .join(apps, apps.c.id == campaigns.c.app_id)
            .where(
                campaigns.c.next_due_at.is_(None),
                campaigns.c.completed_at.is_(None),
                campaigns.c.deleted_at.is_(None),
                campaigns.c.was_live.is_(True),
                apps.c.sender == Sender.OPENRATE.value,
                ~still,
            )
        )
        with self._database.reading() as connection:
            return [(row.app_id, row.token) for row in connection.execute(wanted)]

    def finished(self, before: int) -> list[Send]:
        """Those that were finished before then and whose recipients are kept."""
        return self._read(
            and_(sends.c.finished_at < before, exists().where(send_chunks.c.send == sends.c.id))
        )

    def forget(self, finished: Sequence[int]) -> None:
        """Drop the recipients of these."""
        with self._database.writing() as connection:
            for send in finished:
                _drop_chunks(connection, send_chunks.c.send == send)

    def recipients(self, app_id: int, dev: bool, names: Sequence[str]) -> dict[str, Recipient]:
        """What is known of these installations now."""
        found: dict[str, Recipient] = {}
        with self._database.reading() as connection:
            for first in range(0, len(names), _AT_ONCE):
                wanted = {"app": app_id, "dev": dev, "names": names[first : first + _AT_ONCE]}
                for name, token, language, opted_in in rows_of(connection.execute(_RECIPIENTS, wanted)):
                    found[name] = Recipient(token, language, bool(opted_in))
        return found

    def retire_tokens(self, app_id: int, dev: bool, tokens: Sequence[tuple[str, str]]) -> None:
        """Take the push token from each of these installations, if it still is that one."""
        rows = [{"app": app_id, "dev_": dev, "name": name, "token": token} for name, token in tokens]
        with self._database.writing() as connection:
            connection.execute(_RETIRE, rows)

    def _read(self, condition: ColumnElement[bool]) -> list[Send]:
        wanted = (
            select(*_COLUMNS)
            .join_from(sends, campaigns)
            .where(condition)
            .order_by(sends.c.due_at, sends.c.id)
        )
        with self._database.reading() as connection:
            return [_send(row) for row in connection.execute(wanted)]


_WRITE = (
    update(send_journals)
    .where(
        send_journals.c.send == bindparam("send_"),
        send_journals.c.number == bindparam("number_"),
        send_journals.c.worker == bindparam("worker_"),
    )
    .values({name: bindparam(name) for name in ("lease_until", "is_done", "outcomes", "attempts")})
)
_COUNT = (
    update(sends)
    .where(sends.c.id == bindparam("send_"))
    .values({name: sends.c[name] + bindparam(f"{name}_") for name in SendTally._fields})
)
_RECIPIENTS = select(
    installations.c.installation_id,
    installations.c.push_token,
    installations.c.language,
    installations.c.opted_in,
).where(
    installations.c.app_id == bindparam("app"),
    installations.c.dev == bindparam("dev"),
    installations.c.installation_id.in_(bindparam("names", expanding=True)),
)
_RETIRE = (
    update(installations)
    .where(
        installations.c.app_id == bindparam("app"),
        installations.c.dev == bindparam("dev_"),
        installations.c.installation_id == bindparam("name"),
        installations.c.push_token == bindparam("token"),
    )
    .values(push_token=None, push_token_hash=None)
)


def _write(connection: Connection, worker: str, journal: Journal) -> bool:
    chunk = journal.chunk
    values = {
        "send_": chunk.send,
        "number_": chunk.number,
        "worker_": worker,
        "lease_until": journal.lease_until,
        "is_done": journal.is_done,
        "outcomes": chunk.outcomes,
        "attempts": _encode(chunk.attempts),
    }
    if not connection.execute(_WRITE, values).rowcount:
        return False
    if any(journal.tally):
        tally = {f"{name}_": count for name, count in journal.tally._asdict().items()}
        connection.execute(_COUNT, {"send_": chunk.send, **tally})
    return True


def _send(row: Any) -> Send:
    fields = dict(zip(_FIELDS, row, strict=True))
    return Send(**{**fields, "state": SendState(fields["state"])})


def _named(table: Any, send: int, number: int) -> ColumnElement[bool]:
    return and_(table.c.send == send, table.c.number == number)


def _drop_chunks(connection: Connection, condition: ColumnElement[bool]) -> None:
    chosen = select(send_chunks.c.send, send_chunks.c.number).where(condition)
    rows = [{"send_": row.send, "number_": row.number} for row in connection.execute(chosen)]
    for table in (send_journals, send_chunks):
        if rows:
            mine = and_(table.c.send == bindparam("send_"), table.c.number == bindparam("number_"))
            connection.execute(delete(table).where(mine), rows)

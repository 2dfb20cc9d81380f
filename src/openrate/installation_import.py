"""Installations from elsewhere, with their push tokens: NDJSON or CSV, row by row taken or refused."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from difflib import get_close_matches
from itertools import islice
from typing import Any

import msgspec

from openrate.errors import ApiError, BodyTooLarge, MalformedJsonBody, MalformedParameter, MissingParameter
from openrate.events import Refusal
from openrate.ingest import MOST_ERRORS, IngestAnswer
from openrate.installations import Installations
from openrate.model import App
from openrate.registration import Registration, registration_of

CSV, NDJSON = "text/csv", "application/x-ndjson"
MOST_ROWS = 500_000
_AT_ONCE = 1_000
"""Rows that share a commit; others' registrations wait for it, about 50 ms."""
_IN_JSON = {"attributes", "tags"}
_FIELDS = Registration.__struct_fields__
_SHOWN = 40
"""Characters of an unknown name that the message repeats."""
_TRUTH = {"true": True, "false": False}

_Row = dict[str, Any]


def take(installations: Installations, app: App, dev: bool, body: bytes, media_type: str) -> IngestAnswer:
    """Register or refresh what a body holds; returns when everything that was accepted is durable.

    A row is a registration with an ``installation_id``; without ``platform`` it has that of the app. In CSV an
    empty cell is an absent field; ``attributes``, ``tags`` and a push subscription are JSON in their cells.

    Raises:
        BodyTooLarge: more than 500,000 rows; nothing was taken.
        MalformedJsonBody: CSV without a heading or not in UTF-8; nothing was taken.
        StoreError: what came before in the body may have been taken; send all of it again.
    """
    read = _csv_rows if media_type == CSV else _ndjson_rows
    # Ends of lines first: there is at most one row more than these, and to count rows takes as long as to read them.
    ends = body.count(b"\n") + body.count(b"\r")
    if ends >= MOST_ROWS and any(True for _ in islice(read(body), MOST_ROWS, None)):
        raise BodyTooLarge(f"A request takes at most {MOST_ROWS} rows: send them in several.")
    rows = enumerate(read(body))
    accepted, rejected = 0, 0
    errors: list[Refusal] = []
    while batch := list(islice(rows, _AT_ONCE)):
        wanted, refusals = _read(app, batch)
        installations.take(app, dev, wanted)
        accepted += len(wanted)
        rejected += len(refusals)
        errors += refusals[: MOST_ERRORS - len(errors)]
    return IngestAnswer(accepted, rejected, errors)


def _read(app: App, batch: list[tuple[int, _Row | str]]) -> tuple[list[Registration], list[Refusal]]:
    wanted, refusals = [], []
    for index, row in batch:
        if isinstance(row, str):
            refusals.append(Refusal(index, "malformed", row))
            continue
        try:
            wanted.append(_registration(app, row))
        except ApiError as error:
            code = "missing_field" if isinstance(error, MissingParameter) else "malformed"
            refusals.append(Refusal(index, code, str(error)))
    return wanted, refusals


def _registration(app: App, row: _Row) -> Registration:
    if row.get("installation_id") is None:
        raise MissingParameter("installation_id is missing: say 1 to 64 characters of A-Za-z0-9_.:-.")
    for name in row:
        if name not in _FIELDS:
            raise _unknown(name)
    wanted = registration_of({"platform": app.platform.value, **row})
    wanted.check_platform(app.platform)
    return wanted


def _unknown(name: str) -> MalformedParameter:
    """A device may say more than we know; in an import it would be a push token that is lost without a word."""
    near = get_close_matches(name.lower(), _FIELDS, 1)
    meant = f"did you mean {near[0]}? " if near else ""
    return MalformedParameter(f"{name[:_SHOWN]} is not known: {meant}{', '.join(_FIELDS)} are accepted.")


def _ndjson_rows(body: bytes) -> Iterator[_Row | str]:
    """The objects of the lines that are not blank, or why a line is none."""
    for line in io.BytesIO(body):
        if not line.strip():
            continue
        try:
            row = msgspec.json.decode(line)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            yield f"This line is not JSON: {error}."
            continue
        yield row if isinstance(row, dict) else "This line is not a JSON object."


def _csv_rows(body: bytes) -> Iterator[_Row | str]:
    """The rows below the heading, or why one cannot be read."""
    try:
        text = body.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise MalformedJsonBody("The body is not CSV in UTF-8.") from None
    reader = csv.reader(io.StringIO(text, newline=""))
    try:
        heading = next(reader, [])
    except csv.Error as error:
        raise MalformedJsonBody(f"The heading of the CSV cannot be read: {error}.") from None
    unknown = set(heading).difference(_FIELDS)
    if "installation_id" not in heading or unknown or len(set(heading)) < len(heading):
        raise MalformedJsonBody(
            "The first line of the CSV names the columns, each once: installation_id and any of "
            f"{', '.join(name for name in _FIELDS if name != 'installation_id')}."
        )
    return _csv_rows_below(reader, heading)


def _csv_rows_below(reader: Iterator[list[str]], heading: list[str]) -> Iterator[_Row | str]:
    while True:
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            yield f"This row cannot be read: {error}."
            continue
        if not cells:
            continue
        if len(cells) != len(heading):
            yield f"This row has {len(cells)} cells and the heading {len(heading)}."
            continue
        filled = zip(heading, cells, strict=True)
        yield {name: _cell(name, cell) for name, cell in filled if cell}


def _cell(name: str, cell: str) -> Any:
    """What a cell says; what cannot be read stays text, and is refused where its field is checked."""
    if name == "opted_in":
        return _TRUTH.get(cell.lower(), cell)
    if name in _IN_JSON or (name == "push_token" and cell.startswith("{")):
        try:
            return msgspec.json.decode(cell)
        except (msgspec.DecodeError, RecursionError):
            return cell
    return cell

"""Campaigns in the database of the records."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any

import msgspec
from sqlalchemy import Connection, Row, and_, insert, select, update

from openrate.model import Campaign, CampaignRef
from openrate.storage.tables import apps, campaigns

_TOKEN = re.compile(r"[0-9a-f]{32}", re.ASCII)
_TOKENS_AT_ONCE = 500
"""Tokens asked for in one statement; SQLite takes at most 32,766 values."""
_FIELDS = Campaign.__struct_fields__
_COLUMNS = [campaigns.c[field] for field in _FIELDS]


class _Named(msgspec.Struct):
    name: str


_encode = msgspec.json.Encoder().encode
_decode_named = msgspec.json.Decoder(_Named).decode
_decode = msgspec.json.Decoder(dict[str, Any]).decode


def can_be_a_token(text: str) -> bool:
    """Whether there can be a campaign of that token."""
    return _TOKEN.fullmatch(text) is not None


def add(connection: Connection, campaign: Campaign) -> int:
    """Store a new one; returns its id."""
    row = insert(campaigns).values(token=campaign.token, app_id=campaign.app_id, **_changeable(campaign))
    return int(connection.scalar(row.returning(campaigns.c.id)) or 0)


def write(connection: Connection, campaign: Campaign) -> None:
    """Replace what is stored of one."""
    connection.execute(update(campaigns).where(campaigns.c.id == campaign.id).values(**_changeable(campaign)))


def read(connection: Connection, app_id: int, token: str) -> Campaign | None:
    """A campaign of that app, deleted ones included."""
    named = and_(campaigns.c.token == token, campaigns.c.app_id == app_id)
    row = connection.execute(select(*_COLUMNS).where(named)).one_or_none()
    return None if row is None else _campaign(row)


def app_of(connection: Connection, company_id: int, token: str) -> int | None:
    """The id of the app of a campaign, if the app is one of that company."""
    own = and_(campaigns.c.token == token, apps.c.company_id == company_id)
    found: int | None = connection.scalar(select(campaigns.c.app_id).join(apps).where(own))
    return found


def page(  # noqa: PLR0913 - three filters and a page
    connection: Connection,
    app_id: int,
    offset: int,
    limit: int,
    *,
    live: bool | None,
    from_api: bool | None,
    include_dev: bool,
) -> list[Campaign]:
    """A page of an app's campaigns, newest first, without deleted ones; None does not narrow."""
    wanted = [campaigns.c.app_id == app_id, campaigns.c.deleted_at.is_(None)]
    if live is not None:
        wanted.append(campaigns.c.live == live)
    if from_api is not None:
        wanted.append(campaigns.c.from_api == from_api)
    if not include_dev:
        wanted.append(campaigns.c.dev_only.is_(False))
    newest_first = select(*_COLUMNS).where(*wanted).order_by(campaigns.c.id.desc())
    return [_campaign(row) for row in connection.execute(newest_first.offset(offset).limit(limit))]


def tokens(connection: Connection, app_id: int) -> dict[int, str]:
    """The token of each campaign of that app by its id, deleted ones included."""
    wanted = select(campaigns.c.id, campaigns.c.token).where(campaigns.c.app_id == app_id)
    return {row.id: row.token for row in connection.execute(wanted)}


def refs(connection: Connection, app_id: int, asked: Sequence[str]) -> dict[str, CampaignRef]:
    """Those of the tokens that are campaigns of that app, deleted ones included."""
    return {token: ref for part in _parts(asked) for token, ref in _refs(connection, app_id, part)}


def names(connection: Connection, company_id: int, asked: Sequence[str]) -> dict[str, str]:
    """What those of the tokens are called that are campaigns of that company, deleted ones included."""
    wanted = (
        select(campaigns.c.token, campaigns.c.parameters).join(apps).where(apps.c.company_id == company_id)
    )
    return {
        token: _decode_named(parameters).name
        for part in _parts(asked)
        for token, parameters in connection.execute(wanted.where(campaigns.c.token.in_(part)))
    }


def size(campaign: Campaign) -> int:
    """Bytes of its parameters as JSON."""
    return len(_encode(campaign.parameters))


def _parts(asked: Sequence[str]) -> Iterator[Sequence[str]]:
    possible = [token for token in asked if can_be_a_token(token)]
    for start in range(0, len(possible), _TOKENS_AT_ONCE):
        yield possible[start : start + _TOKENS_AT_ONCE]


def _refs(connection: Connection, app_id: int, asked: Sequence[str]) -> Iterator[tuple[str, CampaignRef]]:
    wanted = select(campaigns.c.token, campaigns.c.id, campaigns.c.has_versions, campaigns.c.deleted_at)
    named = wanted.where(campaigns.c.token.in_(asked), campaigns.c.app_id == app_id)
    for token, number, has_versions, deleted_at in connection.execute(named):
        yield token, CampaignRef(number, has_versions, deleted_at is not None)


def _changeable(campaign: Campaign) -> dict[str, Any]:
    """The columns of a campaign beside its name."""
    skipped = {"id", "app_id", "token", "parameters"}
    values = {field: getattr(campaign, field) for field in _FIELDS if field not in skipped}
    values["parameters"] = _encode(campaign.parameters).decode()
    values["live"] = bool(campaign.parameters.get("live", False))
    return values


def _campaign(row: Row[Any]) -> Campaign:
    fields = dict(zip(_FIELDS, row, strict=True))
    return Campaign(**{**fields, "parameters": _decode(fields["parameters"])})

"""The vocabulary: what the code, the tables, the URLs and the screens talk about.

Every word here is defined in ``docs/metrics.md``. Times are milliseconds since 1970 in UTC unless a name
says otherwise. Nothing in this module reads, writes or decides.
"""

from __future__ import annotations

from enum import IntEnum, StrEnum
from typing import Any, NamedTuple

import msgspec

HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS


class Platform(StrEnum):
    """What an app runs on; an app has exactly one."""

    IOS = "ios"
    ANDROID = "android"
    WEB = "web"


class Sender(StrEnum):
    """Who sends an app's pushes: the company's own sender, or Openrate."""

    EXTERNAL = "external"
    OPENRATE = "openrate"


class ProviderName(StrEnum):
    """By whom an app's pushes go: Google, Apple, the browsers' push services, or the one that only pretends."""

    FCM = "fcm"
    APNS = "apns"
    WEBPUSH = "webpush"
    STUB = "stub"


class Scope(StrEnum):
    """What a REST key may do: everything, or only read (GET)."""

    FULL = "full"
    READ = "read"


class Cause(StrEnum):
    """Why a push failed, in the words of ``POST /v1/{key}/events``."""

    UNREGISTERED = "unregistered"
    INVALID_TOKEN = "invalid_token"  # noqa: S105 - a cause, not a secret
    PAYLOAD = "payload"
    THROTTLED = "throttled"
    UNAVAILABLE = "unavailable"
    EXPIRED = "expired"
    OTHER = "other"


class Format(StrEnum):
    """What a file of facts may be."""

    NDJSON = "ndjson"
    CSV = "csv"
    PARQUET = "parquet"


class FactType(IntEnum):
    """The five facts. The number is what the log stores, so it never changes.

    ``push_sent`` sorts before ``push_error``: of several reports of a delivery, any sent one wins.
    """

    PUSH_SENT = 0
    PUSH_ERROR = 1
    PUSH_OPEN = 2
    APP_OPEN = 3
    INSTALLED = 4


UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
"""Of a window, in seconds."""


def window(length: int) -> str:
    """10800 seconds as ``3h``."""
    unit = next(name for name in "dhms" if length % UNITS[name] == 0)
    return f"{length // UNITS[unit]}{unit}"


class Rule(msgspec.Struct, frozen=True):
    """The attribution windows of a company, in seconds (``metrics.md``, "Deliveries")."""

    influence_window: int = 3 * 3600
    reengage_window: int = 3 * 86400
    inactive_after: int = 30 * 86400


class Company(msgspec.Struct, frozen=True):
    """A customer of this server; companies never see each other's anything."""

    id: int
    name: str
    rule: Rule


class App(msgspec.Struct, frozen=True):
    """One app on one platform, and the three keys that name it in a path.

    ``send_rate`` is how many messages a minute our sender may send for it, at most; None: as many as it can.
    """

    id: int
    company_id: int
    name: str
    platform: Platform
    sender: Sender
    live_key: str
    dev_key: str
    sdk_key: str
    send_rate: int | None = None


class RestKey(msgspec.Struct, frozen=True):
    """A company's secret, by what is known of it after it was shown once."""

    id: int
    company_id: int
    scope: Scope
    created_at: int
    revoked_at: int | None = None


class Role(StrEnum):
    """What a person may do on the pages, ascending: read numbers, write campaigns, everything."""

    VIEWER = "viewer"
    EDITOR = "editor"
    MANAGER = "manager"


class Person(msgspec.Struct, frozen=True):
    """Somebody who signs in to the pages of one company. The address is in lower case, and one in the whole store."""

    id: int
    company_id: int
    email: str
    role: Role
    created_at: int
    has_password: bool


class Action(StrEnum):
    """What the audit log tells of."""

    COMPANY_CREATED = "company created"
    WINDOWS_CHANGED = "windows changed"
    APP_CREATED = "app created"
    APP_CHANGED = "app changed"
    KEY_CREATED = "REST key created"
    KEY_REVOKED = "REST key revoked"
    CREDENTIALS_SET = "credentials set"
    CREDENTIALS_REMOVED = "credentials removed"
    PERSON_ADDED = "person added"
    PERSON_CHANGED = "person changed"
    PERSON_REMOVED = "person removed"
    CAMPAIGN_CREATED = "campaign created"
    CAMPAIGN_CHANGED = "campaign changed"
    CAMPAIGN_DELETED = "campaign deleted"
    AUDIENCE_PUT = "named list put"
    AUDIENCE_REMOVED = "named list removed"


class By(NamedTuple):
    """Who changes something, and when (milliseconds since 1970), for the audit log.

    ``name`` is an e-mail address, ``REST key 3``, or ``command line``.
    """

    name: str
    at: int


class AuditEntry(msgspec.Struct, frozen=True):
    """Who changed what of a company.

    Attributes:
        at: milliseconds since 1970.
        by: see ``By``.
        subject: what was changed: a campaign token, the number of a REST key, an address, the name of an app, a list
            and its app (``vip of Shop``).
        details: by name, what was there before and what is there now. Nothing in it is secret.
    """

    id: int
    at: int
    by: str
    action: Action
    subject: str
    details: dict[str, tuple[Any, Any]]


class CampaignState(StrEnum):
    """The life of a campaign (``http-api.md``)."""

    DRAFT = "draft"
    SCHEDULED = "scheduled"
    RUNNING = "running"
    COMPLETED = "completed"
    STOPPED = "stopped"


class Campaign(msgspec.Struct, frozen=True):
    """A campaign as created: ``parameters`` are the caller's own, the rest is the server's.

    ``id`` is unique in the whole store and grows with creation order. ``was_live`` says that it was live at
    some time, ``was_completed`` that it had done all its sends when it was last switched off. With our own
    sender, ``completed_at`` is when it had done them, ``next_due_at`` when the next of them begins, and
    ``live_since`` when it was made live last.
    """

    id: int
    app_id: int
    token: str
    parameters: dict[str, Any]
    has_versions: bool
    dev_only: bool
    from_api: bool
    created_at: int
    was_live: bool
    was_completed: bool = False
    deleted_at: int | None = None
    completed_at: int | None = None
    next_due_at: int | None = None
    live_since: int | None = None


class SendState(StrEnum):
    """How far a send is."""

    SELECTING = "selecting"
    """Who gets it is being found out."""
    SENDING = "sending"
    DONE = "done"
    CANCELLED = "cancelled"
    """Its campaign was deleted."""


class Send(msgspec.Struct, frozen=True):
    """One occurrence of a campaign; of one by local time one wave, which is for some time zones.

    Attributes:
        send_id: the due time of the occurrence, which names it in the facts.
        wave: 0, or which wave of the occurrence.
        due_at: milliseconds since 1970.
        expires_at: when it is no longer worth sending, in milliseconds since 1970.
        reason: why it waits, if it does, in a sentence.
        recipients: how many were selected.
        sent: accepted by the provider, so far; ``errors`` and ``skipped`` (no push token any more) likewise.
        finished_at: milliseconds since 1970.
    """

    id: int
    app_id: int
    campaign_id: int
    campaign_token: str
    send_id: str
    wave: int
    due_at: int
    expires_at: int
    state: SendState = SendState.SELECTING
    reason: str | None = None
    recipients: int = 0
    sent: int = 0
    errors: int = 0
    skipped: int = 0
    finished_at: int | None = None


class CampaignRef(NamedTuple):
    """The little that ingestion and statistics need of a campaign."""

    id: int
    has_versions: bool
    is_deleted: bool = False


class Message(msgspec.Struct, frozen=True):
    """What a push says: the same for everyone who gets this version in this language at this occurrence.

    Attributes:
        campaign_token: the campaign, which devices name when they report the tap.
        send_id: the occurrence, likewise.
        custom_payload: a string that holds JSON.
        media: addresses by ``icon``, ``picture``, ``audio``, ``video``.
        collapse_key: the caller's ``gcm_collapse_key``, if that is enabled.
        expires_at: when it is no longer worth showing, in milliseconds since 1970.
    """

    campaign_token: str
    send_id: str
    title: str | None
    body: str
    deeplink: str | None
    custom_payload: str | None
    media: dict[str, str]
    is_urgent: bool
    is_background: bool
    collapse_key: str | None
    expires_at: int


class Installation(msgspec.Struct, frozen=True):
    """One app on one device or browser profile. Its id is a name inside one app and one world."""

    app_id: int
    installation_id: str
    dev: bool
    platform: Platform
    secret_hash: bytes | None
    token_version: int
    push_token: str | None = None
    language: str | None = None
    region: str | None = None
    timezone: str | None = None
    app_version: str | None = None
    opted_in: bool = True
    custom_id: str | None = None
    attributes: dict[str, Any] | None = None
    tags: dict[str, list[str]] | None = None


class Audience(msgspec.Struct, frozen=True):
    """A named list of installations: how many ids are on it, and when it was last replaced (ms since 1970).

    An id may be on it before, and after, there is an installation of that id.
    """

    name: str
    size: int
    updated_at: int


class Fact(msgspec.Struct, frozen=True):
    """One accepted fact. ``send`` is never empty on a report about a delivery (``metrics.md``, "Identity")."""

    app_id: int
    type: FactType
    installation_id: str
    at: int
    campaign_id: int | None = None
    send: str | None = None
    version: str | None = None
    opted_in: bool = True
    cause: Cause | None = None
    platform: str | None = None
    language: str | None = None


class DayRow(msgspec.Struct, frozen=True):
    """The counters of one campaign on one UTC day, for one version (None on a plain campaign).

    ``day`` counts days since 1970-01-01.
    """

    campaign_id: int
    day: int
    version: str | None
    sent: int = 0
    sent_optins: int = 0
    direct_open: int = 0
    influenced_open: int = 0
    reengaged: int = 0
    errors: int = 0


COUNTERS = DayRow.__struct_fields__[3:]
"""The names of the counters, in the order of the documented answers."""

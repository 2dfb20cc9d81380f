"""What the middle of the program needs from outside, as domain verbs. Adapters live in ``storage/``.

One contract suite per port (``tests/contracts``) runs on every adapter.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from enum import StrEnum
from typing import Any, NamedTuple, Protocol

import msgspec
import numpy as np
from numpy.typing import NDArray

from openrate.conditions import Selection
from openrate.model import (
    App,
    Audience,
    Campaign,
    CampaignRef,
    Cause,
    Company,
    DayRow,
    Fact,
    FactType,
    Installation,
    Message,
    Platform,
    ProviderName,
    RestKey,
    Rule,
    Scope,
    Send,
    Sender,
    SendState,
)

Progress = Callable[[int, int], None]
"""Called with (done, total) as long work advances; the unit is facts."""


class Clock(Protocol):
    """The present, so that tests can choose it."""

    def now(self) -> int:
        """Milliseconds since 1970, UTC."""


class SystemClock:
    """The machine's clock."""

    def now(self) -> int:
        """Milliseconds since 1970, UTC."""
        return time.time_ns() // 1_000_000


class Kind(NamedTuple):
    """What a fact says beside whose and when; a batch of thousands has a handful of kinds.

    ``campaign_id`` is 0 where it is about no campaign; ``send`` is None on an app_open, an installed, and a
    push_open that names no send.
    """

    type: FactType
    campaign_id: int = 0
    send: str | None = None
    version: str | None = None
    opted_in: bool = True
    cause: Cause | None = None
    platform: str | None = None
    language: str | None = None


class FactColumns(msgspec.Struct, frozen=True, eq=False):
    """A batch of accepted facts of one app and one world, by column, so that work goes set by set.

    ``kind`` holds positions in ``kinds``; it, ``installations`` and ``ats`` have one entry per fact.
    """

    kinds: Sequence[Kind]
    kind: NDArray[np.int64]
    installations: Sequence[str]
    ats: NDArray[np.int64]

    def __len__(self) -> int:
        """How many facts."""
        return len(self.installations)

    @classmethod
    def together(cls, parts: Sequence[FactColumns]) -> FactColumns:
        """Several batches as one."""
        if len(parts) == 1:
            return parts[0]
        offsets = np.cumsum([0, *(len(part.kinds) for part in parts)]).tolist()
        return cls(
            [kind for part in parts for kind in part.kinds],
            np.concatenate([part.kind + offset for part, offset in zip(parts, offsets, strict=False)]),
            [name for part in parts for name in part.installations],
            np.concatenate([part.ats for part in parts]),
        )

    @classmethod
    def of(cls, facts: Sequence[Fact]) -> FactColumns:
        """Turn facts into columns."""
        numbers: dict[Kind, int] = {}
        kind = [numbers.setdefault(_kind(f), len(numbers)) for f in facts]
        ats = np.array([f.at for f in facts], np.int64)
        return cls(list(numbers), np.array(kind, np.int64), [f.installation_id for f in facts], ats)


def _kind(f: Fact) -> Kind:
    return Kind(f.type, f.campaign_id or 0, f.send, f.version, f.opted_in, f.cause, f.platform, f.language)


class Push(NamedTuple):
    """One message to one installation.

    ``key`` is the caller's own name for it. ``token`` is where to: what the platform gave, for browsers the
    push subscription as JSON.
    """

    key: int
    token: str
    message: Message


class Result(StrEnum):
    """What became of a push, in the order of how bad it is."""

    SENT = "sent"
    RETRY = "retry"
    """Not now: the provider is busy or away."""
    GONE = "gone"
    """The token is of no use any more."""
    REFUSED = "refused"
    """This message cannot be sent to this token; another try would end the same."""
    HELD = "held"
    """Nothing can be sent for this app, for instance because its credentials are refused."""


class Verdict(NamedTuple):
    """A provider's answer in our words.

    Attributes:
        result: what became of the push.
        cause: for the ``push_error`` that is reported when this is the end of it.
        reason: a sentence for the operator, without tokens or keys.
        retry_after: seconds the provider asked to wait.
    """

    result: Result
    cause: Cause | None = None
    reason: str = ""
    retry_after: float | None = None


class Provider(Protocol):
    """The way to the devices of one app in one world. One thread uses it.

    A push is never lost: each that was started comes out of ``finished`` once, also when nobody answered.
    """

    def start(self, pushes: Sequence[Push]) -> None:
        """Begin to send. Returns at once; how many are under way at a time is the caller's to bound."""

    def finished(self, wait: float) -> list[tuple[Push, Verdict]]:
        """What came to an end since the last call; waits up to ``wait`` seconds when nothing has."""

    def close(self) -> None:
        """Hang up; what was under way is forgotten."""


class CredentialStore(Protocol):
    """Where the sealed credentials of apps lie. Every method is one transaction."""

    def get(self, app_id: int) -> bytes | None:
        """What was put last for an app."""

    def put(self, app_id: int, provider: ProviderName, sealed: bytes, at: int) -> None:
        """Store, instead of what was there; ``at`` in milliseconds since 1970."""

    def remove(self, app_id: int) -> bool:
        """Forget; False when there was nothing."""


class Difference(NamedTuple):
    """A row on which the stored numbers and a recomputation disagree."""

    stored: DayRow
    recomputed: DayRow


NEVER = -(1 << 60)
"""Where a moment is a number in an array: there is none. It is before every moment that can be written."""


class OpenTimes(NamedTuple):
    """When installations were first seen and opened, by position, in milliseconds since 1970, or NEVER.

    Opens are O(i) of ``metrics.md``; an installation is first seen with its first ``installed`` or open.
    """

    first_seen: NDArray[np.int64]
    first_open: NDArray[np.int64]
    last_open: NDArray[np.int64]


class Opens(Protocol):
    """What was known of the opens of one app and one world at one moment. One thread uses it at a time."""

    def of(self, installation_ids: Sequence[str]) -> OpenTimes:
        """Of these installations; NEVER for those that nothing is known of."""


class Selected(NamedTuple):
    """Some of the installations that were selected, ascending by id."""

    installation_ids: list[str]
    opted_in: NDArray[np.bool_]


class EventLog(Protocol):
    """The facts, for good, and the day rows derived from them.

    Every method is safe to call from any thread.
    """

    def append(self, app_id: int, dev: bool, facts: FactColumns, *, is_awaited: bool = True) -> Future[None]:
        """Store facts. The future is done when they are durable, or carries StoreFull or StoreError.

        Concurrent callers share one commit, and may share one future: nobody may cancel it. Repeats change
        nothing in any statistic. Facts of the development world (``dev``) are kept apart and are in no statistic.
        While little arrives, who is told that facts are stored finds them in the statistics; a caller who will not
        look (``is_awaited`` false) does not wait for that.
        """

    def rows(self, campaign_id: int) -> Sequence[DayRow]:
        """The day rows of a campaign, ascending by day, then version. Includes rows that are all zeros never."""

    def changed(self, campaign_id: int) -> int:
        """A number that grows whenever ``rows(campaign_id)`` may have changed: what a cache is keyed by."""

    def rule(self, app_id: int) -> Rule:
        """The rule that made the rows which answer now; it may lag behind the company's while they are remade."""

    def settle(self) -> None:
        """Wait until every fact durable at the moment of the call is in the rows."""

    def set_rule(self, app_ids: Sequence[int], rule: Rule, progress: Progress | None = None) -> None:
        """Make the rows of these apps anew under ``rule``; until they are ready the old rows answer, whole."""

    def rebuild(self, progress: Progress | None = None) -> int:
        """Drop everything derived and make it again from the facts; returns the number of facts read."""

    def verify(self, progress: Progress | None = None) -> list[Difference]:
        """Recompute every row with the reference, in bounded memory, and return what differs. None may."""

    def facts(
        self, app_id: int | None = None, campaign_id: int | None = None, installation_id: str | None = None
    ) -> Iterator[Fact]:
        """Stream stored facts of the live world, in order of arrival, repeats included."""

    def opens(self, app_id: int, dev: bool) -> Opens:
        """When the installations of an app and a world opened, by everything that is durable now.

        Reads all facts of the app: about a second for ten million.
        """

    def sent_often(self, app_id: int, dev: bool, campaign_id: int, often: int) -> set[str]:
        """The installations that a campaign was sent to at least so often (sends, not reports), durably so far."""

    def counts(self) -> dict[str, int]:
        """Figures for operators: facts, attributed facts, installations, orphans, hot facts."""

    def check(self) -> None:
        """Raise StoreError, with the reason, when facts cannot be stored now."""

    def close(self) -> None:
        """Finish what was accepted, then let go of the file."""


class Records(Protocol):
    """Companies, apps, keys, campaigns, installations: everything that is not a fact.

    Every method is one transaction and safe to call from any thread. Names are unique as said.
    """

    def company(self, name: str) -> Company | None:
        """The company of that name, if there is one."""

    def companies(self) -> list[Company]:
        """Every company, by name."""

    def company_of(self, app: App) -> Company:
        """The company that an app belongs to; answers from memory."""

    def create_company(self, name: str, rule: Rule) -> Company:
        """Make a company; raises OpenrateError when there is one of that name."""

    def set_rule(self, company_id: int, rule: Rule) -> None:
        """Set the attribution windows."""

    def create_app(  # noqa: PLR0913 - a row has this many columns
        self, company_id: int, name: str, platform: Platform, sender: Sender, live: str, dev: str, sdk: str
    ) -> App:
        """Make an app with its three keys; raises OpenrateError when its company has one of that name on it."""

    def set_app(self, app_id: int, sender: Sender, send_rate: int | None) -> None:
        """Set who sends for an app, and how many messages a minute our sender may send for it (None: no limit)."""

    def apps(self, company_id: int | None = None) -> list[App]:
        """Every app (of a company), by company and name."""

    def app_by_key(self, key: str) -> App | None:
        """The app that a Live, Dev or SDK key names; answers from memory, for an unknown key too."""

    def add_key(self, company_id: int, hashed: bytes, scope: Scope, at: int) -> RestKey:
        """Store the SHA-256 of a new REST key."""

    def keys(self, company_id: int) -> list[tuple[bytes, RestKey]]:
        """The REST keys of a company with their hashes, revoked ones included, oldest first; from memory."""

    def revoke_key(self, company_id: int, key_id: int, at: int) -> bool:
        """Revoke a key of that company; False when it has none of that id."""

    def create_campaign(  # noqa: PLR0913 - a row has this many columns
        self,
        app_id: int,
        token: str,
        parameters: dict[str, Any],
        *,
        has_versions: bool,
        dev_only: bool,
        at: int,
        was_live: bool,
        next_due_at: int | None = None,
    ) -> Campaign:
        """Store a new campaign."""

    def campaign(self, app_id: int, token: str) -> Campaign | None:
        """A campaign of that app, deleted ones included; from memory if it was asked for lately.

        The parameters are shared with whoever asks next: they are not to be changed.
        """

    def campaign_refs(self, app_id: int, tokens: Sequence[str]) -> dict[str, CampaignRef]:
        """Those of ``tokens`` that are campaigns of that app, in whatever state, deleted ones included.

        Answers from memory what it answered lately; what it does not know costs no memory.
        """

    def campaign_tokens(self, app_id: int) -> dict[int, str]:
        """The token of each campaign of that app by its id, in whatever state, deleted ones included."""

    def update_campaign(
        self, app_id: int, token: str, change: Callable[[Campaign], Campaign]
    ) -> Campaign | None:
        """Read, change and write a campaign in one transaction; None when there is none or it is deleted."""

    def delete_campaign(self, app_id: int, token: str, at: int) -> bool:
        """Mark as deleted; False when there is none, or it was deleted before."""

    def campaigns(  # noqa: PLR0913 - three filters and a page
        self,
        app_id: int,
        offset: int,
        limit: int,
        *,
        live: bool | None = None,
        from_api: bool | None = None,
        include_dev: bool = True,
    ) -> list[Campaign]:
        """A page of an app's campaigns, newest first by creation, without deleted ones."""

    def installation(self, app_id: int, dev: bool, installation_id: str) -> Installation | None:
        """One installation."""

    def put_installation(self, installation: Installation, at: int) -> bool:
        """Insert or replace; a push token belongs to the installation that gave it last. True when it is new.

        A token is one within its app and world. An id that was removed comes back with a token version above
        every one it had.
        """

    def delete_installation(self, app_id: int, dev: bool, installation_id: str) -> bool:
        """Remove one; False when it is unknown. Its token version is remembered, so old tokens stay void."""

    def put_installations(self, batch: Sequence[Installation], at: int) -> None:
        """Insert or replace several of one app and one world, with distinct ids, as ``put_installation`` does."""

    def installations(
        self, app_id: int, dev: bool, installation_ids: Sequence[str]
    ) -> dict[str, Installation]:
        """Those of ``installation_ids`` that there are, by id."""

    def select(self, selection: Selection, opens: Callable[[], Opens], after: str = "") -> Iterator[Selected]:
        """The installations of a selection, ascending by id, in parts of up to some thousand.

        Each part is a transaction of its own: what changes meanwhile may be seen or not. Who stopped goes on
        behind the last id that was given. Parts that would be empty are left out.

        Args:
            selection: which.
            opens: asked once, and only if a condition is about facts.
            after: only ids that come after this one, byte by byte.
        """

    def put_audience(
        self, app_id: int, dev: bool, name: str, installation_ids: Sequence[str], at: int
    ) -> Audience:
        """Make or replace a named list of installations; ids that are there twice count once."""

    def audiences(self, app_id: int, dev: bool) -> list[Audience]:
        """The named lists of an app and a world, by name."""

    def delete_audience(self, app_id: int, dev: bool, name: str) -> bool:
        """Remove a list; False when there is none of that name."""

    def secret(self, name: str, make: Callable[[], bytes]) -> bytes:
        """A secret of this server by name, made at first use (the signing key of installation tokens)."""

    def replace_secret(self, name: str, value: bytes) -> None:
        """Rotate a secret."""

    def close(self) -> None:
        """Let go of the database."""


class Recipient(NamedTuple):
    """What sending needs of an installation."""

    push_token: str | None
    language: str | None
    opted_in: bool


class Attempt(NamedTuple):
    """A push to one recipient that was begun, and of which no end is written down.

    Attributes:
        at: when it was begun, in milliseconds since 1970: the ``at`` of the fact, if it succeeds.
        tries: how many there were before.
        not_before: when the next try may begin, in milliseconds since 1970; 0: this one is under way.
    """

    at: int
    tries: int = 0
    not_before: int = 0


class Chunk(NamedTuple):
    """Some recipients of a send and how far they are: what one worker works through at a time.

    Attributes:
        installations: ids.
        outcomes: one byte for each: 0 while it is open, else what the worker chose to write.
        attempts: those under way or waiting for another try, by position.
    """

    send: int
    number: int
    installations: list[str]
    outcomes: bytes
    attempts: dict[int, Attempt]


class SendTally(NamedTuple):
    """What a step adds to the counts of a send."""

    sent: int = 0
    errors: int = 0
    skipped: int = 0


class Sends(Protocol):
    """What is to be sent, to whom, and how far that is: written down before it is done.

    Every method is one transaction, durable when it returns, and safe to call from any thread.
    """

    def due(self, now: int) -> list[tuple[int, str]]:
        """App and token of the live campaigns whose next send is due; ``now`` in milliseconds since 1970."""

    def add(self, sends: Sequence[Send]) -> None:
        """Write down sends; one that is there already (campaign, send, wave) stays as it is. Ids are given here."""

    def open(self) -> list[Send]:
        """Those that are not finished, by due time."""

    def of(self, campaign_id: int) -> list[Send]:
        """All sends of a campaign, by due time."""

    def add_chunks(self, send: int, first: int, chunks: Sequence[Sequence[str]]) -> None:
        """Write down recipients of a send that is being selected, numbered from ``first``.

        Chunks of these numbers are replaced.
        """

    def begin(self, send: int, chunks: int, recipients: int) -> None:
        """The selection is complete: it has so many chunks, and chunks beyond that are dropped."""

    def taken(self, campaign_id: int, send_id: str, wave: int) -> set[str]:
        """Who was selected in the waves of an occurrence before this one."""

    def claim(self, send: int, worker: str, now: int, until: int) -> Chunk | None:
        """A chunk that is not done, for this worker alone until then (ms); None when there is none."""

    def release(self) -> None:
        """End all leases: those who had them are known to be dead."""

    def write(self, chunk: Chunk, worker: str, until: int, tally: SendTally, *, is_done: bool) -> bool:
        """Write down how far a chunk is, and keep the lease until then; False when it was lost."""

    def explain(self, send: int, reason: str | None) -> None:
        """Say why a send waits, or that it does not."""

    def finish(self, send: int, state: SendState, at: int) -> bool:
        """It is over; False when it is to be done, and a chunk of it is not.

        Its recipients are kept: later waves of the same occurrence leave them out.
        """

    def uncompleted(self) -> list[tuple[int, str]]:
        """App and token of the campaigns that we send, whose sends are all finished, and of which nothing says so."""

    def forget(self, before: int) -> None:
        """Drop the recipients of what was finished before then (milliseconds since 1970)."""

    def recipients(self, app_id: int, dev: bool, installations: Sequence[str]) -> dict[str, Recipient]:
        """What is known of these installations now."""

    def retire_tokens(self, app_id: int, dev: bool, tokens: Sequence[tuple[str, str]]) -> None:
        """Take the push token from each of these installations, if it still is that one."""

"""What is to be sent, to whom, and how far that is."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, Protocol

from openrate.model import Send, SendState


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


class Journal(NamedTuple):
    """What is to be written down of a claimed chunk.

    Attributes:
        chunk: how far it is.
        tally: what has happened since it was written down last.
        is_done: whether every recipient has come to an end.
        lease_until: until when nobody else may claim it, in milliseconds since 1970; 0: it is given back.
    """

    chunk: Chunk
    tally: SendTally
    is_done: bool
    lease_until: int


class Sends(Protocol):
    """What is to be sent, to whom, and how far that is: written down before it is done.

    Every method is one transaction, durable when it returns, safe to call from any thread, and raises StoreError
    when the store does not answer or is full: then nothing was changed.
    """

    def due(self, now: int) -> list[tuple[int, str]]:
        """App and token of the live campaigns whose next send is due; ``now`` in milliseconds since 1970."""

    def add(self, sends: Sequence[Send]) -> None:
        """Write down sends; one that is there already (campaign, send, wave) stays as it is. Ids are given here."""

    def open(self, app_ids: Sequence[int] | None = None) -> list[Send]:
        """Those that are not finished, by due time; only of these apps, unless that is None."""

    def of(self, campaign_id: int) -> list[Send]:
        """All sends of a campaign, by due time."""

    def under_way(self, campaign_id: int) -> list[Send]:
        """Every wave of those occurrences of a campaign of which one is not finished, by due time."""

    def add_chunks(self, send: int, first: int, chunks: Sequence[Sequence[str]]) -> None:
        """Write down recipients of a send that is being selected, numbered from ``first``.

        Chunks of these numbers are replaced.
        """

    def begin(self, send: int, chunks: int, recipients: int) -> None:
        """The selection is complete: it has so many chunks, and chunks beyond that are dropped."""

    def taken(self, campaign_id: int, send_id: str, wave: int) -> set[str]:
        """Who was selected in the waves of an occurrence before this one."""

    def pending(self, campaign_id: int) -> list[str]:
        """Who is to get what is being sent of a campaign and has come to no end yet; once for each send."""

    def claim(self, send: int, worker: str, now: int, until: int) -> Chunk | None:
        """A chunk that is not done, for this worker alone until then (ms); None when there is none."""

    def release(self, worker: str) -> None:
        """End the leases of a worker that is known to be dead."""

    def write(self, worker: str, journals: Sequence[Journal]) -> list[bool]:
        """Write down how far chunks are; False for each whose lease was lost to another worker."""

    def explain(self, send: int, reason: str | None) -> None:
        """Say why a send waits, or that it does not."""

    def finish(self, send: int, state: SendState, at: int, reason: str | None = None) -> bool:
        """It is over; False when it was over before, or is to be done and a chunk of it is not.

        Its recipients are kept until ``forget``: later waves of the same occurrence leave them out.
        """

    def uncompleted(self) -> list[tuple[int, str]]:
        """App and token of the campaigns that we send, whose sends are all finished, and of which nothing says so."""

    def finished(self, before: int) -> list[Send]:
        """Those that were finished before then (milliseconds since 1970) and whose recipients are kept."""

    def forget(self, sends: Sequence[int]) -> None:
        """Drop the recipients of these."""

    def recipients(self, app_id: int, dev: bool, installations: Sequence[str]) -> dict[str, Recipient]:
        """What is known of these installations now."""

    def retire_tokens(self, app_id: int, dev: bool, tokens: Sequence[tuple[str, str]]) -> None:
        """Take the push token from each of these installations, if it still is that one."""

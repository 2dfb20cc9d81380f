"""The facts, for good, and the day rows derived from them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future
from typing import NamedTuple, Protocol

import msgspec
import numpy as np
from numpy.typing import NDArray

from openrate.model import HOUR_MS, Cause, DayRow, Fact, FactType, Rule

Progress = Callable[[int, int], None]
"""Called with (done, total) as long work advances; the unit is facts."""


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


ByApp = Sequence[tuple[int, FactColumns]]
"""Facts by app id."""


def _kind(f: Fact) -> Kind:
    return Kind(f.type, f.campaign_id or 0, f.send, f.version, f.opted_in, f.cause, f.platform, f.language)


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


class HourRow(NamedTuple):
    """What happened in one hour of a campaign, of one version; an hour without any of it has no row.

    A delivery counts in the hour of its T, an open in the hour of the tap or open that makes it one: a direct open
    at the first tap that belongs to the delivery, not before T. Hour 0 begins at ``Inspection.began_at``.
    """

    hour: int
    version: str | None
    sent: int
    direct_open: int
    influenced_open: int


class Inspection(NamedTuple):
    """What the stored facts about a campaign are like, beside its day rows; live world, but for ``dev_facts``.

    Attributes:
        began_at: T of its first sent delivery; None without one.
        hours: ascending by hour, then version.
        errors: deliveries that failed, by the cause that counts (``metrics.md``, "Identity").
        facts: how many reports and taps there are, repeats included.
        repeats: how many of them say nothing that another does not say: they change nothing.
        several_reports: deliveries of which there are reports that differ.
        late: facts that arrived after a fact about this campaign that is later by more than an hour.
        orphans: taps, without repeats, whose delivery nobody reported as sent.
        fallbacks: taps, without repeats, that name a send which was not sent and belong to another by their time.
        dev_facts: facts of development builds about it, which are in no statistic.
    """

    began_at: int | None
    hours: list[HourRow]
    errors: dict[Cause, int]
    facts: int
    repeats: int
    several_reports: int
    late: int
    orphans: int
    fallbacks: int
    dev_facts: int


LATE_MS = HOUR_MS
"""By how much a fact that arrived before is later than one that is late."""


class Behind(NamedTuple):
    """Facts that are stored and not in the rows yet: how many, and how long the oldest of them is, in ms."""

    facts: int
    oldest_ms: int


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

    def totals(self, campaign_id: int) -> Mapping[str, int]:
        """The sum of the day rows of a campaign, by counter; zeros when there is none. Costs a look-up."""

    def changed(self, campaign_id: int | None = None) -> int:
        """A number that grows whenever there is a fact about the campaign more, or its rows have changed.

        It is what a cache is keyed by. Without a campaign: of all campaigns together.
        """

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
        """Stream stored facts of the live world, in order of arrival, repeats included.

        Those of an app's installation come fast: in milliseconds, and not after a search through all facts.
        """

    def inspect(self, campaign_id: int, hours: int = 72) -> Inspection:
        """What the facts about a campaign are like that are in its rows now; ``hours``: how many are counted.

        Reads the facts about the campaign, and the opens of those it was sent to in these hours and the influence
        window after them: 20 to 50 ms for an ordinary campaign, about a second for a million deliveries.
        """

    def opens(self, app_id: int, dev: bool) -> Opens:
        """When the installations of an app and a world opened, by everything that is durable now.

        Reads all facts of the app: about a second for ten million.
        """

    def sent_often(self, app_id: int, dev: bool, campaign_id: int, often: int) -> set[str]:
        """The installations that a campaign was sent to at least so often (sends, not reports), durably so far."""

    def behind(self, app_ids: Sequence[int]) -> Behind:
        """What is stored of these apps and not in the rows yet, or has got there just now; from memory."""

    def counts(self) -> dict[str, int]:
        """Figures for operators: facts, attributed facts, installations, orphans, hot facts."""

    def check(self) -> None:
        """Raise StoreError, with the reason, when facts cannot be stored now."""

    def close(self) -> None:
        """Finish what was accepted, then let go of the file."""

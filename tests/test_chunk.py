"""How far a chunk is: through answers of every kind, waiting, crashes and the end of its time to live."""

from __future__ import annotations

from collections.abc import Callable

from hypothesis import given, settings
from hypothesis import strategies as st

from openrate.delivery.chunk import ERROR, EVER, OPEN, SENT, SKIPPED, ChunkRun, End
from openrate.model import Cause
from openrate.ports.provider import Result, Verdict
from openrate.ports.sends import Attempt, Chunk, Recipient, SendTally

EXPIRES = 10_000_000
VERDICTS = st.sampled_from(
    [
        Verdict(Result.SENT),
        Verdict(Result.GONE, Cause.UNREGISTERED),
        Verdict(Result.REFUSED, Cause.PAYLOAD),
        Verdict(Result.RETRY, Cause.THROTTLED),
        Verdict(Result.RETRY, Cause.UNAVAILABLE, retry_after=3.0),
        Verdict(Result.HELD, Cause.OTHER),
    ]
)


def chunk(size: int) -> Chunk:
    return Chunk(1, 0, [f"i{number}" for number in range(size)], bytes(size), {})


def everyone(size: int) -> dict[str, Recipient]:
    return {f"i{number}": Recipient(f"t{number}", "en", True) for number in range(size)}


def run(size: int) -> ChunkRun:
    return ChunkRun(chunk(size))


def attempt(at: ChunkRun, most: int, now: int, known: dict[str, Recipient] | None = None) -> list[int]:
    begun, _ = at.begin(at.candidates(now, most), everyone(12) if known is None else known, now)
    return begun


def expire(
    at: ChunkRun, expires_at: int, known: dict[str, Recipient] | None = None
) -> tuple[list[End], SendTally]:
    return at.expire(at.candidates(EVER), everyone(12) if known is None else known, expires_at)


class Worker:
    """Works through a chunk, and is killed now and then. Facts may be stored before their ends are written down."""

    def __init__(self, size: int, known: dict[str, Recipient]) -> None:
        self.known = known
        self.run = ChunkRun(chunk(size))
        self.written = self.run.written()
        self.reported: dict[int, set[End]] = {}

    def turn(self, most: int, now: int, answer: Callable[[], Verdict], *, is_killed: bool) -> None:
        before = self.written.attempts
        positions = attempt(self.run, most, now, self.known)
        self.written = self.run.written()
        for position in positions:
            tried = before.get(position)
            again = tried is not None and not tried.not_before
            assert self.written.attempts[position].at == (before[position].at if again else now)
        ends = [end for at in positions if (end := self.run.answered(at, answer(), now, EXPIRES)) is not None]
        self.report(ends)
        if is_killed:
            self.run = ChunkRun(self.written)
        else:
            self.run.conclude(ends)
            self.written = self.run.written()

    def expire(self) -> None:
        ends, _ = expire(self.run, EXPIRES, self.known)
        self.report(ends)
        self.run.conclude(ends)

    def report(self, ends: list[End]) -> None:
        for end in ends:
            self.reported.setdefault(end.position, set()).add(end)


@settings(max_examples=300, deadline=None)
@given(data=st.data(), size=st.integers(1, 12))
def test_everyone_comes_to_one_end_whatever_the_answers_and_the_crashes(
    data: st.DataObject, size: int
) -> None:
    without = data.draw(st.sets(st.integers(0, size - 1)))
    worker = Worker(size, {name: who for name, who in everyone(size).items() if int(name[1:]) not in without})
    now = 1_000
    for _ in range(data.draw(st.integers(0, 30))):
        now += data.draw(st.integers(0, 400_000))
        is_killed = data.draw(st.integers(0, 9)) == 0
        worker.turn(data.draw(st.integers(0, 5)), now, lambda: data.draw(VERDICTS), is_killed=is_killed)
    worker.expire()
    assert worker.run.is_done
    done = worker.run.written()
    assert done.attempts == {}
    assert {at for at, outcome in enumerate(done.outcomes) if outcome == SKIPPED} == without
    assert set(worker.reported) == set(range(size)) - without
    for position, ends in worker.reported.items():
        assert done.outcomes[position] in {SENT, ERROR}
        if done.outcomes[position] == SENT:
            assert None in {end.cause for end in ends}


def test_an_attempt_whose_end_is_unknown_is_made_again_as_the_same_fact() -> None:
    before = run(3)
    assert attempt(before, 2, 1_000) == [0, 1]
    after = ChunkRun(before.written())
    assert attempt(after, 9, 5_000) == [0, 1, 2]
    assert [after.written().attempts[at].at for at in range(3)] == [1_000, 1_000, 5_000]
    assert after.answered(0, Verdict(Result.SENT), 6_000, EXPIRES) == End(0, 1_000, None)


def test_not_now_waits_as_long_as_was_asked_for_and_is_another_attempt() -> None:
    at = run(1)
    attempt(at, 1, 1_000)
    assert at.answered(0, Verdict(Result.RETRY, Cause.THROTTLED, "", 7.5), 1_100, EXPIRES) is None
    assert at.waits_until == 8_600
    assert attempt(at, 1, 8_599) == []
    assert attempt(at, 1, 8_600) == [0]
    assert at.written().attempts[0] == Attempt(8_600, 1)


def test_waits_grow_until_they_are_minutes() -> None:
    at, now, waits = run(1), 1_000, []
    for _ in range(12):
        attempt(at, 1, now)
        at.answered(0, Verdict(Result.RETRY, Cause.UNAVAILABLE), now, 1 << 50)
        following = at.waits_until
        assert following is not None
        waits.append(following - now)
        now = following
    assert 1_000 <= waits[0] <= 2_000
    assert 150_000 <= waits[-1] <= 300_000
    assert all(2_000 << tries >= wait >= min(1_000 << tries, 150_000) for tries, wait in enumerate(waits))


def test_no_try_begins_after_the_time_to_live() -> None:
    at = run(1)
    attempt(at, 1, 1_000)
    late = at.answered(0, Verdict(Result.RETRY, Cause.THROTTLED, "", 60.0), 1_100, 61_100)
    assert late == End(0, 1_000, Cause.THROTTLED)


def test_what_is_open_when_the_time_is_over_ends_as_expired_at_that_time() -> None:
    known = everyone(4)
    del known["i3"]
    at = ChunkRun(chunk(4))
    attempt(at, 2, 1_000, known)
    at.answered(0, Verdict(Result.RETRY, Cause.THROTTLED), 1_100, EXPIRES)
    ends, tally = expire(at, 50_000, known)
    assert sorted(ends) == [End(0, 1_000, Cause.EXPIRED), End(2, 50_000, Cause.EXPIRED)]
    assert tally.skipped == 1
    assert at.under_way == 1
    at.conclude(ends)
    assert at.written().outcomes == bytes([ERROR, OPEN, ERROR, SKIPPED])
    end = at.answered(1, Verdict(Result.SENT), 51_000, 50_000)
    assert end is not None
    at.conclude([end])
    assert at.is_done
    assert at.written().outcomes == bytes([ERROR, SENT, ERROR, SKIPPED])


def test_a_chunk_that_only_waits_says_until_when() -> None:
    at = run(2)
    assert at.waits_until is None
    attempt(at, 1, 1_000)
    at.answered(0, Verdict(Result.RETRY, Cause.THROTTLED, "", 5.0), 1_000, EXPIRES)
    assert at.waits_until is None, "there is somebody whom nobody tried to reach"
    attempt(at, 2, 1_000)
    assert at.waits_until is None, "a push is under way"
    at.answered(1, Verdict(Result.RETRY, Cause.THROTTLED, "", 3.0), 1_000, EXPIRES)
    assert at.waits_until == 4_000


def test_each_attempt_goes_to_the_token_of_its_moment() -> None:
    at = run(1)
    attempt(at, 1, 1_000, {"i0": Recipient("old", "en", True)})
    assert at.recipient(0) == Recipient("old", "en", True)
    at.answered(0, Verdict(Result.RETRY, Cause.THROTTLED, "", 1.0), 1_000, EXPIRES)
    attempt(at, 1, 3_000, {"i0": Recipient("new", "fr", True)})
    assert at.recipient(0) == Recipient("new", "fr", True)


def test_a_chunk_whose_last_open_recipient_ends_is_done_though_others_ended_before_a_restart() -> None:
    at = ChunkRun(Chunk(1, 0, ["i0", "i1"], bytes([OPEN, SENT]), {0: Attempt(5, 1, 10)}))
    assert attempt(at, 1, 20) == [0]
    end = at.answered(0, Verdict(Result.SENT), 30, EXPIRES)
    assert end is not None
    at.conclude([end])
    assert at.is_done


def test_a_wait_of_days_is_kept_to() -> None:
    at = run(1)
    attempt(at, 1, 1_000)
    at.answered(0, Verdict(Result.RETRY, Cause.THROTTLED, "", 200_000.0), 1_000, 1 << 50)
    assert at.waits_until == 200_001_000

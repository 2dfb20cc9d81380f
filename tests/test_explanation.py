"""What is said about the facts of an installation is what they count, and why."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contracts.worlds import CAMPAIGNS, DAY, HOUR, RULES, START, worlds
from openrate.attribution import statistics
from openrate.explanation import Effect, Explained, explain
from openrate.model import DAY_MS, Cause, DayRow, Fact, FactType, Rule

EVENING = 1_773_185_400_000
"""2026-03-10T23:30:00Z."""
DELIVERY = "the delivery of 10 March 2026 23:30 (send 2026-03-10)"
SENT = Fact(1, FactType.PUSH_SENT, "i", EVENING, 1, "2026-03-10")


def app_open(at: int) -> Fact:
    return Fact(1, FactType.APP_OPEN, "i", at)


def installed(at: int) -> Fact:
    return Fact(1, FactType.INSTALLED, "i", at)


def tap(at: int, send: str | None = None, campaign: int = 1) -> Fact:
    return Fact(1, FactType.PUSH_OPEN, "i", at, campaign, send)


def error(at: int, cause: Cause) -> Fact:
    return Fact(1, FactType.PUSH_ERROR, "i", at, 1, "2026-03-10", cause=cause)


def about(fact: Fact, *others: Fact, **rule: Any) -> str:
    """What is said for the campaign of one fact among others."""
    explained = explain([fact, *others], 1, Rule(**rule))
    return " ".join(next(one for one in explained if one.fact == fact).for_campaign)


def counted(explained: list[Explained]) -> Counter[tuple[int, str | None, str]]:
    return Counter(
        (effect.delivery.at // DAY_MS, effect.delivery.version, effect.counter)
        for one in explained
        for effect in one.effects
    )


def test_the_first_tap_is_the_direct_open_and_others_are_told_of_it() -> None:
    first, second = tap(EVENING + 9 * HOUR), tap(EVENING + 10 * HOUR)
    assert about(first, SENT, second) == f"Direct open of {DELIVERY}."
    assert about(second, SENT, first).startswith(f"One more tap on {DELIVERY}.")
    soon = app_open(EVENING + HOUR // 6)
    assert about(soon, SENT, first) == f"10 min after {DELIVERY}, which is a direct open: nothing more."


def test_a_millisecond_too_late_is_told_as_such() -> None:
    assert about(app_open(EVENING + 3 * HOUR), SENT) == f"Influenced open of {DELIVERY}: 3 h after it."
    late = about(app_open(EVENING + 3 * HOUR + 1), SENT)
    assert late == f"3 h 0 min 0.001 s after {DELIVERY}: 1 ms too late for influenced."
    assert "2 h too late" in about(app_open(EVENING + 5 * HOUR), SENT)


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        ([], "Not inactive: it had not been seen before."),
        ([installed(EVENING + 1)], "Not inactive: it had not been seen before."),
        ([app_open(EVENING - 12 * DAY)], "Not inactive: first seen 12 days before, and it takes 30 days."),
        (
            [installed(EVENING - 60 * DAY), tap(EVENING - 12 * DAY, campaign=9)],
            "Not inactive: opened 12 days before.",
        ),
        (
            [installed(EVENING - 60 * DAY), app_open(EVENING - 30 * DAY + 1)],
            "Not inactive: opened 29 days 23 h 59 min 59.999 s before.",
        ),
        ([app_open(EVENING - 49 * DAY - HOUR)], "Inactive: opened last 49 days 1 h before."),
        ([installed(EVENING - 60 * DAY)], "Inactive: not opened since it was first seen, 60 days before."),
    ],
)
def test_a_delivery_says_whether_the_installation_was_inactive_and_why(
    facts: list[Fact], expected: str
) -> None:
    said = about(SENT, *facts)
    assert said.startswith(f"Sent: {DELIVERY}. Opted in. {expected}")


def test_somebody_who_comes_back_is_re_engaged() -> None:
    back = app_open(EVENING + 33 * HOUR)
    said = about(back, SENT, app_open(EVENING - 49 * DAY))
    assert said == f"Re-engaged by {DELIVERY}: 1 day 9 h after it, and it was inactive then."
    assert "Not tapped, and not opened within 3 h." in about(SENT, back)


def test_reports_that_do_not_count_say_which_one_does() -> None:
    failed = error(EVENING - 1, Cause.THROTTLED)
    assert about(failed) == "An error: the delivery of 10 March 2026 23:29 (send 2026-03-10) failed."
    assert about(failed, SENT) == "It does not count: another report says that this push was sent."
    later = Fact(1, FactType.PUSH_SENT, "i", EVENING + HOUR, 1, "2026-03-10")
    assert (
        about(later, SENT)
        == "It does not count: of several reports the earliest does, of 10 March 2026 23:30."
    )
    same = Fact(1, FactType.PUSH_SENT, "i", EVENING, 1, "2026-03-10", platform="ios")
    assert (
        about(same, SENT) == "It does not count: another report of the same moment comes before it in order."
    )


def test_taps_say_how_they_found_their_delivery_or_that_there_is_none() -> None:
    assert about(tap(EVENING)).startswith("An orphan: no delivery of this campaign")
    assert about(tap(EVENING + 1, "lost"), SENT).startswith(
        f"Direct open of {DELIVERY}. It names the send lost, which was not sent, so its time decides."
    )
    assert "1 h earlier, as of a clock that runs behind" in about(tap(EVENING - HOUR), SENT)


def test_a_repeat_says_that_it_is_one_and_another_campaign_that_it_is_another() -> None:
    again, foreign = explain([SENT, SENT, tap(EVENING + 1, campaign=2)], 1, Rule())[1:]
    assert (again.general, again.for_campaign) == ("A repeat of another report: it changes nothing.", [])
    assert foreign.general.startswith(
        "A push was tapped, which opens the app. It was about another campaign."
    )
    assert foreign.for_campaign == [f"Influenced open of {DELIVERY}: 1 ms after it."]


def test_the_windows_of_the_company_are_those_that_are_named() -> None:
    assert "Not tapped, and not opened within 1 min." in about(SENT, influence_window=60)
    assert "it takes 1 day." in about(SENT, app_open(EVENING - 1), inactive_after=86400)


@settings(max_examples=300, deadline=None)
@given(world=worlds, data=st.data())
def test_what_is_said_of_all_installations_adds_up_to_the_day_rows(
    world: list[Fact], data: st.DataObject
) -> None:
    arriving = data.draw(st.permutations(world + world[:5]))
    expected = statistics(world, RULES)
    for campaign, (app_id, _) in CAMPAIGNS.items():
        total: Counter[tuple[int, str | None, str]] = Counter()
        for name in {f.installation_id for f in world}:
            theirs = [f for f in arriving if (f.app_id, f.installation_id) == (app_id, name)]
            explained = explain(theirs, campaign, RULES[app_id])
            assert sorted(one.fact.at for one in explained) == sorted(f.at for f in theirs)
            total += counted(explained)
            assert all(
                _is_possible(one.fact, effect, RULES[app_id]) for one in explained for effect in one.effects
            )
        rows = [row for key, row in expected.items() if key[0] == campaign]
        assert total == +_by_counter(rows)


def _is_possible(fact: Fact, effect: Effect, rule: Rule) -> bool:
    after = fact.at - effect.delivery.at
    match effect.counter:
        case "direct_open":
            return fact.type is FactType.PUSH_OPEN and fact.campaign_id == effect.delivery.campaign_id
        case "influenced_open":
            return 0 < after <= rule.influence_window * 1000
        case "reengaged":
            return 0 < after <= rule.reengage_window * 1000
        case _:
            return fact.send == effect.delivery.send and after == 0


def _by_counter(rows: list[DayRow]) -> Counter[tuple[int, str | None, str]]:
    counters = DayRow.__struct_fields__[3:]
    return Counter({(row.day, row.version, name): getattr(row, name) for row in rows for name in counters})


def test_the_worked_example_is_explained() -> None:
    assert START % DAY == 0
    facts = [SENT, app_open(EVENING + HOUR // 6), tap(EVENING + 9 * HOUR + HOUR // 2)]
    effects = [[effect.counter for effect in one.effects] for one in explain(facts, 1, Rule())]
    assert effects == [["sent", "sent_optins"], [], ["direct_open"]]

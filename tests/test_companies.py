"""Companies and their keys: made in the forms of the interface, shown once, checked alike for everyone."""

from __future__ import annotations

import hashlib
import hmac
import re
from contextlib import suppress

import pytest
from msgspec.structs import replace

from contracts.memory_records import MemoryRecords
from openrate import companies
from openrate.companies import Access, Made
from openrate.errors import ApiMisuse, AuthenticationInvalid, OpenrateError, UsageError
from openrate.model import By, Platform, Rule, Scope, Sender

MINUTE, HOUR, DAY = 60, 3600, 86400
BY, LATER = By("ada@example.com", 1000), By("ada@example.com", 2000)


@pytest.fixture
def records() -> MemoryRecords:
    return MemoryRecords()


def create(
    records: MemoryRecords, company: str = "Acme", name: str = "shop", platform: Platform = Platform.IOS
) -> Made:
    return companies.create_app(records, company, name, platform, Sender.EXTERNAL, BY)


def full_key(made: Made) -> str:
    assert made.rest_key is not None
    return made.rest_key


# Making


def test_keys_have_the_forms_of_the_interface(records: MemoryRecords) -> None:
    for number in range(20):
        made = create(records, f"company {number}")
        assert re.fullmatch(r"[0-9a-f]{32}", full_key(made))
        assert re.fullmatch(r"[0-9A-F]{30}", made.app.live_key)
        assert re.fullmatch(r"DEV[0-9A-F]{27}", made.app.dev_key)
        assert re.fullmatch(r"[0-9A-F]{32}", made.app.sdk_key)


def test_no_two_keys_are_alike(records: MemoryRecords) -> None:
    made = [create(records, f"company {number}") for number in range(20)]
    keys = [key for m in made for key in (m.rest_key, m.app.live_key, m.app.dev_key[3:], m.app.sdk_key)]
    assert len(set(keys)) == 80


def test_a_new_company_has_the_default_windows_and_one_full_key(records: MemoryRecords) -> None:
    made = create(records)
    company = records.company("Acme")
    assert company is not None
    assert company.rule == Rule(3 * HOUR, 3 * DAY, 30 * DAY)
    [(hashed, key)] = records.keys(company.id)
    assert (key.scope, key.created_at, key.revoked_at) == (Scope.FULL, 1000, None)
    assert hashed == hashlib.sha256(full_key(made).encode()).digest()


def test_a_company_of_that_name_is_reused_and_its_key_stays_hidden(records: MemoryRecords) -> None:
    first = create(records)
    second = create(records, name="news")
    assert second.app.company_id == first.app.company_id
    assert second.rest_key is None
    assert len(records.keys(first.app.company_id)) == 1


def test_an_app_says_who_sends(records: MemoryRecords) -> None:
    made = companies.create_app(records, "Acme", "shop", Platform.WEB, Sender.OPENRATE, BY)
    assert (made.app.platform, made.app.sender) == (Platform.WEB, Sender.OPENRATE)


def test_an_app_that_is_there_already_is_refused(records: MemoryRecords) -> None:
    create(records)
    with pytest.raises(OpenrateError, match="shop"):
        create(records)
    create(records, platform=Platform.ANDROID)
    assert len(records.apps()) == 2


@pytest.mark.parametrize("name", ["", " ", " x", "x ", "a\nb", "\x00", "\u202e", "x" * 101, "\udc80"])
def test_a_name_that_cannot_be_used_makes_nothing(records: MemoryRecords, name: str) -> None:
    with pytest.raises(UsageError, match="company"):
        create(records, company=name)
    with pytest.raises(UsageError, match="app"):
        create(records, name=name)
    assert records.companies() == []


@pytest.mark.parametrize("name", ["x", "x" * 100, "Café Zürich & Co.", "日本", "🌷"])
def test_names_are_in_any_language(records: MemoryRecords, name: str) -> None:
    assert create(records, name, name).app.name == name


# Windows


@pytest.mark.parametrize(
    "rule",
    [
        Rule(MINUTE, HOUR, DAY),
        Rule(7 * DAY, 7 * DAY, 365 * DAY),
        Rule(HOUR, HOUR, 30 * DAY),
    ],
)
def test_windows_are_taken_up_to_the_ends_of_their_ranges(records: MemoryRecords, rule: Rule) -> None:
    company = records.create_company("Acme", Rule())
    companies.set_rule(records, company.id, rule, BY)
    assert records.companies()[0].rule == rule


@pytest.mark.parametrize(
    ("changed", "name"),
    [
        ({"influence_window": MINUTE - 1}, "influence_window"),
        ({"influence_window": 3 * DAY + 1}, "influence_window"),
        ({"reengage_window": HOUR - 1}, "reengage_window"),
        ({"reengage_window": 7 * DAY + 1}, "reengage_window"),
        ({"inactive_after": DAY - 1}, "inactive_after"),
        ({"inactive_after": 365 * DAY + 1}, "inactive_after"),
        ({"influence_window": -1}, "influence_window"),
        ({"reengage_window": 2 * HOUR}, "influence_window"),
    ],
)
def test_a_window_out_of_its_range_changes_nothing(
    records: MemoryRecords, changed: dict[str, int], name: str
) -> None:
    company = records.create_company("Acme", Rule())
    with pytest.raises(UsageError, match=name):
        companies.set_rule(records, company.id, replace(Rule(), **changed), BY)
    assert records.companies()[0].rule == Rule()


# Checking


def test_a_key_opens_every_app_of_its_company(records: MemoryRecords) -> None:
    shop = create(records)
    news = create(records, name="news")
    for app in (shop.app, news.app):
        access = companies.authorize(records, app.live_key, full_key(shop), write=True)
        [(_, key)] = records.keys(app.company_id)
        assert access == Access(app, False, key.id, Scope.FULL)


def test_the_key_in_the_path_names_the_world(records: MemoryRecords) -> None:
    made = create(records)
    app = made.app
    worlds = {
        key: companies.authorize(records, key, full_key(made), write=True).dev
        for key in (app.live_key, app.dev_key, app.sdk_key)
    }
    assert worlds == {app.live_key: False, app.dev_key: True, app.sdk_key: False}


def test_everything_that_does_not_open_gets_one_answer(records: MemoryRecords) -> None:
    made, rival = create(records), create(records, "Rival")
    live, key = made.app.live_key, full_key(made)
    refused = [
        (live, None),
        (live, ""),
        (live, "0" * 32),
        (live, key.upper()),
        (live, key + " "),
        (live, "é" * 32),
        (live, "x" * 100_000),
        (live, full_key(rival)),
        (rival.app.live_key, key),
        ("", key),
        ("\udc80", key),
        (live.lower(), key),
        (key, key),
        ("A" * 30, "0" * 32),
        ("A" * 30, None),
    ]
    answers = set()
    for path, sent in refused:
        for write in (False, True):
            with pytest.raises(AuthenticationInvalid) as caught:
                companies.authorize(records, path, sent, write=write)
            answers.add(str(caught.value))
    assert len(answers) == 1


def test_several_keys_are_good_at_once_until_each_is_revoked(records: MemoryRecords) -> None:
    made = create(records)
    company = made.app.company_id
    first, [(_, first_key)] = full_key(made), records.keys(company)
    kept, second = companies.create_key(records, company, Scope.FULL, LATER)
    assert second != first
    assert companies.authorize(records, made.app.live_key, second, write=True).key_id == kept.id
    records.revoke_key(company, first_key.id, 3000)
    with pytest.raises(AuthenticationInvalid):
        companies.authorize(records, made.app.live_key, first, write=False)
    assert companies.authorize(records, made.app.live_key, second, write=True).key_id == kept.id


def test_a_read_key_reads_and_does_not_write(records: MemoryRecords) -> None:
    made = create(records)
    kept, reader = companies.create_key(records, made.app.company_id, Scope.READ, LATER)
    access = companies.authorize(records, made.app.live_key, reader, write=False)
    assert (access.key_id, access.scope) == (kept.id, Scope.READ)
    with pytest.raises(ApiMisuse, match="full"):
        companies.authorize(records, made.app.live_key, reader, write=True)


def test_a_revoked_read_key_is_unknown_rather_than_misused(records: MemoryRecords) -> None:
    made = create(records)
    kept, reader = companies.create_key(records, made.app.company_id, Scope.READ, LATER)
    records.revoke_key(made.app.company_id, kept.id, 3000)
    with pytest.raises(AuthenticationInvalid):
        companies.authorize(records, made.app.live_key, reader, write=True)


def test_right_and_wrong_keys_cost_the_same_comparisons(
    records: MemoryRecords, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = create(records)
    compared: list[tuple[int, int]] = []

    def counting(left: bytes, right: bytes) -> bool:
        compared.append((len(left), len(right)))
        return left == right

    monkeypatch.setattr(hmac, "compare_digest", counting)
    works = []
    for path, sent in [
        (made.app.live_key, full_key(made)),
        (made.app.live_key, "0" * 32),
        ("A" * 30, full_key(made)),
        ("A" * 30, None),
    ]:
        compared.clear()
        with suppress(AuthenticationInvalid):
            companies.authorize(records, path, sent, write=False)
        works.append(list(compared))
    assert works == [[(32, 32)]] * 4

"""What every Records promises, on every adapter."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import msgspec
import pytest

from contracts.memory_records import MemoryRecords
from openrate.audience import read_targeting
from openrate.conditions import AsOf, Selection
from openrate.errors import MalformedParameter, OpenrateError
from openrate.model import (
    App,
    Audience,
    Campaign,
    CampaignRef,
    Company,
    Installation,
    Platform,
    Rule,
    Scope,
    Sender,
)
from openrate.ports.event_log import Opens
from openrate.ports.records import Records
from openrate.storage.records import SqlRecords

FIRST, SECOND, UNKNOWN = "a" * 32, "b" * 32, "c" * 32
STRANGE = ["", "x", "A" * 32, "a" * 33, "a\x00", "\ud800", "' OR 1=1 --", "é" * 32]
PARAMETERS = {"name": "Spring", "live": True, "zulu": [1, {"b": None, "a": 1.5}], "alpha": "é\x00"}


@pytest.fixture(params=["memory", "sqlite"])
def records(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Records]:
    opened: Records = MemoryRecords() if request.param == "memory" else SqlRecords(tmp_path / "records.db")
    yield opened
    opened.close()


@pytest.fixture
def company(records: Records) -> Company:
    return records.create_company("Acme", Rule())


@pytest.fixture
def app(records: Records, company: Company) -> App:
    return add_app(records, company, "Shop")


def add_app(records: Records, company: Company, name: str, platform: Platform = Platform.IOS) -> App:
    key = f"{company.name}-{name}-{platform.value}-"
    keys = (key + "live", key + "dev", key + "sdk")
    return records.create_app(company.id, name, platform, Sender.EXTERNAL, *keys)


def add_campaign(records: Records, app: App, token: str, *, live: bool = True, dev: bool = False) -> Campaign:
    parameters = PARAMETERS | {"live": live}
    return records.create_campaign(
        app.id, token, parameters, has_versions=False, dev_only=dev, at=5, was_live=live
    )


def test_a_company_is_found_by_its_name_with_its_windows(records: Records) -> None:
    rule = Rule(60, 7200, 86400)
    other = records.create_company("Zeta", Rule())
    made = records.create_company("Acme", rule)
    assert records.company("Acme") == made == Company(made.id, "Acme", rule)
    assert records.companies() == [made, other]
    assert records.company("acme") is None


def test_the_name_of_a_company_is_taken_once(records: Records, company: Company) -> None:
    with pytest.raises(OpenrateError):
        records.create_company(company.name, Rule())
    assert records.companies() == [company]


def test_a_new_rule_is_the_companys_from_then_on(records: Records, company: Company, app: App) -> None:
    rule = Rule(influence_window=120)
    records.set_rule(company.id, rule)
    assert records.company_of(app) == Company(company.id, company.name, rule)
    assert records.company(company.name) == records.company_of(app)


def test_an_app_is_found_by_each_of_its_three_keys(records: Records, app: App) -> None:
    assert [records.app_by_key(key) for key in (app.live_key, app.dev_key, app.sdk_key)] == [app] * 3
    assert [records.app_by_key(key) for key in STRANGE] == [None] * len(STRANGE)


def test_the_name_of_an_app_is_taken_once_in_its_company_and_platform(
    records: Records, company: Company, app: App
) -> None:
    with pytest.raises(OpenrateError):
        records.create_app(company.id, app.name, app.platform, Sender.OPENRATE, "1", "2", "3")
    assert records.app_by_key("1") is None
    android = add_app(records, company, app.name, Platform.ANDROID)
    rival = records.create_company("Rival", Rule())
    theirs = add_app(records, rival, app.name)
    assert records.apps(company.id) == [app, android]
    assert records.apps() == [app, android, theirs]


def test_an_app_needs_a_company(records: Records) -> None:
    with pytest.raises(OpenrateError):
        records.create_app(77, "Shop", Platform.WEB, Sender.EXTERNAL, "1", "2", "3")


def test_keys_are_listed_oldest_first_with_those_that_are_revoked(records: Records, company: Company) -> None:
    rival = records.create_company("Rival", Rule())
    first = records.add_key(company.id, b"1" * 32, Scope.FULL, 10)
    theirs = records.add_key(rival.id, b"3" * 32, Scope.FULL, 11)
    second = records.add_key(company.id, b"2" * 32, Scope.READ, 12)
    assert records.revoke_key(company.id, first.id, 20)
    assert records.revoke_key(company.id, first.id, 30)
    revoked = msgspec.structs.replace(first, revoked_at=20)
    assert records.keys(company.id) == [(b"1" * 32, revoked), (b"2" * 32, second)]
    assert not records.revoke_key(company.id, theirs.id, 20)
    assert not records.revoke_key(company.id, 10**30, 20)
    assert records.keys(rival.id) == [(b"3" * 32, theirs)]
    assert records.keys(77) == []


def test_a_list_of_keys_is_the_callers_to_change(records: Records, company: Company) -> None:
    records.add_key(company.id, b"1" * 32, Scope.FULL, 10)
    records.keys(company.id).clear()
    assert len(records.keys(company.id)) == 1


def test_a_campaign_comes_back_as_it_was_created(records: Records, app: App) -> None:
    made = add_campaign(records, app, FIRST)
    found = records.campaign(app.id, FIRST)
    assert found == made
    assert found is not None
    assert list(found.parameters) == list(PARAMETERS)
    assert (found.from_api, found.was_live, found.was_completed, found.deleted_at) == (
        True,
        True,
        False,
        None,
    )
    assert records.campaign_refs(app.id, [FIRST, UNKNOWN]) == {FIRST: CampaignRef(made.id, False)}
    assert records.campaign_tokens(app.id) == {made.id: FIRST}


def test_a_campaign_belongs_to_one_app(records: Records, company: Company, app: App) -> None:
    other, rival = add_app(records, company, "News"), records.create_company("Rival", Rule())
    add_campaign(records, app, FIRST)
    for _ in range(2):
        assert records.campaign(app.id, FIRST)
        assert records.campaign_refs(app.id, [FIRST])
        assert records.campaign(other.id, FIRST) is None
        assert records.campaign_refs(other.id, [FIRST]) == {}
        assert records.campaign_of(company.id, FIRST) == records.campaign(app.id, FIRST)
        assert records.campaign_of(rival.id, FIRST) is None
        assert records.campaign_names(rival.id, [FIRST]) == {}
    assert records.update_campaign(other.id, FIRST, lambda campaign: campaign) is None
    assert not records.delete_campaign(other.id, FIRST, 9)
    assert records.campaigns(other.id, 0, 10) == []
    assert records.campaign_tokens(other.id) == {}


def test_what_cannot_be_a_token_is_no_campaign(records: Records, app: App) -> None:
    assert records.campaign_refs(app.id, STRANGE) == {}
    assert records.campaign_refs(app.id, []) == {}
    for token in STRANGE:
        assert records.campaign(app.id, token) is None
        assert records.update_campaign(app.id, token, lambda campaign: campaign) is None
        assert not records.delete_campaign(app.id, token, 9)


def test_many_tokens_are_looked_up_at_once(records: Records, app: App) -> None:
    known = [f"{number:032x}" for number in range(3)]
    made = {token: CampaignRef(add_campaign(records, app, token).id, False) for token in known}
    unknown = [f"{number:032x}" for number in range(1000, 2500)]
    assert records.campaign_refs(app.id, [*known, *unknown, *known]) == made


def test_an_update_is_what_is_read_afterwards(records: Records, app: App) -> None:
    made = add_campaign(records, app, FIRST)
    assert records.campaign(app.id, FIRST) == made
    stopped = msgspec.structs.replace(made, parameters=made.parameters | {"live": False}, was_completed=True)
    assert records.update_campaign(app.id, FIRST, lambda _: stopped) == stopped
    assert records.campaign(app.id, FIRST) == stopped
    assert records.campaigns(app.id, 0, 10, live=False) == [stopped]


def test_an_update_that_is_refused_changes_nothing(records: Records, app: App) -> None:
    made = add_campaign(records, app, FIRST)

    def refuse(_: Campaign) -> Campaign:
        raise MalformedParameter("name is wrong.")

    with pytest.raises(MalformedParameter):
        records.update_campaign(app.id, FIRST, refuse)
    assert records.campaign(app.id, FIRST) == made


def test_updates_of_one_campaign_do_not_overwrite_each_other(records: Records, app: App) -> None:
    add_campaign(records, app, FIRST)

    def add(name: str) -> None:
        records.update_campaign(
            app.id, FIRST, lambda c: msgspec.structs.replace(c, parameters=c.parameters | {name: 1})
        )

    names = [f"key{number}" for number in range(24)]
    if isinstance(records, MemoryRecords):
        list(map(add, names))
    else:
        with ThreadPoolExecutor(8) as pool:
            list(pool.map(add, names))
    found = records.campaign(app.id, FIRST)
    assert found is not None
    assert set(names) <= set(found.parameters)


def test_a_deleted_campaign_is_known_to_facts_and_hidden_from_people(records: Records, app: App) -> None:
    made = add_campaign(records, app, FIRST)
    assert records.campaign_refs(app.id, [FIRST]) == {FIRST: CampaignRef(made.id, False)}
    assert records.delete_campaign(app.id, FIRST, 9)
    assert not records.delete_campaign(app.id, FIRST, 10)
    assert records.update_campaign(app.id, FIRST, lambda campaign: campaign) is None
    assert records.campaigns(app.id, 0, 10) == []
    assert records.campaign(app.id, FIRST) == msgspec.structs.replace(made, deleted_at=9)
    assert records.campaign_refs(app.id, [FIRST]) == {FIRST: CampaignRef(made.id, False, is_deleted=True)}
    names = records.campaign_names(app.company_id, [FIRST, UNKNOWN, *STRANGE])
    assert names == {FIRST: made.parameters["name"]}
    assert records.campaign_tokens(app.id) == {made.id: FIRST}


def test_campaigns_are_listed_newest_first_in_pages(records: Records, app: App) -> None:
    made = [add_campaign(records, app, f"{number:032x}") for number in range(5)]
    assert records.campaigns(app.id, 0, 100) == made[::-1]
    assert records.campaigns(app.id, 1, 2) == [made[3], made[2]]
    assert records.campaigns(app.id, 5, 2) == []
    assert records.campaigns(app.id, 10**18, 2) == []


def test_campaigns_are_listed_by_what_they_are(records: Records, app: App) -> None:
    live = add_campaign(records, app, FIRST)
    draft = add_campaign(records, app, SECOND, live=False)
    dev = add_campaign(records, app, UNKNOWN, dev=True)
    assert records.campaigns(app.id, 0, 10, live=True) == [dev, live]
    assert records.campaigns(app.id, 0, 10, live=False) == [draft]
    assert records.campaigns(app.id, 0, 10, include_dev=False) == [draft, live]
    assert records.campaigns(app.id, 0, 10, from_api=True) == [dev, draft, live]
    assert records.campaigns(app.id, 0, 10, from_api=False) == []
    page = records.create_campaign(
        app.id,
        "f" * 32,
        PARAMETERS,
        has_versions=False,
        dev_only=False,
        at=5,
        was_live=True,
        from_api=False,
    )
    assert records.campaigns(app.id, 0, 10, from_api=True) == [dev, draft, live]
    assert records.campaigns(app.id, 0, 10, from_api=False) == [page]


def device(app: App, name: str = "i1", *, dev: bool = False, gave: str | None = None) -> Installation:
    return Installation(
        app_id=app.id,
        installation_id=name,
        dev=dev,
        platform=app.platform,
        secret_hash=b"\x00hash",
        token_version=1,
        push_token=gave,
        language="fr",
        opted_in=False,
        attributes={"é": [1, None]},
    )


def test_an_installation_is_new_once_and_replaced_afterwards(records: Records, app: App) -> None:
    first = device(app)
    assert records.put_installation(first, 5)
    assert records.installation(app.id, False, "i1") == first
    second = msgspec.structs.replace(first, language=None, attributes=None, token_version=4)
    assert not records.put_installation(second, 6)
    assert records.installation(app.id, False, "i1") == second


def test_an_installation_id_is_a_name_inside_one_app_and_world(
    records: Records, company: Company, app: App
) -> None:
    records.put_installation(device(app), 5)
    other = add_app(records, company, "News")
    assert records.installation(other.id, False, "i1") is None
    assert records.installation(app.id, True, "i1") is None
    assert records.put_installation(device(app, dev=True), 5)
    assert records.delete_installation(app.id, True, "i1")
    assert records.installation(app.id, False, "i1") == device(app)


def test_a_push_token_belongs_to_who_gave_it_last(records: Records, company: Company, app: App) -> None:
    other = add_app(records, company, "News")
    elsewhere = [device(other, gave="t"), device(app, dev=True, gave="t")]
    for installation in [
        *elsewhere,
        device(app, "old", gave="t"),
        device(app, "new", gave="t"),
    ]:
        records.put_installation(installation, 5)
    assert records.installation(app.id, False, "old") == device(app, "old")
    assert records.installation(app.id, False, "new") == device(app, "new", gave="t")
    assert records.installation(other.id, False, "i1") == elsewhere[0]
    assert records.installation(app.id, True, "i1") == elsewhere[1]


def test_installations_without_a_push_token_do_not_disturb_each_other(records: Records, app: App) -> None:
    for name in ("i1", "i2"):
        assert records.put_installation(device(app, name), 5)
    assert records.installation(app.id, False, "i1")


def test_a_removed_installation_comes_back_with_a_higher_token_version(records: Records, app: App) -> None:
    records.put_installation(msgspec.structs.replace(device(app), token_version=3), 5)
    for expected in (4, 5):
        assert records.delete_installation(app.id, False, "i1")
        assert not records.delete_installation(app.id, False, "i1")
        assert records.installation(app.id, False, "i1") is None
        assert records.put_installation(device(app), 6)
        kept = records.installation(app.id, False, "i1")
        assert kept is not None
        assert kept.token_version == expected


def test_what_cannot_be_an_installation_id_is_unknown(records: Records, app: App) -> None:
    for name in STRANGE:
        assert records.installation(app.id, False, name) is None
        assert not records.delete_installation(app.id, False, name)


def test_a_secret_is_made_once_and_can_be_replaced(records: Records) -> None:
    assert records.secret("key", lambda: b"\x00one") == b"\x00one"
    assert records.secret("key", lambda: b"two") == b"\x00one"
    records.replace_secret("key", b"three")
    records.replace_secret("other", b"four")
    assert records.secret("key", lambda: b"two") == b"three"
    assert records.secret("other", lambda: b"two") == b"four"


def nothing() -> Opens:
    raise AssertionError


def selected(
    records: Records, app: App, after: str = "", *, dev: bool = False, **targeting: object
) -> list[str]:
    selection = Selection(app.id, dev, read_targeting(targeting), AsOf(5, 60))
    return [name for part in records.select(selection, nothing, after) for name in part.installation_ids]


def test_those_with_a_push_token_are_selected_in_the_order_of_their_ids(records: Records, app: App) -> None:
    batch = [device(app, name, gave=name) for name in ("b", "B", "a")] + [device(app, "c")]
    records.put_installations(batch, 5)
    records.put_installations([device(app, "d", dev=True, gave="d")], 5)
    assert selected(records, app) == ["B", "a", "b"]
    assert selected(records, app, after="a") == ["b"]
    assert selected(records, app, dev=True) == ["d"]
    assert selected(records, app, languages=["EN"]) == []


def test_several_installations_are_put_as_one_after_the_other(records: Records, app: App) -> None:
    records.put_installation(device(app, "old", gave="t"), 5)
    records.put_installation(device(app, "gone"), 5)
    records.delete_installation(app.id, False, "gone")
    again = msgspec.structs.replace(device(app, "old"), language="de")
    records.put_installations(
        [again, device(app, "x", gave="t"), device(app, "y", gave="t"), device(app, "gone")], 6
    )
    assert records.installations(app.id, False, ["old", "x", "y", "z", *STRANGE]) == {
        "old": again,
        "x": device(app, "x"),
        "y": device(app, "y", gave="t"),
    }
    kept = records.installation(app.id, False, "gone")
    assert kept is not None
    assert kept.token_version == 2


def test_a_named_list_is_replaced_whole_and_removed(records: Records, company: Company, app: App) -> None:
    other = add_app(records, company, "News")
    records.put_installations([device(app, name, gave=name) for name in ("a", "b")], 5)
    assert records.put_audience(app.id, False, "vip", ["a", "a", "z"], 5) == Audience("vip", 2, 5)
    records.put_audience(other.id, False, "vip", ["b"], 5)
    records.put_audience(app.id, True, "vip", ["b"], 5)
    assert selected(records, app, audiences=["vip", "unknown"]) == ["a"]
    assert records.put_audience(app.id, False, "vip", ["b"], 6) == Audience("vip", 1, 6)
    records.put_audience(app.id, False, "all", [], 7)
    assert records.audiences(app.id, False) == [Audience("all", 0, 7), Audience("vip", 1, 6)]
    assert selected(records, app, audiences=["vip"]) == ["b"]
    assert records.delete_audience(app.id, False, "vip")
    assert not records.delete_audience(app.id, False, "vip")
    assert selected(records, app, audiences=["vip"]) == []
    assert records.audiences(other.id, False) == [Audience("vip", 1, 5)]

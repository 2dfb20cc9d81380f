"""Audiences over real HTTP: estimates, named lists, installations from elsewhere."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest

from conftest import World
from openrate import installation_import
from openrate.model import FactType
from openrate.registration import Registration
from test_web import refused

NDJSON = {"Content-Type": "application/x-ndjson"}
CSV = {"Content-Type": "text/csv; charset=utf-8"}


def imported(world: World, *rows: dict[str, Any], headers: dict[str, str] | None = None) -> httpx.Response:
    lines = "\n".join(json.dumps(row) for row in rows)
    return world.client.post(
        f"/v1/{world.shop.live}/installations/import",
        headers=(headers or world.shop.server) | NDJSON,
        content=lines,
    )


def estimate(world: World, key: str | None = None, **targeting: Any) -> dict[str, Any]:
    answer = world.client.post(
        f"/v1/{key or world.shop.live}/audience/estimate", headers=world.shop.reader, json=targeting
    )
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


@pytest.fixture(scope="module")
def people(world: World) -> str:
    """Four installations of one region, one of them without a push token, and one of the development world."""
    common = {"region": "audience-api"}
    rows: list[dict[str, Any]] = [
        {"installation_id": "aud.1", "push_token": "at1", "language": "fr-FR", "attributes": {"age": 17}},
        {
            "installation_id": "aud.2",
            "push_token": "at2",
            "language": "en",
            "attributes": {"age": 18},
            "opted_in": False,
        },
        {
            "installation_id": "aud.3",
            "push_token": "at3",
            "tags": {"likes": ["tea", "milk"]},
            "app_version": "2.10",
        },
        {"installation_id": "aud.4", "language": "fr"},
    ]
    answer = imported(world, *(row | common for row in rows))
    assert answer.json() == {"accepted": 4, "rejected": 0, "errors": []}
    dev = world.client.post(
        f"/v1/{world.shop.dev}/installations",
        headers=world.shop.server,
        json=rows[0] | common | {"platform": "ios"},
    )
    assert dev.status_code == 201
    return "audience-api"


def test_an_estimate_counts_what_a_targeting_selects(world: World, people: str) -> None:
    region: dict[str, Any] = {"regions": [people.upper()]}
    none = {"NEW": 0, "ONE_TIME": 0, "DORMANT": 0, "ENGAGED": 0}
    assert estimate(world, **region) == {
        "installations": 3,
        "opted_in": 2,
        "segments": {"IMPORTED": 3} | none,
        "unknown_audiences": [],
    }
    narrower: list[tuple[dict[str, Any], int]] = [
        ({"languages": ["FR"]}, 1),
        ({"segments": ["NEW"]}, 0),
        ({"segments": ["IMPORTED", "NEW"]}, 3),
        ({"query": {"c.age": {"$gt": 17}}}, 1),
        ({"query": json.dumps({"$or": [{"c.age": {"$lte": 17}}, {"t.likes": "tea"}]})}, 2),
        ({"query": {"app_version": {"$gt": "2.9"}, "first_seen": {"$gt": "2020-01-01T00:00:00Z"}}}, 1),
        ({"query": {"last_open": None, "c.age": {"$exists": True}}}, 2),
    ]
    for targeting, expected in narrower:
        assert estimate(world, **region, **targeting)["installations"] == expected, targeting
    assert estimate(world, world.shop.dev, **region)["installations"] == 1
    assert estimate(world, world.news.live, **region)["installations"] == 0


def test_a_campaign_of_another_sender_keeps_what_it_says_to_that_sender(world: World) -> None:
    url, headers = f"/1.1/{world.shop.live}/campaigns", world.shop.server
    campaign = {"name": "Own words", "live": False, "push_time": "now", "messages": [{"body": "Hello"}]}
    targeting = {"language": ["fr"], "languages": ["fr"] * 501}
    created = world.client.post(f"{url}/create", headers=headers, json=campaign | {"targeting": targeting})
    assert created.status_code == 201
    shown = world.client.get(f"{url}/{created.json()['campaign_token']}", headers=headers)
    assert shown.json()["targeting"] == targeting


def test_an_estimate_is_refused_at_the_place_that_is_wrong(world: World) -> None:
    url = f"/v1/{world.shop.live}/audience/estimate"

    def ask(content: Any, headers: dict[str, str] | None = None) -> httpx.Response:
        return world.client.post(url, headers=world.shop.server if headers is None else headers, json=content)

    refused(ask({"query": {"c.age": {"$near": 1}}}), 400, 31)
    assert "targeting.query.c.age.$near" in ask({"query": {"c.age": {"$near": 1}}}).json()["message"]
    refused(ask({"segments": ["new"]}), 400, 31)
    refused(ask({"language": ["fr"]}), 400, 31)
    refused(ask({"targeting": {"languages": ["fr"]}}), 400, 31)
    assert "send what is inside it" in ask({"targeting": {"languages": ["fr"]}}).json()["message"]
    refused(ask([]), 400, 32)
    refused(ask({}, world.rival.server), 401, 10)
    refused(ask({}, {}), 401, 10)
    refused(ask({}, world.shop.server | world.device().bearer), 401, 10)


def test_a_named_list_is_made_replaced_selected_and_removed(world: World, people: str) -> None:
    url = f"/v1/{world.shop.live}/audiences"
    headers = world.shop.server

    def selected(*names: str) -> tuple[int, list[str]]:
        found = estimate(world, regions=[people], audiences=list(names))
        return found["installations"], found["unknown_audiences"]

    assert selected("vip") == (0, ["vip"])
    made = world.client.post(f"{url}/vip", headers=headers, json=["aud.1", "aud.1", "aud.3", "not.there"])
    assert (made.status_code, made.json()["name"], made.json()["installations"]) == (200, "vip", 3)
    assert selected("vip") == (2, [])
    lines = b'"aud.2"\n"aud.4"\n'
    assert world.client.post(f"{url}/vip", headers=headers | NDJSON, content=lines).status_code == 200
    assert world.client.post(f"{url}/other", headers=headers, json=["aud.1"]).status_code == 200
    assert selected("vip") == (1, [])
    assert selected("vip", "other", "third") == (2, ["third"])
    listed = world.client.get(url, headers=world.shop.reader).json()["audiences"]
    assert [(each["name"], each["installations"]) for each in listed] == [("other", 1), ("vip", 2)]
    assert world.client.get(f"/v1/{world.shop.dev}/audiences", headers=headers).json() == {"audiences": []}
    assert world.client.get(f"/v1/{world.news.live}/audiences", headers=headers).json() == {"audiences": []}
    for name in ("vip", "other"):
        assert world.client.delete(f"{url}/{name}", headers=headers).json() == {"name": name}
    refused(world.client.delete(f"{url}/vip", headers=headers), 404, 20)
    assert selected("vip") == (0, ["vip"])


def test_a_named_list_that_is_wrong_is_refused_whole(world: World) -> None:
    url, headers = f"/v1/{world.shop.live}/audiences", world.shop.server
    refused(world.client.post(f"{url}/bad", headers=world.shop.reader, json=[]), 403, 12)
    refused(world.client.delete(f"{url}/bad", headers=world.shop.reader), 403, 12)
    refused(world.client.post(f"{url}/bad name", headers=headers, json=[]), 400, 31)
    ids = "strings of 1 to 64 characters of A-Za-z0-9_.:- are accepted."
    wrong: list[tuple[Any, str]] = [
        (["ok", "not ok"], f"The id at index 1 is not accepted: {ids}"),
        (["ok", "ok", 3], f"The id at index 2 is not accepted: {ids}"),
        ({"ids": []}, f"The body is no array of ids: {ids}"),
        ("ok", f"The body is no array of ids: {ids}"),
    ]
    for content, says in wrong:
        answer = world.client.post(f"{url}/bad", headers=headers, json=content)
        refused(answer, 400, 31)
        assert answer.json()["message"] == says
    answer = world.client.post(f"{url}/bad", headers=headers | NDJSON, content=b'"ok"\n\n"not ok"\n')
    assert answer.json()["message"] == f"The id at index 1 is not accepted: {ids}"
    refused(world.client.post(f"{url}/bad", headers=headers | NDJSON, content=b'"ok"\nok\n'), 400, 32)
    refused(world.client.post(f"{url}/bad", headers=headers | CSV, content=b"ok"), 400, 31)
    too_large = b'"' + b"a" * (16 << 20) + b'"'
    refused(world.client.post(f"{url}/bad", headers=headers | NDJSON, content=too_large), 413, 31)
    assert world.client.get(url, headers=headers).json() == {"audiences": []}


def test_an_import_takes_the_good_rows_and_says_what_is_wrong_with_the_others(world: World) -> None:
    lines = [
        json.dumps({"installation_id": "imp.1", "push_token": "p1"}),
        "",
        "[]",
        "{",
        json.dumps({"push_token": "p2"}),
        json.dumps({"installation_id": "imp 2"}),
        json.dumps({"installation_id": "imp.3", "platform": "web"}),
        json.dumps({"installation_id": "imp.3", "pushtoken": "p4"}),
        json.dumps({"installation_id": "imp.3", "opted_in": "yes"}),
        json.dumps({"installation_id": "imp.1", "push_token": "p3", "language": "fr"}),
    ]
    answer = world.client.post(
        f"/v1/{world.shop.live}/installations/import",
        headers=world.shop.server | NDJSON,
        content="\n".join(lines),
    )
    assert (answer.status_code, answer.json()["accepted"], answer.json()["rejected"]) == (200, 2, 7)
    assert [(each["index"], each["code"]) for each in answer.json()["errors"]] == [
        (1, "malformed"),
        (2, "malformed"),
        (3, "missing_field"),
        (4, "malformed"),
        (5, "malformed"),
        (6, "malformed"),
        (7, "malformed"),
    ]
    says = [each["message"] for each in answer.json()["errors"]]
    assert says[-2].startswith("pushtoken is not known")
    assert says[-1] == "opted_in is not accepted: say true or false."
    assert [fact.type for fact in world.log.facts(installation_id="imp.1")] == [FactType.INSTALLED]
    assert list(world.log.facts(installation_id="imp.3")) == []


def test_an_import_of_csv_has_a_heading_and_json_in_some_cells(world: World) -> None:
    url, headers = f"/v1/{world.shop.live}/installations/import", world.shop.server | CSV
    rows = (
        "\ufeffinstallation_id,push_token,opted_in,region,attributes,tags\r\n"
        'csv.1,c1,false,csv-test,"{""age"": 3,\r\n ""note"": ""a,b""}",\r\n'
        'csv.2,c2,,csv-test,,"{""likes"": [""tea""]}"\r\n'
        "csv.3,c3,maybe,csv-test,,\r\n"
        "csv.4,c4,true,csv-test,{,\r\n"
        "csv.5,c5\r\n"
    )
    answer = world.client.post(url, headers=headers, content=rows.encode())
    assert (answer.status_code, answer.json()["accepted"]) == (200, 2)
    assert [(each["index"], each["code"]) for each in answer.json()["errors"]] == [
        (2, "malformed"),
        (3, "malformed"),
        (4, "malformed"),
    ]
    assert estimate(world, regions=["csv-test"], query={"c.note": "a,b"})["opted_in"] == 0
    assert estimate(world, regions=["csv-test"], query={"t.likes": {"$contains": "tea"}})["opted_in"] == 1
    for heading in ("", "push_token\na", "installation_id,installation_id\na,b", "installation_id,x\na,b"):
        refused(world.client.post(url, headers=headers, content=heading), 400, 32)
    refused(world.client.post(url, headers=headers, content=b"installation_id\n\xff"), 400, 32)


def test_an_import_is_for_servers_that_may_write(world: World) -> None:
    refused(imported(world, headers=world.shop.reader), 403, 12)
    refused(imported(world, headers=world.rival.server), 401, 10)
    refused(imported(world, headers=world.device().bearer), 401, 10)
    url = f"/v1/{world.shop.live}/installations/import"
    refused(world.client.post(url, headers=world.shop.server, json=[]), 400, 31)


@pytest.mark.parametrize(
    ("headers", "heading", "row"),
    [
        (NDJSON, b"", b"{}\n"),
        (NDJSON, b"\n\n", b"{}\r\n\r\n"),
        (CSV, b"installation_id\n", b"no id\n"),
        (CSV, b"installation_id,custom_id\r\n", b'no id,"two\r\nlines"\r\n'),
        (CSV, b"installation_id\r", b"no id\r"),
    ],
)
def test_an_import_counts_rows_and_not_lines(
    world: World, monkeypatch: pytest.MonkeyPatch, headers: dict[str, str], heading: bytes, row: bytes
) -> None:
    monkeypatch.setattr(installation_import, "MOST_ROWS", 500)

    def sent(content: bytes) -> httpx.Response:
        url = f"/v1/{world.shop.live}/installations/import"
        return world.client.post(url, headers=world.shop.server | headers, content=content)

    assert sent(heading + row * 500).json()["rejected"] == 500
    assert sent(heading + (row * 500).rstrip()).json()["rejected"] == 500
    refused(sent(heading + row * 501), 413, 31)
    refused(sent(heading + (row * 501).rstrip()), 413, 31)


def test_a_field_that_is_wrong_is_refused_in_words(world: World) -> None:
    short = "1 to 64 characters, none of them a control character."
    wrong: list[tuple[dict[str, Any], str]] = [
        ({"platform": "windows"}, "platform is not accepted: say ios, android or web."),
        (
            {"installation_id": "a b"},
            "installation_id is not accepted: say 1 to 64 characters of A-Za-z0-9_.:-.",
        ),
        ({"installation_secret": "short"}, "installation_secret is not accepted: say 22 to 64 characters."),
        (
            {"push_token": {"endpoint": "https://a", "keys": {}}},
            "push_token.keys is not accepted: say 1 to 4096",
        ),
        ({"language": "\0"}, f"language is not accepted: say {short}"),
        ({"region": 3}, f"region is not accepted: say {short}"),
        ({"opted_in": None}, "opted_in is not accepted: say true or false."),
        ({"custom_id": ""}, "custom_id is not accepted: say 1 to 512 characters"),
        ({"attributes": []}, 'attributes is not accepted: say an object such as {"age": 34}.'),
        ({"tags": {"likes": ["tea", 3]}}, "tags[...][1] is not accepted: say an object such as"),
    ]
    url = f"/v1/{world.shop.live}/installations"
    for field, says in wrong:
        answer = world.client.post(url, headers=world.shop.server, json={"platform": "ios"} | field)
        refused(answer, 400, 31)
        assert answer.json()["message"].startswith(says)
    for name in Registration.__struct_fields__:
        answer = world.client.post(url, headers=world.shop.server, json={"platform": "ios"} | {name: 5.5})
        assert answer.json()["message"].startswith(f"{name} is not accepted: say ")


def test_an_import_says_which_field_was_meant(world: World) -> None:
    rows = [
        {"installation_id": "meant", name: "x"} for name in ("pushtoken", "lang", "PLATFORM", "shoe size")
    ]
    says = [each["message"] for each in imported(world, *rows).json()["errors"]]
    assert [said.split("?")[0] for said in says[:3]] == [
        "pushtoken is not known: did you mean push_token",
        "lang is not known: did you mean language",
        "PLATFORM is not known: did you mean platform",
    ]
    assert says[3].startswith("shoe size is not known: platform, installation_id, ")
    url = f"/v1/{world.shop.live}/installations"
    assert world.client.post(url, json={"platform": "ios", "pushtoken": "x"}).status_code == 201


def test_an_import_refreshes_what_is_there_and_leaves_what_it_does_not_say(world: World) -> None:
    device = world.device()
    before = estimate(world, query={"c.from": "elsewhere"})["installations"]
    row = {"installation_id": device.id, "push_token": f"of {device.id}", "attributes": {"from": "elsewhere"}}
    assert imported(world, row).json()["accepted"] == 1
    report = world.client.post(
        f"/v1/{world.shop.live}/events", headers=device.bearer, json={"type": "app_open"}
    )
    assert report.json()["accepted"] == 1  # its token is as good as before
    assert imported(world, {"installation_id": device.id, "language": "xx"}).json()["accepted"] == 1
    assert estimate(world, query={"c.from": "elsewhere", "language": "xx"})["installations"] == before + 1
    assert len(list(world.log.facts(installation_id=device.id))) == 2


def test_a_device_does_not_say_its_tags_and_a_server_does_within_bounds(world: World) -> None:
    url = f"/v1/{world.shop.live}/installations"
    body = {"platform": "ios", "installation_id": "tagged"}
    refused(world.client.post(url, json=body | {"tags": {"likes": ["tea"]}}), 403, 12)
    wrong: list[Any] = [
        {"likes": "tea"},
        {"likes": [3]},
        {"likes": ["x"] * 65},
        {'"': []},
        {"likes": ["x" * 65]},
        [],
    ]
    for tags in wrong:
        refused(world.client.post(url, headers=world.shop.server, json=body | {"tags": tags}), 400, 31)
    for attributes in ({"a": 1 << 63}, {"a": 1e301}, {"a\\": 1}, {"a": "\0"}):
        refused(
            world.client.post(url, headers=world.shop.server, json=body | {"attributes": attributes}), 400, 31
        )
    good = {"tags": {"likes": ["tea"]}, "attributes": {"a": 0.1 + 0.2}, "push_token": "tagged"}
    assert world.client.post(url, headers=world.shop.server, json=body | good).status_code == 201
    assert estimate(world, query={"t.likes": "tea", "c.a": 0.3})["installations"] == 1
    assert world.client.post(url, headers=world.shop.server, json=body | {"tags": None}).status_code == 200
    assert estimate(world, query={"t.likes": "tea", "c.a": 0.3})["installations"] == 0

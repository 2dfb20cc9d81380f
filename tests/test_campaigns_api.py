"""Campaigns over real HTTP: worlds, other apps, lists, and the statistics of both kinds."""

from __future__ import annotations

from typing import Any

import pytest

from conftest import Keys, World
from test_web import CAMPAIGN, create, refused

AT = "2026-03-10T23:30:00.000Z"
UNKNOWN = ["0" * 32, "0" * 31, "A" * 32, "x", "%00", "0" * 32 + "%0A", "%F0%9F%98%80", "0" * 2_000]


def base(keys: Keys) -> str:
    return f"/1.1/{keys.live}/campaigns"


def report(world: World, *facts: dict[str, Any]) -> None:
    url = f"/v1/{world.shop.live}/events"
    answer = world.client.post(url, headers=world.shop.server, json=list(facts))
    assert answer.json()["accepted"] == len(facts), answer.text
    world.log.settle()


def test_what_the_dev_key_creates_is_for_development_only(world: World) -> None:
    url = f"/1.1/{world.shop.dev}/campaigns/create"
    token = world.client.post(url, headers=world.shop.server, json=CAMPAIGN).json()["campaign_token"]
    read = world.client.get(f"{base(world.shop)}/{token}", headers=world.shop.server)
    assert (read.json()["dev_only"], read.json()["from_api"]) == (True, True)
    token = create(world)
    read = world.client.get(f"{base(world.shop)}/{token}", headers=world.shop.server)
    assert read.json()["dev_only"] is False


@pytest.mark.parametrize("token", UNKNOWN)
def test_a_campaign_that_does_not_exist_is_404_on_every_call(world: World, token: str) -> None:
    url, headers = base(world.shop), world.shop.server
    refused(world.client.get(f"{url}/{token}", headers=headers), 404, 20)
    refused(world.client.get(f"{url}/stats/{token}", headers=headers), 404, 20)
    refused(world.client.post(f"{url}/update/{token}", headers=headers, json={}), 404, 20)
    refused(world.client.post(f"{url}/delete/{token}", headers=headers), 404, 20)


def test_another_app_changes_nothing(world: World) -> None:
    token = create(world)
    for keys in (world.news, world.rival):
        url = base(keys)
        refused(world.client.post(f"{url}/update/{token}", headers=keys.server, json={"live": True}), 404, 20)
        refused(world.client.post(f"{url}/delete/{token}", headers=keys.server), 404, 20)
        refused(world.client.get(f"{url}/{token}", headers=keys.server), 404, 20)
    read = world.client.get(f"{base(world.shop)}/{token}", headers=world.shop.server)
    assert read.json()["live"] is False


def test_a_deleted_campaign_is_gone_from_every_call_and_from_the_list(world: World) -> None:
    token = create(world)
    url, headers = base(world.shop), world.shop.server
    assert world.client.get(f"{url}/stats/{token}", headers=headers).status_code == 200
    assert world.client.post(f"{url}/delete/{token}", headers=headers).status_code == 200
    for place in (token, f"stats/{token}"):
        refused(world.client.get(f"{url}/{place}", headers=headers), 404, 20)
    for place in (f"update/{token}", f"delete/{token}"):
        refused(world.client.post(f"{url}/{place}", headers=headers, json={"name": "Back"}), 404, 20)
    listed = world.client.get(f"{url}/list?limit=100", headers=headers).json()
    assert token not in [item["campaign_token"] for item in listed]


def test_a_refused_update_leaves_the_campaign_as_it_was(world: World) -> None:
    token = create(world, labels=["one"])
    url, headers = base(world.shop), world.shop.server
    before = world.client.get(f"{url}/{token}", headers=headers).json()
    for body in ({"name": "Renamed", "labels": None}, {"name": "Renamed", "live": 1}):
        refused(world.client.post(f"{url}/update/{token}", headers=headers, json=body), 400, 31)
    assert world.client.get(f"{url}/{token}", headers=headers).json() == before


def test_a_list_is_newest_first_in_pages_and_ends_empty(world: World) -> None:
    tokens = [create(world, world.rival, live=n % 2 == 0) for n in range(5)]
    url, headers = f"{base(world.rival)}/list", world.rival.server

    def listed(query: str) -> list[str]:
        answer = world.client.get(f"{url}?{query}", headers=headers)
        assert answer.status_code == 200, answer.text
        return [item["campaign_token"] for item in answer.json()]

    newest = tokens[::-1]
    assert listed("limit=5") == newest
    assert listed("from=1&limit=3&other=x") == newest[1:4]
    assert [t for t in listed("live=true&limit=100") if t in tokens] == newest[::2]
    assert [t for t in listed("live=false&limit=100") if t in tokens] == newest[1::2]
    assert listed("from_api=false") == []
    assert listed("from=999999999999999999") == []
    for query in ("limit=0", "from=x", "live=1", "from=99999999999999999999"):
        refused(world.client.get(f"{url}?{query}", headers=headers), 400, 31)


def test_the_statistics_of_both_kinds_have_the_documented_shape(world: World) -> None:
    plain = create(world)
    versions = create(world, messages={"a": [{"body": "One"}], "b": [{"body": "Two"}]})
    about = {"type": "push_sent", "at": AT, "installation_id": "shape.1"}
    report(
        world,
        about | {"campaign_token": plain},
        about
        | {"campaign_token": plain, "type": "push_error", "installation_id": "shape.2", "cause": "other"},
        about | {"campaign_token": versions, "version": "b", "opted_in": False},
    )
    answers = [
        world.client.get(f"{base(world.shop)}/stats/{token}", headers=world.shop.server).text
        for token in (plain, versions)
    ]
    assert answers == [
        (
            f'{{"campaign_token":"{plain}","detail":[{{"date":"2026-03-10","sent":1,"sent_optins":1,'
            '"direct_open":0,"influenced_open":0,"reengaged":0,"errors":1}]}'
        ),
        (
            f'{{"campaign_token":"{versions}","detail":[{{"date":"2026-03-10","sent":1,"direct_open":0,'
            '"influenced_open":0,"reengaged":0,"errors":0,"versions":{"a":{"sent":0,"sent_optins":0,'
            '"direct_open":0,"influenced_open":0,"reengaged":0},"b":{"sent":1,"sent_optins":0,'
            '"direct_open":0,"influenced_open":0,"reengaged":0}}}]}'
        ),
    ]


def test_the_statistics_follow_the_facts(world: World) -> None:
    token = create(world)
    about = {"campaign_token": token, "installation_id": "follow.1"}
    url = f"{base(world.shop)}/stats/{token}"
    for facts, expected in (
        ([{"type": "push_sent", "at": AT}], (1, 0)),
        ([{"type": "push_open", "at": "2026-03-11T09:00:00.000Z"}], (1, 1)),
    ):
        report(world, *[about | fact for fact in facts])
        [row] = world.client.get(url, headers=world.shop.server).json()["detail"]
        assert (row["sent"], row["direct_open"]) == expected

"""How far sends are, over HTTP: ``/v1/{key}/campaigns/{token}/progress`` and ``/metrics``."""

from __future__ import annotations

from pathlib import Path

import httpx

from conftest import World
from program import Server, Shop, answer, server
from sending import wait_until

BODY = {"name": "Spring sale", "live": True, "push_time": "now", "messages": [{"body": "Two days only"}]}


def created(world: World) -> str:
    path = f"/1.1/{world.shop.live}/campaigns/create"
    done = world.client.post(path, json=BODY, headers=world.shop.server)
    return str(done.json()["campaign_token"])


def test_a_campaign_that_somebody_else_sends_has_no_progress_and_says_its_state(world: World) -> None:
    token = created(world)
    for headers in (world.shop.server, world.shop.reader):
        done = world.client.get(f"/v1/{world.shop.live}/campaigns/{token}/progress", headers=headers)
        assert done.status_code == 200
        assert done.json() == {
            "campaign_token": token,
            "state": "completed",
            "recipients": 0,
            "sent": 0,
            "errors": 0,
            "skipped": 0,
            "reason": None,
            "sends": [],
        }


def test_nobody_sees_the_progress_of_another_company_or_of_another_app(world: World) -> None:
    token = created(world)
    path = "/v1/{}/campaigns/" + token + "/progress"
    assert world.client.get(path.format(world.news.live), headers=world.shop.server).status_code == 404
    assert world.client.get(path.format(world.rival.live), headers=world.rival.server).status_code == 404
    assert world.client.get(path.format(world.shop.live), headers=world.rival.server).status_code == 401
    assert world.client.get(path.format(world.shop.live)).status_code == 401
    world.client.post(f"/1.1/{world.shop.live}/campaigns/delete/{token}", headers=world.shop.server)
    assert world.client.get(path.format(world.shop.live), headers=world.shop.server).status_code == 404


def test_an_installation_token_does_not_open_it(world: World) -> None:
    device = world.device()
    headers = device.bearer
    path = f"/v1/{world.shop.live}/campaigns/{created(world)}/progress"
    assert world.client.get(path, headers=headers).status_code == 401
    assert world.client.get(path, headers=headers | world.shop.server).status_code == 401


def figures(running: Server) -> list[float]:
    """Sends that are open, sends that wait, recipients still open: what ``/metrics`` says of sending."""
    lines = dict(
        line.rsplit(" ", 1)
        for line in httpx.get(f"{running.address}/metrics").text.splitlines()
        if not line.startswith("#")
    )
    names = ("openrate_sends_open", "openrate_sends_waiting", "openrate_recipients_open")
    return [float(lines[name]) for name in names]


def test_the_figures_say_how_many_sends_are_open_and_how_many_wait(tmp_path: Path) -> None:
    shop = Shop.create(tmp_path / "data", "--sender", "openrate")
    with server(shop.data) as running:
        assert figures(running) == [0, 0, 0]
        shop.import_installations(running, ["one", "two", "three"])
        token = shop.campaign(running, push_time="now")
        wait_until(lambda: figures(running) == [1, 1, 3])
        reason = shop.call(running, f"/v1/{{key}}/campaigns/{token}/progress")["reason"]
        assert reason == "Shop has no credentials: openrate app credentials set gives it some."
        shop.call(running, f"/1.1/{{key}}/campaigns/update/{token}", {"live": False})
        assert figures(running)[0] == 1
        shop.call(running, f"/1.1/{{key}}/campaigns/update/{token}", {"live": True})
        options = ("--app", shop.keys["live_key"], "--provider", "stub", "--data", str(shop.data))
        answer("app", "credentials", "set", *options)
        wait_until(lambda: figures(running) == [0, 0, 0], 30)

"""Nothing acknowledged is ever lost: kills, and a disk that is slow, broken or full."""

from __future__ import annotations

import random
import sqlite3
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

from dashboard import PASSWORD, TLS
from program import Server, Shop, answer, openrate, refusal, server
from sending import wait_until

DISK = Path(__file__).parent / "faults" / "disk.c"


@pytest.fixture(scope="session")
def faulty_disk(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The library that stands before the disk."""
    library = tmp_path_factory.mktemp("faults") / "disk.so"
    subprocess.run(["cc", "-shared", "-fPIC", "-O1", "-o", library, DISK, "-ldl"], check=True)
    return library


@pytest.fixture
def fault(tmp_path: Path) -> Path:
    """The file that tells the disk what to do."""
    return tmp_path / "fault"


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    return Shop.create(tmp_path / "data")


@pytest.fixture
def running(shop: Shop, faulty_disk: Path, fault: Path) -> Iterator[Server]:
    with server(shop.data, LD_PRELOAD=str(faulty_disk), FAULTY_DISK=str(fault)) as started:
        yield started


def sent(token: str, name: str) -> dict[str, Any]:
    at = datetime.now(UTC).strftime("%Y-%m-%dT00:00:00Z")
    return {"type": "push_sent", "campaign_token": token, "installation_id": name, "at": at}


def post(shop: Shop, running: Server, *events: dict[str, Any]) -> httpx.Response:
    url = f"{running.address}/v1/{shop.keys['live_key']}/events"
    headers = {"X-Authorization": shop.keys["rest_api_key"]}
    return httpx.post(url, json=list(events), headers=headers, timeout=30)


def count(shop: Shop, running: Server, token: str) -> int:
    return sum(int(row["sent"]) for row in shop.stats(running, token)["detail"])


def test_a_200_is_written_only_after_the_file_is_synced(shop: Shop, running: Server, fault: Path) -> None:
    token = shop.campaign(running)
    fault.write_text("slow")
    started = time.monotonic()
    assert post(shop, running, sent(token, "i1")).status_code == 200
    assert time.monotonic() - started >= 1


def test_a_sync_that_fails_is_no_200_and_the_server_goes_on_when_the_disk_does(
    shop: Shop, running: Server, fault: Path
) -> None:
    token = shop.campaign(running)
    assert post(shop, running, sent(token, "i1")).status_code == 200
    fault.write_text("broken")
    refused = post(shop, running, sent(token, "i2"))
    assert (refused.status_code, refused.json()["code"]) == (503, 2)
    fault.unlink()
    assert post(shop, running, sent(token, "i3")).status_code == 200
    # What failed to be synced may or may not have been stored.
    wait_until(lambda: count(shop, running, token) in {2, 3})
    assert answer("verify", "--data", str(shop.data))["differences"] == []


def test_a_full_disk_is_503_and_it_goes_on_by_itself_when_there_is_room(
    shop: Shop, running: Server, fault: Path
) -> None:
    token = shop.campaign(running)
    assert post(shop, running, sent(token, "i1")).status_code == 200
    wait_until(lambda: count(shop, running, token) == 1)
    fault.write_text("full")
    for name in ("i2", "i3"):
        refused = post(shop, running, sent(token, name))
        assert (refused.status_code, refused.json()["code"]) == (503, 2)
        assert "Retry-After" in refused.headers
    assert count(shop, running, token) == 1
    fault.unlink()
    assert post(shop, running, sent(token, "i4")).status_code == 200
    wait_until(lambda: count(shop, running, token) == 2)


@pytest.mark.parametrize(
    ("told", "said"),
    [
        ("scarce", "Facts are refused: the disk of the server is full."),
        ("full", "The last facts that came could not be stored and were refused"),
        ("crammed", "The last facts that came could not be stored and were refused"),
    ],
)
def test_while_facts_are_refused_every_page_says_so_to_those_who_are_signed_in(
    shop: Shop, running: Server, fault: Path, told: str, said: str
) -> None:
    token, who = shop.campaign(running), "ada@example.com"
    openrate("user", "create", "--company", "Acme", "--email", who, "--data", str(shop.data), stdin=PASSWORD)
    paths = ["/campaigns", f"/campaigns/{token}", "/audience", "/settings", "/campaigns/gone"]
    with httpx.Client(base_url=running.address, headers={"Origin": running.address}, verify=TLS) as person:

        def told_on() -> list[str]:
            return [path for path in paths if said in person.get(path).text]

        assert person.post("/sign-in", data={"email": who, "password": PASSWORD}).status_code == 303
        assert told_on() == []
        use_no_session_for(shop, seconds=120)
        fault.write_text(told)
        assert post(shop, running, sent(token, "i1")).status_code == 503
        assert told_on() == paths
        assert said not in httpx.get(f"{running.address}/sign-in").text
        fault.unlink()
        assert post(shop, running, sent(token, "i1")).status_code == 200
        assert told_on() == []


def test_a_full_disk_is_said_by_readyz_and_at_the_start(shop: Shop, faulty_disk: Path, fault: Path) -> None:
    sentence = "The disk of the data folder is full: facts are refused until there is room."
    fault.write_text("scarce")
    with server(shop.data, LD_PRELOAD=str(faulty_disk), FAULTY_DISK=str(fault)) as running:
        refused = httpx.get(f"{running.address}/readyz")
        assert (refused.status_code, refused.json()["message"]) == (503, sentence)
        fault.unlink()
        wait_until(lambda: httpx.get(f"{running.address}/readyz").status_code == 200)
    assert shop.data.with_name("data.log").read_text("utf-8").count(sentence) == 1


def use_no_session_for(shop: Shop, *, seconds: int) -> None:
    """Make every session one that was used last so long before."""
    with closing(sqlite3.connect(shop.data / "records.db")) as records, records:
        records.execute("update sessions set seen_at = seen_at - ?", [1000 * seconds])


def test_records_older_than_the_facts_are_refused_in_one_sentence(shop: Shop) -> None:
    older = (shop.data / "records.db").read_bytes()
    with server(shop.data) as running:
        shop.report(running, [sent(shop.campaign(running), "i1")])
    for name in ("records.db-wal", "records.db-shm"):
        (shop.data / name).unlink(missing_ok=True)
    (shop.data / "records.db").write_bytes(older)
    assert "restore both files from one backup" in refusal("serve", "--data", str(shop.data), "--port", "0")


def test_kills_under_load_lose_nothing_that_was_acknowledged(tmp_path: Path) -> None:
    survive_kills(tmp_path, kills=4)


@pytest.mark.parametrize("lose", [Path.unlink, lambda records: records.write_bytes(b"")])
def test_facts_never_pass_to_the_campaigns_of_new_records(shop: Shop, lose: Callable[[Path], Any]) -> None:
    with server(shop.data) as running:
        token = shop.campaign(running)
        shop.report(running, [{"type": "push_sent", "installation_id": "i1", "campaign_token": token}])
    lose(shop.data / "records.db")
    facts = (shop.data / "facts.duckdb").read_bytes()
    for command in (
        ("serve", "--port", "0"),
        ("app", "create", "--company", "Other", "--name", "Shop", "--platform", "ios"),
    ):
        said = refusal(*command, "--data", str(shop.data))
        assert "records.db is missing" in said
        assert "backup" in said
    assert (shop.data / "facts.duckdb").read_bytes() == facts


@pytest.mark.soak
def test_many_kills_under_load_lose_nothing_that_was_acknowledged(tmp_path: Path) -> None:
    survive_kills(tmp_path, kills=100)


def survive_kills(tmp_path: Path, kills: int) -> None:
    """Kill a server that takes reports from four clients, again and again; count what was acknowledged."""
    shop = Shop.create(tmp_path / "data")
    acknowledged: list[int] = []
    token = ""
    for life in range(kills):
        with server(shop.data) as running:
            token = token or shop.campaign(running)
            assert count(shop, running, token) >= sum(acknowledged)
            clients = [
                threading.Thread(
                    target=report_until_killed, args=(shop, running, token, f"{life}-{n}", acknowledged)
                )
                for n in range(4)
            ]
            for client in clients:
                client.start()
            time.sleep(random.uniform(0.2, 1.0))
            running.kill()
            for client in clients:
                client.join()
        assert answer("verify", "--data", str(shop.data))["differences"] == []
    with server(shop.data) as running:
        assert sum(acknowledged) <= count(shop, running, token) <= sum(acknowledged) + 4 * kills * BATCH
    assert acknowledged


BATCH = 50


def report_until_killed(shop: Shop, running: Server, token: str, name: str, acknowledged: list[int]) -> None:
    with suppress(httpx.TransportError):
        for batch in range(100_000):
            events = [sent(token, f"{name}-{batch}-{at}") for at in range(BATCH)]
            if post(shop, running, *events).status_code == 200:
                acknowledged.append(BATCH)

"""The command line, as real processes: with a running server and without one."""

from __future__ import annotations

import os
import pty
import re
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path
from typing import Any, NamedTuple

import duckdb
import httpx
import msgspec
import pytest
import typer
from rich.console import Console

from openrate.cli import app as command_line
from openrate.cli.terminal import print_table, seconds
from openrate.errors import UsageError
from openrate.model import COUNTERS, window
from program import ENVIRONMENT, OPENRATE, Server, Shop, answer, openrate, refusal, server
from test_story import ROW, worked_example


class Place(NamedTuple):
    """A shop with the worked example and an A/B campaign in it, and its server, if it runs."""

    shop: Shop
    plain: str
    ab: str
    running: Server | None

    @property
    def data(self) -> tuple[str, str]:
        return "--data", str(self.shop.data)


def ab_facts(token: str) -> list[dict[str, Any]]:
    common = {"campaign_token": token, "at": "2026-03-29T10:00:00Z", "send_id": 'one, "two"'[:3]}
    return [
        {"type": "push_sent", "installation_id": "i1", "version": "a", "language": "fr", **common},
        {"type": "push_sent", "installation_id": "i2", "version": "b", "platform": "ios", **common},
        {"type": "push_error", "installation_id": "i3", "version": "b", "cause": "throttled", **common},
        {"type": "push_open", "installation_id": "i1", **common, "at": "2026-03-29T10:00:00.001Z"},
    ]


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Place:
    """The place, with no server running."""
    data = tmp_path_factory.mktemp("filled") / "data"
    shop = Shop.create(data)
    with server(data) as running:
        plain, ab = shop.campaign(running), shop.campaign(running, versions=True)
        shop.report(running, worked_example(plain))
        shop.report(running, ab_facts(ab))
        device = httpx.post(
            f"{running.address}/v1/{shop.keys['live_key']}/installations", json={"platform": "ios"}
        )
        assert device.status_code == 201
    return Place(shop, plain, ab, None)


@pytest.fixture(scope="module", params=["with a server", "without a server"])
def place(request: pytest.FixtureRequest, filled: Place) -> Iterator[Place]:
    """A copy of the place, with its server and without."""
    copied = filled.shop.data.with_name(request.param.replace(" ", "-"))
    shutil.copytree(filled.shop.data, copied)
    here = filled._replace(shop=filled.shop._replace(data=copied))
    if request.param == "without a server":
        yield here
        return
    with server(copied) as running:
        yield here._replace(running=running)


def test_an_app_has_exactly_the_documented_keys(place: Place) -> None:
    made = answer("app", "create", "--company", "New", "--name", "Site", "--platform", "web", *place.data)
    assert list(made) == ["company", "app", "platform", "rest_api_key", "live_key", "dev_key", "sdk_key"]
    assert (made["company"], made["app"], made["platform"]) == ("New", "Site", "web")
    assert [len(made[key]) for key in list(made)[3:]] == [32, 30, 30, 32]


def test_the_keys_of_an_app_are_shown_again_but_not_the_companys(place: Place) -> None:
    again = ("--company", "Acme", "--name", "Shop 2", "--platform", "ios")
    made = answer("app", "create", *again, *place.data)
    assert made["rest_api_key"] is None
    listed = {(row["company"], row["app"]): row for row in answer("app", "list", *place.data)}
    assert listed["Acme", "Shop 2"]["live_key"] == made["live_key"]
    assert listed["Acme", "Shop"]["sdk_key"] == place.shop.keys["sdk_key"]
    assert "already" in refusal("app", "create", *again, *place.data)


def test_the_send_rate_of_an_app_is_listed(place: Place) -> None:
    key = place.shop.keys["live_key"]
    answer("app", "set", "--app", key, "--send-rate", "60000", *place.data)
    assert {row["live_key"]: row["send_rate"] for row in answer("app", "list", *place.data)}[key] == 60_000
    assert "60,000" in openrate("app", "list", *place.data).stdout


def test_rest_keys_are_made_listed_and_revoked(place: Place) -> None:
    made = answer("company", "key", "create", "Acme", "--scope", "read", *place.data)
    assert made["scope"] == "read"
    assert _opens(place, made["rest_api_key"])
    listed = answer("company", "key", "list", "Acme", *place.data)
    assert [(row["id"], row["revoked"]) for row in listed if row["id"] == made["id"]] == [(made["id"], None)]
    assert not any("rest_api_key" in row for row in listed)
    answer("company", "key", "revoke", "Acme", str(made["id"]), *place.data)
    assert not _opens(place, made["rest_api_key"])
    assert "no key 999" in refusal("company", "key", "revoke", "Acme", "999", *place.data)


def _opens(place: Place, rest_key: str) -> bool:
    """Whether a REST key opens the list of campaigns."""
    url = f"/1.1/{place.shop.keys['live_key']}/campaigns/list"
    headers = {"X-Authorization": rest_key}
    if place.running is not None:
        return httpx.get(place.running.address + url, headers=headers).status_code == 200
    with server(place.shop.data) as running:
        return httpx.get(running.address + url, headers=headers).status_code == 200


def test_windows_of_a_company_change_the_past(place: Place) -> None:
    def influenced() -> int:
        return int(answer("stats", place.plain, *place.data)["detail"][0]["influenced_open"])

    assert influenced() == 1
    rule = answer("company", "set", "Acme", "--influence-window", "4h", *place.data)
    assert rule["influence_window"] == 14_400
    assert influenced() == 2
    answer("company", "set", "Acme", "--influence-window", "3h", *place.data)
    assert influenced() == 1
    sentence = refusal("company", "set", "Acme", "--influence-window", "8d", *place.data, code=2)
    assert "influence_window is 8d: 1m to 3d is accepted." in sentence


def test_campaigns_are_listed_and_shown_whichever_company_they_are_of(place: Place) -> None:
    listed = answer("campaign", "list", *place.data)
    assert [row["campaign_token"] for row in listed] == [place.ab, place.plain]
    answer("app", "create", "--company", "Aardvark", "--name", "Site", "--platform", "web", *place.data)
    shown = answer("campaign", "show", place.plain, *place.data)
    assert shown["parameters"]["name"] == "Spring sale"
    assert "no campaign" in refusal("campaign", "show", "0" * 32, *place.data)


def test_statistics_are_those_of_the_http_interface(place: Place) -> None:
    found = answer("stats", place.plain, *place.data)
    assert found["detail"] == [ROW]
    assert found["attribution_rule"] == {
        "influence_window": 10_800,
        "reengage_window": 259_200,
        "inactive_after": 2_592_000,
    }
    if place.running is not None:
        for token in (place.plain, place.ab):
            over_http = place.shop.stats(place.running, token)
            assert over_http.items() <= answer("stats", token, *place.data).items()


def test_the_table_of_statistics_has_open_rates_of_versions_too(place: Place) -> None:
    lines = openrate("stats", place.ab, *place.data).stdout.splitlines()
    rows = {line.split()[0]: line.split() for line in lines if line.startswith("2026")}
    assert rows["2026-03-29"][1:] == ["2", "1", "0", "0", "1", "50.0", "%"]
    assert any("version a" in line and "100.0 %" in line for line in lines)


def test_whole_numbers_verify(place: Place) -> None:
    verified = answer("verify", *place.data)
    assert verified["differences"] == []
    assert verified["facts"] > 10


def test_people_see_how_far_it_is(place: Place) -> None:
    ours, theirs = pty.openpty()
    with subprocess.Popen(
        [*OPENRATE, "verify", *place.data], stdout=subprocess.DEVNULL, stderr=theirs, env=ENVIRONMENT
    ) as process:
        os.close(theirs)
        shown = b""
        try:
            while piece := os.read(ours, 4096):
                shown += piece
        except OSError:
            pass  # how a terminal says that nobody writes to it any more
        assert process.wait() == 0
    os.close(ours)
    assert b"Verifying" in shown
    assert re.search(rb"(\d+) of \1 facts", shown)


def test_the_version_is_that_of_the_package() -> None:
    assert openrate("--version").stdout.strip() == version("openrate")


def test_damaged_rows_are_found_shown_and_mended(filled: Place, tmp_path: Path) -> None:
    data = tmp_path / "data"
    shutil.copytree(filled.shop.data, data)
    here = ("--data", str(data))
    with duckdb.connect(str(data / "facts.duckdb")) as database:
        database.execute("update day_row set direct_open = direct_open + 7 where version = 0")
        database.execute("delete from day_row where version = 1")
    found = openrate("verify", *here, "--json")
    assert found.returncode == 3
    differences = msgspec.json.decode(found.stdout)["differences"]
    assert [(row["campaign_token"], row["version"]) for row in differences] == [
        (filled.plain, None),
        (filled.ab, "a"),
    ]
    assert [row["stored"]["direct_open"] - row["recomputed"]["direct_open"] for row in differences] == [7, -1]
    with server(data) as running:
        damaged = filled.shop.stats(running, filled.plain)["detail"]
        assert damaged[0]["direct_open"] == 8
        table = openrate("verify", *here)
        assert table.returncode == 3
        assert filled.plain in table.stdout
        assert "recomputed" in table.stdout
        answer("rebuild", *here)
        assert filled.shop.stats(running, filled.plain)["detail"] == [ROW]
        assert openrate("verify", *here).returncode == 0


def test_rebuild_without_a_server_mends_too(filled: Place, tmp_path: Path) -> None:
    data = tmp_path / "data"
    shutil.copytree(filled.shop.data, data)
    with duckdb.connect(str(data / "facts.duckdb")) as database:
        database.execute("update day_row set sent = sent + 1")
    assert answer("rebuild", "--data", str(data))["facts"] > 10
    assert answer("verify", "--data", str(data))["differences"] == []


@pytest.mark.parametrize("form", ["ndjson", "csv", "parquet"])
def test_what_is_exported_can_be_imported(place: Place, tmp_path: Path, form: str) -> None:
    key = ("--app", place.shop.keys["live_key"])
    first, second = tmp_path / f"first.{form}", tmp_path / f"second.{form}"
    exported = answer("export", str(first), *key, *place.data)["facts"]
    empty = tmp_path / "empty"
    empty.mkdir()
    with _records_only(place.shop.data, empty) as data:
        taken = answer("import", str(first), *key, *data)
        assert taken == {"accepted": exported, "rejected": 0, "reasons": []}
        assert answer("stats", place.plain, *data)["detail"] == [ROW]
        assert answer("export", str(second), *key, *data)["facts"] == exported
    assert _rows(first) == _rows(second)


def test_the_query_of_the_documents_makes_of_an_export_what_the_statistics_say(
    place: Place, tmp_path: Path
) -> None:
    key = ("--app", place.shop.keys["live_key"])
    first, file = tmp_path / "first.parquet", tmp_path / "facts.parquet"
    exported = answer("export", str(first), *key, *place.data)["facts"]
    (tmp_path / "empty").mkdir()
    with _records_only(place.shop.data, tmp_path / "empty") as data:
        for _ in range(2):
            answer("import", str(first), *key, *data)
        assert answer("export", str(file), *key, *data)["facts"] == 2 * exported
        detail = answer("stats", place.plain, *data)["detail"]
    page = Path(__file__).parent.parent / "docs/operations.md"
    (query,) = re.findall(r"```sql\n(.*?)```", page.read_text("utf-8"), re.DOTALL)
    with duckdb.connect() as database:
        rows = database.execute(query.replace("facts.parquet", str(file))).fetchall()
        (kind,) = database.execute('select typeof("at") from read_parquet(?) limit 1', [str(file)]).fetchall()
    assert kind == ("TIMESTAMP",)
    assert [(str(date), sent, optins) for token, date, _, sent, optins in rows if token == place.plain] == [
        (row["date"], row["sent"], row["sent_optins"]) for row in detail
    ]
    assert {version for token, _, version, *_ in rows if token == place.ab} <= {"a", "b"}


class _records_only:  # noqa: N801 - reads as a function
    """A folder with the same companies and campaigns, and no facts."""

    def __init__(self, source: Path, target: Path) -> None:
        self._source, self._target = source, target

    def __enter__(self) -> tuple[str, str]:
        for name in ("records.db", "records.db-wal"):
            if (self._source / name).exists():
                shutil.copy(self._source / name, self._target / name)
        return "--data", str(self._target)

    def __exit__(self, *_: object) -> None:
        pass


def _rows(file: Path) -> set[Any]:
    """What stands in a file of facts, whatever its order."""
    if file.suffix == ".ndjson":
        return {frozenset(msgspec.json.decode(line).items()) for line in file.read_bytes().splitlines()}
    with duckdb.connect() as database:
        return set(database.execute(f"from '{file}'").fetchall())


def test_an_import_reports_what_it_refuses_by_reason(place: Place, tmp_path: Path) -> None:
    good = {"type": "app_open", "installation_id": "i9", "at": "2026-03-01T00:00:00Z"}
    lines = [
        good,
        {**good, "at": "soon"},
        {**good, "type": "push_open", "campaign_token": "f" * 32},
        {**good, "at": "2026-03-01"},
        {**good, "type": "installed"},
    ]
    text = [msgspec.json.encode(line).decode() for line in lines]
    file = tmp_path / "facts.ndjson"
    file.write_text("\n".join([text[0], "", *text[1:], "{not json", ""]))
    taken = answer("import", str(file), "--app", place.shop.keys["live_key"], *place.data)
    assert (taken["accepted"], taken["rejected"]) == (2, 4)
    reasons = {row["code"]: row for row in taken["reasons"]}
    assert {code: row["count"] for code, row in reasons.items()} == {"malformed": 3, "unknown_campaign": 1}
    assert [example["line"] for example in reasons["malformed"]["examples"]] == [3, 5, 7]


def test_facts_go_through_pipes(place: Place) -> None:
    key = ("--app", place.shop.keys["live_key"])
    exported = openrate("export", "-", *key, "--campaign", place.ab, *place.data)
    assert len(exported.stdout.splitlines()) == 4
    imported = openrate("import", "-", *key, *place.data, stdin=exported.stdout)
    assert imported.stdout == "4 facts accepted, 0 refused.\n"


def test_whoever_reads_only_the_beginning_of_an_export_is_told_nothing_untrue(place: Place) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    with os.fdopen(writer, "wb") as closed:
        done = subprocess.run(
            [*OPENRATE, "export", "-", "--app", place.shop.keys["live_key"], *place.data],
            stdout=closed,
            stderr=subprocess.PIPE,
            env=ENVIRONMENT,
            check=False,
        )
    assert done.stderr == b""


def test_a_line_of_a_csv_file_is_the_line_an_editor_shows(place: Place, tmp_path: Path) -> None:
    file = tmp_path / "facts.csv"
    file.write_text("type,installation_id,at\napp_open,i9,2026-03-01T00:00:00Z\napp_open,i9,yesterday\n")
    taken = answer("import", str(file), "--app", place.shop.keys["live_key"], *place.data)
    assert [reason["examples"][0]["line"] for reason in taken["reasons"]] == [3]
    said = openrate("import", str(file), "--app", place.shop.keys["live_key"], *place.data).stdout
    assert said.startswith("1 fact accepted, 1 refused.\n")


@pytest.mark.parametrize("form", ["csv", "parquet"])
def test_the_name_of_a_file_is_no_pattern(place: Place, tmp_path: Path, form: str) -> None:
    key = ("--app", place.shop.keys["live_key"])
    file = tmp_path / f"what? [1] it's * {{a}}.{form}"
    exported = answer("export", str(file), *key, *place.data)["facts"]
    assert answer("import", str(file), *key, *place.data)["accepted"] == exported
    sentence = refusal("import", str(tmp_path / f"*.{form}"), *key, *place.data)
    assert sentence.endswith("cannot be read: No such file or directory.")


def test_a_file_of_installations_is_shown_the_way(place: Place, tmp_path: Path) -> None:
    file = tmp_path / "i.csv"
    file.write_text("installation_id,platform,push_token\ni1,ios,t1\n")
    sentence = refusal("import", str(file), "--app", place.shop.keys["live_key"], *place.data)
    assert "POST /v1/{key}/installations/import" in sentence
    file.write_text("user,at\ni1,2026-03-01\n")
    sentence = refusal("import", str(file), "--app", place.shop.keys["live_key"], *place.data)
    assert sentence.endswith("has no column type and no column installation_id.")


def test_a_file_that_is_not_what_it_says_is_one_sentence(place: Place, tmp_path: Path) -> None:
    file = tmp_path / "facts.parquet"
    file.write_text("no parquet")
    key = ("--app", place.shop.keys["live_key"])
    assert "cannot be read" in refusal("import", str(file), *key, *place.data)
    assert "cannot be read" in refusal("import", str(tmp_path / "none.ndjson"), *key, *place.data)
    assert "--format" in refusal("import", str(tmp_path / "facts.txt"), *key, *place.data, code=2)
    assert "no app's Live key" in refusal("export", str(tmp_path / "f.csv"), "--app", "X", *place.data)
    assert not list(tmp_path.glob("f.csv*"))


def test_a_second_server_on_the_same_folder_is_refused(place: Place) -> None:
    if place.running is None:
        pytest.skip("there is no first one")
    sentence = refusal("serve", "--port", "0", *place.data)
    assert f"in use by openrate serve (process {place.running.process.pid})" in sentence


def test_a_port_in_use_is_one_sentence(filled: Place) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        assert f"port {port}" in refusal("serve", "--port", port, *filled.data)


def test_commands_work_after_a_server_was_killed(filled: Place, tmp_path: Path) -> None:
    data = tmp_path / ("long-" * 20) / "data"
    data.parent.mkdir()
    shutil.copytree(filled.shop.data, data)
    with server(data) as running:
        assert answer("stats", filled.plain, "--data", str(data))["detail"] == [ROW]
        running.kill()
    assert (data / "control.sock").exists()
    assert answer("stats", filled.plain, "--data", str(data))["detail"] == [ROW]


def test_the_data_folder_can_come_from_the_environment(filled: Place) -> None:
    done = openrate("app", "list", "--json", OPENRATE_DATA=str(filled.shop.data))
    assert msgspec.json.decode(done.stdout)[0]["company"] == "Acme"


def test_wrong_use_is_one_sentence_and_exit_code_2(filled: Place) -> None:
    assert "OPENRATE_DATA" in refusal("app", "list", code=2)
    assert "OPENRATE_RTE_LIMIT is not a setting" in refusal(
        "app", "list", *filled.data, code=2, OPENRATE_RTE_LIMIT="5"
    )
    assert "--company" in refusal("app", "create", *filled.data, code=2)
    assert "3x is not a window" in refusal(
        "company", "set", "Acme", "--inactive-after", "3x", *filled.data, code=2
    )


def test_a_wrong_setting_is_named_as_it_was_given(filled: Place) -> None:
    for name, value in (("PORT", "eighty"), ("TRUSTED_PROXIES", "10.0.0.1/8"), ("HOT_FACTS", "many")):
        sentence = refusal("app", "list", *filled.data, code=2, **{f"OPENRATE_{name}": value})
        assert sentence.startswith(f"openrate: OPENRATE_{name} is {value}: ")
    sentence = refusal("app", "list", *filled.data, code=2, OPENRATE_PORT_FILE="/dev/null")
    assert sentence.startswith("openrate: OPENRATE_PORT is ")


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("HOT_FACTS", "0", "1 to 1073741824"),
        ("HOT_FACTS", "-5", "1 to 1073741824"),
        ("HOT_FACTS", "99999999999999", "1 to 1073741824"),
        ("MEMORY_LIMIT_MB", "0", "64 to 1048576"),
        ("INFLIGHT_MB", "0", "1 to 1048576"),
        ("RATE_LIMIT", "nan", "0 to 1000000"),
        ("RATE_LIMIT", "-1", "0 to 1000000"),
        ("PORT", "65536", "0 to 65535"),
        ("METRICS_TOKEN", "", "empty"),
    ],
)
def test_a_setting_that_cannot_work_is_refused_before_anything_starts(
    filled: Place, name: str, value: str, said: str
) -> None:
    sentence = refusal("app", "list", *filled.data, code=2, **{f"OPENRATE_{name}": value})
    assert f"OPENRATE_{name} is" in sentence
    assert said in sentence


def test_a_wrong_choice_is_one_plain_sentence(filled: Place) -> None:
    sentence = refusal(
        "app", "create", "--company", "A", "--name", "B", "--platform", "amiga", *filled.data, code=2
    )
    assert sentence.endswith("'--platform': 'amiga' is not one of 'ios', 'android', 'web'.")


def test_a_folder_that_cannot_be_looked_into_is_one_sentence(tmp_path: Path) -> None:
    assert "cannot be used: File name too long" in refusal(
        "app", "list", "--data", str(tmp_path / ("a" * 300))
    )


def test_a_mistyped_folder_is_not_made(tmp_path: Path) -> None:
    assert "holds no Openrate data" in refusal("verify", "--data", str(tmp_path / "typo"))
    assert not (tmp_path / "typo").exists()


def test_the_demo_can_leave_its_pages_to_look_at_and_replaces_only_an_older_demo(tmp_path: Path) -> None:
    kept = tmp_path / "demo"
    passwords = []
    for _ in range(2):
        done = openrate("demo", "--keep", str(kept))
        assert done.returncode == 0, done.stderr
        passwords.append(done.stdout.partition("with the password ")[2].split()[0])
    assert f"serve --data {kept / 'data'}" in done.stdout
    with server(kept / "data") as running, httpx.Client(base_url=running.address) as client:
        for password, status in zip(passwords, (403, 303), strict=True):
            form = {"email": "demo@example.com", "password": password}
            headers = {"Origin": running.address}
            assert client.post("/sign-in", data=form, headers=headers).status_code == status
        assert "Spring sale" in client.get("/campaigns").text
        assert re.fullmatch(
            rf"openrate: The data folder {kept / 'data'} is in use by openrate serve \(process \d+\): "
            r"stop that first, or give another --keep\.",
            refusal("demo", "--keep", str(kept)),
        )
        assert "Spring sale" in client.get("/campaigns").text
        assert (kept / "data/lock").exists()
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine/thesis").touch()
    assert "something else" in refusal("demo", "--keep", str(tmp_path / "mine"))
    assert (tmp_path / "mine/thesis").exists()


def test_the_demo_checks_itself_and_leaves_nothing(tmp_path: Path) -> None:
    done = openrate("demo", TMPDIR=str(tmp_path))
    assert done.returncode == 0, done.stderr
    for said in ("curl -H", "urlopen(request", "curl_init", '"sent": 754', '"sent": 486', "Morning news"):
        assert said in done.stdout
    assert not list(tmp_path.iterdir())


def _all(group: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    for name, command in group.commands.items():
        yield (*path, name), command
        yield from _all(command, (*path, name)) if hasattr(command, "commands") else ()


_EVERYTHING = dict(_all(typer.main.get_command(command_line)))
COMMANDS = {path: command for path, command in _EVERYTHING.items() if not hasattr(command, "commands")}
"""Without the nouns that they are of."""


@pytest.mark.parametrize("path", _EVERYTHING, ids=" ".join)
def test_help_has_an_example(path: tuple[str, ...]) -> None:
    assert f"Example: openrate {' '.join(path)}" in (_EVERYTHING[path].help or "")


def test_windows_are_written_as_people_write_them() -> None:
    assert [seconds(text) for text in ("90m", "3h", "30 d", "45S")] == [5_400, 10_800, 2_592_000, 45]
    assert [window(length) for length in (5_400, 10_800, 2_592_000, 45)] == ["90m", "3h", "30d", "45s"]
    for wrong in ("", "3", "h", "-1h", "0h", "1.5h", "3 weeks"):
        with pytest.raises(UsageError):
            seconds(wrong)


def _shown(capsys: pytest.CaptureFixture[str], width: int, *table: Any) -> list[str]:
    """The lines of a table in a terminal of that width."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("openrate.cli.terminal.out", lambda: Console(width=width))
        print_table(*table)
    return [line.strip() for line in capsys.readouterr().out.splitlines() if line.strip(" ─")]


def test_nothing_is_broken_in_two_in_a_narrow_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    columns, row = ["app", "live_key", "sdk_key"], ["Shop", "A" * 30, "B" * 32]
    assert [line.split() for line in _shown(capsys, 100, columns, [row])] == [columns, row]
    assert [line.split() for line in _shown(capsys, 60, columns, [row])] == [
        list(pair) for pair in zip(columns, row, strict=True)
    ]


def test_statistics_fit_a_terminal_of_80_columns(capsys: pytest.CaptureFixture[str]) -> None:
    columns = ["date", *COUNTERS, "open rate"]
    counts = [234_567, 234_567, 123_456, 123_456, 123_456, 12_345]
    row = ["2026-03-10", *counts, "100.0 %"]
    lines = _shown(capsys, 80, columns, [row])
    assert max(map(len, lines)) <= 80
    assert lines[-1].split(maxsplit=7) == ["2026-03-10", *(f"{count:,}" for count in counts), "100.0 %"]


def test_settings_of_the_person_who_tests_do_not_matter() -> None:
    assert not any(name.startswith("OPENRATE_") for name in ENVIRONMENT)


def test_rotating_tokens_twice_voids_those_of_a_running_servers_devices(tmp_path: Path) -> None:
    data = tmp_path / "data"
    shop = Shop.create(data)
    with server(data) as running:
        device = shop.call(running, "/v1/{key}/installations", {"platform": "ios"})
        url = f"{running.address}/v1/{shop.keys['live_key']}/events"
        bearer = {"Authorization": f"Bearer {device['installation_token']}"}

        def report() -> int:
            return httpx.post(url, json={"type": "app_open"}, headers=bearer, timeout=10).status_code

        assert report() == 200
        assert answer("app", "rotate-tokens", "--data", str(data)) == {"rotated": True}
        assert report() == 200
        answer("app", "rotate-tokens", "--data", str(data))
        assert report() == 401


def test_a_name_is_printed_on_a_terminal_that_lacks_its_letters(tmp_path: Path) -> None:
    place = ("--data", str(tmp_path / "data"))
    answer("app", "create", "--company", "Żubr", "--name", "Łódź", "--platform", "ios", *place)
    command = [str(Path(sys.executable).with_name("openrate")), "app", "list", *place]
    listed = subprocess.run(
        command, env=os.environ | {"PYTHONIOENCODING": "ascii"}, capture_output=True, check=True
    )
    assert rb"\u017bubr" in listed.stdout

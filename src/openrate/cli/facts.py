"""openrate verify, rebuild, import, export."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import typer

from openrate.cli import late
from openrate.cli.asking import Data, Json, asking
from openrate.cli.terminal import Bar, facts, print_json, print_table, progress_bar
from openrate.commands.requests import GiveFacts, Rebuild, TakeFacts, Verify
from openrate.control import COMMAND_LINE
from openrate.model import COUNTERS, Format

DIFFERS = 3
"""Exit code of ``verify`` when rows differ."""
_EXAMPLES = 3

File = Annotated[
    Path, typer.Argument(metavar="FILE", help="Named .ndjson, .csv or .parquet; - is a pipe of NDJSON.")
]
LiveKey = Annotated[str, typer.Option("--app", metavar="LIVE_KEY", help="The app: its Live key.")]
FormatOption = Annotated[Format | None, typer.Option("--format", help="When the name does not say it.")]


def verify(data: Data = None, json: Json = False) -> None:
    """Prove the numbers from the facts.

    Recomputes every row with the slow and obvious reference; exit code 3 when rows differ.

    Example: openrate verify --data data
    """
    with asking(data) as line, progress_bar("Verifying") as bar:
        found = line.ask(Verify(), bar)
    differences = found["differences"]
    if json:
        print_json(found)
    elif differences:
        print_table(["app", "campaign", "date", "version", "", *COUNTERS], list(_pairs(differences)))
        typer.echo("These rows differ from what the facts say: openrate rebuild makes them again.", err=True)
    else:
        typer.echo(f"Every row agrees with the {facts(found['facts'])}.")
    if differences:
        raise typer.Exit(DIFFERS)


def _pairs(differences: list[dict[str, Any]]) -> Iterator[list[object]]:
    """Two lines for each row: what is stored, what was recomputed."""
    for row in differences:
        name = row.get("campaign_token") or row.get("campaign")
        for what in ("stored", "recomputed"):
            counters = [row[what][counter] for counter in COUNTERS]
            yield [row.get("app"), name, row["date"], row["version"], what, *counters]


def rebuild(data: Data = None, json: Json = False) -> None:
    """Make every row again from the facts.

    Until that is done the old ones answer.

    Example: openrate rebuild --data data
    """
    with asking(data) as line, progress_bar("Rebuilding") as bar:
        made = line.ask(Rebuild(), bar)
    if json:
        print_json(made)
    else:
        typer.echo(f"Made every row again from {facts(made['facts'])}.")


def import_(
    file: File, app: LiveKey, form: FormatOption = None, data: Data = None, json: Json = False
) -> None:
    """Take facts from a file.

    Fields or columns are those of POST /v1/{api_key}/events; "installed" is a type as well. What cannot be
    taken is reported by reason, with the first lines it struck. A second import of the same file changes no
    number.

    Example: openrate import facts.csv --app 1A2B... --data data
    """
    source = late.stores.fact_file(file, form)
    taken = _Taken()
    with asking(data) as line, progress_bar("Importing", source.unit) as bar:
        total = source.size()
        for lines, done in source.read():
            numbered = [
                (taken.lines + at, text) for at, text in enumerate(lines, source.heading + 1) if text.strip()
            ]
            request = TakeFacts(app, b"\n".join(text for _, text in numbered).decode(errors="replace"))
            taken.add(line.ask(request, bar), [number for number, _ in numbered])
            taken.lines += len(lines)
            bar.progress(done, max(done, total))
    if json:
        print_json(taken.report())
    else:
        taken.print()


class _Taken:
    """What became of an import so far."""

    def __init__(self) -> None:
        self.lines = 0
        self._accepted = 0
        self._reasons: Counter[str] = Counter()
        self._examples: dict[str, list[dict[str, Any]]] = {}

    def add(self, answer: dict[str, Any], numbers: list[int]) -> None:
        """Count a batch; ``numbers`` are the places of its facts in the file, from 1."""
        self._accepted += answer["accepted"]
        for refusal in answer["refused"]:
            code = refusal["code"]
            self._reasons[code] += 1
            examples = self._examples.setdefault(code, [])
            if len(examples) < _EXAMPLES:
                examples.append({"line": numbers[refusal["index"]], "message": refusal["message"]})

    def report(self) -> dict[str, Any]:
        """For programs."""
        return {
            "accepted": self._accepted,
            "rejected": self._reasons.total(),
            "reasons": [
                {"code": code, "count": count, "examples": self._examples[code]}
                for code, count in self._reasons.most_common()
            ],
        }

    def print(self) -> None:
        """For people."""
        typer.echo(f"{facts(self._accepted)} accepted, {self._reasons.total():,} refused.")
        if self._reasons:
            rows = [
                [code if first else "", count if first else None, example["line"], example["message"]]
                for code, count in self._reasons.most_common()
                for first, example in zip((True, False, False), self._examples[code], strict=False)
            ]
            print_table(["reason", "facts", "for instance line", "because"], rows)


def export(  # noqa: PLR0913 - an option each
    file: File,
    app: LiveKey,
    campaign: Annotated[str | None, typer.Option(metavar="TOKEN", help="Only facts about this one.")] = None,
    form: FormatOption = None,
    data: Data = None,
    json: Json = False,
) -> None:
    """Write the facts of an app to a file.

    openrate import reads it. Facts of development builds are in no export. A report that was repeated is there
    as often as it came, while the numbers count each delivery once: docs/operations.md has a query that does the
    same.

    Example: openrate export facts.parquet --app 1A2B... --data data
    """
    target = late.stores.fact_file(file, form)
    with asking(data) as line, progress_bar("Exporting") as bar, late.stores.writing(target) as put:
        given = line.ask(GiveFacts(app, campaign), _Into(bar, put))
    if str(file) == "-":
        return
    if json:
        print_json({**given, "file": str(file)})
    else:
        typer.echo(f"Wrote {facts(given['facts'])} to {file}.")


class _Into:
    """Puts parts into a file and shows progress; see ``control.Talk``."""

    by = COMMAND_LINE

    def __init__(self, bar: Bar, put: late.stores.Put) -> None:
        self.progress = bar.progress
        self.items = put

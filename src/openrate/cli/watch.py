"""What ``openrate campaign send --watch`` shows: the campaign, how far it is, and what it waits for."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from typing import Any

from rich.console import Console, RenderableType
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn
from rich.text import Text

from openrate.cli.terminal import moment
from openrate.model import CampaignState, SendState

_CHOOSING = "Choosing recipients …"
_OVER = {CampaignState.COMPLETED, CampaignState.STOPPED, "deleted"}


class Watch(Progress):
    """Three lines on stderr, gone at the end. Where nobody looks: a line for each thing that it waits for."""

    def __init__(self, found: dict[str, Any]) -> None:
        console = Console(stderr=True)
        columns = (BarColumn(None), TextColumn("{task.fields[count]}"), TimeRemainingColumn())
        self._name = Text(found["name"], style="bold", no_wrap=True, overflow="ellipsis")
        self._status: str | None = None
        super().__init__(*columns, console=console, transient=True, disable=not console.is_terminal)
        self._task = self.add_task("", total=None, count="")

    def get_renderables(self) -> Iterable[RenderableType]:
        """The lines, see rich. What it waits for has its own, so that neither that nor a name takes the bar's."""
        yield self._name
        yield self.make_tasks_table(self.tasks)
        if self._status is not None:
            yield Text(self._status)
        yield Text()  # where the terminal writes ^C: after a full line it would begin a new one, which stays

    def show(self, found: dict[str, Any]) -> None:
        """Show how far it is now."""
        before, self._status = self._status, status(found)
        if self.disable and self._status not in {None, _CHOOSING, before}:
            sys.stderr.write(f"{self._name}: {self._status}\n")
        done, total = found["sent"] + found["errors"] + found["skipped"], found["recipients"]
        is_moving = total > 0 and is_under_way(found)
        count = f"{done:,} of {total:,} recipients" if total else ""
        self.update(self._task, completed=done, total=total if is_moving else None, count=count)


def is_over(found: dict[str, Any]) -> bool:
    """Whether nothing more is sent of a campaign."""
    return found["state"] in _OVER


def is_under_way(found: dict[str, Any]) -> bool:
    """Whether recipients are known and not all of them had their turn."""
    return any(send["state"] == SendState.SENDING for send in found["sends"])


def status(found: dict[str, Any]) -> str | None:
    """What a campaign waits for, in words for people; None when it is being sent, or over."""
    if is_over(found):
        return None
    if found["reason"] is not None:
        return str(found["reason"])
    if found["state"] == CampaignState.SCHEDULED:
        return f"Scheduled for {moment(found['next_due_at'])} UTC."
    if is_under_way(found):
        return None
    if found["next_due_at"] is None or any(send["finished_at"] is None for send in found["sends"]):
        return _CHOOSING
    return f"Goes on at {moment(found['next_due_at'])} UTC."

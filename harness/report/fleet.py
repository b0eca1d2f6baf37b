"""The workers on the terminal: a line for each, the tasks they do below, and the queues at the end."""

from __future__ import annotations

from rich.console import Console
from rich.table import Table
from rich.text import Text

from harness.compare.text import visible
from harness.report.durations import duration
from harness.workers.fleet import Fleet, QueueView, WorkerView

__all__ = ["print_fleet"]

_WIDEST = 1_000
_CODE = 12


def print_fleet(console: Console, fleet: Fleet, redis: str) -> None:
    """Print `fleet`, the workers on the server at `redis`."""
    if not fleet.workers:
        console.print(
            Text(f"no worker on {visible(redis)}; start one: harness worker --redis {visible(redis)}"),
            soft_wrap=True,
        )
        return
    table = Table(box=None, padding=(0, 2, 0, 0))
    for column in ("worker", "queue", "code", "state", "up", "done", "last min", "taken over", "repeated"):
        right = column in ("up", "done", "last min", "taken over", "repeated")
        table.add_column(column, justify="right" if right else "left", no_wrap=True)
    for worker in fleet.workers:
        table.add_row(
            visible(worker.name),
            visible(worker.queue),
            Text(worker.code[:_CODE], "" if worker.same_code else "yellow"),
            _state(worker),
            duration(max(0.0, fleet.at - worker.started)),
            str(worker.done),
            str(worker.done_last_minute),
            str(worker.taken_over),
            str(worker.repeated),
        )
    wide = Console(file=console.file, width=_WIDEST, highlight=False, force_terminal=console.is_terminal)
    wide.print(table)
    for worker in fleet.workers:
        for task in worker.busy:
            again = ", taken over from another worker" if task.taken_over else ""
            since = duration(max(0.0, fleet.at - task.since))
            line = f"{worker.name}: {task.task} of {task.run} for {since}{again}"
            console.print(Text(visible(line)), soft_wrap=True)
    for queue in fleet.queues:
        console.print(Text(_queue(queue, fleet.code), "dim"), soft_wrap=True)
    if not any(worker.same_code for worker in fleet.workers):
        console.print(
            Text(f"none has the code of this installation ({fleet.code[:_CODE]}): its builds wait", "yellow"),
            soft_wrap=True,
        )


def _state(worker: WorkerView) -> Text:
    if worker.late_leases:
        return Text(f"silent, {worker.late_leases} of its leases about to lapse", "bold yellow")
    busy = f"{len(worker.busy)} of {worker.concurrency} busy"
    if worker.draining:
        return Text(f"draining, {busy}", "yellow")
    return Text(busy, "bold" if worker.busy else "green")


def _queue(queue: QueueView, own: str) -> str:
    mine = " (this installation's)" if queue.code == own else ""
    return (
        f"queue {queue.queue}, code {queue.code[:_CODE]}{mine}: workers {queue.workers}, tasks waiting "
        f"{queue.waiting}, under way {queue.underway}, done in the last minute {queue.done_last_minute}"
    )

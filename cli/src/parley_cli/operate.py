"""The operator's commands over the log: `parley log`, `parley projections`, `parley stream`."""

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from parley_cli.failures import Failed

if TYPE_CHECKING:
    from comments.findings import Findings
    from comments.rebuild import Rebuilt
    from comments.verify import Verified

DataDir = Annotated[
    Path,
    typer.Option("--data-dir", help="That of `parley up`; not used if PARLEY_DATABASE_URL is set."),
]
Yes = Annotated[bool, typer.Option("--yes", help="Do not ask.")]


def commands(home: Path) -> dict[str, typer.Typer]:
    """By name; `home` is the data directory unless another is named."""
    return {"log": _log(home), "projections": _projections(home), "stream": _stream(home)}


def _group(what: str) -> typer.Typer:
    return typer.Typer(help=what, no_args_is_help=True, rich_markup_mode=None)


def _log(home: Path) -> typer.Typer:
    group = _group("The log of all events, in Postgres.")

    @group.command("verify")
    def verify_command(
        most: Annotated[int, typer.Option(min=1, help="Findings to show.")] = 100,
        as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
        data_dir: DataDir = home,
    ) -> None:
        """Compare the log, the projections and the stream.

        Is the log whole, and are projections and stream what it says? The system may run meanwhile.
        Exit 0: all is well. 1: something is not. 2: it could not be checked.
        """
        from parley_cli import operations

        verified, findings = operations.verify(operations.system(data_dir), most)
        typer.echo(_object(verified, findings) if as_json else _report(verified, findings))
        if findings.count:
            raise typer.Exit(1)

    @group.command("restored")
    def restored_command(yes: Yes = False, data_dir: DataDir = home) -> None:
        """Begin a new epoch, after an older backup was put back.

        Clients that come back read their rooms' history anew, instead of being given a false one.
        """
        _restored(data_dir, yes)

    return group


def _restored(data_dir: Path, yes: bool) -> None:
    from parley_cli import operations

    system = operations.system(data_dir)
    before = operations.standing(system)
    last = f"; the last one is of {before.newest:%Y-%m-%d %H:%M:%S %Z}" if before.newest else ""
    _say(f"The log has {_count(before.events, 'event')} in {_count(before.rooms, 'room')}{last}.")
    _say("It begins a new epoch: every client reads its rooms anew, and the stream is filled again.")
    _ask("Was an older backup put back?", yes)
    epoch = operations.begin_epoch(system, before)
    _say(f"The epoch was {before.epoch} and is {epoch}. Parley's processes were told. Filling the stream:")
    operations.refill(system, afresh=True)
    typer.echo(f"done: the log has the epoch {epoch}, and the stream has the log")


def _projections(home: Path) -> typer.Typer:
    group = _group("Comments, members and rooms as they are now.")

    @group.command("rebuild")
    def rebuild_command(
        room: Annotated[str | None, typer.Option(help="Only this room.")] = None, data_dir: DataDir = home
    ) -> None:
        """Make them what the log says, while the system runs.

        Exit 0: they are. 1: they are, but the log itself has flaws. 2: it could not be done.
        """
        from parley_cli import operations

        done = operations.rebuild(operations.system(data_dir), room)
        if room is not None and not done.rooms:
            raise Failed(f"the log has no room {room}")
        typer.echo(_rebuilt(done))
        if done.problems:
            raise typer.Exit(1)

    return group


def _stream(home: Path) -> typer.Typer:
    group = _group("The newest 30 days of the log, in NATS.")

    @group.command("rebuild")
    def rebuild_command(
        afresh: Annotated[bool, typer.Option("--afresh", help="First remove what it has.")] = False,
        yes: Yes = False,
        data_dir: DataDir = home,
    ) -> None:
        """Publish again what it lacks of the log, while the system runs."""
        from parley_cli import operations

        system = operations.system(data_dir)
        if afresh:
            _say("Every event is published again: other consumers of the stream receive them a second time.")
            _ask("Remove them from the stream first?", yes)
        filled = operations.refill(system, afresh=afresh)
        published = f"done: {_count(filled, 'event')} published again"
        typer.echo(published if filled else "ok: the stream lacks nothing")

    return group


def _report(verified: "Verified", findings: "Findings") -> str:
    looked = f"{_count(verified.events, 'event')} in {_count(verified.rooms, 'room')}"
    looked += f", {verified.streamed:,} in the stream"
    if verified.repeats:
        looked += f" ({verified.repeats:,} of them twice, which readers skip)"
    if not findings.count:
        return f"ok: {looked}"
    lines = [finding.line for finding in findings.kept]
    if (more := findings.count - len(findings.kept)) > 0:
        lines.append(f"… and {more:,} more: --most {findings.count} shows them all")
    lines.append(f"not ok: {_count(findings.count, 'finding')} among {looked}")
    return "\n".join(lines + [f"to mend it: parley {remedy}" for remedy in findings.remedies])


def _object(verified: "Verified", findings: "Findings") -> str:
    return json.dumps(
        {
            "ok": not findings.count,
            "epoch": verified.epoch,
            "rooms": verified.rooms,
            "events": verified.events,
            "streamed": verified.streamed,
            "repeats": verified.repeats,
            "count": findings.count,
            "findings": [finding.row() for finding in findings.kept],
            "mend": [f"parley {remedy}" for remedy in findings.remedies],
        },
        indent=2,
        default=str,
    )


def _rebuilt(done: "Rebuilt") -> str:
    of = f"{_count(done.events, 'event')} in {_count(done.rooms, 'room')} folded"
    lines = [f"ok: {of}, nothing to change"]
    if done.changed:
        kinds = {"comment": done.comments, "member": done.members, "room": done.heads}
        kinds["derived row"] = done.derived
        rows = ", ".join(_count(number, kind) for kind, number in kinds.items() if number)
        lines = [f"done: {of}, {_count(done.changed, 'row')} changed: {rows}"]
    if done.problems:
        lines.append(f"the log itself has {_count(done.problems, 'flaw')}; to see where: parley log verify")
    return "\n".join(lines)


def _count(number: int, what: str) -> str:
    return f"{number:,} {what}{'' if number == 1 else 's'}"


def _ask(question: str, yes: bool) -> None:
    if yes:
        return
    if not sys.stdin.isatty():
        raise Failed("nobody is there to be asked: pass --yes if you mean it")
    typer.confirm(question, abort=True, err=True)


def _say(line: str) -> None:
    typer.echo(line, err=True)

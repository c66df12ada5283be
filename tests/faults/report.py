"""A verdict as tables, for a terminal and for docs/reliability.md."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from faults.checker import Verdict
from faults.findings import Kind

EXAMPLES = 10
"""Findings of one kind that are listed; the table counts all."""


@dataclass(frozen=True, slots=True)
class Table:
    """The first column is words, the others are figures."""

    heads: Sequence[str]
    rows: Sequence[Sequence[str]]

    def text(self) -> str:
        widths = [max(map(len, column)) for column in zip(self.heads, *self.rows, strict=True)]
        lines = [self.heads, ["-" * width for width in widths], *self.rows]
        return "\n".join(_aligned(line, widths) for line in lines)

    def markdown(self) -> str:
        rule = ["---", *("---:" for _ in self.heads[1:])]
        return "\n".join(f"| {' | '.join(line)} |" for line in [self.heads, rule, *self.rows])


def text(verdict: Verdict) -> str:
    """The tables, and where exactly something is wrong."""
    parts = [_headline(verdict), *(table.text() for table in tables(verdict)), *_examples(verdict)]
    return "\n\n".join(parts) + "\n"


def markdown(verdict: Verdict) -> str:
    return "\n\n".join([_headline(verdict), *(table.markdown() for table in tables(verdict))]) + "\n"


def tables(verdict: Verdict) -> Sequence[Table]:
    return [_amounts(verdict), _wrongs(verdict), _outages(verdict)]


def _headline(verdict: Verdict) -> str:
    parts = []
    if verdict.run is not None:
        parts.append(
            f"Variant {verdict.run.variant}, seed {verdict.run.seed}, {verdict.seconds / 60:.1f} minutes"
        )
    wrong = sum(finding.events for finding in verdict.findings)
    parts.append(f"{wrong:,} wrong" if wrong else "nothing wrong")
    if not verdict.quiet:
        parts.append("broken off before its end")
    return "; ".join(parts) + "."


def _amounts(verdict: Verdict) -> Table:
    figures = verdict.figures
    return Table(
        ["what happened", "count"],
        [
            _row("faults injected", figures.faults),
            _row("comments posted", figures.tried),
            _row("comments acknowledged", figures.acknowledged),
            _row("tries that were not acknowledged", figures.failures),
            _row("events in the log", figures.logged),
            _row("messages in the stream", figures.streamed),
            _row("clients", figures.clients),
            _row("connections cut", figures.cut),
            _row("subscriptions from now on", figures.joined),
            _row("resumed, recovered", figures.resumed),
            _row("resumed, told to start anew", figures.reset),
            _row("events seen by clients", figures.seen),
        ],
    )


def _wrongs(verdict: Verdict) -> Table:
    return Table(["what went wrong", "count"], [_row(kind, verdict.count(kind)) for kind in Kind])


def _outages(verdict: Verdict) -> Table:
    """Seconds; what they mean says `Outage`."""
    return Table(
        ["longest outage by fault, in seconds", "faults", "no post acknowledged", "one post", "one delivery"],
        [
            [kind, f"{each.faults}", f"{each.silence:.1f}", f"{each.post:.1f}", f"{each.delivery:.1f}"]
            for kind, each in verdict.outages.items()
        ],
    )


def _examples(verdict: Verdict) -> Iterable[str]:
    for kind in Kind:
        findings = [finding for finding in verdict.findings if finding.kind == kind]
        if findings:
            more = [f"… and {len(findings) - EXAMPLES:,} more"] if len(findings) > EXAMPLES else []
            yield "\n".join([*map(str, findings[:EXAMPLES]), *more])


def _row(name: str, count: int) -> list[str]:
    return [name, f"{count:,}"]


def _aligned(line: Sequence[str], widths: Sequence[int]) -> str:
    first, *others = zip(line, widths, strict=True)
    return "  ".join([first[0].ljust(first[1]), *(cell.rjust(width) for cell, width in others)])

"""What a check of the log has found: where exactly, what is there, and what should be."""

from dataclasses import asdict, dataclass, field
from typing import Any, Literal, get_args

Part = Literal["log", "projections", "outbox", "stream"]

Remedy = Literal["log restored", "projections rebuild", "stream rebuild", "stream rebuild --afresh"]
"""The command that mends it."""

_COVERS: dict[Remedy, tuple[Remedy, ...]] = {
    "log restored": ("stream rebuild", "stream rebuild --afresh"),
    "stream rebuild --afresh": ("stream rebuild",),
}

SHOWN = 60
"""Characters of a value that a finding shows."""


@dataclass(frozen=True, slots=True)
class Finding:
    part: Part
    said: str
    """What is there, and what should be."""
    app: str | None = None
    room: str | None = None
    """`None` if it is not about one room."""
    offset: int | None = None
    remedy: Remedy | None = None

    @property
    def line(self) -> str:
        """For a terminal."""
        where = [f"room {self.room}"] if self.room is not None else []
        where += [f"offset {self.offset}"] if self.offset is not None else []
        return f"{self.part}: {', '.join([*where, self.said])}"

    def row(self) -> dict[str, Any]:
        """For a program."""
        return asdict(self)


@dataclass(slots=True)
class Findings:
    """The first `most` of them, and how many there are."""

    most: int
    kept: list[Finding] = field(default_factory=list)
    count: int = 0
    _remedies: set[Remedy] = field(default_factory=set)

    @property
    def remedies(self) -> list[Remedy]:
        """What mends all of them, in the order in which to do it."""
        covered = {lesser for each in self._remedies for lesser in _COVERS.get(each, ())}
        return [each for each in get_args(Remedy) if each in self._remedies - covered]

    def add(self, finding: Finding) -> None:
        self.count += 1
        if finding.remedy is not None:
            self._remedies.add(finding.remedy)
        if len(self.kept) < self.most:
            self.kept.append(finding)


def shown(value: object) -> str:
    """A value on one line: what people wrote is escaped, so that it cannot steer a terminal, and cut."""
    if value is None:
        return "nothing"
    text = ascii(value) if isinstance(value, str | dict) else str(value)
    return text if len(text) <= SHOWN else f"{text[:SHOWN]}…"


def stretch(first: int, last: int) -> str:
    """Offsets in words."""
    return f"offset {first}" if first == last else f"offsets {first} to {last}"

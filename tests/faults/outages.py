"""How long something stood still while something was broken."""

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from faults.history import Fault
from faults.truth import Truth


class Span(NamedTuple):
    began: float
    ended: float

    @property
    def seconds(self) -> float:
        return self.ended - self.began


@dataclass(frozen=True, slots=True)
class Outage:
    """Seconds, each the longest that overlaps a fault of the kind.

    A fault lasts from when it was begun until what it broke was put right: what began before that counts in
    full, however long it went on, what began later does not. Where faults overlap, it counts for each.
    """

    faults: int
    silence: float
    """In which no post at all was acknowledged; posters never pause for long."""
    post: float
    """From the first try of a post to its first acknowledgement, all retries between."""
    delivery: float
    """From the acknowledgement of a post to its sight by the last of the clients.

    That is every client that had joined the room by then, whether or not its connection was up.
    """


def outages(truth: Truth, deliveries: Iterable[Span]) -> dict[str, Outage]:
    """By kind of fault, in alphabetical order."""
    kinds: dict[str, list[Fault]] = {}
    for fault in truth.faults:
        kinds.setdefault(fault.kind, []).append(fault)
    silences, posts, sights = (
        _longest_first(_silences(truth)),
        _longest_first(_posts(truth)),
        _longest_first(deliveries),
    )
    found = {}
    for kind, faults in sorted(kinds.items()):
        windows = _merge(faults)
        found[kind] = Outage(len(faults), *(_longest(spans, windows) for spans in (silences, posts, sights)))
    return found


def _silences(truth: Truth) -> Iterable[Span]:
    """Between acknowledgements, and before the first and after the last while posts are sent."""
    if not truth.tries:
        return []
    told = sorted(each.at for group in truth.acknowledged.values() for each in group)
    times = [min(truth.tries), *told]
    if max(truth.tries) > times[-1]:
        times.append(max(truth.tries))
    return map(Span, times, times[1:])


def _posts(truth: Truth) -> Iterable[Span]:
    return [
        Span(truth.tried[key], told[0].at) for key, told in truth.acknowledged.items() if key in truth.tried
    ]


def _longest_first(spans: Iterable[Span]) -> Sequence[Span]:
    return sorted(spans, key=lambda span: span.seconds, reverse=True)


def _merge(faults: Iterable[Fault]) -> Sequence[Span]:
    """The times in which any of them was, in order and apart."""
    merged: list[Span] = []
    for began, ended in sorted((fault.began, fault.ended) for fault in faults):
        if merged and began <= merged[-1].ended:
            merged[-1] = Span(merged[-1].began, max(ended, merged[-1].ended))
        else:
            merged.append(Span(began, ended))
    return merged


def _longest(spans: Sequence[Span], windows: Sequence[Span]) -> float:
    begins = [window.began for window in windows]

    def broken(span: Span) -> bool:
        before = bisect_right(begins, span.ended)
        return before > 0 and windows[before - 1].ended >= span.began

    return next((span.seconds for span in spans if broken(span)), 0.0)

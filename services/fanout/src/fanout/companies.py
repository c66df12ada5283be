"""The company of every active room, and what is heard of them: one subscription for all rooms."""

from collections.abc import Callable, Iterable

from events import Stop, Wire, subjects
from fanout.company import Company, Heard
from fanout.hints import changes_of
from fanout.members import Member
from fanout.queries import Queries
from fanout.tasks import Tasks
from fanout.terms import Figures, Sources, Terms


class Companies:
    def __init__(self, app: str, wire: Wire, tasks: Tasks, terms: Terms | None = None) -> None:
        terms = terms or Terms()
        self._app = app
        self._wire = wire
        presence = Queries(wire, subjects.PRESENCE_QUERY, terms.timeout)
        receipts = Queries(wire, subjects.WATERMARKS, terms.timeout)
        self._sources = Sources(app, presence, receipts, tasks, terms)
        self._open: dict[str, Company] = {}
        self._routes: dict[str, Heard] = {}
        """Where what is heard goes, by subject."""
        self._stops: list[Stop] = []
        wire.reconnected(self.check)

    @property
    def figures(self) -> Figures:
        return self._sources.figures

    @property
    def queries(self) -> int:
        """Questions that were asked."""
        return self._sources.presence.asked + self._sources.receipts.asked

    @property
    def rooms(self) -> int:
        return len(self._open)

    async def listen(self) -> None:
        """From now on transitions, watermarks and hints are heard: call it before a company is opened."""
        listen = self._wire.listen
        self._stops.append(await listen(subjects.presence_of(self._app), self._heard))
        self._stops.append(await listen(subjects.watermarks_of(self._app), self._heard))
        self._stops.append(await listen(subjects.restated(self._app), self._restated))
        self._stops.append(await listen(subjects.changed(self._app), self._changed))

    async def close(self) -> None:
        for company in list(self._open.values()):
            company.close()
        stops, self._stops = self._stops, []
        for stop in stops:
            await stop()

    def open(self, room: str, members: Callable[[], Iterable[Member]]) -> Company:
        """What is shown is asked for at once."""
        company = Company(room, members, self._sources, self._closed)
        self._open[room] = company
        self._routes.update(company.routes)
        return company

    def check(self) -> None:
        """Anything may have been missed: ask anew."""
        for company in self._open.values():
            company.check()

    def _closed(self, company: Company) -> None:
        if self._open.get(company.room) is company:
            del self._open[company.room]
            for subject in company.routes:
                del self._routes[subject]

    def _heard(self, subject: str, payload: bytes) -> None:
        if (route := self._routes.get(subject)) is not None:
            route(payload)

    def _restated(self, _subject: str, _payload: bytes) -> None:
        for company in self._open.values():
            company.restated()

    def _changed(self, _subject: str, payload: bytes) -> None:
        for change in changes_of(payload):
            if (company := self._open.get(change.room)) is not None:
                company.wrote(change.users)

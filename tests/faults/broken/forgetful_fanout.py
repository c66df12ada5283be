"""A fanout that skips replay: who returns is told `recovered: true`, and gets what happens from then on."""

from collections.abc import Callable
from dataclasses import replace

from fanout import assembly
from fanout.__main__ import main
from fanout.hub import Hub
from fanout.members import Joined, Member
from fanout.requests import Position


class Forgetful(Hub):
    async def join(self, member: Member, since: Position | None, joined: Callable[[Joined], None]) -> None:
        def pretend(stands: Joined) -> None:
            joined(replace(stands, recovered=since is not None))

        await super().join(member, None, pretend)


if __name__ == "__main__":
    vars(assembly)["Hub"] = Forgetful
    main()

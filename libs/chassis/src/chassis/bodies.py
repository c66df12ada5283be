"""A limit to the bytes of a request's body."""

from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from chassis.problems import BodyTooLarge, respond


class BodyLimit:
    """ASGI: answers 413 when a body is announced as too large, or turns out to be.

    A body of announced length costs a look at the headers: the server holds the client to its word.
    """

    def __init__(self, app: ASGIApp, limit: int) -> None:
        self.app = app
        self._limit = limit

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            for name, value in scope["headers"]:
                if name == b"content-length" and int(value) > self._limit:
                    await self._refuse(scope, receive, send)
                    return
                if name == b"transfer-encoding":
                    receive = self._counted(receive)
        await self.app(scope, receive, send)

    async def _refuse(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Close afterwards: what is still on its way is not read."""
        await respond(BodyTooLarge(self._detail(), headers={"Connection": "close"}))(scope, receive, send)

    def _counted(self, receive: Receive) -> Receive:
        size = 0

        async def counted() -> Message:
            nonlocal size
            message = await receive()
            size += len(message.get("body", b""))
            if size > self._limit:  # an HTTPException, as FastAPI takes any other for a body it cannot parse
                raise HTTPException(BodyTooLarge.status, self._detail(), {"Connection": "close"})
            return message

        return counted

    def _detail(self) -> str:
        return f"at most {self._limit} bytes are accepted"

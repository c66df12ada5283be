"""What everyone writes first: FastAPI, a set of WebSockets, a loop that sends to each.

    python -m bench.baseline PORT

`/ws` gets whatever comes in at `/feed`.
"""

import sys

import uvicorn
from fastapi import FastAPI, WebSocket, WebSocketDisconnect

app = FastAPI()
sockets: set[WebSocket] = set()


@app.websocket("/ws")
async def join(socket: WebSocket) -> None:
    await socket.accept()
    sockets.add(socket)
    try:
        while True:
            await socket.receive_text()
    except WebSocketDisconnect:
        sockets.discard(socket)


@app.websocket("/feed")
async def broadcast(source: WebSocket) -> None:
    await source.accept()
    try:
        while True:
            text = await source.receive_text()
            for socket in list(sockets):
                await socket.send_text(text)
    except WebSocketDisconnect:
        return


@app.get("/readyz")
async def ready() -> None: ...


if __name__ == "__main__":
    uvicorn.run(app, host="127.0.0.1", port=int(sys.argv[1]), log_level="warning")

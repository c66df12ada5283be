"""The measuring tools in C: a client in Python would be slower than what it measures."""

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

from bench.processes import Process, start

HERE = Path(__file__).parent
BUILD = HERE.parent / "build"


class NoCompiler(SystemExit):
    """The benchmarks need a C compiler: `apt install gcc`, or any `cc` on the PATH."""

    def __init__(self) -> None:
        super().__init__(self.__doc__)


def compiled(name: str) -> str:
    """The path of the tool, built anew when its source has changed."""
    program, source, shared = BUILD / name, HERE / f"{name}.c", HERE / "wire.h"
    newest = max(file.stat().st_mtime for file in (source, shared))
    if not program.exists() or program.stat().st_mtime < newest:
        if shutil.which("cc") is None:
            raise NoCompiler
        BUILD.mkdir(exist_ok=True)
        subprocess.run(["cc", "-O2", "-Wall", "-std=gnu11", "-o", program, source], check=True)
    return str(program)


def words(options: dict[str, object]) -> list[str]:
    """`{"rate": 3, "latency": True}` as `--rate 3 --latency`."""
    pairs = ([f"--{name}"] if value is True else [f"--{name}", str(value)] for name, value in options.items())
    return [word for pair in pairs for word in pair]


class Load:
    """The WebSocket client while it runs."""

    def __init__(self, process: Process) -> None:
        self._process = process
        self.frames = 0
        """Delivered since the beginning, when asked for `progress`."""

    @classmethod
    async def start(cls, **options: object) -> "Load":
        """Returns once every socket is ready."""
        load = cls(await start([compiled("load"), *words(options)]))
        if await load._process.line() != "ready":
            raise SystemExit("the load client could not open its sockets: see above")
        return load

    async def progress(self) -> dict[str, Any] | None:
        """Wait for the next line, and keep `frames` as it says; the result once there is one."""
        line = await self._process.line()
        if not line.startswith("frames "):
            return json.loads(line)  # type: ignore[no-any-return]
        self.frames = int(line.removeprefix("frames "))
        return None

    async def result(self) -> dict[str, Any]:
        while (result := await self.progress()) is None:
            pass
        return result

    async def stop(self) -> dict[str, Any]:
        self._process.terminate()
        return await self.result()


async def ceiling(**options: object) -> dict[str, Any]:
    """What the load client counts when a `send()` loop in C feeds it."""
    return await (await Load.start(ceiling=True, **options)).result()


async def post(**options: object) -> dict[str, Any]:
    process = await start([compiled("post"), *words(options)])
    return json.loads(await process.line())  # type: ignore[no-any-return]

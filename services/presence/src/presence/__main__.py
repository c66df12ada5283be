"""`python -m presence`: a process that answers `/healthz`; who is here comes with a later version."""

from chassis.launching import launch
from chassis.service import Service
from chassis.serving import serve
from chassis.settings import Settings


async def main(settings: Settings) -> None:
    await serve(Service(name="presence"), settings=settings)


if __name__ == "__main__":
    launch(Settings, main)

"""A running Parley, and people in front of real browsers."""

import shutil
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser, expect, sync_playwright
from running import Up, running
from web.people import PATIENCE, People
from web.pushing import Postbox, postbox

FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--no-first-run"]


@pytest.fixture(scope="module")
def environ() -> dict[str, str]:
    """Whoever is not here is pushed to at once."""
    return {"PARLEY_PUSH_DELAY": "0.2", "PARLEY_PUSH_INTERVAL": "0"}


@pytest.fixture(scope="module")
def up(tmp_path_factory: pytest.TempPathFactory, environ: dict[str, str]) -> Iterator[Up]:
    with running(tmp_path_factory.mktemp("up"), port=None, PARLEY_RATE_LIMITS="off", **environ) as up:
        yield up


@pytest.fixture(scope="module")
def notifies() -> bool:
    """Whether the browser has to show notifications."""
    return False


@pytest.fixture(scope="module")
def chromium(notifies: bool) -> Iterator[Callable[[], Browser]]:
    """Starts one: Debian's if it is installed, else the one that Playwright has downloaded.

    Without a window it needs half of the processor, and shows no notifications.
    """
    shell = [] if notifies else ["chromium-headless-shell"]
    names = [*shell, "chromium", "chromium-browser", "google-chrome"]
    installed = next(filter(None, map(shutil.which, names)), None)
    channel = "chromium" if notifies and installed is None else None
    expect.set_options(timeout=PATIENCE)
    with sync_playwright() as playwright:
        yield lambda: playwright.chromium.launch(executable_path=installed, channel=channel, args=FLAGS)


@pytest.fixture(scope="module")
def browser(chromium: Callable[[], Browser]) -> Iterator[Browser]:
    browser = chromium()
    yield browser
    browser.close()


@pytest.fixture
def people(browser: Browser, up: Up) -> Iterator[People]:
    people = People(browser, up.url)
    yield people
    for context in people.contexts:
        context.close()
    assert people.errors == []


@pytest.fixture
def box() -> Iterator[Postbox]:
    with postbox() as box:
        yield box
        assert box.service.faults == []

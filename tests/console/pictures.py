"""The pictures of the documentation: pages of a made-up node, `make pictures`."""

from __future__ import annotations

import sys
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from tests.console.acts_answers import LEDGER, Acts, comparison
from tests.console.browser import MISSING, browser, chromium
from tests.console.made_up import MadeUp, serve

if TYPE_CHECKING:
    from playwright.sync_api import Browser

FOLDER = Path(__file__).parents[2] / "docs" / "pictures"


@dataclass(frozen=True)
class Picture:
    """A page as it is shown: `shows` is what must be on it before it is taken (a selector of Playwright's), after what
    `opens` it was clicked on.
    """

    name: str
    place: str
    shows: str
    opens: str = ""
    theme: str = "light"
    language: str = "en"
    width: int = 1360
    height: int = 860


PICTURES = (
    Picture("jobs", "#/jobs", "text=Needs you >> nth=1"),
    Picture("running", "#/jobs/shop-orders-to-dr", "text=order_line_", theme="dark"),
    Picture("diverged", "#/jobs/billing", "text=recommended"),
    Picture(
        "compare", "#/jobs/loyalty/compare", "text=paid by card", opens="[aria-label='Show loyalty.invoice 48219']"
    ),
    Picture("wizard", "#/new/servers", "text=Which servers"),
    Picture("narrow", "#/jobs", "text=需要处理 >> nth=0", theme="dark", language="zh", width=400, height=800),
)


def take(picture: Picture, launched: Browser, address: str, folder: Path) -> Path:
    """Take one picture of a node's console and return its file."""
    size = {"width": picture.width, "height": picture.height}
    context = launched.new_context(viewport=size, locale="en-GB", timezone_id="UTC", reduced_motion="reduce")
    try:
        page = context.new_page()
        page.goto(f"{address}/console/?theme={picture.theme}&lang={picture.language}{picture.place}")
        if picture.opens:
            page.locator(picture.opens).click(timeout=60_000)
        page.wait_for_selector(picture.shows, timeout=60_000)
        page.wait_for_function("!document.querySelector('.skeleton')", timeout=60_000)
        file = folder / f"{picture.name}.png"
        page.screenshot(path=str(file))
        return file
    finally:
        context.close()


def take_all(folder: Path, launched: Browser) -> list[Path]:
    """Take all of them into a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    made_up = MadeUp(jobs=19, tables=300)
    _compared().put_in(made_up, "loyalty")
    server = serve(made_up)
    try:
        return [take(picture, launched, server.url, folder) for picture in PICTURES]
    finally:
        server.stop()


def _compared() -> Acts:
    """Return what is known of the rows of a job that differs."""
    found = comparison()
    unlike = tuple(each.model_copy(update={"name": each.name.replace("billing", "loyalty")}) for each in found.unlike)
    defined = tuple(each.model_copy(update={"text": each.text.replace("billing", "loyalty")}) for each in found.defined)
    ledger = [
        replace(
            each,
            schema="loyalty",
            definition=each.definition.replace("billing", "loyalty"),
            remedy=each.remedy.replace("billing", "loyalty"),
        )
        for each in LEDGER
    ]
    return Acts(comparison(unlike=unlike, defined=defined), ledger)


def main() -> None:
    if chromium() is None:
        sys.exit(MISSING)
    with browser() as launched:
        for file in take_all(FOLDER, launched):
            print(file.relative_to(Path.cwd()))


if __name__ == "__main__":
    main()

"""What every page is held to is found where it is broken in one theme, at one width or in one language alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.console.check import check_page
from tests.console.conftest import Fake

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = pytest.mark.slow

#: Puts two buttons into the page, and a style, in the way that the policy lets through.
PLANT = """rules => {
  const place = document.createElement('div');
  place.className = 'place';
  for (const name of ['Sow', 'Reap']) {
    const button = place.appendChild(document.createElement('button'));
    button.className = 'planted';
    button.appendChild(document.createElement('span')).textContent = name;
  }
  document.querySelector('main').append(place);
  const sheet = new CSSStyleSheet();
  sheet.replaceSync(`.place { margin: 60px 0 } .planted { min-width: 60px; height: 40px } ${rules}`);
  document.adoptedStyleSheets.push(sheet);
}"""

#: What each fault is told as, and the style that makes it.
FAULTS = {
    "zh dark 400: color-contrast": "[data-theme=dark] .planted { color: #333 !important; background: #222 !important }",
    "zh light 760: color-contrast": """@media (min-width: 700px) and (max-width: 800px) {
        [data-theme=light] .planted { color: #eee !important; background: #fff !important } }""",
    "en light 400: target-size": """@media (max-width: 500px) {
        main .planted { all: unset; display: inline-block; width: 9px; height: 9px; font-size: 1px } }""",
    "zh dark 1360: button-name": ":lang(zh) .planted span { display: none }",
    "400: wider than the window by": "@media (max-width: 500px) { .planted { width: 600px } }",
}


@pytest.mark.parametrize("fault", FAULTS)
def test_what_is_planted_is_found_where_it_is(page: Page, fake_api: Fake, fault: str) -> None:
    page.goto(fake_api.at("#/nothing"))
    page.locator("main h1").wait_for()
    page.evaluate(PLANT, FAULTS[fault])
    with pytest.raises(AssertionError) as told:
        check_page(page)
    assert fault in str(told.value)
    assert "en light 1360" not in str(told.value)

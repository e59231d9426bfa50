"""What the stories of pages share: a way in, and looks, checked by axe and pictured for the documents."""

from pathlib import Path

from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Page, expect

from tests.conftest import FLOW, House
from tests.stories import documents

SHOTS = Path(__file__).parents[2] / "artefacts"
"""Screenshots of the last `--write-docs`: to be looked at."""

LOOKS = {"": ("light", 1280), "-phone-dark": ("dark", 390)}
"""Both colour schemes and both widths, each once: the two other pairs would hold nothing new."""

HAS_AXE = "typeof axe !== 'undefined'"
"""Whether axe was brought into the page for the look before: reading it takes as long as the check."""

VIOLATIONS = """() => axe.run({ resultTypes: ["violations"] }).then(({ violations }) =>
  violations.map(({ id, help, nodes }) => [id, help, ...nodes.map(({ html }) => html)].join("\\n  ")))"""
"""What axe has against a page; what it found in order stays there, since that is long."""

UNBREAKABLE = """() => {
  const walker = document.createTreeWalker(document.querySelector("main"), NodeFilter.SHOW_TEXT), was = [];
  while (walker.nextNode()) {
    const text = walker.currentNode, { whiteSpace } = getComputedStyle(text.parentElement);
    if (!text.data.trim() || /nowrap/.test(whiteSpace) || text.parentElement.closest("svg, .big")) continue;
    was.push([text, text.data]);
  }
  for (const [text] of was) text.data = "W".repeat(200);
  const wider = document.documentElement.scrollWidth - window.innerWidth;
  for (const [text, data] of was) text.data = data;
  return wider;
}"""
"""By how much the page is wider than the screen if each of its texts is a word of 200 letters.

Charts, and the short words of bridge's own that stay on one line, are left alone.
"""


COVERED = """() => {
  const all = [...document.querySelectorAll("header :is(a, button)")];
  const boxes = all.map((one) => [one.innerText, one.getBoundingClientRect()]);
  const cover = (a, b) => a.left < b.right && b.left < a.right && a.top < b.bottom && b.top < a.bottom;
  return boxes.flatMap(([name, a], at) =>
    boxes.slice(at + 1).filter(([, b]) => cover(a, b)).map(([other]) => `${name} and ${other}`));
}"""
"""The header's links and buttons that cover each other."""


async def sign_in(page: Page, house: House, then: str, who: str = "Ann Ames") -> None:
    """Sign in with Flowdock and land on `then`."""
    await page.goto(f"{house.bridge}/signin?then={then}")
    await page.get_by_role("button", name=f"Sign in as {who}").click()
    await expect(page.get_by_role("button", name="Sign out")).to_be_visible()


def setup_url(house: House, flow: str = "acme:main") -> str:
    """Where a Flowdock sends somebody who adds bridge to a flow."""
    return f"{house.bridge}/flowdock/setup?flow={flow}&flow_url={house.flowdock}/flows/{FLOW}"


def configure_url(house: House, source: int | str) -> str:
    """Where it sends somebody who configures a source of the flow."""
    url = f"{house.flowdock}/flows/{FLOW}/sources/{source}"
    return f"{house.bridge}/flowdock/configure?source={source}&source_url={url}"


async def shot(page: Page, name: str, *, full_page: bool = False) -> None:
    """A picture of what is on the screen, with `--write-docs`."""
    if not documents.writes:
        return
    SHOTS.mkdir(exist_ok=True)
    await page.screenshot(path=SHOTS / f"{name}.png", animations="disabled", full_page=full_page)


async def looks(page: Page, name: str, only: str | None = None) -> None:
    """The page in each look: none wider than the screen, none that keeps anybody out.

    The page must be there: after a click, wait for what it shows.
    """
    await page.wait_for_load_state()
    for look, (scheme, width) in LOOKS.items():
        if only not in (None, look):
            continue
        await page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
        await page.set_viewport_size({"width": width, "height": 800})
        await shot(page, f"{name}{look}", full_page=True)
        wider = await page.evaluate("document.documentElement.scrollWidth - window.innerWidth")
        assert wider <= 0, f"{name}{look} is {wider} pixels wider than the screen"
        assert await page.evaluate(COVERED) == [], f"{name}{look}: in the header"
        assert width > 390 or await page.evaluate(UNBREAKABLE) <= 0, f"{name}{look}: a long word widens it"
        if not await page.evaluate(HAS_AXE):
            await page.evaluate(Axe().axe_script)
        violations = await page.evaluate(VIOLATIONS)
        assert violations == [], f"{name}{look}: {violations}"
    await page.set_viewport_size({"width": 1280, "height": 800})

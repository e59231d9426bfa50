"""The pictures of the documents: made by the stories at each `--write-docs`, and held to what the pages say.

Beside this module lies what each picture shows, in words, under the digest of its file.
"""

import asyncio
import re
import time
from hashlib import sha256
from pathlib import Path

from playwright.async_api import Page

from tests.conftest import PATIENCE

ROOT = Path(__file__).parents[2]
WORDS = Path(__file__).with_name("pictures")
WIDTH = 1000
_WHEN = re.compile(r"just now|\b\d+ (?:s|min|h) ago")
_NUMBER = re.compile(r"\d+")
_NAME_HOSTS = """() => {
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const text = walker.currentNode;
    text.data = text.data
      .replace(/http:..127[.]0[.]0[.]1:[0-9]+/g, "https://bridge.example.com")
      .replace(/127[.]0[.]0[.]1:[0-9]+/g, "github.example.com");
  }
}"""

writes = False
"""True with `--write-docs`."""


async def picture(page: Page, path: str, *, whole: bool = True) -> None:
    """Hold a picture of docs/ to the words of the page, or make it; a test's addresses become examples.

    One that is not of the `whole` page shows what is on the screen.
    """
    await page.emulate_media(color_scheme="light")
    await page.set_viewport_size({"width": WIDTH, "height": 600})
    await page.evaluate(_NAME_HOSTS)
    file, kept = ROOT / "docs" / path, words_of(path)
    if writes:
        await page.screenshot(path=file, animations="disabled", full_page=whole)
        kept.write_text(f"{digest(file)}\n{await _words(page)}\n")
    was = lasting(kept.read_text().partition("\n")[2])
    until = time.monotonic() + PATIENCE
    # A page may still be told what is new.
    while (differing := was ^ lasting(await _words(page))) and time.monotonic() < until:  # noqa: ASYNC110  (a page sets no event)
        await asyncio.sleep(0.1)
    assert not differing, f"docs/{path} is stale: --write-docs renews it. Only one has: {sorted(differing)}"
    await page.set_viewport_size({"width": 1280, "height": 800})


async def _words(page: Page) -> str:
    await page.evaluate(_NAME_HOSTS)
    return _WHEN.sub("…", await page.locator("body").inner_text())


def lasting(words: str) -> set[str]:
    """The lines without a time, without numbers: what happened last, and what is new, may differ."""
    return {_NUMBER.sub("", line).strip() for line in words.splitlines() if "…" not in line}


def words_of(path: str) -> Path:
    """The file with a picture's words."""
    return WORDS / f"{path.replace('/', '-')}.txt"


def digest(file: Path) -> str:
    """The digest of a picture's file."""
    return sha256(file.read_bytes()).hexdigest()

"""A browser without a screen: keeps cookies, follows redirects, fills in forms."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from html.parser import HTMLParser
from types import TracebackType
from typing import Self
from urllib.parse import urljoin

import aiohttp


@dataclass
class Form:
    """A form: its address, its fields, and its buttons as (name, value, text)."""

    action: str
    method: str
    fields: dict[str, str] = field(default_factory=dict)
    buttons: list[tuple[str, str, str]] = field(default_factory=list)


@dataclass(frozen=True)
class Page:
    """A page: the address after all redirects, status, text and forms."""

    url: str
    status: int
    text: str
    headers: Mapping[str, str]
    forms: list[Form]


class _Forms(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.forms: list[Form] = []
        self._in_button = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = {name: value or "" for name, value in attrs}
        if tag == "form":
            self.forms.append(Form(values.get("action", ""), values.get("method", "get").lower()))
        if not self.forms:
            return
        form, name = self.forms[-1], values.get("name", "")
        if tag == "input" and values.get("type") == "hidden":
            form.fields[name] = values.get("value", "")
        if tag == "button":
            form.buttons.append((name, values.get("value", ""), ""))
            self._in_button = True

    def handle_data(self, data: str) -> None:
        if self._in_button:
            name, value, text = self.forms[-1].buttons[-1]
            self.forms[-1].buttons[-1] = (name, value, f"{text} {data.strip()}".strip())

    def handle_endtag(self, tag: str) -> None:
        if tag == "button":
            self._in_button = False


class Browser:
    """One person's browser."""

    def __init__(self) -> None:
        # Cookies of an address without a name, as 127.0.0.1, count as unsafe in aiohttp.
        self.session = aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True))

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.session.close()

    async def open(self, url: str) -> Page:
        """Go to an address."""
        async with self.session.get(url, headers={"Accept": "text/html"}) as response:
            return await _page(response)

    async def press(self, page: Page, text: str, **fields: str) -> Page:
        """Press the button that reads (or has the value) `text`; `fields` are filled in first."""
        for form in page.forms:
            # A dialog's form is sent nowhere, and its buttons are not shown until a script opens it.
            for name, value, label in form.buttons if form.method != "dialog" else ():
                if text in (label, value):
                    data = form.fields | fields | ({name: value} if name else {})
                    return await self.submit(page, form, data)
        buttons = [label for form in page.forms for _, _, label in form.buttons]
        raise LookupError(f"no button {text!r} on {page.url} ({page.status}); there are {buttons}")

    async def submit(self, page: Page, form: Form, data: dict[str, str]) -> Page:
        """Send a form."""
        url = urljoin(page.url, form.action or page.url)
        headers = {"Accept": "text/html", "Origin": url[: url.index("/", 8)] if "/" in url[8:] else url}
        async with self.session.post(url, data=data, headers=headers) as response:
            return await _page(response)


async def _page(response: aiohttp.ClientResponse) -> Page:
    text = await response.text()
    parser = _Forms()
    parser.feed(text)
    return Page(str(response.url), response.status, text, response.headers, parser.forms)

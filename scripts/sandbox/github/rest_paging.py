"""REST: lists in pages.

https://docs.github.com/rest/using-the-rest-api/using-pagination-in-the-rest-api
"""

from typing import Any

from .rest_call import Call


def paged(call: Call, items: list[Any]) -> tuple[list[Any], dict[str, str]]:
    """One page of a list, by `page` and `per_page`, and the Link header that leads on."""
    size = page_size(call)
    page = max(1, _number(call, "page", 1))
    pages = max(1, -(-len(items) // size))
    url = call.services.config.web_url + call.request.path
    links = {"prev": page - 1, "next": page + 1, "last": pages, "first": 1}
    if page >= pages:
        del links["next"], links["last"]
    if page == 1:
        del links["prev"], links["first"]
    shown = [f'<{url}?{_query(call, number)}>; rel="{rel}"' for rel, number in links.items()]
    headers = {"Link": ", ".join(shown)} if shown else {}
    return items[(page - 1) * size : page * size], headers


def page_size(call: Call) -> int:
    """Return how many the caller wants at once: `per_page`, at most a hundred, else thirty."""
    return max(1, min(100, _number(call, "per_page", 30)))


def _query(call: Call, page: int) -> str:
    return call.request.rel_url.update_query(page=str(page)).query_string


def _number(call: Call, name: str, default: int) -> int:
    text = call.request.query.get(name, "")
    return int(text) if text.isdigit() else default

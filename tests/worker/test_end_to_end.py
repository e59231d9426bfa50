"""Deliveries become threads: through the web half, Redis, the worker and Flowdock, all real."""

from tests.conftest import House, eventually


async def test_a_pull_request_becomes_a_thread(working: House) -> None:
    await working.act("ann-gh", "open", title="Fix <b>bug</b>", body="**bold**", head="fix", base="main")

    (thread,) = await eventually(working.threads)
    assert thread["external_thread_id"] == "github:component:pr:1"
    assert thread["title"] == "Fix &lt;b&gt;bug&lt;/b&gt;"
    assert thread["status"] == {"color": "green", "value": "open"}
    assert "<strong>bold</strong>" in thread["body"]
    (message,) = await working.messages()
    assert message["title"] == "Opened pull request"
    assert message["author"]["name"] == "ann-gh"

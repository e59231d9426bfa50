"""Mentions, numbers, commits and short codes: linked as on GitHub, and who is mentioned."""

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.core.messages import markdown
from bridge.core.messages.events.table import mentioned_now
from bridge.core.messages.markdown import mentioned
from tests.kits.core import page

REPOSITORY = "https://github.com/acme/component"
SHA = "ec26c3e57ca3a959ca5aad62de7213c562f8c821"


def html(source: str, repository_url: str = REPOSITORY) -> str:
    shown = markdown.to_html(
        source, base_url=f"{REPOSITORY}/pull/1", rest_url=REPOSITORY, repository_url=repository_url
    )
    page.check_body(shown)
    return shown


def links(source: str) -> dict[str, str]:
    """Linked texts, and their addresses below GitHub."""
    shown = html(source)
    texts = [piece.partition("</a>")[0].partition(">")[2] for piece in shown.split("<a ")[1:]]
    addresses = [tag.attributes["href"] for tag in page.tags(shown) if tag.name == "a"]
    return {
        page.text(text): address.removeprefix("https://github.com/")
        for text, address in zip(texts, addresses, strict=True)
    }


LINKED: list[tuple[str, dict[str, str]]] = [
    ("@bob", {"@bob": "bob"}),
    ("Thanks @bob-2, @Cy!", {"@bob-2": "bob-2", "@Cy": "Cy"}),
    ("@bob_acme", {"@bob_acme": "bob_acme"}),
    ("(@bob) *@cy* **@dee**", {"@bob": "bob", "@cy": "cy", "@dee": "dee"}),
    ("fixes #42.", {"#42": "acme/component/issues/42"}),
    ("(#1, #2)", {"#1": "acme/component/issues/1", "#2": "acme/component/issues/2"}),
    ("octo/other#7", {"octo/other#7": "octo/other/issues/7"}),
    ("octo/.github#7", {"octo/.github#7": "octo/.github/issues/7"}),
    (f"see {SHA}", {SHA[:7]: f"acme/component/commit/{SHA}"}),
    ("see ec26c3e", {"ec26c3e": "acme/component/commit/ec26c3e"}),
    (f"octo/other@{SHA}", {f"octo/other@{SHA[:7]}": f"octo/other/commit/{SHA}"}),
    ("| a |\n| - |\n| @bob |", {"@bob": "bob"}),
    ("> @bob", {"@bob": "bob"}),
    ("- [x] #42", {"#42": "acme/component/issues/42"}),
    ("## #42", {"#42": "acme/component/issues/42"}),
    ("请@bob看 #@cy", {"@bob": "bob", "@cy": "cy"}),
    ("GH-26", {"GH-26": "acme/component/issues/26"}),
    (f"octo@{SHA}", {f"octo@{SHA[:7]}": f"octo/component/commit/{SHA}"}),
    (f"{REPOSITORY}/issues/26", {"#26": "acme/component/issues/26"}),
    (
        f"{REPOSITORY}/pull/26#issuecomment-1",
        {"#26 (comment)": "acme/component/pull/26#issuecomment-1"},
    ),
    ("https://github.com/octo/other/pull/26", {"octo/other#26": "octo/other/pull/26"}),
    (f"{REPOSITORY}/commit/{SHA}", {SHA[:7]: f"acme/component/commit/{SHA}"}),
    (f"https://github.com/octo/other/commit/{SHA}", {f"octo/other@{SHA[:7]}": f"octo/other/commit/{SHA}"}),
    (f"{REPOSITORY}/labels/bug", {f"{REPOSITORY}/labels/bug": "acme/component/labels/bug"}),
    (f"[x]({REPOSITORY}/issues/26)", {"x": "acme/component/issues/26"}),
    ("@bob\n#42", {"@bob": "bob", "#42": "acme/component/issues/42"}),
]
NOT_LINKED = [
    *("bob@example", "a@b", "@-bob", "@bob_", "@", "@acme/core", "@" + "x" * 40, "x@bob", "`@bob`"),
    *("#0", "#", "#x", "x#42", "##42", "#42x", "`#42`", "/#42", "42", "#1234567890", "#42/files"),
    *("deadbeef", "1234567", "ec26c3", SHA + "a", "EC26C3E", "xec26c3e", "`ec26c3e`", "a/ec26c3e"),
    *("octo/#7", "/other#7", "https", "a.b", "```\n@bob #42 ec26c3e\n```", "    @bob #42"),
]


@pytest.mark.parametrize(("source", "linked"), LINKED, ids=repr)
def test_a_text_that_github_links_is_linked(source: str, linked: dict[str, str]) -> None:
    assert links(source) == linked


@pytest.mark.parametrize("source", NOT_LINKED, ids=repr)
def test_a_text_that_github_does_not_link_is_not_linked(source: str) -> None:
    assert links(source) == {}


@pytest.mark.parametrize(
    "source",
    [
        "[@bob #42](https://a.example)",
        '<a href="https://a.example">@bob #42</a>',
        "<https://a.example/#42/@bob>",
        "https://a.example/@bob/ec26c3e",
        "![@bob #42](https://a.example)",
    ],
)
def test_within_a_link_nothing_else_is_linked(source: str) -> None:
    assert list(links(source).values()) == [tag.attributes["href"] for tag in page.tags(html(source))[1:]]
    assert len(links(source)) == 1
    assert html(source).count("<a ") == 1


def test_an_html_link_ends_and_the_rest_is_linked() -> None:
    assert links('<a href="https://a.example">x</a> @bob') == {"x": "https://a.example", "@bob": "bob"}


def test_without_a_repository_nothing_is_linked() -> None:
    assert html("@bob #42 ec26c3e :+1:", repository_url="") == "<p>@bob #42 ec26c3e 👍</p>"


def test_on_an_enterprise_server_links_stay_there() -> None:
    shown = html("@bob octo/other#7", repository_url="https://ghe.example/acme/component")
    addresses = [tag.attributes["href"] for tag in page.tags(shown)[1:]]
    assert addresses == ["https://ghe.example/bob", "https://ghe.example/octo/other/issues/7"]


@pytest.mark.parametrize(
    ("source", "shown"),
    [
        (":+1: :tada:", "👍 🎉"),
        (":shipit_of_tomorrow:", ":shipit_of_tomorrow:"),
        ("`:+1:`", "<code>:+1:</code>"),
        ("12:30:45", "12:30:45"),
        ("[:tada:](https://a.example)", "🎉"),
    ],
)
def test_short_codes_are_shown_as_what_they_stand_for(source: str, shown: str) -> None:
    assert shown in html(source)


@pytest.mark.parametrize("piece", ["@", "@a", "#", "#1", "a1", "@a ", "a/", "a/b#", ":a", "a/b@", "-", "@a/"])
def test_a_text_made_to_be_slow_is_not(piece: str) -> None:
    source = piece * (2 * markdown.MAX_SOURCE // len(piece))
    start = time.process_time()
    html(source)
    mentioned(source)
    assert time.process_time() - start < 1


# Who is mentioned

MENTIONED: list[tuple[str | None, tuple[str, ...]]] = [
    (None, ()),
    ("", ()),
    ("@bob and @cy, @bob", ("bob", "cy")),
    ("cc: @bob-2.", ("bob-2",)),
    ("bob@example.com", ()),
    ("@acme/core", ()),
    ("`@bob` @cy", ("cy",)),
    ("```\n@bob\n```\n@cy", ("cy",)),
    ("~~~\n@bob\n~~~\n@cy", ("cy",)),
    ("```\n@bob", ()),
    ("<!-- @mention your reviewers -->\n@cy", ("cy",)),
    ("<!-- @bob", ()),
    ("@cy <!-- @bob", ("cy", "bob")),  # Never closed: GitHub shows it.
    ("``@bob`` and ```` ` @bob ````", ()),
    ("    @bob", ()),
    ("- a\n\n      @bob", ()),
    ("~~~~\n@bob\n~~~\n@bob\n~~~~", ()),
    ("```suggestion\n@bob\n```", ()),
    ("<code>@bob</code> <pre>@bob</pre>", ()),
    ("<pre>\n<b>@bob</b>\n</pre> @cy", ("cy",)),
    ("<div>\n@bob <!-- @cy -->\n</div>", ("bob",)),
    ("<details><summary>@bob</summary>\n\n@cy</details>", ("bob", "cy")),
    ('<b title="@bob">x</b>', ()),
    ("<script>@bob</script>", ()),
    ("[@bob](https://a.example) [x](https://a.example/@bob '@bob') ![@bob](x)", ()),
    ("[r]: https://a.example/@bob\n[r]", ()),
    ("<mailto:a@bob.example> <a@bob>", ()),
    ('"ann b"@bob "ann b"@bob.example', ()),
    ("Co-authored-by: Ann <ann@bob.example>", ()),
    ("On Monday, Ann wrote:\n> @bob, please look\n\n@cy", ("cy",)),
    ("> @bob", ("bob",)),
    ("> [!WARNING]\n> @bob", ("bob",)),
    ("a[^1]\n\n[^1]: @bob", ("bob",)),
    ("| @bob |\n| - |\n| `@cy` |", ("bob",)),
    ("**@bob**_@cy_", ("bob", "cy")),
    ("$@bob$", ()),
    ("\\@bob &#64;cy", ("bob", "cy")),
    ("请@bob看 @cyさん", ("bob", "cy")),
    ("@bob. @cy... (@dee)", ("bob", "cy", "dee")),
    ("@bob.example @bob_ @bob/x @bob_cy_dee", ()),
    ("@bob_acme, please", ("bob_acme",)),  # A managed user of an enterprise.
    ("@" + "x" * 40, ()),
    ("@" + "x" * 39, ("x" * 39,)),
    ("https://a.example/@bob", ()),
]


@pytest.mark.parametrize(("source", "logins"), MENTIONED, ids=repr)
def test_people_mentioned_outside_of_code_are_told(source: str | None, logins: tuple[str, ...]) -> None:
    assert mentioned(source) == logins


@pytest.mark.parametrize(
    ("before", "after", "logins"),
    [
        ("@bob", "@bob @cy", ("cy",)),
        (None, "@bob", ("bob",)),
        ("@bob", "", ()),
        ("@bob", None, ()),
    ],
)
def test_an_edit_mentions_only_people_it_adds(
    before: str | None, after: str | None, logins: tuple[str, ...]
) -> None:
    assert mentioned_now({"body": {"from": before}}, after) == logins


def test_where_the_words_did_not_change_nobody_is_mentioned() -> None:
    assert mentioned_now({"title": {"from": "@bob"}}, "@cy") == ()
    assert mentioned_now({"body": None}, "@cy") == ("cy",)


HIDDEN = [
    *("`{}`", "`` {} ` ``", "    {}", "```\n{}\n```", "~~~~ sh\n{}\n~~~~", "> ~~~\n> {}\n> ~~~", "$`{}`$"),
    *("<code>{}</code>", "<pre>{}</pre>", "<pre><b>{}</b></pre>", "<!-- {} -->", "<a href=x>{}</a>"),
    *("[{}](x)", "[x](https://a.example/{})", "[x](y '{}')", "![{}](x)", "a{}.example", '"a b"{}', "<b{}.x>"),
    *('<b title="{}">x</b>', "On Monday, Ann wrote:\n> {}", "https://a.example/{}", "```suggestion\n{}\n```"),
]
SHOWN = ["{}", "**{}**", "({})", "> {}", "- [ ] {}", "# {}", "<b>{}</b>", "请{}看", "| {} |\n| - |", "\\{}"]


@settings(max_examples=100, deadline=None)
@given(shapes=st.lists(st.sampled_from([*HIDDEN, *SHOWN]), max_size=8))
def test_nobody_outside_of_rendered_text_is_mentioned(shapes: list[str]) -> None:
    # A paragraph between them: an indented line after a list belongs to it.
    source = "\n\n.\n\n".join(shape.format(f"@p{at}") for at, shape in enumerate(shapes))
    assert mentioned(source) == tuple(f"p{at}" for at, shape in enumerate(shapes) if shape in SHOWN)

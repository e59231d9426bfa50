"""GitHub's documentation of its Markdown, example by example: as GitHub shows it, or what Flowdock can.

https://docs.github.com/get-started/writing-on-github, as of github/docs 6bf9e94, with "Working with advanced
formatting". Footnotes, alerts and comments are in its later versions.
"""

import html

import pytest

from bridge.core.messages import markdown
from tests.kits.core import page

PULL = "https://github.com/acme/component/pull/1"
REPOSITORY = "https://github.com/acme/component"
SHA = "a5c3785ed8d6a35868bc169f07e40e889087fd2e"
SUN = "https://user-images.githubusercontent.com/25423296/163456779.png"
MOON = "https://user-images.githubusercontent.com/25423296/163456776.png"


def a(address: str, text: str) -> str:
    return f'<a href="{html.escape(address)}">{text}</a>'


# Lines of HTML, without the `rel` of links and the lines that are blank.
EXAMPLES: dict[str, tuple[str, list[str]]] = {
    "headings": (
        "# The largest heading\n## The second largest heading\n###### The smallest heading",
        [
            "<h1>The largest heading</h1>",
            "<h2>The second largest heading</h2>",
            "<h6>The smallest heading</h6>",
        ],
    ),
    "bold": (
        "**This is bold text** __too__",
        ["<p><strong>This is bold text</strong> <strong>too</strong></p>"],
    ),
    "italic": ("*This text is italicized* _too_", ["<p><em>This text is italicized</em> <em>too</em></p>"]),
    "strikethrough": (
        "~~This was mistaken text~~ ~too~",
        ["<p><s>This was mistaken text</s> <s>too</s></p>"],
    ),
    "bold and nested italic": (
        "**This text is _extremely_ important**",
        ["<p><strong>This text is <em>extremely</em> important</strong></p>"],
    ),
    "all bold and italic": ("***All this***", ["<p><em><strong>All this</strong></em></p>"]),
    "subscript, superscript, underline": (
        "H<sub>2</sub>O x<sup>2</sup> <ins>new</ins>",
        ["<p>H<sub>2</sub>O x<sup>2</sup> <ins>new</ins></p>"],
    ),
    "quoting text": (
        "Text that is not a quote\n\n> Text that is a quote",
        ["<p>Text that is not a quote</p>", "<blockquote>", "<p>Text that is a quote</p>", "</blockquote>"],
    ),
    "quoting code": ("Use `git status` to list", ["<p>Use <code>git status</code> to list</p>"]),
    "a block of code": (
        "Some basic Git commands are:\n```\ngit status\ngit add\n```",
        ["<p>Some basic Git commands are:</p>", "<pre><code>git status", "git add", "</code></pre>"],
    ),
    "colors": (
        "`#0969DA` `rgb(9, 105, 218)` `hsl(212, 92%, 45%)`",
        ["<p><code>#0969DA</code> <code>rgb(9, 105, 218)</code> <code>hsl(212, 92%, 45%)</code></p>"],
    ),
    "a link": (
        "This site was built using [GitHub Pages](https://pages.github.com/).",
        [f"<p>This site was built using {a('https://pages.github.com/', 'GitHub Pages')}.</p>"],
    ),
    "a section link": ("[Contribute](#contribute)", [f"<p>{a(PULL + '#contribute', 'Contribute')}</p>"]),
    # Of a conversation they are relative to its page.
    "a relative link": (
        "[Guidelines](../blob/main/docs/CONTRIBUTING.md)",
        [f"<p>{a(REPOSITORY + '/blob/main/docs/CONTRIBUTING.md', 'Guidelines')}</p>"],
    ),
    "a custom anchor": ('<a name="my-point"></a>Text', ["<p><a></a>Text</p>"]),
    "line breaks": (
        "This example\nWill span\\\nthree lines  \nor<br/>five",
        ["<p>This example<br>", "Will span<br>", "three lines<br>", "or<br>five</p>"],
    ),
    "an image": (
        "![This is an image](https://myoctocat.com/base.svg)",
        [f"<p>{a('https://myoctocat.com/base.svg', '[This is an image]')}</p>"],
    ),
    "an image of the repository": (
        "![Cat](../blob/main/electrocat.png?raw=true)",
        [f"<p>{a(REPOSITORY + '/blob/main/electrocat.png?raw=true', '[Cat]')}</p>"],
    ),
    "an image of another repository": (
        "![Cat](../../../github/docs/blob/main/electrocat.png?raw=true)",
        [f"<p>{a('https://github.com/github/docs/blob/main/electrocat.png?raw=true', '[Cat]')}</p>"],
    ),
    "an image by theme": (
        '<picture>\n  <source media="(prefers-color-scheme: dark)" srcset="' + MOON + '">\n'
        '  <source media="(prefers-color-scheme: light)" srcset="' + SUN + '">\n'
        '  <img alt="A sun." src="' + SUN + '">\n</picture>',
        [a(SUN, "[A sun.]")],
    ),
    "an image by theme, the old way": (
        f"![Moon]({MOON}#gh-dark-mode-only) ![Sun]({SUN}#gh-light-mode-only)",
        [f"<p> {a(SUN + '#gh-light-mode-only', '[Sun]')}</p>"],
    ),
    "an unordered list": (
        "- George Washington\n* John Adams\n+ Thomas Jefferson",
        [
            *("<ul>", "<li>George Washington</li>", "</ul>", "<ul>", "<li>John Adams</li>", "</ul>"),
            *("<ul>", "<li>Thomas Jefferson</li>", "</ul>"),
        ],
    ),
    "an ordered list": (
        "1. James Madison\n2. James Monroe",
        ["<ol>", "<li>James Madison</li>", "<li>James Monroe</li>", "</ol>"],
    ),
    "a nested list": (
        "100. First list item\n     - First nested list item\n       - Second nested list item",
        [
            *('<ol start="100">', "<li>First list item", "<ul>", "<li>First nested list item", "<ul>"),
            *("<li>Second nested list item</li>", "</ul>", "</li>", "</ul>", "</li>", "</ol>"),
        ],
    ),
    "a task list": (
        "- [x] #739\n- [ ] \\(Optional) Open a followup issue\n- [ ] Add delight :tada:",
        [
            *("<ul>", f"<li>☑ {a(REPOSITORY + '/issues/739', '#739')}</li>"),
            *("<li>☐ (Optional) Open a followup issue</li>", "<li>☐ Add delight 🎉</li>", "</ul>"),
        ],
    ),
    "mentions": (
        "@octocat and @github/support What do you think?",
        [f"<p>{a('https://github.com/octocat', '@octocat')} and @github/support What do you think?</p>"],
    ),
    "emoji": (
        "@octocat :+1: :shipit:",
        [f"<p>{a('https://github.com/octocat', '@octocat')} 👍 :shipit:</p>"],
    ),
    "footnotes": (
        "Here is a footnote[^1].\n\nA longer[^my].\n\n[^1]: My reference.\n[^my]: Every line\n  is indented.",
        [
            *("<p>Here is a footnote<sup>[1]</sup>.</p>", "<p>A longer<sup>[2]</sup>.</p>", "<hr>", "<ol>"),
            *(
                "<li><p>My reference.</p>",
                "</li>",
                "<li><p>Every line<br>",
                "is indented.</p>",
                "</li>",
                "</ol>",
            ),
        ],
    ),
    **{
        f"alert {kind}": (
            f"> [!{kind}]\n> Useful information.",
            [
                *("<blockquote>", f"<p><strong>{kind.capitalize()}</strong></p>"),
                *("<p>Useful information.</p>", "</blockquote>"),
            ],
        )
        for kind in ("NOTE", "TIP", "IMPORTANT", "WARNING", "CAUTION")
    },
    "a comment": ("<!-- This content will not appear -->", []),
    "ignored Markdown": (
        "Let's rename \\*our-new-project\\* to \\*our-old-project\\*.",
        ["<p>Let's rename *our-new-project* to *our-old-project*.</p>"],
    ),
    "a table": (
        "| First Header | Second Header |\n| ------------ | ------------- |\n| Content Cell | Content Cell |",
        [
            *(
                "<table>",
                "<thead>",
                "<tr>",
                "<th>First Header</th>",
                "<th>Second Header</th>",
                "</tr>",
                "</thead>",
            ),
            *(
                "<tbody>",
                "<tr>",
                "<td>Content Cell</td>",
                "<td>Content Cell</td>",
                "</tr>",
                "</tbody>",
                "</table>",
            ),
        ],
    ),
    "a table with format, alignment and pipes": (
        "Command | Does\n:--- | ---:\n`git status` | List *all* \\|",
        [
            *("<table>", "<thead>", "<tr>", '<th align="left">Command</th>', '<th align="right">Does</th>'),
            *("</tr>", "</thead>", "<tbody>", "<tr>", '<td align="left"><code>git status</code></td>'),
            *('<td align="right">List <em>all</em> |</td>', "</tr>", "</tbody>", "</table>"),
        ],
    ),
    "a collapsed section": (
        "<details>\n\n<summary>Tips</summary>\n\n### A header\n\n```ruby\n   puts 1\n```\n\n</details>",
        [
            *("<details>", "<summary>Tips</summary>", "<h3>A header</h3>", "<pre><code>   puts 1"),
            *("</code></pre>", "</details>"),
        ],
    ),
    "an open section": (
        "<details open><summary>a</summary>b</details>",
        ["<details><summary>a</summary>b</details>"],
    ),
    "fenced code with backticks": (
        "````\n```\nLook!\n```\n````",
        ["<pre><code>```", "Look!", "```", "</code></pre>"],
    ),
    "highlighted code": ("```ruby\nputs 1\n```", ["<pre><code>puts 1", "</code></pre>"]),
    "a diagram": (
        "```mermaid\ngraph TD;\n    A-->B;\n```",
        ["<pre><code>graph TD;", "    A--&gt;B;", "</code></pre>"],
    ),
    "math": ("inline:  $\\sqrt{3x-1}+(1+x)^2$", ["<p>inline:  <code>\\sqrt{3x-1}+(1+x)^2</code></p>"]),
    "math in backticks": (
        "inline: $`\\sqrt{\\$4}`$ and `\\$`",
        ["<p>inline: <code>\\sqrt{\\$4}</code> and <code>\\$</code></p>"],
    ),
    "math as a block": (
        "**Cauchy-Schwarz**\n$$\\left( a_k \\right)^2$$",
        ["<p><strong>Cauchy-Schwarz</strong><br>", "<code>\\left( a_k \\right)^2</code></p>"],
    ),
    "math in lines": ("$$\na_1\n$$", ["<pre><code>a_1</code></pre>"]),
    "math in a fence": ("```math\na_1\n```", ["<pre><code>a_1", "</code></pre>"]),
    "dollars": (
        "To split <span>$</span>100 in half, we calculate $100/2$. $5 and $6.",
        ["<p>To split <span>$</span>100 in half, we calculate <code>100/2</code>. $5 and $6.</p>"],
    ),
    "a web address": (
        "Visit https://github.com",
        [f"<p>Visit {a('https://github.com', 'https://github.com')}</p>"],
    ),
    "references to issues": (
        f"{REPOSITORY}/issues/26 #26 GH-26 jlord/sheetsee.js#26 github/linguist#4039",
        [
            f"<p>{a(REPOSITORY + '/issues/26', '#26')} {a(REPOSITORY + '/issues/26', '#26')}"
            f" {a(REPOSITORY + '/issues/26', 'GH-26')}"
            f" {a('https://github.com/jlord/sheetsee.js/issues/26', 'jlord/sheetsee.js#26')}"
            f" {a('https://github.com/github/linguist/issues/4039', 'github/linguist#4039')}</p>"
        ],
    ),
    "references to commits": (
        f"{REPOSITORY}/commit/{SHA} {SHA} jlord@{SHA} jlord/sheetsee.js@{SHA}",
        [
            f"<p>{a(f'{REPOSITORY}/commit/{SHA}', SHA[:7])} {a(f'{REPOSITORY}/commit/{SHA}', SHA[:7])}"
            f" {a(f'https://github.com/jlord/component/commit/{SHA}', f'jlord@{SHA[:7]}')}"
            f" {a(f'https://github.com/jlord/sheetsee.js/commit/{SHA}', f'jlord/sheetsee.js@{SHA[:7]}')}</p>"
        ],
    ),
    "a label's address": (
        "https://github.com/github/docs/labels/enhancement",
        [
            f"<p>{a('https://github.com/github/docs/labels/enhancement', 'https://github.com/github/docs/labels/enhancement')}</p>"
        ],
    ),
    "a relative time": (
        '<relative-time datetime="2014-04-01T16:30:00Z">April 1, 2014</relative-time>',
        ["<p>April 1, 2014</p>"],
    ),
    "a suggestion": ("```suggestion\nnew\n```", ["<pre><code>-old", "+new", "</code></pre>"]),
    "a suggestion to delete": ("```suggestion\n```", ["<pre><code>-old", "</code></pre>"]),
}


@pytest.mark.parametrize(("source", "lines"), [pytest.param(*row, id=name) for name, row in EXAMPLES.items()])
def test_each_example_is_shown_as_on_github(source: str, lines: list[str]) -> None:
    shown = markdown.to_html(
        source, base_url=PULL, rest_url=PULL, repository_url=REPOSITORY, replaced=["old"]
    )
    page.check_body(shown)
    bare = shown.replace(' rel="nofollow noopener noreferrer"', "")
    assert [line for line in bare.splitlines() if line.strip()] == lines

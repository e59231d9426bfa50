"""A tour of what GitHub's Markdown can do, for the test that holds the renderer to its version."""

MARKUP = (
    "# One\n\nTwo\nThree\n\n***\n\n*a* _b_ **c** __d__ ~~e~~ `f` ``g`h``\n\n## Four ##\n\nFive\n====",
    "- a\n  - b\n    1. c\n    2. d\n\n* [x] done\n* [ ] to do\n\n7. e\n8. f",
    "> a\n> > b\n\n> [!NOTE]\n> c",
    "```python\na < b\n```\n\n~~~\nc\n~~~\n\n    d\n\n```suggestion\ne\n```",
    "| a | b | c |\n| :- | -: | :-: |\n| 1 | `2` | [3](x) |\n| \\| | | |",
    "[a](b.md 'c') [d][e] <https://f.example> https://g.example/h?i=j&k README.md\n\n[e]: /l 'm'",
    "![a](https://b.example/c.png) ![](d.png) [![e](f.png)](https://g.example) <img alt='h' src='i.png'>",
    "<details open><summary>a</summary>\n\nb **c**\n\n</details>\n\n<kbd>d</kbd>e<sub>f</sub><sup>g</sup>",
    "<!-- a -->b<!--\nc\n-->\n\n<p align='center' style='color:red' class='d' id='e'>f</p>",
    "#1 GH-2 a/b#3 @c 0123456789abcdef0123456789abcdef01234567 `#4` [#5](d) a#6 #7a",
    ":tada: :no-such-emoji: :+1: `:tada:` 1:2:3",
    "a[^1] b\\*c\\* &lt; &copy; \u200b\u202e ä 漢字 www.d.example e@f.example\n\n[^1]: g",
    "x" * 5000,
    "word " * 1500,
    "```\n" + "line\n" * 1500,
)

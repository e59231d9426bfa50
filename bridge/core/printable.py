"""Text from outside as a line of a log or a terminal may hold it: no character of it does anything there.

A line end would begin a line that bridge never wrote, an escape sequence moves a terminal's cursor, and a
direction mark (Unicode's Bidi_Control) shows a line in another order than it is written in.
"""


def printable(text: str) -> str:
    """`text`, what is no printable character written as an escape, such as `\\u000a`."""
    if text.isprintable():
        return text
    return "".join(one if one.isprintable() else _escape(ord(one)) for one in text)


def _escape(number: int) -> str:
    return f"\\u{number:04x}" if number < 0x10000 else f"\\U{number:08x}"

"""Numbers in texts from outside."""


def whole_number(text: str, *, longest: int) -> int | None:
    """Return a whole number of at most so many digits, each from 0 to 9; None for any other text."""
    return int(text) if text.isascii() and text.isdecimal() and len(text) <= longest else None

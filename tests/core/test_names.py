"""Logins as GitHub gives them."""

import pytest

from bridge.core.names import is_login


@pytest.mark.parametrize(
    ("text", "is_one"),
    [
        ("ann", True),
        ("7-of-9", True),
        ("ann-", True),
        ("ann_acme", True),
        ("a" * 39, True),
        ("a" * 40, False),
        ("", False),
        ("-ann", False),
        ("ann_", False),
        ("ann/acme", False),
        ("änn", False),
        ("ann\n", False),
    ],
)
def test_a_login_is_told_from_other_texts(text: str, is_one: bool) -> None:
    assert is_login(text) is is_one

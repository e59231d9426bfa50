"""Forms in Rails' notation: what is read of them, and that no key costs more than it is long."""

import pytest

from bridge.inbox.api.rails_forms import LONGEST_KEY, MOST_FIELDS, MalformedForm, read
from tests.kits.controls import unguarded


def test_a_form_becomes_the_object_that_rails_makes_of_it() -> None:
    found = read("a[b]=1&a[c][]=2&a[c][]=3&d[][x]=4&d[][y]=5&d[][x]=6&e=%2B+")
    assert found == {
        "a": {"b": "1", "c": ["2", "3"]},
        "d": [{"x": "4", "y": "5"}, {"x": "6"}],
        "e": "+ ",
    }


@unguarded("bridge.inbox.api.rails_forms.LONGEST_KEY", 10**6, row="long key")
@pytest.mark.parametrize(
    ("form", "why"),
    [
        ("a" + "[" * 250_000 + "=x", "A key"),
        ("[" * 250_000 + "=x", "A key"),
        (f"{'a' * LONGEST_KEY}b=x", "A key"),
        ("a[]=x&" * MOST_FIELDS + "b=x", "The form has more"),
        ("a[b]=1&a[]=2", "Two fields"),
        ("a=1&a[b]=2", "Two fields"),
        ("a" + "[b]" * 9 + "=1", "The form nests"),
    ],
    ids=["open brackets", "only brackets", "long key", "many fields", "list and object", "text", "deep"],
)
def test_a_form_cheap_to_send_and_dear_to_read_is_refused(form: str, why: str) -> None:
    with pytest.raises(MalformedForm, match=why):
        read(form)

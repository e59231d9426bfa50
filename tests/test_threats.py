"""docs/security.md says what the tests show, and nothing else."""

import pytest

from tests import threats
from tests.threats import THREATS, Threat


@pytest.mark.parametrize("threat", THREATS, ids=lambda threat: f"{threat.who}: {threat.what}"[:60])
def test_each_control_of_a_threat_names_tests_that_exist(threat: Threat) -> None:
    assert threat.shown_by
    assert set(threat.shown_by) <= threats.tests_there_are()


@pytest.mark.parametrize("threat", THREATS, ids=lambda threat: f"{threat.who}: {threat.what}"[:60])
def test_some_test_of_a_threat_has_a_control_or_the_row_says_why_none_has(threat: Threat) -> None:
    assert bool(set(threat.shown_by) & threats.tests_with_a_control()) is not bool(threat.no_control)


def test_the_document_has_the_table_of_now() -> None:
    text = threats.DOCUMENT.read_text()
    assert text == threats.document(text), "python -m tests.threats writes it anew"

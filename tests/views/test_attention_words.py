"""The worklist is filtered by the words that it uses, and by no other."""

import ast
import inspect
from typing import get_args

from duecourse.case import disputes
from duecourse.rules.protection import protection_packs
from duecourse.views import worklist
from duecourse.views.attention import Attention


def test_every_word_that_the_worklist_writes_can_be_asked_for() -> None:
    """Those in pairs with what makes them so, as the source has them."""
    pairs = [
        pair.elts[1]
        for pair in ast.walk(ast.parse(inspect.getsource(worklist._attention)))
        if isinstance(pair, ast.Tuple) and len(pair.elts) == 2
    ]
    written = {each.value for each in pairs if isinstance(each, ast.Constant)}
    assert "disputed" in written
    assert written <= set(get_args(Attention))


def test_every_deadline_that_can_be_missed_has_its_word() -> None:
    duties = {
        duty.name
        for pack in protection_packs()
        for each in pack.protections
        for duty in each.duties
    }
    assert "answer" in duties
    overdue = {f"{name}_overdue" for name in (*duties, disputes.PUT_RIGHT)}
    assert overdue <= set(get_args(Attention))


def test_the_words_are_in_order_and_each_is_there_once() -> None:
    words = get_args(Attention)
    assert list(words) == sorted(set(words))

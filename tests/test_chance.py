"""Randomness is never given out twice."""

import os
import sys
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from duecourse.chance import new_id, random_bytes


def test_no_byte_is_given_to_two_threads() -> None:
    with ThreadPoolExecutor(8) as pool:
        drawn = list(pool.map(lambda _: random_bytes(12), range(5_000)))
    assert {len(each) for each in drawn} == {12}
    assert len(set(drawn)) == len(drawn)


def test_more_can_be_asked_for_than_is_drawn_at_once() -> None:
    assert len(random_bytes(10_000)) == 10_000


@pytest.mark.skipif(sys.platform == "win32", reason="no fork there")
def test_a_process_and_its_child_draw_different_bytes() -> None:
    random_bytes(1)
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.write(writing, random_bytes(16))
        os._exit(0)
    os.waitpid(child, 0)
    with os.fdopen(reading, "rb") as pipe:
        assert pipe.read(16) != random_bytes(16)
    os.close(writing)


def test_later_ids_are_greater() -> None:
    ids = []
    for _ in range(5):
        ids.append(new_id())
        time.sleep(0.002)
    assert ids == sorted(ids)
    assert {each.version for each in ids} == {7}

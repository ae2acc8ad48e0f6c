"""Lanes: order, failures, and that a lane's operations stay on one core while the caller's do not."""

import threading
import time

import pytest
import torch

from or1_rollout.lanes import in_lanes, num_lanes


@pytest.fixture
def set_threads():
    """`torch.set_num_threads` for one test."""
    before = torch.get_num_threads()
    yield torch.set_num_threads
    torch.set_num_threads(before)


def test_results_come_in_order_and_the_first_failure_is_raised():
    assert in_lanes(lambda piece: piece * 2, [1, 2, 3, 4]) == [2, 4, 6, 8]
    with pytest.raises(ZeroDivisionError):
        in_lanes(lambda piece: 1 // piece, [1, 0, 2])


def threads_here(size):
    torch.mm(torch.ones(size, size), torch.ones(size, size))
    return torch.get_num_threads(), threading.current_thread()


def test_a_lane_has_one_thread_and_the_caller_keeps_its_own(set_threads):
    set_threads(2)
    assert num_lanes() == 2
    seen = in_lanes(threads_here, [64, 64])
    assert [threads for threads, _ in seen] == [1, 1]
    assert len({thread for _, thread in seen}) == 2 and seen[0][1] is threading.current_thread()
    assert threads_here(64) == (2, threading.current_thread())


def test_a_failure_in_the_callers_own_lane_waits_for_the_others_and_leaves_its_threads(set_threads):
    set_threads(2)
    done = []

    def work(piece):
        if piece == 0:
            raise ZeroDivisionError
        time.sleep(0.2)
        done.append(piece)

    with pytest.raises(ZeroDivisionError):
        in_lanes(work, [0, 1])
    assert done == [1] and torch.get_num_threads() == 2


def test_one_thread_means_one_lane_in_the_caller(set_threads):
    set_threads(1)
    assert num_lanes() == 1
    assert in_lanes(threads_here, [8, 8]) == [(1, threading.current_thread())] * 2

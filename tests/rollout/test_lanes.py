"""Lanes: order, failures, and that a lane's operations stay on one core while the caller's do not."""

import subprocess
import sys

import pytest
import torch

from or1_rollout.lanes import in_lanes, num_lanes


def in_process(code):
    """Its output; torch's number of threads is decided at the start of a process."""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=120)
    return done.stdout.split()


def test_results_come_in_order_and_the_first_failure_is_raised():
    assert in_lanes(lambda piece: piece * 2, [1, 2, 3, 4]) == [2, 4, 6, 8]
    with pytest.raises(ZeroDivisionError):
        in_lanes(lambda piece: 1 // piece, [1, 0, 2])


def test_a_lane_has_one_thread_and_the_caller_keeps_its_own():
    seen = in_process(
        "import os; os.environ['OMP_NUM_THREADS'] = '2'\n"
        "import torch\n"
        "from or1_rollout.lanes import in_lanes, num_lanes\n"
        "def threads(size):\n"
        "    torch.mm(torch.ones(size, size), torch.ones(size, size))\n"
        "    return torch.get_num_threads()\n"
        "print(num_lanes(), *in_lanes(threads, [64, 64]), torch.get_num_threads())\n"
    )
    assert seen == ["2", "1", "1", "2"]


def test_one_thread_means_one_lane_in_the_caller():
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        import threading

        assert num_lanes() == 1
        assert in_lanes(lambda _: threading.current_thread(), [0, 1]) == [threading.current_thread()] * 2
    finally:
        torch.set_num_threads(threads)

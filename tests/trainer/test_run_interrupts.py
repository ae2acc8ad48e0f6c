"""Ctrl-C while a checkpoint is written: it waits until the file is whole; a second one does not."""

import signal
import threading

import pytest

from or1_trainer.train.checkpoint import defer_sigint


@pytest.fixture(autouse=True)
def python_handler():
    """A shell starts commands in the background with SIGINT ignored."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def test_an_interrupt_comes_at_the_end():
    done = []
    with pytest.raises(KeyboardInterrupt), defer_sigint():
        signal.raise_signal(signal.SIGINT)
        done.append("the rest of the file")
    assert done
    with pytest.raises(KeyboardInterrupt):
        signal.raise_signal(signal.SIGINT)  # as before


def test_a_second_one_comes_at_once():
    done = []
    with pytest.raises(KeyboardInterrupt), defer_sigint():
        signal.raise_signal(signal.SIGINT)
        signal.raise_signal(signal.SIGINT)
        done.append("the rest of the file")
    assert not done


def test_what_failed_says_so_itself():
    with pytest.raises(OSError, match="disk"), defer_sigint():
        raise OSError("disk")


def test_in_another_thread_nothing_is_changed():
    before, seen = signal.getsignal(signal.SIGINT), []

    def work():
        with defer_sigint():
            seen.append(signal.getsignal(signal.SIGINT))

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert seen == [before]

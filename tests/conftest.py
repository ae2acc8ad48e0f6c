"""What every test runs under: one torch thread per worker, no network, no hub, the same examples on each CI run."""

from __future__ import annotations

import gc
import ipaddress
import os
import shutil
import socket
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings

if "PYTEST_XDIST_WORKER" in os.environ:
    # Workers of one thread each; torch and BLAS read this when first imported, child processes too.
    for _name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
        os.environ.setdefault(_name, "1")
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
os.environ.setdefault("MPLBACKEND", "Agg")
os.environ |= {"RAY_ENABLE_UV_RUN_RUNTIME_ENV": "0", "RAY_USAGE_STATS_ENABLED": "0"}  # read when Ray is imported
for _name in ("HF_HUB_OFFLINE", "HF_DATASETS_OFFLINE", "TRANSFORMERS_OFFLINE"):
    os.environ[_name] = "1"  # nothing here may reach a hub, child processes included

ROOT = Path(__file__).resolve().parents[1]

if os.environ.pop("PYTHONDONTWRITEBYTECODE", ""):
    # Containers often set it, and then every process that a test starts compiles torch, transformers and Megatron anew:
    # 10 s of CPU each, and so does this one. The bytecode goes beside pytest's cache instead of beside its sources.
    sys.pycache_prefix = os.environ["PYTHONPYCACHEPREFIX"] = str(ROOT / ".pytest_cache" / "bytecode")
    sys.dont_write_bytecode = False

settings.register_profile("ci", derandomize=True, deadline=None, database=None, print_blob=True)
settings.register_profile("dev", deadline=None)
settings.load_profile("ci" if os.environ.get("CI") else "dev")


def pytest_collection() -> None:
    """Let no garbage collection look at a million objects of imports and tests, which stay to the end anyway."""
    gc.disable()


def pytest_collection_finish() -> None:
    """From here on only what tests leave is garbage."""
    gc.freeze()
    gc.enable()


class NetworkBlocked(RuntimeError):
    """A test tried to reach another machine."""


def is_local(address: Any) -> bool:
    """Whether a socket address is of this machine: a unix path or a loopback host."""
    if not isinstance(address, tuple):
        return True
    host = str(address[0])
    if host in {"", "localhost"}:
        return True
    try:
        return ipaddress.ip_address(host.partition("%")[0]).is_loopback
    except ValueError:
        return False


def guarded(method_name: str) -> Any:
    """`socket.socket.<method_name>` that refuses addresses of other machines (the address is the last argument)."""
    original = getattr(socket.socket, method_name)

    def call(self: socket.socket, *args: Any) -> Any:
        if self.family in (socket.AF_INET, socket.AF_INET6) and not is_local(args[-1]):
            raise NetworkBlocked(f"a test tried to {method_name} to {args[-1]}; tests stay on the loopback interface")
        return original(self, *args)

    return call


for _name in ("connect", "connect_ex", "sendto"):
    setattr(socket.socket, _name, guarded(_name))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put slow tests first, so that no worker is left alone with one at the end; skip `gpu` tests without a GPU.

    /dev is asked for one: importing torch here would cost seconds.
    """
    items.sort(key=lambda item: item.get_closest_marker("slow") is None)
    if any(Path("/dev").glob("nvidia[0-9]*")):
        return
    for item in items:
        if item.get_closest_marker("gpu"):
            item.add_marker(pytest.mark.skip(reason="no CUDA device on this machine"))


@pytest.fixture(scope="session")
def repo_root() -> Path:
    """The root of the checkout."""
    return ROOT


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real problem sets that may lie beside the checkout; never part of the project."""
    folder = ROOT.parent / "shared" / "data"
    if not (folder / "manifest.json").is_file():
        pytest.skip(f"no real data: {folder.parent.name}/data is not beside the checkout")
    return folder


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """Debian's Chromium, headless; tests that use it are marked to be skipped where it is missing."""
    from selenium.webdriver import Chrome, ChromeOptions
    from selenium.webdriver.chrome.service import Service

    options = ChromeOptions()
    for option in ("--headless=new", "--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu", "--window-size=1400,1000"):  # noqa: E501  # fmt: skip
        options.add_argument(option)
    options.binary_location = str(shutil.which("chromium"))
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    driver = Chrome(options=options, service=Service(shutil.which("chromedriver")))
    driver.implicitly_wait(10)
    yield driver
    driver.quit()

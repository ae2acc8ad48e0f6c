"""Two `vllm serve` processes of the CPU build as one engine: balanced, one dying and coming back, weights synced."""

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

pytest.importorskip("vllm")
torch = pytest.importorskip("torch")
import httpx  # noqa: E402
from transformers import AutoTokenizer  # noqa: E402

sys.path.append(str(Path(__file__).parent))
from talker import check_every_turn  # noqa: E402
from test_vllm_engine import PROMPTS, make_model, moved, probe_of, sync  # noqa: E402

from or1_rollout import EngineError, SamplingParams, TensorStream, WeightMismatch  # noqa: E402
from or1_rollout.engines.openai import EndpointEngine, EndpointSettings  # noqa: E402
from or1_rollout.engines.vllm.control import serve_command  # noqa: E402
from or1_rollout.engines.vllm.servers import VllmServers  # noqa: E402

pytestmark = [pytest.mark.vllm, pytest.mark.slow, pytest.mark.xdist_group("vllm")]
START_S = 600  # a machine with more jobs than cores takes minutes


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("untied")


@pytest.fixture(scope="module")
def model(folder):
    return make_model(folder, tied=False)


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def start(folder, port, log):
    options = ["--dtype", "float32", "--enforce-eager", "--max-model-len", "128", "--max-num-seqs", "64",
               "--no-enable-chunked-prefill", "--max-num-batched-tokens", "4096"]  # fmt: skip
    own = {"VLLM_SERVER_DEV_MODE": "1", "VLLM_CPU_KVCACHE_SPACE": "1", "VLLM_CPU_OMP_THREADS_BIND": "nobind"}
    return subprocess.Popen(
        serve_command(folder, port=port, options=options),
        env={**os.environ, **own, "OMP_NUM_THREADS": "1"},
        stdout=log.open("w"),
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )


def wait_until_up(url, process, log):
    deadline = time.monotonic() + START_S
    while True:
        assert process.poll() is None and time.monotonic() < deadline, log.read_text()[-3000:]
        try:
            if httpx.get(f"{url}/health", timeout=2).status_code == 200:
                return
        except httpx.HTTPError:
            time.sleep(0.5)


@pytest.fixture(scope="module")
def servers(folder, model, tmp_path_factory):
    logs, running = tmp_path_factory.mktemp("logs"), {}
    for port in (free_port(), free_port()):
        log = logs / f"{port}.log"
        running[f"http://127.0.0.1:{port}"] = (start(folder, port, log), log)
    for url, (process, log) in running.items():
        wait_until_up(url, process, log)
    yield {url: process for url, (process, _) in running.items()}
    for process, _ in running.values():
        kill(process)


def kill(process):
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except ProcessLookupError:
        return
    process.wait()


@pytest.fixture(scope="module")
def engine(servers, folder):
    tokenizer = AutoTokenizer.from_pretrained(folder)
    made = VllmServers(list(servers), tokenizer=tokenizer, patience_s=30.0)
    yield made
    made.close()


def requests_of(url):
    lines = httpx.get(f"{url}/metrics").text.splitlines()
    return sum(float(line.rsplit(" ", 1)[1]) for line in lines if line.startswith("vllm:request_success_total"))


def test_two_servers_are_one_engine(engine, model, servers):
    sync(engine, model, 0)
    params = SamplingParams(n=8, max_new_tokens=12, seed=3)
    groups = engine.generate(PROMPTS, params)
    assert groups == engine.generate(PROMPTS, params)
    assert all(len(c.logprobs) == len(c.token_ids) for group in groups for c in group)
    done = [requests_of(url) for url in servers]
    assert min(done) > 0.3 * sum(done), "both take their share"


def test_a_sync_reaches_both_servers_and_one_left_behind_is_found(engine, model, servers, monkeypatch):
    sync(engine, moved(model, 1), 1)
    alone = VllmServers([next(iter(servers))])
    sync(alone, moved(model, 2), 1)
    with pytest.raises(WeightMismatch, match="different log-probs"):
        engine.logprobs([5, 6, 7], [8, 9])
    with monkeypatch.context() as patched:
        patched.setattr(engine._sender, "send", alone._sender.send)  # the second server gets nothing
        stream = TensorStream(moved(model, 3).state_dict())
        with pytest.raises(WeightMismatch, match="tensors differ"):
            engine.sync_weights(stream, version=2, probe=probe_of(model))
    sync(engine, model, 2)


def test_every_turn_is_sampled_from_the_tokens_before_it(engine):
    check_every_turn(engine, PROMPTS)


def test_the_endpoint_engine_draws_the_same_samples_from_one_server(engine, servers):
    params = SamplingParams(n=3, max_new_tokens=10, seed=6)
    expected = engine.generate(PROMPTS, params)
    for stream in (False, True):
        settings = EndpointSettings(url=next(iter(servers)), stream=stream)
        got = EndpointEngine(settings).generate(PROMPTS, params)
        for ours, theirs in zip(got, expected, strict=True):
            assert [list(c.token_ids) for c in ours] == [list(c.token_ids) for c in theirs]
            assert [c.logprobs for c in ours] == [pytest.approx(c.logprobs, abs=1e-5) for c in theirs]


def test_one_dies_in_the_middle_and_comes_back(engine, model, servers, folder, tmp_path):
    params = SamplingParams(n=16, max_new_tokens=100, seed=8)
    expected = engine.generate(PROMPTS, params)
    victim = list(servers)[1]
    killed = []

    def kill_once(index, group):
        if not killed:
            kill(servers[victim])
            killed.append(index)

    assert engine.generate([*PROMPTS, PROMPTS[0]], params, on_group=kill_once)[:3] == expected
    assert engine.generate(PROMPTS, params) == expected
    assert [server.url for server in engine.pool.up()] == [next(iter(servers))]

    servers[victim] = start(folder, int(victim.rsplit(":", 1)[1]), tmp_path / "log")
    try:
        wait_until_up(victim, servers[victim], tmp_path / "log")
        httpx.post(f"{victim}/update_weight_version", json={"new_version": "2"}).raise_for_status()
        assert engine.generate(PROMPTS, params) == expected, "with its old weights it is not used yet"
        assert len(engine.pool.up()) == 1, "whatever label it carries: an earlier run may have left the same"
        sync(engine, moved(model, 4), 3)
        assert len(engine.pool.up()) == 2
    finally:
        kill(servers[victim])


def test_servers_are_refused_the_transfer_within_one_process():
    with pytest.raises(EngineError, match="shared_memory or nccl"):
        VllmServers(["http://127.0.0.1:9"], transfer="in_process")


def test_without_any_server_it_gives_up_with_their_names(servers):
    from or1_rollout import EndpointError

    lost = VllmServers(["http://127.0.0.1:9"], settings=EndpointSettings(url="http://127.0.0.1:9", model="m", attempts=2, max_wait_s=0.1), patience_s=1.0)  # noqa: E501  # fmt: skip
    with pytest.raises(EndpointError, match=r"127\.0\.0\.1:9"):
        lost.generate(PROMPTS, SamplingParams())

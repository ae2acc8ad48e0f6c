"""`doctor`: every probe on this machine, and each of them failing for a real reason."""

import shutil
import socket
import subprocess

import pytest
import torch

from or1_trainer.cli import main
from or1_trainer.config.load import read_recipe, resolve
from or1_trainer.doctor.machine import State, check_machine, disk, package, port, shared_memory
from or1_trainer.doctor.recipe import check_recipe


def states(found):
    return {result.name: result.state for result in found}


def test_this_machine_can_run_the_tiny_recipe(tmp_path, capsys, monkeypatch):
    monkeypatch.setenv("OR1_CACHE", str(tmp_path / "cache"))
    assert main(["doctor", "tiny", "--runs", str(tmp_path)]) == 0
    told = capsys.readouterr().out
    assert "megatron-core" in told and "code sandbox" in told and "tiny: can run here" in told
    assert "gloo; NCCL 2." in told and "shared memory" in told and "ports" in told and "vllm" in told


def test_what_a_recipe_of_the_report_misses_is_named_with_what_to_do(tmp_path, capsys):
    assert main(["doctor", "or1-7b", "--runs", str(tmp_path)]) == 1
    told = capsys.readouterr().out
    assert "hf download deepseek-ai/DeepSeek-R1-Distill-Qwen-7B" in told and "or1-math.jsonl" in told
    lacks = states(check_recipe(resolve(read_recipe("or1-7b")), tmp_path))
    assert lacks["model"] is lacks["data.train"] is lacks["data.heldout"] is State.BAD
    assert lacks["devices"] is (State.GOOD if torch.cuda.device_count() > 1 else State.BAD)
    assert (
        states(check_recipe(resolve(read_recipe("tiny"), [("model.dtype", "bfloat16")]), tmp_path))["devices"]
        is State.GOOD
    )


def test_a_recipe_whose_files_are_there_lacks_them_no_more(tmp_path):
    (tmp_path / "train.jsonl").write_text("{}\n")
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "config.json").write_text('{"model_type": "qwen2"}')
    settings = [("data.train", [str(tmp_path / "train.jsonl")]), ("model.path", str(tmp_path / "model"))]
    lacks = states(check_recipe(resolve(read_recipe("or1-math-7b"), settings), tmp_path))
    assert lacks["data.train"] is State.GOOD
    assert lacks["model"] is State.BAD, "a config without weights is no model"
    (tmp_path / "model" / "model.safetensors").write_bytes(b"")
    assert states(check_recipe(resolve(read_recipe("or1-math-7b"), settings), tmp_path))["model"] is State.GOOD


def test_servers_that_are_not_up_are_named(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as closed:
        url = f"http://127.0.0.1:{closed.getsockname()[1]}"
    settings = [("rollout.engine", "vllm-server"), ("rollout.servers", [url])]
    (engine,) = [f for f in check_recipe(resolve(read_recipe("tiny"), settings), tmp_path) if f.name == "engine"]
    assert engine.state is State.BAD and url in engine.found


def test_a_package_that_is_missing_a_port_that_is_taken_a_disk_that_is_small(tmp_path):
    assert package("or1-no-such-package").state is State.BAD
    with socket.create_server(("127.0.0.1", 0)) as taken:
        assert port(taken.getsockname()[1]).state is State.BAD
    assert disk(tmp_path / "not" / "yet" / "there", need_gib=0.0).state is State.GOOD
    huge = disk(tmp_path, need_gib=1e9)
    assert huge.state is State.BAD and "--run-dir" in huge.lines()[1]


def test_a_shared_memory_of_64_megabytes_is_found(tmp_path):
    place = tmp_path / "shm"
    place.mkdir()
    mount = shutil.which("mount")
    command = [mount or "mount", "-t", "tmpfs", "-o", "size=64m", "tmpfs", str(place)]
    if subprocess.run(command, check=False, capture_output=True).returncode:
        pytest.skip("a tmpfs can be mounted by root only")
    try:
        found = shared_memory(place)
        assert found.state is State.BAD and "--shm-size" in found.advice
        (place / "filler").write_bytes(b"x" * 63 * 2**20)
        with pytest.raises(OSError, match="No space"):
            (place / "more").write_bytes(b"x" * 2 * 2**20)
        assert shared_memory(place, need_gib=0.0).state is State.BAD, "a full one cannot be written to"
    finally:
        subprocess.run(["umount", str(place)], check=True)


def test_every_failed_check_says_what_to_do(tmp_path):
    for result in [*check_machine(tmp_path), *check_recipe(resolve(read_recipe("or1-32b")), tmp_path)]:
        assert result.state is State.GOOD or (result.advice and len(result.lines()) == 2), result

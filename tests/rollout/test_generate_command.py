"""`or1-rollout generate`: complete, resumable after SIGKILL, clear about bad rows."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch
from transformers import Qwen2Config, Qwen2ForCausalLM

from or1_rollout import RowError
from or1_rollout.cli import main
from or1_rollout.errors import SettingsError
from or1_rollout.generate.rows import finished_prompts, read_prompts
from or1_rollout.generate.samples_file import samples_path
from or1_rollout.generate.settings_file import SampledWithNote, check_settings, settings_path, write_settings

sys.path.append(str(Path(__file__).parent))

from small_models import SHAPE, letters_tokenizer


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    folder = tmp_path_factory.mktemp("model")
    torch.manual_seed(0)
    Qwen2ForCausalLM(Qwen2Config(**SHAPE, pad_token_id=0, eos_token_id=1, bos_token_id=None)).save_pretrained(folder)
    letters_tokenizer().save_pretrained(folder)
    return folder


@pytest.fixture
def prompts(tmp_path):
    path = tmp_path / "prompts.jsonl"
    kinds = ["12+7=", [5, 6, 7]]
    path.write_text("".join(json.dumps({"id": f"p{i}", "prompt": kinds[i % 2]}) + "\n" for i in range(200)))
    return path


def arguments(prompts, out, model, *more):
    return [
        "generate", str(prompts), "-o", str(out), "--model", str(model), "-n", "2", "--max-new-tokens", "150", *more,
    ]  # fmt: skip


def command(*given):
    return [sys.executable, "-m", "or1_rollout.cli", *arguments(*given)]


@pytest.fixture
def generate(capsys):
    """`generate(prompts, out, model, *more)`: the command in this process; exit code, standard output and error."""

    def run(*given):
        code = main(arguments(*given))
        return code, *capsys.readouterr()

    return run


def test_samples_of_a_group_that_is_not_complete_are_not_mixed_with_others(tmp_path):
    out = tmp_path / "out.jsonl"
    write_settings(out, {"temperature": 1.0})
    SampledWithNote(out).update({"left_out": ["min_p"]})
    samples_path(out).write_text('{"id": "p0", "sample": 0, "completion": {}}\n')
    check_settings(out, {"temperature": 1.0})
    with pytest.raises(SettingsError, match=r"temperature 1\.0, now 0\.5"):
        check_settings(out, {"temperature": 0.5})
    write_settings(out, {"temperature": 1.0})
    SampledWithNote(out).update({"builds": ["b1"]})
    said = json.loads(settings_path(out).read_text())["sampled_with"]
    assert said == {"builds": ["b1"], "left_out": ["min_p"]}, "of both sessions"


def test_a_killed_run_goes_on_and_ends_with_the_same_completions(prompts, model, tmp_path, generate):
    whole, killed = tmp_path / "whole.jsonl", tmp_path / "killed.jsonl"
    assert generate(prompts, whole, model)[0] == 0
    process = subprocess.Popen(command(prompts, killed, model), stderr=subprocess.DEVNULL)
    while not killed.exists() or not killed.read_bytes():
        assert process.poll() is None
        time.sleep(0.005)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    with killed.open("a") as file:
        file.write('{"id": "p1')  # as if a line had been cut off
    code, said, _ = generate(prompts, killed, model)
    assert code == 0 and "200 of them" not in said
    by_id = [{row["id"]: row for row in map(json.loads, path.read_text().splitlines())} for path in (whole, killed)]
    assert by_id[0].keys() == by_id[1].keys() and len(killed.read_text().splitlines()) == 200
    for name, row in by_id[0].items():
        for one, other in zip(row["completions"], by_id[1][name]["completions"], strict=True):
            assert one["token_ids"] == other["token_ids"] and one["text"] == other["text"]
            # what else is in a batch moves the last bits of a logit
            assert one["logprobs"] == pytest.approx(other["logprobs"], abs=1e-4)


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("{", ["prompts.jsonl:201", "not JSON"]),
        ('{"id": 1}', [":201", "prompt"]),
        ('{"id": 1, "prompt": [1, "a"]}', [":201", "token ids"]),
        ('{"id": "p0", "prompt": "a"}', [":201", "twice"]),
        ('{"id": 1, "prompt": [{"role": 3, "content": null}]}', [":201", "messages"]),
    ],
)
def test_bad_rows_are_named_before_anything_is_generated(prompts, model, tmp_path, generate, line, words):
    with prompts.open("a") as file:
        file.write(line + "\n")
    code, _, error = generate(prompts, tmp_path / "out.jsonl", model)
    assert code == 2 and not (tmp_path / "out.jsonl").exists()
    assert all(word in error for word in words)


def test_a_file_is_not_continued_with_other_settings(prompts, model, tmp_path, generate):
    prompts.write_text("".join(prompts.read_text().splitlines(keepends=True)[:2]))
    out = tmp_path / "out.jsonl"
    assert generate(prompts, out, model)[0] == 0
    before = out.read_bytes()
    for more, words in [(["--temperature", "0.5"], "temperature 1.0, now 0.5"), (["--seed", "3"], "seed 0, now 3")]:
        code, _, error = generate(prompts, out, model, *more)
        assert code == 2 and words in error
    assert generate(prompts, out, model)[0] == 0
    assert out.read_bytes() == before


@pytest.mark.parametrize("content", [None, "{", "[]"])
def test_completions_of_unknown_settings_are_not_continued(tmp_path, content):
    out = tmp_path / "out.jsonl"
    out.write_text('{"id": "a", "completions": []}\n')
    if content is not None:
        settings_path(out).write_text(content)
    with pytest.raises(SettingsError, match="another file with -o"):
        check_settings(out, {"seed": 0})
    out.write_text("")  # nothing in it that could be mixed with
    check_settings(out, {"seed": 0})


FOREIGN = [
    b"a diary without a line end",
    b'{"id": "p0", "prompt": "a"}\n{"id": "p1", "prompt": "b"}',
    b"[1]\n",
    b"\xff\n",
]


@pytest.mark.parametrize("content", FOREIGN)
def test_an_output_that_is_some_other_file_is_refused_and_keeps_every_byte(prompts, model, tmp_path, generate, content):
    other = tmp_path / "other"
    other.write_bytes(content)
    code, _, error = generate(prompts, other, model)
    assert code == 2 and "nothing was changed" in error
    assert other.read_bytes() == content


def test_the_file_of_prompts_is_never_the_output(prompts, model, generate):
    before = prompts.read_bytes()
    code, _, error = generate(prompts, prompts, model)
    assert code == 2 and "file of prompts" in error and prompts.read_bytes() == before


def test_torn_ends_are_removed_and_whole_lines_kept(tmp_path):
    path, line = tmp_path / "out.jsonl", b'{"id": "a", "completions": []}'
    for tail, ids, left in [
        (b'{"id": "b", "comp', {"a"}, line + b"\n"),
        (b'{"i', {"a"}, line + b"\n"),
        (line.replace(b'"a"', b'"b"'), {"a", "b"}, line + b"\n" + line.replace(b'"a"', b'"b"') + b"\n"),
    ]:
        path.write_bytes(line + b"\n" + tail)
        assert set(finished_prompts(path)) == ids and path.read_bytes() == left


def test_line_separators_inside_a_prompt_are_text_and_other_encodings_are_named(tmp_path):
    path = tmp_path / "p.jsonl"
    path.write_bytes('{"id": 1, "prompt": "a\u2028b\u0085c"}\n'.encode())
    assert [row.prompt for row in read_prompts(path)] == ["a\u2028b\u0085c"]
    path.write_bytes(b'{"id": 1, "prompt": "ok"}\n{"id": 2, "prompt": "caf\xe9"}\n')
    with pytest.raises(RowError, match=r"p.jsonl:2: not UTF-8"):
        read_prompts(path)


@pytest.mark.parametrize("prompt", [[5, 6], "12+7="])
def test_servers_are_asked_without_vllm_being_installed_here(prompt, tmp_path):
    (tmp_path / "p.jsonl").write_text(json.dumps({"id": "a", "prompt": prompt}) + "\n")
    arguments = ["generate", "p.jsonl", "-o", "o.jsonl", "--engine", "vllm-server", "--url", "http://127.0.0.1:9"]
    hidden = "import sys; sys.modules['vllm'] = None; from or1_rollout.cli import main; sys.exit(main(sys.argv[1:]))"
    command = [sys.executable, "-c", hidden, *arguments]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 1 and "Traceback" not in done.stderr
    assert "no server answers at http://127.0.0.1:9/v1/models" in done.stderr

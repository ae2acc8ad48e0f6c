"""The embedded engine against `transformers`' own forward pass, on small random models of each family."""

import math

import pytest
import torch
from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers
from transformers import (
    GPT2Config,
    GPT2LMHeadModel,
    LlamaConfig,
    LlamaForCausalLM,
    PreTrainedTokenizerFast,
    Qwen2Config,
    Qwen2ForCausalLM,
    Qwen3Config,
    Qwen3ForCausalLM,
)

from or1_rollout import EngineError, FinishReason, SamplingParams, WeightPushError, fingerprint, prove_push
from or1_rollout.engines.transformers import TransformersEngine
from or1_rollout.engines.transformers.fused_decoder import FusedDecoder
from or1_rollout.engines.transformers.texts import decode_all

LETTERS = "abcdefghijklmnopqrstuvwxyz0123456789+-=; "
SHAPE = {
    "vocab_size": len(LETTERS) + 2, "hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2,
    "num_attention_heads": 4, "num_key_value_heads": 2, "max_position_embeddings": 256,
}  # fmt: skip
LLAMA3 = {
    "rope_type": "llama3", "rope_theta": 10000.0, "factor": 8.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0,
    "original_max_position_embeddings": 64,
}  # fmt: skip
YARN = {"rope_type": "yarn", "rope_theta": 10000.0, "factor": 4.0, "original_max_position_embeddings": 64}
FAMILIES = {
    "qwen2-tied": lambda: Qwen2ForCausalLM(Qwen2Config(**SHAPE, tie_word_embeddings=True)),
    "qwen2-untied": lambda: Qwen2ForCausalLM(Qwen2Config(**SHAPE, tie_word_embeddings=False)),
    "qwen3": lambda: Qwen3ForCausalLM(Qwen3Config(**SHAPE, head_dim=16, tie_word_embeddings=True)),
    "llama3": lambda: LlamaForCausalLM(LlamaConfig(**SHAPE, rope_parameters=LLAMA3, tie_word_embeddings=False)),
    "llama-yarn": lambda: LlamaForCausalLM(LlamaConfig(**SHAPE, rope_parameters=YARN, tie_word_embeddings=False)),
    "gpt2": lambda: GPT2LMHeadModel(
        GPT2Config(vocab_size=len(LETTERS) + 2, n_embd=32, n_layer=2, n_head=4, n_positions=256)
    ),
}
PROMPTS = ["12+7=", "a", "the quick brown fox", "9"]


def letters_tokenizer():
    vocabulary = {token: index for index, token in enumerate(["<pad>", "<eos>", *LETTERS])}
    core = Tokenizer(models.WordLevel(vocabulary, unk_token="<pad>"))
    core.pre_tokenizer = pre_tokenizers.Split(Regex(r"[\s\S]"), "isolated")
    core.decoder = decoders.Fuse()
    return PreTrainedTokenizerFast(tokenizer_object=core, pad_token="<pad>", eos_token="<eos>")


def make(family, dtype=torch.float64, **options):
    torch.manual_seed(0)
    model = FAMILIES[family]().to(dtype).eval()
    with torch.no_grad():
        for parameter in model.parameters():  # away from initialisation: norms and biases that matter
            parameter.add_(0.2 * torch.randn_like(parameter))
    model.config.pad_token_id, model.generation_config.eos_token_id = 0, 1
    return model, TransformersEngine(model, letters_tokenizer(), **options)


def reference_logprobs(model, prompt_ids, response_ids, temperature=1.0):
    with torch.no_grad():
        logits = model(torch.tensor([[*prompt_ids, *response_ids]])).logits[0] / temperature
    return logits.log_softmax(-1)[len(prompt_ids) - 1 : -1].gather(1, torch.tensor(response_ids)[:, None]).squeeze(1)


@pytest.mark.parametrize("family", FAMILIES)
def test_logprobs_are_those_of_the_model(family):
    model, engine = make(family)
    params = SamplingParams(n=3, max_new_tokens=40, temperature=0.8)
    for prompt, group in zip(PROMPTS, engine.generate(PROMPTS, params), strict=True):
        ids = engine.encode(prompt)
        for completion in group:
            expected = reference_logprobs(model, ids, completion.token_ids.tolist(), temperature=0.8)
            assert torch.allclose(torch.tensor(completion.logprobs, dtype=torch.float64), expected, atol=2e-6)
            ended = completion.token_ids[-1] == 1
            assert completion.finish_reason == (FinishReason.STOP if ended else FinishReason.LENGTH)
            assert 1 not in completion.token_ids[:-1] and (ended or len(completion.token_ids) == 40)


def test_only_the_three_families_take_the_fused_way():
    assert isinstance(make("qwen3")[1]._decoder, FusedDecoder)
    assert not isinstance(make("gpt2")[1]._decoder, FusedDecoder)


@pytest.mark.parametrize("family", ["qwen2-tied", "llama3", "gpt2"])
def test_greedy_is_the_models_own_generate(family):
    model, engine = make(family)
    for prompt in PROMPTS:
        ids = torch.tensor([engine.encode(prompt)])
        expected = model.generate(ids, attention_mask=torch.ones_like(ids), max_new_tokens=30, do_sample=False)
        (completion,) = engine.generate([prompt], SamplingParams(max_new_tokens=30, temperature=0))[0]
        assert list(completion.token_ids) == expected[0, ids.shape[1] :].tolist()


def test_any_sample_can_be_drawn_again_alone_and_in_small_batches():
    _, engine = make("qwen2-tied")
    params = SamplingParams(n=4, max_new_tokens=50)
    seeds = [[100 * p + g for g in range(4)] for p in range(len(PROMPTS))]
    groups = engine.generate(PROMPTS, params, seeds=seeds)
    alone = engine.generate([PROMPTS[2]], SamplingParams(n=1, max_new_tokens=50), seeds=[[seeds[2][3]]])[0][0]
    assert list(alone.token_ids) == list(groups[2][3].token_ids) and alone.seed == 203
    engine.max_batch_tokens = 130  # two rows a batch: groups are cut
    assert [[list(c.token_ids) for c in g] for g in engine.generate(PROMPTS, params, seeds=seeds)] == [
        [list(c.token_ids) for c in g] for g in groups
    ]
    assert len({tuple(c.token_ids) for c in groups[2]}) == 4


def test_samples_follow_the_distribution():
    model, engine = make("qwen2-untied")
    count = 4000
    group = engine.generate(["ab"], SamplingParams(n=count, max_new_tokens=1, temperature=1.5))[0]
    with torch.no_grad():
        expected = (model(torch.tensor([engine.encode("ab")])).logits[0, -1] / 1.5).softmax(-1)
    observed = torch.bincount(torch.tensor([c.token_ids[0] for c in group]), minlength=len(expected)) / count
    assert (observed - expected).abs().max() < 5 * math.sqrt(0.25 / count)


@pytest.mark.parametrize("options", [{"top_k": 3}, {"top_p": 0.5}])
def test_top_k_and_top_p_keep_to_the_likeliest_and_report_unfiltered_logprobs(options):
    model, engine = make("qwen2-untied")
    group = engine.generate(["ab"], SamplingParams(n=500, max_new_tokens=1, **options))[0]
    with torch.no_grad():
        logprobs = model(torch.tensor([engine.encode("ab")])).logits[0, -1].log_softmax(-1)
    order = logprobs.argsort(descending=True)
    size = 3 if "top_k" in options else int((logprobs[order].exp().cumsum(0) < 0.5).sum()) + 1
    assert {c.token_ids[0] for c in group} == set(order[:size].tolist())
    assert all(abs(c.logprobs[0] - logprobs[c.token_ids[0]]) < 1e-6 for c in group)


def test_stop_strings_and_stop_tokens_end_a_row():
    _, engine = make("qwen2-tied")
    free = engine.generate(["12+7="], SamplingParams(n=8, max_new_tokens=60, seed=5))[0]
    source = max(free, key=lambda c: len(c.text))
    middle = source.text[10:12]
    stopped = engine.generate(["12+7="], SamplingParams(n=8, max_new_tokens=60, seed=5, stop=(middle,)))[0]
    cut = stopped[free.index(source)]
    assert cut.text == source.text[: source.text.index(middle)] and cut.finish_reason is FinishReason.STOP
    assert sum(token > 1 for token in cut.token_ids) == len(cut.text) + 2
    token = int(source.token_ids[5])
    by_token = engine.generate(["12+7="], SamplingParams(n=8, max_new_tokens=60, seed=5, stop_token_ids=(token,)))[0]
    assert (
        by_token[free.index(source)].token_ids.tolist()
        == source.token_ids.tolist()[: source.token_ids.tolist().index(token) + 1]
    )


def test_samples_and_groups_are_reported_once_each():
    _, engine = make("qwen2-tied")
    whole, single = {}, []
    groups = engine.generate(
        PROMPTS,
        SamplingParams(n=2, max_new_tokens=5),
        on_group=whole.__setitem__,
        on_sample=lambda p, g, completion: single.append((p, g, completion)),
    )
    assert [whole[index] for index in range(len(PROMPTS))] == groups
    assert sorted((p, g) for p, g, _ in single) == [(p, g) for p in range(len(PROMPTS)) for g in range(2)]
    assert all(completion is groups[p][g] for p, g, completion in single)


@pytest.mark.parametrize("family", ["qwen2-tied", "qwen2-untied", "qwen3", "llama3", "gpt2"])
def test_pushed_weights_are_the_weights_in_use(family):
    model, engine = make(family)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.mul_(1.5)
    before = engine.logprobs([5, 6], [7, 8, 9])
    fresh = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    if family == "gpt2":  # this one decodes with the caller's own model: give it other tensors to be pushed into
        model, engine = make(family)
        before = engine.logprobs([5, 6], [7, 8, 9])
    engine.update_weights(fresh.items(), version=3)
    model.load_state_dict(fresh)
    expected = reference_logprobs(model, [5, 6], [7, 8, 9]).tolist()
    assert engine.logprobs([5, 6], [7, 8, 9]) == pytest.approx(expected, abs=1e-5) != before
    assert engine.generate(["a"], SamplingParams(max_new_tokens=1))[0][0].weight_version == 3
    sent = {name: fingerprint(tensor) for name, tensor in fresh.items()}
    proof = {"expected_fingerprints": sent, "expected_probe_logprobs": expected, "tolerance": 1e-5}
    held = {"engine_fingerprints": engine.fingerprints(), "engine_probe_logprobs": engine.logprobs([5, 6], [7, 8, 9])}
    prove_push(**proof, **held)


def test_a_stale_head_is_caught_and_named():
    model, engine = make("qwen2-untied")
    stale = engine._weights.head.clone()
    fresh = {name: tensor * 1.1 for name, tensor in model.state_dict().items()}
    engine.update_weights(fresh.items(), version=1)
    engine._weights.head.copy_(stale)  # what vLLM's reload did with a tied head (DESIGN §7)
    assert engine.differing(fresh.items()) == ["lm_head.weight"]
    assert engine.differing((name, fresh[name]) for name in fresh if name != "lm_head.weight") == ["lm_head.weight"]
    sent = {name: fingerprint(tensor) for name, tensor in fresh.items()}
    with pytest.raises(WeightPushError, match=r"lm_head.weight"):
        prove_push(
            expected_fingerprints=sent,
            engine_fingerprints=engine.fingerprints(),
            expected_probe_logprobs=[0.0],
            engine_probe_logprobs=[0.0],
            tolerance=1e-3,
        )


def test_a_push_with_holes_or_strangers_names_them():
    model, engine = make("qwen2-tied")
    weights = dict(model.state_dict())
    some = {name: tensor for name, tensor in weights.items() if "layers.1.mlp" not in name}
    with pytest.raises(WeightPushError, match=r"3 tensors were not pushed: model.layers.1.mlp.down_proj"):
        engine.update_weights(some.items(), version=1)
    with pytest.raises(WeightPushError, match="stranger"):
        engine.update_weights({**weights, "stranger": torch.zeros(1)}.items(), version=1)


def test_prompts_that_cannot_be_held_are_refused():
    _, engine = make("qwen2-tied")
    with pytest.raises(EngineError, match="256 positions"):
        engine.generate(["a" * 250], SamplingParams(max_new_tokens=10))
    with pytest.raises(EngineError, match="empty"):
        engine.generate([[]], SamplingParams())
    with pytest.raises(EngineError, match="no-such-folder"):
        TransformersEngine.load("./no-such-folder")


def test_an_engine_with_half_a_push_refuses_to_generate_until_it_is_whole():
    model, engine = make("qwen2-tied")
    some = {name: tensor for name, tensor in model.state_dict().items() if "mlp" not in name}
    with pytest.raises(WeightPushError):
        engine.update_weights(some.items(), version=1)
    with pytest.raises(EngineError, match="mixture"):
        engine.generate(["a"], SamplingParams())
    with pytest.raises(EngineError, match="mixture"):
        engine.logprobs([5], [6])
    engine.update_weights(model.state_dict().items(), version=2)
    assert engine.generate(["a"], SamplingParams(max_new_tokens=1))[0][0].weight_version == 2


def test_weights_that_are_not_numbers_are_an_error_and_no_token():
    model, engine = make("qwen2-tied")
    engine.update_weights(((name, tensor * float("nan")) for name, tensor in model.state_dict().items()), version=1)
    with pytest.raises(EngineError, match="NaN"):
        engine.generate(["ab"], SamplingParams(max_new_tokens=3))


def test_building_from_a_config_leaves_the_callers_random_state_alone():
    model, _ = make("qwen2-tied")
    torch.manual_seed(3)
    expected = torch.rand(3)
    torch.manual_seed(3)
    built = TransformersEngine.from_config(model.config, model.float().state_dict().items(), letters_tokenizer())
    assert torch.equal(torch.rand(3), expected)
    assert built.logprobs([5], [6]) == pytest.approx(reference_logprobs(model, [5], [6]).tolist(), abs=1e-4)


@pytest.mark.parametrize("length", [1, 2, 5])
def test_a_stop_string_ends_at_the_first_place_it_appears_wherever_looks_fall(length):
    _, engine = make("qwen2-tied")
    free = engine.generate(["12+7="], SamplingParams(n=4, max_new_tokens=80, seed=9))[0]
    for start in range(0, 40, 3):
        for index, whole in enumerate(free):
            stop = whole.text[start : start + length]
            if len(stop) < length:
                continue
            cut = engine.generate(["12+7="], SamplingParams(n=4, max_new_tokens=80, seed=9, stop=(stop,)))[0][index]
            assert cut.text == whole.text[: whole.text.index(stop)] and cut.finish_reason is FinishReason.STOP
            assert list(cut.token_ids) == list(whole.token_ids[: len(cut.token_ids)])
            assert engine._decode(cut.token_ids).endswith(stop)


@pytest.mark.parametrize("clean_up", [False, True])
def test_texts_are_those_of_the_tokenizer(clean_up):
    tokenizer = letters_tokenizer()
    tokenizer.clean_up_tokenization_spaces = clean_up
    responses = [[2, 3, 1], [], [0, 41, 41, 4], [5] * 30]
    assert decode_all(tokenizer, responses) == [tokenizer.decode(ids, skip_special_tokens=True) for ids in responses]
    assert decode_all(tokenizer, responses)[0] == "ab"

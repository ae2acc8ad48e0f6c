"""The embedded engine against `transformers`' own forward pass, on small random models of each family."""

import asyncio
import itertools
import math
import threading

import numpy as np
import pytest
import torch
from small_models import FAMILIES, letters_tokenizer, make, reference_logprobs

from or1_rollout import EngineError, FinishReason, Probe, SamplingParams, TensorStream, WeightMismatch
from or1_rollout.engines.transformers import TransformersEngine
from or1_rollout.engines.transformers import engine as engine_module
from or1_rollout.engines.transformers.cached_batch import CachedDecoder
from or1_rollout.engines.transformers.rows import text_of
from or1_rollout.engines.transformers.sampling import sample
from or1_rollout.weight_sync.stream import write_tensors

PROMPTS = ["12+7=", "a", "the quick brown fox", "9"]


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


def test_only_the_three_families_are_decoded_over_the_shared_cache():
    assert isinstance(make("qwen3")[1]._decoder, CachedDecoder)
    assert not isinstance(make("gpt2")[1]._decoder, CachedDecoder)


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


def test_a_prompt_with_a_limit_of_its_own_is_cut_there_and_the_others_are_as_without():
    _, engine = make("qwen2-tied")
    params, seeds = SamplingParams(n=3, max_new_tokens=40), [[100 * p + g for g in range(3)] for p in range(4)]
    whole = engine.generate(PROMPTS, params, seeds=seeds)
    cut = engine.generate(PROMPTS, params, seeds=seeds, limits=[40, 5, 99, 1])
    assert [cut[0], cut[2]] == [whole[0], whole[2]]
    for prompt, limit in ((1, 5), (3, 1)):
        for ours, long in zip(cut[prompt], whole[prompt], strict=True):
            assert list(ours.token_ids) == list(long.token_ids[:limit])
            assert (ours.finish_reason == "length") == (len(long.token_ids) > limit)


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


def test_every_token_is_counted_as_it_is_sampled():
    _, engine = make("qwen2-tied")
    events, params = [], SamplingParams(n=2, max_new_tokens=5)
    groups = engine.generate(PROMPTS, params, on_sample=lambda *_: events.append("ended"), on_tokens=events.append)
    counts = [event for event in events if event != "ended"]
    assert sum(counts) == sum(len(completion.token_ids) for group in groups for completion in group)
    assert counts[0] == 2 * len(PROMPTS) and events.index("ended") > 0, "counted before the first response has ended"


def test_an_event_loop_goes_on_while_the_engine_samples_and_a_cancelled_call_stops():
    _, engine = make("qwen2-tied")
    params, begun = SamplingParams(n=2, max_new_tokens=60), threading.Event()

    async def both():
        calls = [asyncio.create_task(engine.agenerate(PROMPTS, params)), asyncio.create_task(asyncio.sleep(0, "loop"))]
        done, _ = await asyncio.wait(calls, return_when=asyncio.FIRST_COMPLETED)
        assert done == {calls[1]}, "the loop is not blocked"
        return await calls[0]

    async def cancelled():
        longer, steps = SamplingParams(max_new_tokens=200), []
        call = engine.agenerate(PROMPTS, longer, on_tokens=lambda n: (steps.append(n), begun.set()))
        running = asyncio.create_task(call)
        await asyncio.to_thread(begun.wait)
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running
        return steps

    expected = engine.generate(PROMPTS, params)
    assert asyncio.run(both()) == expected
    assert 0 < len(asyncio.run(cancelled())) < 200
    assert engine.generate(PROMPTS, params) == expected, "the engine is free again"


def sync(engine, model, *, weights=None, version=1, logprobs=None, tolerance=1e-5):
    """Sync the engine with a model, or with `weights` where the probe is still the model's."""
    expected = reference_logprobs(model, [5, 6], [7, 8, 9]).tolist() if logprobs is None else logprobs
    probe = Probe(prompt_ids=[5, 6], response_ids=[7, 8, 9], logprobs=expected, tolerance=tolerance)
    stream = TensorStream({name: tensor.clone() for name, tensor in (weights or model.state_dict()).items()})
    engine.sync_weights(stream, version=version, probe=probe)


def changed(family):
    """A model with other weights than those of `make(family)`."""
    model, _ = make(family)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.mul_(1.5)
    return model


@pytest.mark.parametrize("family", ["qwen2-tied", "qwen2-untied", "qwen3", "llama3", "gpt2"])
def test_synced_weights_are_the_weights_in_use(family):
    _, engine = make(family)
    before, new = engine.logprobs([5, 6], [7, 8, 9]), changed(family)
    sync(engine, new, version=3)
    expected = reference_logprobs(new, [5, 6], [7, 8, 9]).tolist()
    assert engine.logprobs([5, 6], [7, 8, 9]) == pytest.approx(expected, abs=1e-5) != before
    assert engine.generate(["a"], SamplingParams(max_new_tokens=1))[0][0].weight_version == 3


@pytest.mark.parametrize("name", ["lm_head.weight", "model.layers.1.self_attn.q_proj.weight", "model.norm.weight"])
def test_a_tensor_that_stays_old_fails_the_sync_and_is_named(name, monkeypatch):
    _, engine = make("qwen2-untied")
    stale = engine._decoder.named[name].clone()
    monkeypatch.setattr(engine_module, "write_tensors", lambda own, named: (write(own, named), own[name].copy_(stale)))
    write = write_tensors
    with pytest.raises(WeightMismatch, match=f"1 of 27 tensors differ .*{name}"):
        sync(engine, changed("qwen2-untied"))
    with pytest.raises(EngineError, match="sync again"):
        engine.generate(["a"], SamplingParams())


def test_a_sync_passes_over_the_weights_once():
    _, engine = make("qwen2-tied")
    passes, new = [], changed("qwen2-tied")

    class Counted(TensorStream):
        def __iter__(self):
            passes.append(1)
            return super().__iter__()

    expected = reference_logprobs(new, [5, 6], [7, 8, 9]).tolist()
    probe = Probe(prompt_ids=[5, 6], response_ids=[7, 8, 9], logprobs=expected, tolerance=1e-5)
    engine.sync_weights(Counted(new.state_dict()), version=1, probe=probe)
    assert passes == [1]


def test_swapped_tensors_fail_the_probe():
    _, engine = make("qwen2-untied")
    weights = dict(changed("qwen2-untied").state_dict())
    first, second = (f"model.layers.{layer}.mlp.up_proj.weight" for layer in (0, 1))
    weights[first], weights[second] = weights[second], weights[first]
    with pytest.raises(WeightMismatch, match="log-probs of trainer and engine differ"):
        sync(engine, changed("qwen2-untied"), weights=weights)


def test_a_tied_head_is_not_needed_and_one_that_is_not_tied_fails_the_sync():
    _, engine = make("qwen2-tied")
    weights = dict(changed("qwen2-tied").state_dict())
    weights.pop("lm_head.weight")
    sync(engine, changed("qwen2-tied"), weights=weights)
    head = weights["model.embed_tokens.weight"] + 1
    with pytest.raises(WeightMismatch, match=r"1 of \d+ tensors differ .*(lm_head|embed_tokens)"):
        sync(engine, changed("qwen2-tied"), weights={**weights, "lm_head.weight": head})


def test_a_model_in_another_dtype_computes_what_the_engine_does_in_that_dtype():
    _, engine = make("qwen2-tied", dtype=torch.float32)
    new = changed("qwen2-tied")  # float64
    expected = reference_logprobs(new.float(), [5, 6], [7, 8, 9]).tolist()
    sync(engine, new.double(), logprobs=expected)
    assert engine.logprobs([5, 6], [7, 8, 9]) == pytest.approx(expected, abs=1e-5)


def test_a_sync_with_tensors_missing_or_unknown_names_them():
    model, engine = make("qwen2-tied")
    weights = dict(model.state_dict())
    some = {name: tensor for name, tensor in weights.items() if "layers.1.mlp" not in name}
    with pytest.raises(WeightMismatch, match=r"3 tensors were not sent: model.layers.1.mlp.down_proj"):
        sync(engine, model, weights=some)
    with pytest.raises(WeightMismatch, match="stranger"):
        sync(engine, model, weights={**weights, "stranger": torch.zeros(1)})


def test_prompts_that_cannot_be_held_are_refused():
    _, engine = make("qwen2-tied")
    with pytest.raises(EngineError, match="256 positions"):
        engine.generate(["a" * 250], SamplingParams(max_new_tokens=10))
    with pytest.raises(EngineError, match="empty"):
        engine.generate([[]], SamplingParams())
    with pytest.raises(EngineError, match="no-such-folder"):
        TransformersEngine.load("./no-such-folder")


def test_an_engine_whose_sync_failed_refuses_to_generate_until_one_succeeds():
    model, engine = make("qwen2-tied")
    some = {name: tensor for name, tensor in model.state_dict().items() if "mlp" not in name}
    with pytest.raises(WeightMismatch):
        sync(engine, model, weights=some)
    with pytest.raises(EngineError, match="mixture"):
        engine.generate(["a"], SamplingParams())
    with pytest.raises(EngineError, match="mixture"):
        engine.logprobs([5], [6])
    sync(engine, model, version=2)
    assert engine.generate(["a"], SamplingParams(max_new_tokens=1))[0][0].weight_version == 2


def test_weights_that_are_not_numbers_are_an_error_and_no_token():
    model, _ = make("qwen2-tied")
    with torch.no_grad():
        model.model.norm.weight.fill_(float("nan"))
    engine = TransformersEngine(model, letters_tokenizer())
    with pytest.raises(EngineError, match="NaN"):
        engine.generate(["ab"], SamplingParams(max_new_tokens=3))
    with pytest.raises(WeightMismatch):
        sync(engine, make("qwen2-tied")[0], weights=model.state_dict())


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
            assert engine._text(cut.token_ids).endswith(stop)


@pytest.mark.parametrize("clean_up", [False, True])
def test_texts_are_those_of_the_tokenizer(clean_up):
    tokenizer = letters_tokenizer()
    tokenizer.clean_up_tokenization_spaces = clean_up
    for ids in ([2, 3, 1], [], [0, 41, 41, 4], [5] * 30):
        assert text_of(tokenizer, ids) == tokenizer.decode(ids, skip_special_tokens=True)
    assert text_of(tokenizer, [2, 3, 1]) == "ab"


@pytest.mark.parametrize("family", ["qwen3", "llama3", "gpt2"])
def test_samples_do_not_depend_on_when_rows_enter_and_leave(family):
    """A batch with room for few rows, refilled as others end, against each sample alone."""
    _, engine = make(family)
    prompts = ["12+7=", "a", "the quick brown fox", "9", "x=1", "longer than the others, by far", "b", "1"]
    seeds = [[100 * p + g for g in range(3)] for p in range(len(prompts))]
    params = SamplingParams(n=3, max_new_tokens=40)
    alone = [[engine.generate([p], SamplingParams(max_new_tokens=40), seeds=[[s]])[0][0] for s in group]
             for p, group in zip(prompts, seeds, strict=True)]  # fmt: skip
    lengths = {len(c.token_ids) for group in alone for c in group}
    assert len(lengths) > 5, "rows must leave at different times"
    for max_batch_tokens in (65536, 400, 170, 60):
        engine.max_batch_tokens = max_batch_tokens
        groups = engine.generate(prompts, params, seeds=seeds)
        assert [[list(c.token_ids) for c in g] for g in groups] == [[list(c.token_ids) for c in g] for g in alone]
        for ours, expected in zip(itertools.chain(*groups), itertools.chain(*alone), strict=True):
            assert ours.logprobs == pytest.approx(expected.logprobs, abs=1e-5)


def test_a_batch_that_is_full_is_refilled_before_it_is_empty(monkeypatch):
    _, engine = make("qwen2-tied")
    sizes = []
    batch_type = type(engine._decoder.new_batch(1))
    admit = batch_type.admit

    def counted(self, prompts, counts, prefixes):
        sizes.append((len(self._prompt_of_row), sum(counts)))
        admit(self, prompts, counts, prefixes)

    monkeypatch.setattr(batch_type, "admit", counted)
    engine.max_batch_tokens = 8 * 60 + 60
    engine.generate(["a"] * 20, SamplingParams(n=2, max_new_tokens=60))
    assert sum(entered for _, entered in sizes) == 40
    assert any(there and entered for there, entered in sizes), "rows entered while others went on"
    assert max(there + entered for there, entered in sizes) <= 9


def test_sampling_is_the_inverse_of_the_cumulative_distribution():
    """Against numpy, one row at a time: several chunks of the vocabulary, and one that is cut off."""
    generator = np.random.default_rng(0)
    for size in (5, 128, 1000):
        logits, uniform = 3 * generator.standard_normal((200, size)), generator.random(200)
        logits[:, ::3] = -1e4  # no mass
        tokens, logprobs = sample(torch.from_numpy(logits), torch.from_numpy(uniform), 0.7, 1.0, -1)
        for row, token, logprob in zip(range(200), tokens.tolist(), logprobs.tolist(), strict=True):
            probs = np.exp(logits[row] / 0.7 - np.logaddexp.reduce(logits[row] / 0.7))
            before = probs[:token].sum()
            assert before - 1e-12 <= uniform[row] <= before + probs[token] + 1e-12 and probs[token] > 0
            assert logprob == pytest.approx(np.log(probs[token]), abs=1e-9)


@pytest.mark.parametrize("uniform", [0.0, 1 - 2**-53])
def test_the_ends_of_the_unit_interval_never_give_a_token_without_mass(uniform):
    logits = torch.full((1, 300), -1e4)
    logits[0, [7, 150]] = 0.0
    tokens, _ = sample(logits, torch.tensor([uniform], dtype=torch.float64), 1.0, 1.0, -1)
    assert tokens.tolist() == [7 if uniform == 0 else 150]


def test_bfloat16_is_near_float32_and_its_logprobs_are_of_what_it_sampled():
    model, engine = make("llama3", dtype=torch.bfloat16)
    group = engine.generate(["12+7="], SamplingParams(n=8, max_new_tokens=40))[0]
    ids = engine.encode("12+7=")
    wide = model.float()
    for completion in group:
        expected = reference_logprobs(wide, ids, completion.token_ids.tolist())
        assert np.abs(completion.logprobs - expected.numpy()).mean() < 0.1
        again = engine.logprobs(ids, completion.token_ids.tolist())
        assert np.abs(completion.logprobs - again).mean() < 0.1


def test_a_processor_that_multiplies_bfloat16_slowly_computes_in_float32(monkeypatch):
    monkeypatch.setattr(engine_module, "has_fast_bfloat16", lambda: False)
    model, engine = make("qwen2-tied", dtype=torch.bfloat16)
    assert engine.dtype == torch.bfloat16 and engine._decoder.dtype == torch.float32
    expected = reference_logprobs(model.float(), [5, 6], [7, 8, 9]).tolist()
    assert engine.logprobs([5, 6], [7, 8, 9]) == pytest.approx(expected, abs=1e-4)
    sync(engine, model.bfloat16(), logprobs=expected, tolerance=1e-4)


def test_weights_given_to_it_are_rounded_to_the_dtype_of_the_model(monkeypatch):
    monkeypatch.setattr(engine_module, "has_fast_bfloat16", lambda: False)
    model, _ = make("qwen2-tied", dtype=torch.float32)
    model.config.dtype = torch.bfloat16
    built = TransformersEngine.from_config(model.config, model.state_dict().items(), letters_tokenizer())
    assert built.dtype == torch.bfloat16
    for name, tensor in built._decoder.named.items():
        assert tensor.dtype == torch.float32 and torch.equal(tensor, tensor.bfloat16().float()), name


def test_a_block_is_no_wider_than_the_responses_can_still_become():
    from or1_rollout.engines.transformers.layers import Shape
    from or1_rollout.engines.transformers.response_cache import FIRST_COLUMNS, ResponseCache

    cache = ResponseCache(2, Shape(heads=4, kv_heads=2, head_dim=8, eps=1e-6), torch.device("cpu"), torch.float32)
    limit, widths = 256, []
    while cache.column < limit:
        if cache.column == cache.end:
            cache.extend(3, limit - cache.column)
            widths.append(cache.blocks[-1].columns)
        cache.column += 1
    assert widths == [32, 64, 128, 32] and cache.end == limit
    cache.extend(3, 1)
    assert cache.blocks[-1].columns == FIRST_COLUMNS

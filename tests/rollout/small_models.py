"""Small random models of each family, in the embedded engine, and `transformers`' own forward pass of them."""

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

from or1_rollout.engines.transformers import TransformersEngine

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

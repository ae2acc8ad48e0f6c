"""Texts of single tokens: together they are the response, also where a character has several tokens."""

import pytest
from tokenizers import Tokenizer, decoders, pre_tokenizers
from tokenizers.models import BPE, WordLevel
from transformers import PreTrainedTokenizerFast

from or1_trainer.train.rollout_records import token_texts


@pytest.fixture(scope="module")
def by_byte():
    """A token per byte."""
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    backend = Tokenizer(BPE(vocab={letter: number for number, letter in enumerate(alphabet)}, merges=[]))
    backend.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    backend.decoder = decoders.ByteLevel()
    return PreTrainedTokenizerFast(tokenizer_object=backend)


def test_a_character_of_several_tokens_stands_with_its_last(by_byte):
    text = "é 1\U0001f600."
    texts = token_texts(by_byte(text)["input_ids"], by_byte)
    assert texts == ["", "é", " ", "1", "", "", "", "\U0001f600", "."]


def test_a_response_cut_within_a_character_keeps_every_token(by_byte):
    ids = by_byte("a\U0001f600")["input_ids"]
    assert token_texts(ids[:-1], by_byte) == ["a", "", "", "\ufffd"]
    assert token_texts([], by_byte) == []


def test_bytes_that_are_no_character_do_not_swallow_what_follows(by_byte):
    (broken, *_) = by_byte("é")["input_ids"]
    letters = by_byte("abc")["input_ids"]
    assert "".join(token_texts([broken, broken, *letters], by_byte)) == "\ufffd\ufffdabc"


def test_the_space_that_sentencepiece_drops_at_the_start_is_kept():
    backend = Tokenizer(WordLevel({"\u2581the": 0, "\u2581end": 1, "s": 2}, unk_token="s"))
    backend.decoder = decoders.Metaspace()
    assert token_texts([0, 1, 2], PreTrainedTokenizerFast(tokenizer_object=backend)) == [" the", " end", "s"]

"""Calls of language models: kept so that none is paid twice, and made so that no server waits."""

from or1_data.calls.chat import ChatModel, Completion, PromptRefused
from or1_data.calls.store import Call, CallStore

__all__ = ["Call", "CallStore", "ChatModel", "Completion", "PromptRefused"]

"""Verdicts over HTTP, for grading on other machines: `Server` and its client, `RemoteGrader`."""

from or1_reward.serve.client import RemoteGrader
from or1_reward.serve.server import Server, ServerConfig

__all__ = ["RemoteGrader", "Server", "ServerConfig"]

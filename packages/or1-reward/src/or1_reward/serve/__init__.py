"""Verdicts over HTTP, for grading on other machines: `Server` and its clients, `RemoteGrader` and `RemoteGraders`."""

from or1_reward.serve.client import RemoteGrader
from or1_reward.serve.pool import RemoteGraders
from or1_reward.serve.server import Server, ServerConfig

__all__ = ["RemoteGrader", "RemoteGraders", "Server", "ServerConfig"]

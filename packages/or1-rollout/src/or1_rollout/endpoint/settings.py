"""How to talk to a server."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal


@dataclass(frozen=True, slots=True, kw_only=True)
class EndpointSettings:
    """`model` "" asks the server which one it serves.

    `concurrency` requests are in flight at a time, at most `requests_per_minute` are begun (0: no limit), and each
    is tried `attempts` times with growing, random pauses of at most `max_wait_s` (or as long as the server asks).
    `timeout_s` is the longest silence: with `stream`, between two pieces of a response; without, for all of it.
    `reasoning` "joined" puts a reasoning part that the server cuts out back in front of the text, between its
    `<think>` marks; "apart" leaves it in `Completion.reasoning`. With `journal`, every finished sample is kept in
    that file, and a batch that broke off goes on from there.
    """

    url: str
    model: str = ""
    api_key: str = ""
    concurrency: int = 64
    requests_per_minute: float = 0.0
    attempts: int = 8
    max_wait_s: float = 60.0
    timeout_s: float = 600.0
    connect_timeout_s: float = 10.0
    stream: bool = True
    reasoning: Literal["joined", "apart"] = "joined"
    journal: Path | None = None

    @property
    def base_url(self) -> str:
        """The URL with the interface's `/v1`."""
        url = self.url.rstrip("/")
        return url if url.endswith("/v1") else f"{url}/v1"

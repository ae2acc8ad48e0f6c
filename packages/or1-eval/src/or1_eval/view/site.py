"""The site of `or1-eval view`: static files that open without a server, and the server for those who want one."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Sequence
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from importlib import resources
from pathlib import Path
from typing import Any

from or1_eval.errors import RunFolderError
from or1_eval.view.data import load_runs, overview, problem_files
from or1_eval.view.report_page import environment

_MARK = "or1-eval-view"
"""A file of this name says that a folder was written here and may be written again."""


def write_site(paths: Sequence[Path], out: Path) -> Path:
    """Write the page of some runs into a folder; returns its `index.html`.

    Data are scripts, not JSON files: a page that is opened as a file may load the former only.

    Raises:
        RunFolderError: a path is no run, or the folder holds something else.
    """
    runs = load_runs(paths)
    shown = overview(runs)
    _prepare(out)
    with resources.as_file(resources.files("or1_eval.view") / "assets") as assets:
        shutil.copytree(assets, out / "assets", dirs_exist_ok=True)
    for name, problem in problem_files(runs):
        path = out / "data" / f"{name}.js"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"OR1.add({_script_json(name)}, {_script_json(problem)});\n", encoding="utf-8")
    (out / "data" / "overview.js").write_text(f"window.OR1_OVERVIEW = {_script_json(shown)};\n", encoding="utf-8")
    page = environment().get_template("index.html").render(title=" and ".join(run.name for run in runs))
    (out / "index.html").write_text(page, encoding="utf-8")
    return out / "index.html"


def serve_site(folder: Path, port: int, on_ready: Callable[[str], None]) -> None:
    """Serve the folder on this machine until interrupted; `on_ready(url)` is called when it listens."""
    handler = partial(_QuietHandler, directory=str(folder))
    with ThreadingHTTPServer(("127.0.0.1", port), handler) as server:
        on_ready(f"http://127.0.0.1:{server.server_address[1]}/")
        server.serve_forever()


class _QuietHandler(SimpleHTTPRequestHandler):
    """Files of a folder, without a line per request."""

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing."""


def _prepare(out: Path) -> None:
    """Make the folder, or empty the one that an earlier call wrote."""
    if out.exists() and not (out / _MARK).is_file() and any(out.iterdir()):
        raise RunFolderError(f"{out} holds other files; give another folder with -o")
    shutil.rmtree(out / "data", ignore_errors=True)
    (out / "data").mkdir(parents=True)
    (out / _MARK).touch()


def _script_json(value: Any) -> str:
    """JSON that is also a JavaScript expression, whatever text is in it (lone surrogates of a broken response too)."""
    return json.dumps(value, ensure_ascii=True)

"""`or1-eval view`: one or several runs as a page."""

from __future__ import annotations

import argparse
from contextlib import suppress
from pathlib import Path
from typing import Any

from or1_eval.errors import RunFolderError
from or1_eval.view.site import serve_site, write_site

_DESCRIPTION = """\
Write a page of one or several runs: every problem and every sample, sorted and filtered, formulas rendered, reasoning
folded, verdicts with their reasons. It is a folder of static files: open index.html, put it on any web server, or use
--serve.
"""


def add(commands: Any) -> None:
    """Add the command."""
    parser = commands.add_parser(
        "view",
        help="show runs as a page with every problem and sample",
        description=_DESCRIPTION,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.set_defaults(command=run)
    parser.add_argument(
        "runs", nargs="+", type=Path, metavar="RUN", help="run folders; the others are compared with the first"
    )
    parser.add_argument("-o", "--out", type=Path, metavar="DIR", help="folder of the page (default: FIRST_RUN/view)")
    parser.add_argument("--serve", nargs="?", type=int, const=0, metavar="PORT", help="also serve it on this machine")


def run(arguments: argparse.Namespace) -> int:
    """Write, say where, and serve if asked."""
    page = write_site(arguments.runs, arguments.out or arguments.runs[0] / "view")
    print(page)
    if arguments.serve is not None:
        with suppress(KeyboardInterrupt):
            try:
                serve_site(page.parent, arguments.serve, lambda url: print(f"{url}  (Ctrl-C ends it)", flush=True))
            except OSError as error:
                raise RunFolderError(f"cannot serve on port {arguments.serve}: {error.strerror}") from error
    return 0

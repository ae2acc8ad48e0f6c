"""`README.md` of an exported model: base model, recipe, data, results with intervals, versions."""

from __future__ import annotations

import shutil
from pathlib import Path

from jinja2 import Environment, PackageLoader, StrictUndefined

from or1_trainer.metrics.files import replace_file
from or1_trainer.report.read_run import read_run


def write_model_card(run_dir: Path, model: Path, step: int) -> None:
    """Write the card of the model exported after `step`, and the run's settings, into the model's folder.

    Evaluations after `step` are left out.

    Raises:
        RunFolderError: a file of the run is damaged, or the folder cannot be written.
    """
    run = read_run(run_dir)
    templates = Environment(loader=PackageLoader("or1_trainer.report"), undefined=StrictUndefined, trim_blocks=True)
    card = templates.get_template("model_card.md.j2").render(
        run=run,
        step=step,
        base=Path(str(run.setting("model.path") or "")).name,
        k=run.setting("eval.k"),
        evaluations=[row for row in run.rows if "eval/avg" in row and int(row["step"]) <= step],
        stages=run.setting("stages") or [],
    )
    replace_file(model / "README.md", card.encode())
    shutil.copyfile(run_dir / "config.toml", model / "or1_config.toml")

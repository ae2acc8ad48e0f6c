"""The card of an exported model (base model, recipe, data, results, versions), and the upload of both to a hub."""

from __future__ import annotations

import shutil
from pathlib import Path

from jinja2 import Environment, PackageLoader, StrictUndefined

from or1_trainer.errors import ConfigError
from or1_trainer.metrics.files import replace_file
from or1_trainer.report.read_run import read_run


def write_model_card(run_dir: Path, model: Path, step: int) -> None:
    """Write the card of the model exported after `step`, and the run's settings, into the model's folder.

    Evaluations after `step` are left out. Raises `RunFolderError` for a damaged file of the run.
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


def push_model(folder: Path, repo_id: str) -> str:
    """Create the repository if needed, upload the folder, and return its address; tested up to a missing login.

    Raises:
        ConfigError: the hub refused: no login, no right to write there, no connection.
    """
    from huggingface_hub import HfApi
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError, LocalTokenNotFoundError

    api = HfApi()
    try:
        address = api.create_repo(repo_id, exist_ok=True)
        api.upload_folder(repo_id=repo_id, folder_path=folder, commit_message="Export by or1-trainer")
    except (HfHubHTTPError, HFValidationError, LocalTokenNotFoundError, OSError) as error:
        raise ConfigError(
            f"--push {repo_id}: {error}; log in with `hf auth login`; the model is in {folder}"
        ) from error
    return str(address)

"""Upload of an exported model to the Hugging Face hub. Not run in this project's tests beyond a missing login."""

from __future__ import annotations

from pathlib import Path

from or1_trainer.errors import ConfigError


def push_model(folder: Path, repo_id: str) -> str:
    """Create the repository if needed, upload the folder, and return its address.

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

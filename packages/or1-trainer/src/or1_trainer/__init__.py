"""Multi-stage GRPO with adaptive entropy (MAGIC) on Megatron-core; `or1-trainer` is the way in."""

from importlib.metadata import version

from or1_trainer.errors import ConfigError, Or1TrainerError, RunFolderError

__version__ = version("or1-trainer")

__all__ = ["ConfigError", "Or1TrainerError", "RunFolderError", "__version__"]

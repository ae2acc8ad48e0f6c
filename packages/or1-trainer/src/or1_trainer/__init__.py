"""Multi-stage GRPO with adaptive entropy (MAGIC) on Megatron-core; the public API is the command `or1-trainer`."""

from importlib.metadata import version

from or1_trainer.errors import ConfigError, Or1TrainerError, RunFolderError

__version__ = version("or1-trainer")

__all__ = ["ConfigError", "Or1TrainerError", "RunFolderError", "__version__"]

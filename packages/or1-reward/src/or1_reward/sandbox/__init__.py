"""A sandbox for model-written Python: jails made of what the host gives, no daemon, no setuid helper, no container."""

from .config import SandboxConfig
from .layers import SandboxError
from .pool import Sandbox, configure, default_sandbox

__all__ = ["Sandbox", "SandboxConfig", "SandboxError", "configure", "default_sandbox"]

"""A sandbox for model-written Python: jails made of what the host gives, no daemon, no setuid helper, no container."""

from .layers import SandboxError
from .pool import Sandbox, configure, default_sandbox
from .worker import SandboxConfig

__all__ = ["Sandbox", "SandboxConfig", "SandboxError", "configure", "default_sandbox"]

"""The operators that a check may apply to an object of the program, by name."""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any, Final

BINARY: Final = (
    "add", "sub", "mul", "truediv", "floordiv", "mod", "pow", "matmul", "and_", "or_", "xor", "lshift", "rshift",
)  # fmt: skip
IN_PLACE: Final = tuple(f"i{name.rstrip('_')}" for name in BINARY)
COMPARISONS: Final = ("eq", "ne", "lt", "le", "gt", "ge")
UNARY: Final = ("neg", "pos", "invert", "abs", "index")
_OTHERS: Final[dict[str, Callable[..., Any]]] = {
    "len": len, "bool": bool, "str": str, "repr": repr, "hash": hash, "int": int, "float": float, "complex": complex,
    "iter": iter, "reversed": reversed, "format": format, "round": round, "divmod": divmod, "bytes": bytes,
    "contains": operator.contains, "getitem": operator.getitem, "setitem": operator.setitem, "delitem": operator.delitem,
    "isinstance": isinstance, "issubclass": issubclass, "setattr": setattr, "delattr": delattr,
}  # fmt: skip
OPERATIONS: Final[dict[str, Callable[..., Any]]] = {
    **{name: getattr(operator, name) for name in (*BINARY, *IN_PLACE, *COMPARISONS, *UNARY)},
    **_OTHERS,
}

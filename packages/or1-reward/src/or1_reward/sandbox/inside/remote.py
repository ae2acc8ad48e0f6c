"""Objects of the program as the judge holds them: proxies whose uses are questions to the candidate's process.

What comes back is plain data rebuilt here. Objects of classes that the checks name work with operators; of all other
objects only attributes and methods that no type of data has can be used, so that an object which poses as a list or a
text is none.
"""

from __future__ import annotations

import builtins
import collections
import socket
import sys
import types
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from . import values
from .channel import receive_message, send_message
from .operations import BINARY, COMPARISONS, IN_PLACE, UNARY

_ARRAY = (
    "all", "any", "argmax", "argmin", "astype", "cumsum", "dot", "dtype", "flatten", "item", "max", "mean", "min", "ndim",
    "prod", "ravel", "reshape", "round", "shape", "size", "std", "sum", "T", "tolist", "transpose", "var",
)  # fmt: skip
_DATA_TYPES = (str, bytes, bytearray, int, float, complex, list, tuple, set, frozenset, dict, range, collections.deque)
DATA_ATTRIBUTES: Final = frozenset(_ARRAY).union(*map(dir, _DATA_TYPES))
_STOPS_LOOPS = (StopIteration, StopAsyncIteration)
_MOST_NESTED = 50


class CandidateError(Exception):
    """An exception of the program that has no counterpart here."""


class CandidateGone(BaseException):
    """The candidate's process ended or spoke nonsense; no `except Exception` of a check may swallow it."""


def is_of_program(error: BaseException | None) -> bool:
    """Whether an exception was raised by the program."""
    return bool(getattr(error, "__or1_program__", False))


class Link:
    """Questions to the candidate's process, one at a time.

    `classes` are the row's own; `show` takes what the program has printed meanwhile.
    """

    def __init__(self, channel: socket.socket, classes: dict[str, type], show: Callable[[str], None]) -> None:
        self.channel = channel
        self.classes = classes
        self.show = show
        self.asked = 0  # questions, but for the one for the function under test
        self.nested = 0
        self.sent: list[Any] = []
        self.numbers: dict[int, int] = {}
        self.remotes: dict[int, Any] = {}

    def ask(self, **order: Any) -> dict[str, Any]:
        """Send one order and wait for its answer; re-raise the program's exception."""
        self.asked += order["do"] != "evaluate"
        self._send(order)
        while True:
            answer = self._receive()
            self.show(str(answer.pop("printed", "")))
            if "callback" not in answer:
                break
            self._send(self._call_back(answer))
        if "error" in answer:
            raise self._exception(answer["error"])
        return answer

    def _send(self, message: dict[str, Any]) -> None:
        try:
            send_message(self.channel, message)
        except OSError as error:
            raise CandidateGone(f"the program ended: {error}") from error

    def _receive(self) -> dict[str, Any]:
        try:
            return receive_message(self.channel)
        except (OSError, EOFError, ValueError, RecursionError) as error:
            raise CandidateGone(f"the program ended or answered nonsense: {error}") from error

    def _call_back(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """The program calls a function of the check."""
        self.nested += 1
        if self.nested > _MOST_NESTED:
            raise CandidateGone("the program calls the check's function from itself without end")
        try:
            function = self._mine(request.get("callback"))
            arguments = self.value(request.get("arguments"))
            if not (isinstance(arguments, list) and len(arguments) == 2 and callable(function)):
                raise CandidateGone("the program called what is no function of the check")
            return {"result": self.encode(function(*arguments[0], **arguments[1]))[0]}
        except Exception as error:
            return {"failed": f"{type(error).__name__}: {error}"[:500]}
        finally:
            self.nested -= 1

    def value(self, message: Any, existing: list[Any] | None = None) -> Any:
        """A value of the candidate's, rebuilt; `existing` are the objects of ours that it holds copies of."""
        try:
            return values.decode(message, self.classes, self.resolve, existing or (), values.array_of)
        except (ValueError, RecursionError) as error:
            raise CandidateGone(f"the program returned what cannot be rebuilt: {error}") from error

    def resolve(self, reference: Mapping[str, Any]) -> Any:
        """Our object, or a proxy, for a reference of the candidate's."""
        kind = reference["k"]
        if kind == "judge":
            return self._mine(reference["v"])
        if kind == "builtin":
            return getattr(builtins, str(reference["n"]))
        number = int(reference["v"])
        if number not in self.remotes:
            self.remotes[number] = self._proxy(kind, number, reference)
        return self.remotes[number]

    def _mine(self, number: Any) -> Any:
        if not isinstance(number, int) or not 0 <= number < len(self.sent):
            raise CandidateGone("the program names an object that it was not given")
        return self.sent[number]

    def _proxy(self, kind: str, number: int, reference: Mapping[str, Any]) -> Any:
        name = str(reference["n"])
        if kind == "exception_class":
            return self._exception_class(reference["b"])
        if kind == "iterator":
            return RemoteIterator(self, number)
        if kind == "coroutine":
            return _coroutine(self, number)
        if kind == "function":
            return RemoteFunction(self, number, name)
        if kind == "class" or reference.get("live") is True:
            data = reference.get("data")
            return Remote(self, number, name, NO_DATA if data is None else self.value(data))
        return RemoteObject(self, number, name)

    def encode(self, value: Any) -> tuple[dict[str, Any], list[Any]]:
        """A message for the candidate, and the objects of ours that travel in it."""
        encoder = values.Encoder(self.classes, self.refer, lambda item: isinstance(item, Proxy))
        return encoder.message(value), encoder.objects

    def refer(self, value: Any) -> dict[str, Any]:
        """A reference for what is no data: the program's own object, a builtin, or something that stays here."""
        number = getattr(value, "__or1_number__", None)
        if number is not None and (isinstance(value, Proxy) or is_proxy_class(value)):
            return {"t": "reference", "k": "program", "v": number}
        name = getattr(value, "__name__", "")
        if isinstance(name, str) and getattr(builtins, name, None) is value:
            return {"t": "reference", "k": "builtin", "n": name}
        place = self.numbers.get(id(value))
        if place is None:
            place = self.numbers[id(value)] = len(self.sent)
            self.sent.append(value)
        return {"t": "reference", "k": "function" if callable(value) else "judge", "v": place}

    def _exception(self, said: Mapping[str, Any]) -> BaseException:
        """The program's exception; not those that steer a loop here (`all(map(candidate, ...))`)."""
        try:
            line, text = said["line"], str(said["text"])
            class_ = self._exception_class(line)
            arguments = self.value(said["arguments"])
            error = CandidateError(text) if issubclass(class_, _STOPS_LOOPS) else _made(class_, arguments, text)
            error.__or1_program__ = True  # type: ignore[attr-defined]
            if is_proxy_class(class_):
                error.__or1_error__ = RemoteObject(self, int(said["target"]), class_.__name__)  # type: ignore[attr-defined]
        except (KeyError, TypeError, ValueError, AttributeError, IndexError) as bad:
            raise CandidateGone(f"the program raised what cannot be rebuilt: {bad}") from bad
        return error

    def _exception_class(self, line: Any) -> type[BaseException]:
        """The class here of an exception class there, found or made along the classes that it derives from."""
        (name, module, number), *rest = line
        found = None if module == "solution" else getattr(sys.modules.get(str(module)), str(name), None)
        if isinstance(found, type) and issubclass(found, BaseException):
            return found
        if not rest:
            return CandidateError
        made = self.remotes.get(number)
        if made is None:
            base = self._exception_class(rest)
            attributes = {"__or1_number__": int(number), "__getattr__": _attribute_of_error}
            made = self.remotes[number] = type(str(name), (base,), attributes)
        if not (isinstance(made, type) and issubclass(made, BaseException)):
            raise CandidateGone("the program confuses its exceptions")
        return made


def is_proxy_class(value: Any) -> bool:
    """Whether a class stands for an exception class of the program."""
    return isinstance(value, type) and hasattr(value, "__or1_number__")


def _made(class_: type[BaseException], arguments: Any, text: str) -> BaseException:
    try:
        return class_(*arguments)
    except (TypeError, ValueError):  # e.g. UnicodeDecodeError wants more
        return class_(text) if issubclass(class_, CandidateError) else CandidateError(text)


def _attribute_of_error(error: BaseException, name: str) -> Any:
    """Attributes of the program's own exceptions are asked of it."""
    remote = vars(error).get("__or1_error__")
    if remote is None or name.startswith("__"):
        raise AttributeError(name)
    return getattr(remote, name)


async def _coroutine(link: Link, number: int) -> Any:
    return link.value(link.ask(do="await", target=number)["value"])


class Proxy:
    """What stands here for an object of the program."""

    def __init__(self, link: Link, number: int, name: str = "") -> None:
        self.__or1_link__, self.__or1_number__, self.__or1_name__ = link, number, name
        self.__or1_made__: bool | None = False

    def __repr__(self) -> str:
        return f"<{self.__or1_name__} of the program>"

    def __hash__(self) -> int:
        return self.__or1_number__

    def __or1_ask__(self, **order: Any) -> Any:
        return self.__or1_link__.value(self.__or1_link__.ask(target=self.__or1_number__, **order)["value"])

    def __or1_call__(self, positional: tuple[Any, ...], named: dict[str, Any]) -> Any:
        link = self.__or1_link__
        sent, objects = link.encode([list(positional), named])
        answer = link.ask(target=self.__or1_number__, do="call", arguments=sent)
        said = link.value(answer["value"], objects)
        if not isinstance(said, list) or len(said) not in (1, 3):
            raise CandidateGone("the program answered nonsense")
        result, *changed = said
        if changed:
            write_back([list(positional), named], changed)
        place = answer.get("returned")
        return positional[place] if isinstance(place, int) and 0 <= place < len(positional) else result


def _returned(value: Any) -> Any:
    """Note that an object has come out of the program's own code: it is never compared with data after that."""
    if isinstance(value, Proxy):
        value.__or1_made__ = None
    return value


def _made_here(value: Any) -> Any:
    """Note that the checks have made an object: by calling its class, or from such objects by operators."""
    if isinstance(value, Proxy) and value.__or1_made__ is not None:
        value.__or1_made__ = True
    return value


class RemoteFunction(Proxy):
    """A function or method of the program."""

    def __call__(self, *positional: Any, **named: Any) -> Any:
        return _returned(self.__or1_call__(positional, named))

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__") and name not in {"__name__", "__doc__"}:
            raise AttributeError(name)
        return self.__or1_ask__(do="attribute", name=name)


class RemoteIterator(Proxy):
    """A generator of the program: its items one by one."""

    def __iter__(self) -> RemoteIterator:
        return self

    def __next__(self) -> Any:
        answer = self.__or1_link__.ask(do="next", target=self.__or1_number__)
        if answer.get("stopped"):
            raise StopIteration
        return self.__or1_link__.value(answer["value"])


class RemoteObject(Proxy):
    """An object of a class that the checks do not name: its own attributes and methods, no operators."""

    def __getattr__(self, name: str) -> Any:
        if name in DATA_ATTRIBUTES or name.startswith("__"):
            raise AttributeError(f"{self!r} has no attribute {name!r} that a check can use")
        return self.__or1_ask__(do="attribute", name=name)


class _NoData:
    """Stands where an object holds no data."""


NO_DATA: Final = _NoData()


class Remote(Proxy):
    """An object of a class that the checks name, or the class itself.

    Compared with data only where the checks have made it themselves: what a function returns must not decide how it
    compares with the expectation.
    """

    def __init__(self, link: Link, number: int, name: str, data: Any = NO_DATA) -> None:
        super().__init__(link, number, name)
        self.__or1_data__ = data

    def __or1_operate__(self, name: str, *operands: Any) -> Any:
        link = self.__or1_link__
        found = link.value(link.ask(do="operate", name=name, operands=link.encode([self, *operands])[0])["value"])
        is_ours = name in _MAKE and all(map(_is_ours, (self, *operands)))
        return _made_here(found) if is_ours else _returned(found)

    def __call__(self, *positional: Any, **named: Any) -> Any:
        return _made_here(self.__or1_call__(positional, named))

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__") and name not in {"__name__", "__doc__", "__class__"}:
            raise AttributeError(name)
        return _returned(self.__or1_ask__(do="attribute", name=name))

    def __setattr__(self, name: str, value: Any) -> None:
        if name.startswith("__or1_"):
            object.__setattr__(self, name, value)
        else:
            self.__or1_operate__("setattr", name, value)

    def __delattr__(self, name: str) -> None:
        self.__or1_operate__("delattr", name)

    def __getitem__(self, key: Any) -> Any:
        return self.__or1_operate__("getitem", key)

    def __setitem__(self, key: Any, value: Any) -> None:
        self.__or1_operate__("setitem", key, value)

    def __delitem__(self, key: Any) -> None:
        self.__or1_operate__("delitem", key)

    def __contains__(self, item: Any) -> bool:
        if not self.__or1_made__ and not isinstance(item, Proxy):
            raise TypeError(f"{self.__or1_name__}: what the program returned does not decide what it contains")
        return self.__or1_operate__("contains", item) is True

    def __iter__(self) -> Iterator[Any]:
        found = self.__or1_operate__("iter")
        return found if isinstance(found, RemoteIterator) else iter(self.__or1_ask__(do="items"))

    def __next__(self) -> Any:
        answer = self.__or1_link__.ask(do="next", target=self.__or1_number__)
        if answer.get("stopped"):
            raise StopIteration
        return self.__or1_link__.value(answer["value"])

    def __reversed__(self) -> Any:
        return self.__or1_operate__("reversed")

    def __bool__(self) -> bool:
        return self.__or1_operate__("bool") is True

    def __len__(self) -> int:
        return int(self.__or1_operate__("len"))

    def __int__(self) -> int:
        return int(self.__or1_operate__("int"))

    def __float__(self) -> float:
        return float(self.__or1_operate__("float"))

    def __str__(self) -> str:
        return str(self.__or1_operate__("str"))

    def __repr__(self) -> str:
        return str(self.__or1_operate__("repr"))

    def __format__(self, spec: str) -> str:
        return str(self.__or1_operate__("format", spec))

    def __hash__(self) -> int:
        return hash(self.__or1_operate__("hash"))

    def __round__(self, digits: Any = None) -> Any:
        return self.__or1_operate__("round", *([] if digits is None else [digits]))

    def __divmod__(self, other: Any) -> Any:
        return self.__or1_operate__("divmod", other)

    def __enter__(self) -> Any:
        return self.__or1_ask__(do="attribute", name="__enter__")()

    def __exit__(self, kind: Any, error: Any, trace: Any) -> Any:
        leave = self.__or1_ask__(do="attribute", name="__exit__")
        return leave(kind, None if error is None else str(error), None)

    def __instancecheck__(self, instance: Any) -> bool:
        return _is_instance(self, instance)

    def __subclasscheck__(self, subclass: Any) -> bool:
        operands = self.__or1_link__.encode([subclass, self])[0]
        link = self.__or1_link__
        return link.value(link.ask(do="operate", name="issubclass", operands=operands)["value"]) is True


def _is_instance(class_: Remote, instance: Any) -> bool:
    if not isinstance(instance, Proxy):
        return False
    link = class_.__or1_link__
    operands = link.encode([instance, class_])[0]
    return link.value(link.ask(do="operate", name="isinstance", operands=operands)["value"]) is True


def _is_ours(operand: Any) -> bool:
    return not isinstance(operand, Proxy) or operand.__or1_made__ is True


_MAKE = frozenset((*BINARY, *IN_PLACE, *UNARY))


def _compares(name: str) -> Callable[[Remote, Any], Any]:
    def compare(self: Remote, other: Any) -> Any:
        if not isinstance(self.__or1_data__, _NoData) and not isinstance(other, Proxy):
            return getattr(self.__or1_data__, f"__{name}__")(other)
        if isinstance(other, Remote) or self.__or1_made__:
            return self.__or1_operate__(name, other)
        if name in {"eq", "ne"}:
            return (self is other) is (name == "eq")
        return NotImplemented

    return compare


def _operates(name: str) -> Callable[..., Any]:
    def operate(self: Remote, *operands: Any) -> Any:
        return self.__or1_operate__(name, *operands)

    return operate


def _operates_from_the_right(name: str) -> Callable[[Remote, Any], Any]:
    def operate(self: Remote, other: Any) -> Any:
        link = self.__or1_link__
        operands = link.encode([other, self])[0]
        found = link.value(link.ask(do="operate", name=name, operands=operands)["value"])
        return _made_here(found) if _is_ours(self) and _is_ours(other) else _returned(found)

    return operate


for _name in COMPARISONS:
    setattr(Remote, f"__{_name}__", _compares(_name))
for _name in (*BINARY, *IN_PLACE, *UNARY):
    setattr(Remote, f"__{_name.rstrip('_')}__", _operates(_name))
for _name in BINARY:
    setattr(Remote, f"__r{_name.rstrip('_')}__", _operates_from_the_right(_name))


class ProgramModule(types.ModuleType):
    """The program as a module that a check imports: `import solution`."""

    def __init__(self, find: Callable[[str], Any]) -> None:
        super().__init__("solution")
        self.__or1_find__ = find

    def __getattr__(self, name: str) -> Any:
        try:
            return self.__or1_find__(name)
        except NameError as error:
            raise AttributeError(str(error)) from error


def write_back(mine: Any, theirs: Any) -> None:
    """Make arguments look as the program left them: same objects, new contents."""
    if isinstance(mine, dict) and isinstance(theirs, dict):
        _write_back_dict(mine, theirs)
    elif isinstance(mine, list | tuple) and isinstance(theirs, list | tuple):
        for old, new in zip(mine, theirs, strict=False):
            write_back(old, new)
        if isinstance(mine, list):
            mine[:] = [old if _same_kind(old, new) else new for old, new in _paired(mine, theirs)]
    elif isinstance(mine, set | collections.deque) and isinstance(theirs, type(mine)):
        mine.clear()
        (mine.update if isinstance(mine, set) else mine.extend)(theirs)
    elif isinstance(mine, bytearray) and isinstance(theirs, bytearray):
        mine[:] = theirs
    elif type(mine).__module__ == "numpy" and hasattr(mine, "flags") and getattr(theirs, "shape", None) == mine.shape:
        mine[...] = theirs


def _write_back_dict(mine: dict[Any, Any], theirs: dict[Any, Any]) -> None:
    for key in mine.keys() & theirs.keys():
        write_back(mine[key], theirs[key])
    kept = {key: mine[key] if key in mine and _same_kind(mine[key], new) else new for key, new in theirs.items()}
    mine.clear()
    mine.update(kept)


def _paired(mine: list[Any], theirs: Any) -> list[tuple[Any, Any]]:
    return [(mine[index] if index < len(mine) else None, new) for index, new in enumerate(theirs)]


def _same_kind(old: Any, new: Any) -> bool:
    """Whether `old` was brought up to date in place, so that it stays the same object."""
    return old is new or (
        type(old) is type(new) and isinstance(old, list | dict | set | tuple | bytearray | collections.deque)
        and (not isinstance(old, tuple) or old == new)
    )  # fmt: skip

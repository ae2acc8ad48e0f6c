# does: uses dataclasses, typing, enum and abc
# kind: increment
from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from enum import Enum
from typing import List, NamedTuple
class Point(NamedTuple):
    x: int
@dataclass(order=True)
class Item:
    value: int
    rest: List[int] = field(default_factory=list)
print(Item(int(input())).value + Point(1).x)

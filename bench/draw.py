"""Draws that are the same on every Python: only `random.random()` keeps its sequence between versions."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import TypeVar

T = TypeVar("T")


class Draw:
    """A stream of draws from one seed."""

    def __init__(self, seed: int) -> None:
        self._next = random.Random(seed).random

    def below(self, bound: int) -> int:
        return int(self._next() * bound)

    def chance(self, probability: float) -> bool:
        return self._next() < probability

    def pick(self, items: Sequence[T]) -> T:
        return items[int(self._next() * len(items))]

    def hexadecimal(self, digits: int) -> str:
        return "".join(f"{self.below(1 << 32):08x}" for _ in range((digits + 7) // 8))[:digits]

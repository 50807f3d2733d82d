"""What is wrong with a file of areas: all of it at once, each with its place."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Problem:
    """One fault of one file; `place` is `line 7` or `feature 3`, empty where it is the file as a whole."""

    file: str
    place: str
    detail: str

    def __str__(self) -> str:
        return ": ".join(filter(None, (self.file, self.place, self.detail)))


class AreasNotLoadable(Exception):
    """Nothing was loaded, for these reasons."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(map(str, problems)))

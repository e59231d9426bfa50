"""The findings of a benchmark: figures, each beside its peer's, and curves for the plots."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from statistics import median
from typing import Literal

Better = Literal["more", "less"]


@dataclass(frozen=True, kw_only=True)
class Figure:
    """One figure, with the value of each round; `theirs` are the peer's of the same rounds.

    `bound` is the goal: for the ratio where there is a peer, else for the figure itself. None: only told.
    """

    name: str
    unit: str
    ours: Sequence[float]
    peer: str = ""
    theirs: Sequence[float] = ()
    bound: float | None = None
    better: Better = "more"

    @property
    def value(self) -> float:
        """The median of ours."""
        return median(self.ours)

    @property
    def peers_value(self) -> float | None:
        """The median of the peer's, None where there is none."""
        return median(self.theirs) if self.theirs else None

    @property
    def ratios(self) -> list[float]:
        """Ours over the peer's, round by round: what loads the machine for a while loads both."""
        if not self.theirs:
            return []
        return [ours / theirs for ours, theirs in zip(self.ours, self.theirs, strict=True)]

    @property
    def ratio(self) -> float | None:
        """The median of the rounds' ratios, None where there is no peer."""
        return median(self.ratios) if self.theirs else None

    @property
    def verdict(self) -> Literal["ok", "missed", ""]:
        """`ok` if the bound is kept, else `missed`; empty if there is none."""
        if self.bound is None:
            return ""
        judged = self.value if self.ratio is None else self.ratio
        kept = judged >= self.bound if self.better == "more" else judged <= self.bound
        return "ok" if kept else "missed"


@dataclass(frozen=True, kw_only=True)
class Plot:
    """Curves over a logarithmic axis; `lines` are the points of each, by its name."""

    name: str
    """Of the file, without its ending."""
    title: str
    across: str
    up: str
    lines: dict[str, list[tuple[float, float]]]
    log_up: bool = False


@dataclass(frozen=True, kw_only=True)
class Findings:
    """The findings of one part; `remarks` are sentences on how it was measured."""

    figures: list[Figure] = field(default_factory=list)
    plots: list[Plot] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)

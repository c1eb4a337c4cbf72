"""Stages of a Snakefile with preserved steps, while they are put together."""

from __future__ import annotations

from dataclasses import dataclass, field

from recast_bridge.model import expressions as ex
from recast_bridge.model.workflow import Generator, Scatter
from recast_bridge.snakemake import code as c


@dataclass(slots=True)
class Draft:
    """A stage that is being put together.

    Attributes:
        arguments: its parameters.
        scattered: parameters over whose elements it runs.
        method: ``zip`` or ``product``.
        order: for a product, the position of each parameter.
        batch: size of groups.
        partition: number of groups.
        generator: what makes its parameters.
        lists: the lists over which it runs, by parameter, and groups of their elements as they are.
        passed: parameters by the tree that they are.
        outputs: for a sub-workflow, the values that it declares, by name.
        declared: their names, by tree.
    """

    arguments: dict[str, ex.Expression] = field(default_factory=dict)
    scattered: list[str] = field(default_factory=list)
    method: str = "zip"
    order: dict[str, int] = field(default_factory=dict)
    batch: int | None = None
    partition: int | None = None
    generator: Generator | None = None
    lists: dict[str, c.Node] = field(default_factory=dict)
    passed: dict[str, str] = field(default_factory=dict)
    outputs: dict[str, ex.Expression] = field(default_factory=dict)
    declared: dict[str, str] = field(default_factory=dict)

    def scatter(self) -> Scatter | None:
        """How the stage is scattered."""
        if not self.scattered:
            return None
        names = sorted(self.scattered, key=lambda name: self.order.get(name, 0))
        return Scatter(
            "product" if self.method == "product" else "zip", tuple(names), self.batch, self.partition
        )

"""Whether loops over the instances of a stage run over all of them.

A stage runs once per element of the lists over which it is scattered. A loop that others write over its
instances has to count the same; one that stops earlier or goes further would be read as something that it
is not.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from recast_bridge.snakemake import code as c
from recast_bridge.snakemake.reading.matching import shape


def agrees(loop: c.Count, counts: list[c.Count], config: Mapping[str, Any], *, product: bool) -> bool:
    """True when a loop can run over all instances of a stage.

    Args:
        loop: the number of its turns.
        counts: the lengths of the lists over which the stage is scattered.
        config: the configuration.
        product: True when the stage runs for every combination.
    """
    whole = c.times(counts) if product else c.smallest(counts)
    if _same(loop, whole) or (not product and any(_same(loop, each) for each in counts)):
        return True
    if isinstance(loop, c.Smallest) and not product:
        return all(any(_same(one, each) for each in counts) for one in loop.counts)
    known, wanted = value_of(loop, config), value_of(whole, config)
    return known is not None and known == wanted


def _same(one: c.Count, two: c.Count) -> bool:
    if isinstance(one, int) or isinstance(two, int):
        return one == two
    return shape(one) == shape(two)


def value_of(count: c.Count, config: Mapping[str, Any]) -> int | None:
    """The number itself, where the configuration says it."""
    if isinstance(count, int):
        return count
    if isinstance(count, c.Length):
        found = _configured(count.of, config)
        return len(found) if isinstance(found, list) else None
    if isinstance(count, c.Groups):
        of = value_of(count.of, config)
        return None if of is None else -(-of // count.size)
    if isinstance(count, c.Times):
        parts = count.factors
    else:
        parts = count.terms if isinstance(count, c.Plus) else count.counts
    known = [number for part in parts if (number := value_of(part, config)) is not None]
    if len(known) < len(parts):
        return None
    if isinstance(count, c.Times):
        return math.prod(known)
    return sum(known) if isinstance(count, c.Plus) else min(known)


def _configured(node: Any, config: Mapping[str, Any]) -> Any:
    """The value of an entry of the configuration."""
    if isinstance(node, c.Config):
        return config.get(node.name)
    if isinstance(node, c.Element) and isinstance(node.key, str | int):
        of = _configured(node.of, config)
        try:
            return of[node.key]
        except (LookupError, TypeError):
            return None
    return None

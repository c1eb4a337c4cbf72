"""What reaches an input of a workflow step: sources, merged and picked, and small expressions over them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from recast_bridge.cwl.reading import terms as t
from recast_bridge.cwl.reading.bounds import Bound, item_expression
from recast_bridge.cwl.reading.jobs import NOTHING, UNSET, Known, known_value, part_of
from recast_bridge.cwl.reading.jqtext import jq_text
from recast_bridge.cwl.reading.kinds import may_be_null, without_null
from recast_bridge.cwl.reading.terms import Attr, Call, Const, Port, Term, Unsupported
from recast_bridge.model import expressions as ex
from recast_bridge.model.types import ANY, Array, Type, element, is_array, is_path, type_of, union
from recast_bridge.model.workflow import Generator


def literal(value: Any) -> Bound:
    """A constant of the document."""
    return Bound(ex.Literal(value), type_of(value), known_value(value, from_job=False))


def checked(bound: Bound) -> Bound:
    """A value that is to be read.

    Raises:
        Unsupported: it cannot be.
    """
    if bound.problem:
        raise Unsupported(bound.problem, "", "C345")
    return bound


def with_default(bound: Bound, default: Any) -> Bound:
    """A value, or its default when it is absent.

    Raises:
        Unsupported: whether it is absent is known only at run time.
    """
    if bound.known.null is False or not may_be_null(bound.type):
        return bound
    if bound.known.null is True:
        made = literal(default)
        return replace(made, known=replace(made.known, from_job=bound.known.from_job))
    if bound.type == ANY and bound.known.null is None:
        return bound
    if isinstance(bound.expression, ex.Maybe) and not bound.many:
        pick = ex.Pick(ex.Sequence((bound.expression, ex.Literal(default))), "first")
        return Bound(pick, union([without_null(bound.type), type_of(default)]), Known(False))
    raise Unsupported(
        "a default stands in for a value that may be absent at run time", "make the value required", "C331"
    )


def merge(bounds: Sequence[Bound], how: str | None, pick: str | None) -> Bound:
    """The value of several sources.

    Args:
        bounds: the values.
        how: ``linkMerge``; None when there is none.
        pick: ``pickValue``.

    Raises:
        Unsupported: the combination cannot be carried over.
    """
    if len(bounds) == 1 and how is None:
        merged = bounds[0]
    elif how == "merge_flattened":
        merged = _flattened([checked(bound) for bound in bounds])
    else:
        merged = _nested(bounds)
    if pick is None:
        return merged
    apart = len(bounds) > 1 and (
        how != "merge_flattened" or all(is_array(bound.type) is False for bound in bounds)
    )
    return _picked(merged, list(bounds) if apart else [], pick)


def _nested(bounds: Sequence[Bound]) -> Bound:
    kind = Array(union(bound.type for bound in bounds))
    known = Known(False, item=None)
    if bounds and all(bound.known.value is not UNSET for bound in bounds):
        values = [bound.known.value for bound in bounds]
        known = known_value(values, from_job=any(bound.known.from_job for bound in bounds))
    parts = tuple(bounds)
    expressions = tuple(bound.expression for bound in bounds)
    problem = next((bound.problem for bound in bounds if bound.problem), "")
    if not any(bound.many for bound in bounds) and all(map(_can_be_gathered, expressions)):
        made: ex.Expression = ex.Gather(expressions)  # type: ignore[arg-type]
    else:
        made = ex.Sequence(expressions)
    return Bound(made, kind, known, parts=parts, problem=problem)


def _can_be_gathered(expression: ex.Expression) -> bool:
    return isinstance(expression, ex.Output | ex.Input | ex.Item)


def _flattened(bounds: Sequence[Bound]) -> Bound:
    """Lists put one after the other, and single values in their place."""
    items = [element(bound.type) if is_array(bound.type) else bound.type for bound in bounds]
    kind = Array(union(items))
    expressions = tuple(bound.expression for bound in bounds)
    lists = [is_array(bound.type) for bound in bounds]
    if len(bounds) == 1 and lists == [True]:
        return bounds[0]
    if None in lists:
        raise Unsupported("values are merged of which it is not known whether they are lists", "", "C346")
    if not all(map(_can_be_gathered, expressions)):
        return Bound(ex.Flatten(ex.Sequence(expressions)), kind, Known(False))
    gathered = ex.Gather(expressions)  # type: ignore[arg-type]
    many = [bound.many for bound in bounds]
    if all(bound.many or not is_list for bound, is_list in zip(bounds, lists, strict=True)):
        return Bound(gathered, kind, Known(False))
    if any(bound.many and is_array(element(bound.type)) is not False for bound in bounds) and not all(many):
        return Bound(ex.Flatten(ex.Sequence(expressions)), kind, Known(False))
    return Bound(ex.Flatten(gathered), kind, Known(False))


_PICKS: Mapping[str, Any] = {"first_non_null": "first", "the_only_non_null": "only", "all_non_null": "all"}


def _picked(merged: Bound, bounds: list[Bound], pick: str) -> Bound:
    nulls = [bound.known.null for bound in bounds]
    present = [bound for bound in bounds if not may_be_null(bound.type) or bound.known.null is False]
    if pick == "first_non_null":
        for bound in bounds:
            if bound in present:
                return bound
            if bound.known.null is not True:
                break
    if pick == "the_only_non_null" and None not in nulls and len(present) == 1:
        return present[0]
    if pick == "all_non_null" and bounds and len(present) + nulls.count(True) == len(bounds):
        return _nested(present)
    if not bounds and pick == "all_non_null" and not may_be_null(element(merged.type)):
        return merged
    kind = without_null(element(merged.type)) if element(merged.type) != ANY else ANY
    checked(merged)
    made = ex.Pick(merged.expression, _PICKS[pick])
    return Bound(made, Array(kind) if pick == "all_non_null" else kind, Known(False))


# ---------------------------------------------------------------- expressions over what a step is given


def bound_of(term: Term, bounds: Mapping[str, Bound]) -> Bound:
    """A term as a value of the workflow.

    Raises:
        Unsupported: the model cannot say it.
    """
    if isinstance(term, Const):
        return literal(term.value)
    if isinstance(term, Port):
        if term.name not in bounds:
            raise Unsupported(f"the input {term.name!r} is not known")
        return bounds[term.name]
    if isinstance(term, Attr):
        return _part(term, bounds)
    if isinstance(term, t.Listed):
        return _nested([bound_of(item, bounds) for item in term.items])
    if isinstance(term, t.Mapped):
        items = [(key, bound_of(item, bounds)) for key, item in term.items]
        if any(key == "class" for key, _ in items):
            raise Unsupported("an expression makes a file")
        return Bound(ex.Mapping(tuple((key, checked(item).expression) for key, item in items)))
    if isinstance(term, Call):
        return _called(term, bounds)
    raise Unsupported("a value is computed between the steps")


def _part(term: Attr, bounds: Mapping[str, Bound]) -> Bound:
    of = checked(bound_of(term.of, bounds))
    if is_path(t.type_of(term.of)) or is_path(without_null(of.type)):
        known = of.known
        if isinstance(known.name, str) and term.key == "basename" and not known.from_job:
            return literal(known.name)
        raise Unsupported(f"the {term.key} of a file is used between the steps")
    if term.key == "length":
        raise Unsupported("the length of a list is used between the steps")
    if isinstance(term.key, int) and of.parts and term.key < len(of.parts):
        return replace(of.parts[term.key], cut=of.cut)
    kind: Type = element(of.type) if isinstance(term.key, int) else t.type_of(term)
    known = part_of(of.known, term.key)
    if known.value is not UNSET and isinstance(of.expression, ex.Literal):
        return literal(known.value)
    return Bound(item_expression(of, (term.key,)), kind, known)


def _called(term: Call, bounds: Mapping[str, Bound]) -> Bound:
    """The value of one of the functions of ``cwl_templates/lists.js``."""
    name = term.function
    if not term.arguments:
        raise Unsupported(f"the function {name!r} is called between the steps")
    if name == "jqStage" and len(term.arguments) == 4:
        return _generated(term, bounds)
    of = bound_of(term.arguments[0], bounds)
    rest = [bound_of(item, bounds).known.value for item in term.arguments[1:]]
    if name in ("batches", "partitions") and len(rest) == 1 and isinstance(rest[0], int):
        groups = (rest[0], None) if name == "batches" else (None, rest[0])
        return replace(checked(of), type=Array(of.type), groups=groups, known=NOTHING)
    if name == "flattenOnce":
        return flattened(checked(of))
    if name == "unwrapSingle":
        checked(of)
        return Bound(ex.Unwrap(of.expression), union([of.type, element(of.type)]))
    if name == "elementAt" and len(rest) == 1 and isinstance(rest[0], int):
        return _part(Attr(term.arguments[0], rest[0]), bounds)
    if name == "partOfEach" and len(rest) == 1 and isinstance(rest[0], list):
        checked(of)
        return Bound(ex.Item(of.expression, tuple(rest[0])), Array(ANY), many=of.many)
    if name == "zipShortest" and of.parts:
        return replace(of, cut=True)
    if name == "characters" and isinstance(of.known.value, str) and not of.known.from_job:
        return literal(list(of.known.value))
    raise Unsupported(f"the function {name.lstrip('.')!r} is called between the steps")


def _generated(term: Call, bounds: Mapping[str, Bound]) -> Bound:
    """The parameters of all instances of a stage, made by jq programs over what other stages publish."""
    bindings, script, post, index = term.arguments
    if not (isinstance(bindings, Const) and isinstance(script, Const) and isinstance(post, Const)):
        raise Unsupported("a jq program is made at run time", "", "C343")
    rows = index.items if isinstance(index, t.Mapped) else ()
    if isinstance(index, Const):
        rows = tuple((str(name), Const(row)) for name, row in index.value.items())
    for name, row in rows:
        _check_row(name, row, bounds)
    generator = Generator(
        _bindings(bindings.value),
        jq_text(script.value),
        jq_text(post.value),
        tuple(name for name, _ in rows),
    )
    return Bound(ex.Literal(None), Array(ANY), Known(False), generator=generator)


def _bindings(data: Any) -> Any:
    """Bindings with the text of their programs."""
    if isinstance(data, Mapping):
        if "$wflowref" in data:
            return {"$wflowref": [jq_text(tree) for tree in data["$wflowref"]]}
        return {str(key): _bindings(item) for key, item in data.items()}
    if isinstance(data, list):
        return [_bindings(item) for item in data]
    return data


def _check_row(stage: str, row: Term, bounds: Mapping[str, Bound]) -> None:
    """Refuse an index whose entries are not what the stages of these names publish."""
    if isinstance(row, Call) and row.function == "jqRows":
        row = row.arguments[0]
    elif isinstance(row, t.Listed) and len(row.items) == 1:
        row = row.items[0]
    elif isinstance(row, Const) and row.value in ([{}], [[]]):
        return
    fields = row.items if isinstance(row, t.Mapped) else ()
    for key, term in fields:
        found = bound_of(term, bounds).expression
        expected = (
            found == ex.Input(key)
            if stage == "init"
            else isinstance(found, ex.Output) and found.path[0].stage == stage and found.key in (key, None)
        )
        if not expected:
            raise Unsupported(
                f"a jq program reads {key!r} of {stage!r}, which is not what the step of this name gives",
                "rename the step",
                "C343",
            )


def flattened(of: Bound) -> Bound:
    """A list whose list-valued elements are replaced by their own elements."""
    inner = element(of.type)
    if is_array(inner) is False:
        return of
    kind = Array(element(inner)) if isinstance(inner, Array) else ANY
    if of.flat is not None:
        return of.flat
    return Bound(ex.Flatten(of.expression), kind, Known(False))


__all__ = ["bound_of", "checked", "flattened", "literal", "merge", "with_default"]

"""JavaScript over values that are known: what it gives, found by walking its tree.

This is no engine: nothing of the document is handed to one. The walk knows a part of the language, reaches
nothing outside its own values, and is bounded in its steps and in the size of what it makes. Values are
Python's (``None``, booleans, numbers, text, lists, mappings), and terms for what is known only at run time:
these are passed on and joined to text, and whatever would have to look into them is refused.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from recast_bridge.cwl.reading.javascript import (
    Function,
    Library,
    Node,
    bracketed,
    escaped,
    excerpt,
    function_of,
    inner,
    string_value,
    text_of,
)
from recast_bridge.cwl.reading.methods import (
    CONSTANTS,
    STATICS,
    UNDEFINED,
    Pattern,
    bounded,
    calculated,
    fails,
    global_function,
    member,
    method,
    static,
    text_value,
    truth,
    type_name,
)
from recast_bridge.cwl.reading.terms import Unsupported

_MOST_STEPS = 200_000
_DEEPEST = 40
_FUNCTIONS = ("function_expression", "arrow_function")


class _Break(Exception):
    """``break``."""


class _Continue(Exception):
    """``continue``."""


class _Return(Exception):
    """``return``."""

    def __init__(self, value: Any) -> None:
        super().__init__()
        self.value = value


@dataclass(slots=True)
class _Names:
    """Variables of a function or a block, and those around it."""

    own: dict[str, Any] = field(default_factory=dict)
    outer: _Names | None = None
    block: bool = False

    def holder(self, name: str) -> _Names | None:
        """The innermost scope that has a variable."""
        scope: _Names | None = self
        while scope is not None and name not in scope.own:
            scope = scope.outer
        return scope

    def function(self) -> _Names:
        """The scope of the function."""
        scope = self
        while scope.block and scope.outer is not None:
            scope = scope.outer
        return scope


@dataclass(slots=True, eq=False)
class _Closure:
    """A function with the variables that it sees."""

    function: Function
    names: _Names


class Settler:
    """Finds the value of one expression.

    Args:
        names: ``inputs``, ``self``, ``runtime`` as values.
        library: the functions of the document.
    """

    def __init__(self, names: Mapping[str, Any], library: Library) -> None:
        self.steps = 0
        self.depth = 0
        self.globals = _Names(dict(names))
        for root in library.roots:
            self._block(root.named_children, self.globals)

    def body(self, block: Node) -> Any:
        """What a function body returns."""
        return self._run(block, _Names(outer=self.globals))

    def expression(self, node: Node) -> Any:
        """What an expression gives."""
        return self._value(node, _Names(outer=self.globals))

    # -------------------------------------------------------------- functions

    def call(self, function: Any, arguments: list[Any]) -> Any:
        """What a function returns.

        Raises:
            Unsupported: it is no function, or does what is not known.
        """
        if not isinstance(function, _Closure):
            raise fails("calls what is no function")
        self.depth += 1
        if self.depth > _DEEPEST:
            raise Unsupported("a function calls itself too often")
        names = _Names(outer=function.names)
        for number, name in enumerate(function.function.parameters):
            names.own[name] = arguments[number] if number < len(arguments) else UNDEFINED
        body = function.function.body
        result = self._run(body, names) if body.type == "statement_block" else self._value(body, names)
        self.depth -= 1
        return result

    def _run(self, block: Node, names: _Names) -> Any:
        for name in _declared(block):
            names.own.setdefault(name, UNDEFINED)
        try:
            self._block(block.named_children, names)
        except _Return as done:
            return done.value
        return UNDEFINED

    # -------------------------------------------------------------- statements

    def _step(self) -> None:
        self.steps += 1
        if self.steps > _MOST_STEPS:
            raise Unsupported("an expression takes too many steps")

    def _block(self, statements: list[Node], names: _Names) -> None:
        for statement in statements:
            if statement.type == "function_declaration":
                closure = _Closure(function_of(statement, {}), names)
                names.own[text_of(inner(statement, "name"))] = closure
        for statement in statements:
            self._statement(statement, names)

    def _statement(self, node: Node, names: _Names) -> None:
        self._step()
        handler: Callable[[Node, _Names], None] | None = getattr(self, f"_do_{node.type}", None)
        if handler is None:
            raise _unknown(node)
        handler(node, names)

    def _do_comment(self, node: Node, names: _Names) -> None:
        pass

    _do_empty_statement = _do_function_declaration = _do_comment

    def _do_expression_statement(self, node: Node, names: _Names) -> None:
        self._value(node.named_children[0], names)

    def _do_statement_block(self, node: Node, names: _Names) -> None:
        self._block(node.named_children, _Names(outer=names, block=True))

    def _do_variable_declaration(self, node: Node, names: _Names) -> None:
        scope = names.function() if node.type == "variable_declaration" else names
        for declarator in node.named_children:
            if declarator.type == "comment":
                continue
            target, value = inner(declarator, "name"), declarator.child_by_field_name("value")
            if target.type != "identifier":
                raise _unknown(node)
            if value is not None:
                scope.own[text_of(target)] = self._value(value, names)
            elif scope is names and names.block:
                scope.own[text_of(target)] = UNDEFINED
            else:
                scope.own.setdefault(text_of(target), UNDEFINED)

    _do_lexical_declaration = _do_variable_declaration

    def _do_return_statement(self, node: Node, names: _Names) -> None:
        values = [child for child in node.named_children if child.type != "comment"]
        raise _Return(self._value(values[0], names) if values else UNDEFINED)

    def _do_if_statement(self, node: Node, names: _Names) -> None:
        if truth(self._value(inner(node, "condition"), names)):
            self._statement(inner(node, "consequence"), names)
        elif (other := node.child_by_field_name("alternative")) is not None:
            self._block(other.named_children, names)

    def _do_throw_statement(self, node: Node, names: _Names) -> None:
        raise fails(f"ends in `{excerpt(node)}`")

    def _do_break_statement(self, node: Node, names: _Names) -> None:
        raise _unknown(node) if node.named_children else _Break

    def _do_continue_statement(self, node: Node, names: _Names) -> None:
        raise _unknown(node) if node.named_children else _Continue

    def _do_for_statement(self, node: Node, names: _Names) -> None:
        scope = _Names(outer=names, block=True)
        condition = node.child_by_field_name("condition")
        increment = node.child_by_field_name("increment")
        first = inner(node, "initializer")
        if first.type.endswith("declaration"):
            self._statement(first, scope)
        elif first.type not in ("empty_statement", ";"):
            self._value(first, scope)
        if condition is not None and condition.type == "expression_statement":
            condition = condition.named_children[0]
        while (
            condition is None or condition.type == "empty_statement" or truth(self._value(condition, scope))
        ):
            if not self._round(inner(node, "body"), scope):
                return
            # Functions made in a round keep its variables.
            scope = _Names(dict(scope.own), names, block=True)
            if increment is not None:
                self._value(increment, scope)

    def _do_while_statement(self, node: Node, names: _Names) -> None:
        while truth(self._value(inner(node, "condition"), names)):
            if not self._round(inner(node, "body"), names):
                return

    def _do_do_statement(self, node: Node, names: _Names) -> None:
        while self._round(inner(node, "body"), names):
            if not truth(self._value(inner(node, "condition"), names)):
                return

    def _do_for_in_statement(self, node: Node, names: _Names) -> None:
        over = self._value(inner(node, "right"), names)
        if text_of(inner(node, "operator")) == "of":
            items: list[Any] = list(over) if isinstance(over, list | str) else _refused(node)
        elif isinstance(over, dict):
            items = list(over)
        elif isinstance(over, list | str):
            items = [str(number) for number in range(len(over))]
        else:
            items = [] if over is None or over is UNDEFINED else _refused(node)
        target = inner(node, "left")
        if target.type != "identifier":
            raise _unknown(node)
        kind = node.child_by_field_name("kind")
        for item in items:
            scope = _Names(outer=names, block=True)
            if kind is None:
                self._assign(target, item, names)
            else:
                (names.function() if text_of(kind) == "var" else scope).own[text_of(target)] = item
            if not self._round(inner(node, "body"), scope):
                return

    def _round(self, body: Node, names: _Names) -> bool:
        """One round of a loop; False when it was the last one."""
        self._step()
        try:
            self._statement(body, names)
        except _Break:
            return False
        except _Continue:
            pass
        return True

    # -------------------------------------------------------------- expressions

    def _value(self, node: Node, names: _Names) -> Any:
        self._step()
        node = bracketed(node)
        handler: Callable[[Node, _Names], Any] | None = getattr(self, f"_of_{node.type}", None)
        if handler is None:
            raise _unknown(node)
        return bounded(handler(node, names))

    def _of_number(self, node: Node, names: _Names) -> Any:
        text = text_of(node)
        try:
            return int(text, 0)
        except ValueError:
            return float(text)

    def _of_string(self, node: Node, names: _Names) -> Any:
        return string_value(node)

    def _of_template_string(self, node: Node, names: _Names) -> Any:
        made: Any = ""
        for child in node.named_children:
            inside = child.type == "template_substitution"
            part = text_value(self._value(child.named_children[0], names)) if inside else escaped(child)
            made = calculated("+", made, part)
        return made

    def _of_regex(self, node: Node, names: _Names) -> Any:
        flags = node.child_by_field_name("flags")
        return Pattern.read(text_of(inner(node, "pattern")), "" if flags is None else text_of(flags))

    def _of_null(self, node: Node, names: _Names) -> Any:
        return None

    def _of_undefined(self, node: Node, names: _Names) -> Any:
        return UNDEFINED

    def _of_true(self, node: Node, names: _Names) -> Any:
        return True

    def _of_false(self, node: Node, names: _Names) -> Any:
        return False

    def _of_array(self, node: Node, names: _Names) -> Any:
        return [self._value(child, names) for child in _parts(node)]

    def _of_object(self, node: Node, names: _Names) -> Any:
        made: dict[str, Any] = {}
        for child in _parts(node):
            if child.type == "pair":
                key = inner(child, "key")
                if key.type == "string":
                    name = string_value(key)
                elif key.type in ("property_identifier", "number"):
                    name = text_of(key)
                else:
                    raise _unknown(child)
                made[name] = self._value(inner(child, "value"), names)
            elif child.type == "shorthand_property_identifier":
                made[text_of(child)] = self._of_identifier(child, names)
            else:
                raise _unknown(child)
        return made

    def _of_function_expression(self, node: Node, names: _Names) -> Any:
        return _Closure(function_of(node, {}), names)

    _of_arrow_function = _of_function_expression

    def _of_identifier(self, node: Node, names: _Names) -> Any:
        name = text_of(node)
        holder = names.holder(name)
        if holder is not None:
            return holder.own[name]
        if name in CONSTANTS:
            return CONSTANTS[name]
        raise Unsupported(f"an expression uses {name!r}, which is not known")

    def _key(self, node: Node, names: _Names) -> Any:
        if node.type == "member_expression":
            return text_of(inner(node, "property"))
        return self._value(inner(node, "index"), names)

    def _of_member_expression(self, node: Node, names: _Names) -> Any:
        if node.child_by_field_name("optional_chain") is not None:
            raise _unknown(node)
        return member(self._value(inner(node, "object"), names), self._key(node, names))

    _of_subscript_expression = _of_member_expression

    def _of_call_expression(self, node: Node, names: _Names) -> Any:
        function = bracketed(inner(node, "function"))
        given = inner(node, "arguments")
        if given.type != "arguments" or node.child_by_field_name("optional_chain") is not None:
            raise _unknown(node)
        arguments = [self._value(child, names) for child in _parts(given)]
        if function.type == "member_expression":
            owner, name = inner(function, "object"), text_of(inner(function, "property"))
            is_static = owner.type == "identifier" and text_of(owner) in STATICS
            if is_static and names.holder(text_of(owner)) is None:
                return static(f"{text_of(owner)}.{name}", arguments)
            of = self._value(owner, names)
            if isinstance(of, dict) and isinstance(of.get(name), _Closure):
                return self.call(of[name], arguments)
            return method(of, name, arguments, self.call)
        if function.type == "identifier" and names.holder(text_of(function)) is None:
            return global_function(text_of(function), arguments)
        return self.call(self._value(function, names), arguments)

    def _of_assignment_expression(self, node: Node, names: _Names) -> Any:
        value = self._value(inner(node, "right"), names)
        self._assign(inner(node, "left"), value, names)
        return value

    def _of_augmented_assignment_expression(self, node: Node, names: _Names) -> Any:
        left = inner(node, "left")
        operator = text_of(inner(node, "operator")).removesuffix("=")
        value = calculated(operator, self._value(left, names), self._value(inner(node, "right"), names))
        self._assign(left, value, names)
        return value

    def _of_update_expression(self, node: Node, names: _Names) -> Any:
        target, operator = inner(node, "argument"), inner(node, "operator")
        before = self._value(target, names)
        if isinstance(before, bool) or not isinstance(before, int | float):
            raise _unknown(node)
        after = calculated(text_of(operator)[0], before, 1)
        self._assign(target, after, names)
        return after if operator.start_byte < target.start_byte else before

    def _assign(self, target: Node, value: Any, names: _Names) -> None:
        target = bracketed(target)
        if target.type == "identifier":
            holder = names.holder(text_of(target))
            if holder is None:
                raise Unsupported(f"an expression sets {text_of(target)!r}, which is not declared")
            holder.own[text_of(target)] = value
            return
        if target.type not in ("member_expression", "subscript_expression"):
            raise _unknown(target)
        of, key = self._value(inner(target, "object"), names), self._key(target, names)
        if isinstance(of, dict) and isinstance(key, str | int):
            of[text_value(key)] = value
        elif isinstance(of, list) and isinstance(key, int) and 0 <= key <= len(of):
            of[key : key + 1] = [value]
        else:
            raise _unknown(target)

    def _of_ternary_expression(self, node: Node, names: _Names) -> Any:
        chosen = "consequence" if truth(self._value(inner(node, "condition"), names)) else "alternative"
        return self._value(inner(node, chosen), names)

    def _of_sequence_expression(self, node: Node, names: _Names) -> Any:
        return [self._value(child, names) for child in _parts(node)][-1]

    def _of_unary_expression(self, node: Node, names: _Names) -> Any:
        operator, argument = text_of(inner(node, "operator")), bracketed(inner(node, "argument"))
        if operator == "typeof":
            unknown = argument.type == "identifier" and names.holder(text_of(argument)) is None
            value = UNDEFINED if unknown else self._value(argument, names)
            return "function" if isinstance(value, _Closure) else type_name(value)
        value = self._value(argument, names)
        if operator == "!":
            return not truth(value)
        if operator in ("-", "+") and isinstance(value, int | float) and not isinstance(value, bool):
            return -value if operator == "-" else value
        raise _unknown(node)

    def _of_binary_expression(self, node: Node, names: _Names) -> Any:
        operator = text_of(inner(node, "operator"))
        left = self._value(inner(node, "left"), names)
        if operator in ("&&", "||"):
            return left if truth(left) == (operator == "||") else self._value(inner(node, "right"), names)
        return calculated(operator, left, self._value(inner(node, "right"), names))


def _parts(node: Node) -> list[Node]:
    return [child for child in node.named_children if child.type != "comment"]


def _declared(block: Node) -> Iterator[str]:
    """Names that ``var`` declares in a function, wherever it stands."""
    pending = [block]
    while pending:
        node = pending.pop()
        for child in node.named_children:
            if child.type in (*_FUNCTIONS, "function_declaration"):
                continue
            if child.type == "variable_declaration":
                for item in _parts(child):
                    yield text_of(inner(item, "name"))
            pending.append(child)


def _unknown(node: Node) -> Unsupported:
    return Unsupported(f"JavaScript that is not followed: {excerpt(node)}")


def _refused(node: Node) -> Any:
    raise _unknown(node)


__all__ = ["Settler"]

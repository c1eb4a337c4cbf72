"""JavaScript expressions as terms: variables, functions of the document and conditions are followed.

What is known is computed on the way; what is not stays as a term. Whatever cannot be followed is refused.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from recast_bridge.cwl.reading import terms as t
from recast_bridge.cwl.reading.javascript import (
    Function,
    Known,
    Node,
    bracketed,
    escaped,
    excerpt,
    function_of,
    inner,
    string_value,
    text_of,
)
from recast_bridge.cwl.reading.operators import is_text, js_text, operation, truthy
from recast_bridge.cwl.reading.terms import Const, Term, Unsupported

# Methods that are looked at where their result is used.
_METHODS = frozenset(
    (
        *("split", "slice", "join", "replace", "concat", "indexOf", "toString", "toUpperCase", "toLowerCase"),
        *("trim", "substring", "substr", "startsWith", "endsWith", "map", "filter", "reduce", "sort", "pop"),
    )
)
_DEEPEST = 40
# Key of the names that a function has itself: what is set in it is seen nowhere else.
_OWN = "\0own"


class Follower:
    """Follows one expression.

    Args:
        names: what is known everywhere: ``inputs``, ``self``, ``runtime``.
    """

    def __init__(self, names: Mapping[str, Term]) -> None:
        self.names = names
        self.depth = 0

    def call(self, function: Function, arguments: list[Any]) -> Term:
        """The value that a function returns."""
        self.depth += 1
        if self.depth > _DEEPEST:
            raise Unsupported("a function calls itself too often")
        scope: dict[str, Any] = {**self.names, **function.scope}
        scope[_OWN] = set(function.parameters)
        for number, name in enumerate(function.parameters):
            scope[name] = arguments[number] if number < len(arguments) else t.NULL
        if function.body.type != "statement_block":
            result: Term | None = self.expression(function.body, scope)
        else:
            result = self.block(function.body.named_children, scope)
        self.depth -= 1
        return t.NULL if result is None else result

    def block(self, statements: list[Node], scope: dict[str, Any]) -> Term | None:
        """The value that statements return; None when they come to their end."""
        for number, statement in enumerate(statements):
            kind = statement.type
            if kind in ("comment", "empty_statement") or (
                kind == "expression_statement" and text_of(statement).strip(" ;\"'") == "use strict"
            ):
                continue
            if kind == "return_statement":
                values = [node for node in statement.named_children if node.type != "comment"]
                return self.expression(values[0], scope) if values else t.NULL
            if kind in ("variable_declaration", "lexical_declaration"):
                for declarator in statement.named_children:
                    if declarator.type == "variable_declarator":
                        value = declarator.child_by_field_name("value")
                        name = text_of(inner(declarator, "name"))
                        scope[_OWN].add(name)
                        scope[name] = t.NULL if value is None else self.value(value, scope)
            elif kind == "function_declaration":
                scope[text_of(inner(statement, "name"))] = function_of(statement, scope)
            elif kind == "expression_statement":
                self.assign(statement.named_children[0], scope)
            elif kind == "if_statement":
                return self._if(statement, statements[number + 1 :], scope)
            elif kind == "statement_block":
                result = self.block(statement.named_children, scope)
                if result is not None:
                    return result
            else:
                raise Unsupported(f"JavaScript that is not followed: {excerpt(statement)}")
        return None

    def _if(self, statement: Node, rest: list[Node], scope: dict[str, Any]) -> Term | None:
        condition = self.expression(bracketed(inner(statement, "condition")), scope)
        consequence = [inner(statement, "consequence")]
        alternative = statement.child_by_field_name("alternative")
        otherwise = list(alternative.named_children) if alternative is not None else []
        if isinstance(condition, Const):
            return self.block([*(consequence if truthy(condition.value) else otherwise), *rest], scope)
        one = self.block([*consequence, *rest], dict(scope))
        two = self.block([*otherwise, *rest], dict(scope))
        return t.Operation("?:", (condition, one or t.NULL, two or t.NULL))

    def assign(self, node: Node, scope: dict[str, Any]) -> None:
        """A statement that changes a variable."""
        if node.type == "assignment_expression":
            left = inner(node, "left")
            if left.type == "identifier" and text_of(left) in scope.get(_OWN, ()):
                scope[text_of(left)] = self.value(inner(node, "right"), scope)
                return
            if left.type in ("member_expression", "subscript_expression"):
                target = inner(left, "object")
                name = text_of(target)
                owner = scope.get(name)
                own = target.type == "identifier" and name in scope.get(_OWN, ())
                if own and isinstance(owner, t.Mapped | Const):
                    key = self._key(left, scope)
                    if isinstance(owner, Const) and isinstance(owner.value, dict):
                        owner = t.Mapped(tuple((name, Const(item)) for name, item in owner.value.items()))
                    if isinstance(owner, t.Mapped) and isinstance(key, str):
                        items = {**dict(owner.items), key: self.expression(inner(node, "right"), scope)}
                        scope[name] = t.Mapped(tuple(items.items()))
                        return
        raise Unsupported(f"JavaScript that is not followed: {excerpt(node)}")

    def value(self, node: Node, scope: Mapping[str, Any]) -> Any:
        """An expression, or a function."""
        node = bracketed(node)
        if node.type in ("function_expression", "arrow_function"):
            return function_of(node, scope)
        return self.expression(node, scope)

    def expression(self, node: Node, scope: Mapping[str, Any]) -> Term:
        """The value of an expression."""
        node = bracketed(node)
        handler: Callable[[Node, Mapping[str, Any]], Term] | None = getattr(self, f"_{node.type}", None)
        if handler is None:
            raise Unsupported(f"JavaScript that is not followed: {excerpt(node)}")
        return handler(node, scope)

    # ---- literals

    def _number(self, node: Node, scope: Mapping[str, Any]) -> Term:
        text = text_of(node)
        try:
            return Const(int(text, 0))
        except ValueError:
            return Const(float(text))

    def _string(self, node: Node, scope: Mapping[str, Any]) -> Term:
        return Const(string_value(node))

    def _regex(self, node: Node, scope: Mapping[str, Any]) -> Term:
        if text_of(node) == r"/\r?\n/":
            # Where lines end; text with the other ends of lines is refused when it is read.
            return Const("\n")
        raise Unsupported(f"JavaScript that is not followed: {excerpt(node)}")

    def _template_string(self, node: Node, scope: Mapping[str, Any]) -> Term:
        parts: list[Term] = []
        for child in node.named_children:
            if child.type == "template_substitution":
                parts.append(js_text(self.expression(child.named_children[0], scope)))
            else:
                parts.append(Const(escaped(child)))
        return t.join(parts)

    def _null(self, node: Node, scope: Mapping[str, Any]) -> Term:
        return t.NULL

    _undefined = _null

    def _true(self, node: Node, scope: Mapping[str, Any]) -> Term:
        return Const(True)

    def _false(self, node: Node, scope: Mapping[str, Any]) -> Term:
        return Const(False)

    def _array(self, node: Node, scope: Mapping[str, Any]) -> Term:
        items = [self.expression(child, scope) for child in node.named_children if child.type != "comment"]
        if all(isinstance(item, Const) for item in items):
            return Const([item.value for item in items if isinstance(item, Const)])
        return t.Listed(tuple(items))

    def _object(self, node: Node, scope: Mapping[str, Any]) -> Term:
        items: dict[str, Term] = {}
        for child in node.named_children:
            if child.type == "pair":
                key = inner(child, "key")
                name = string_value(key) if key.type == "string" else text_of(key)
                items[name] = self.expression(inner(child, "value"), scope)
            elif child.type == "shorthand_property_identifier":
                items[text_of(child)] = self._identifier(child, scope)
            elif child.type != "comment":
                raise Unsupported(f"JavaScript that is not followed: {excerpt(child)}")
        if all(isinstance(item, Const) for item in items.values()):
            return Const({key: item.value for key, item in items.items() if isinstance(item, Const)})
        return t.Mapped(tuple(items.items()))

    # ---- names and parts

    def _identifier(self, node: Node, scope: Mapping[str, Any]) -> Term:
        name = text_of(node)
        found = scope.get(name)
        if name == "undefined":
            return t.NULL
        if found is None or isinstance(found, Function | Known):
            raise Unsupported(f"an expression uses {name!r}, which is not known", "", "C320")
        return found  # type: ignore[no-any-return]

    def _key(self, node: Node, scope: Mapping[str, Any]) -> Any:
        if node.type == "member_expression":
            return text_of(inner(node, "property"))
        key = self.expression(inner(node, "index"), scope)
        if isinstance(key, t.Operation) and key.operator == "-" and len(key.operands) == 2:
            whole, back = key.operands
            owner = self.expression(inner(node, "object"), scope)
            lines = isinstance(owner, t.Call) and owner.function == ".split"
            number = back.value if isinstance(back, Const) else None
            if lines and whole == t.Attr(owner, "length") and isinstance(number, int):
                # Counted from the end.
                return -number
        if not isinstance(key, Const):
            raise Unsupported("an expression takes a part of a value by a key that is not known")
        return key.value

    def _member_expression(self, node: Node, scope: Mapping[str, Any]) -> Term:
        return t.attribute(self.expression(inner(node, "object"), scope), self._key(node, scope))

    _subscript_expression = _member_expression

    # ---- calls

    def _call_expression(self, node: Node, scope: Mapping[str, Any]) -> Term:
        function = bracketed(inner(node, "function"))
        arguments = [
            self.value(child, scope)
            for child in inner(node, "arguments").named_children
            if child.type != "comment"
        ]
        if function.type == "identifier":
            name = text_of(function)
            found = scope.get(name)
            if isinstance(found, Function):
                return self.call(found, arguments)
            if isinstance(found, Known):
                return t.Call(name, tuple(arguments))
            if name in ("parseInt", "parseFloat", "String", "Number", "Boolean", "isNaN"):
                return self._builtin(name, arguments)
        if function.type in ("function_expression", "arrow_function"):
            return self.call(function_of(function, scope), arguments)
        if function.type == "member_expression":
            method = text_of(inner(function, "property"))
            owner = inner(function, "object")
            if owner.type == "identifier" and text_of(owner) in ("JSON", "Math", "Object"):
                return self._static(f"{text_of(owner)}.{method}", arguments)
            if method in _METHODS:
                return _method(self, method, self.expression(owner, scope), arguments)
        raise Unsupported(f"a function that is not known: {excerpt(node)}")

    def _builtin(self, name: str, arguments: list[Any]) -> Term:
        of = arguments[0] if arguments else t.NULL
        if name == "String":
            return js_text(of)
        if isinstance(of, Const):
            try:
                if name in ("parseInt", "Number"):
                    return Const(int(of.value))
                if name == "parseFloat":
                    return Const(float(of.value))
            except (TypeError, ValueError):
                pass
        return t.Call(name, tuple(arguments))

    def _static(self, name: str, arguments: list[Any]) -> Term:
        return t.Call(name, tuple(arguments))

    # ---- operators

    def _ternary_expression(self, node: Node, scope: Mapping[str, Any]) -> Term:
        condition = self.expression(inner(node, "condition"), scope)
        names = ("consequence", "alternative")
        if isinstance(condition, Const):
            return self.expression(inner(node, names[0 if truthy(condition.value) else 1]), scope)
        branches = (self.expression(inner(node, name), scope) for name in names)
        return t.Operation("?:", (condition, *branches))

    def _unary_expression(self, node: Node, scope: Mapping[str, Any]) -> Term:
        operator = text_of(inner(node, "operator"))
        operand = self.expression(inner(node, "argument"), scope)
        if isinstance(operand, Const):
            if operator == "!":
                return Const(not truthy(operand.value))
            if operator == "-" and isinstance(operand.value, int | float):
                return Const(-operand.value)
            if operator == "+" and isinstance(operand.value, int | float):
                return operand
        if operator in ("!", "-"):
            return t.Operation(operator, (operand,))
        raise Unsupported(f"JavaScript that is not followed: {excerpt(node)}")

    def _binary_expression(self, node: Node, scope: Mapping[str, Any]) -> Term:
        operator = text_of(inner(node, "operator"))
        left = self.expression(inner(node, "left"), scope)
        if operator in ("&&", "||") and isinstance(left, Const):
            keep = truthy(left.value) == (operator == "||")
            return left if keep else self.expression(inner(node, "right"), scope)
        right = self.expression(inner(node, "right"), scope)
        return operation(operator, left, right)


def _method(follower: Follower, name: str, of: Term, arguments: list[Any]) -> Term:
    """A method of a value."""
    known = [item.value for item in arguments if isinstance(item, Const)]
    if isinstance(of, Const) and isinstance(of.value, str) and len(known) == len(arguments):
        folded = _string_method(name, of.value, known)
        if folded is not None:
            return folded
    items = _items(of)
    if name == "map" and items is not None and arguments and isinstance(arguments[0], Function):
        mapped = [
            follower.call(arguments[0], [item, Const(number)][: max(1, len(arguments[0].parameters))])
            for number, item in enumerate(items)
        ]
        if all(isinstance(item, Const) for item in mapped):
            return Const([item.value for item in mapped if isinstance(item, Const)])
        return t.Listed(tuple(mapped))
    if name == "join" and items is not None and len(known) == 1 and isinstance(known[0], str):
        parts: list[Term] = []
        for number, item in enumerate(items):
            parts += [Const(known[0])] if number else []
            parts.append(js_text(item))
        return t.join(parts)
    if name == "concat" and items is not None and isinstance(of, t.Listed | Const):
        rest = [_items(item) for item in arguments]
        if all(part is not None for part in rest):
            return t.Listed((*items, *(item for part in rest if part for item in part)))
    if name == "concat" and is_text(of):
        return t.join([of, *(js_text(item) for item in arguments)])
    if name == "toString" and is_text(of):
        return of
    if any(isinstance(item, Function) for item in arguments):
        raise Unsupported(f"the method {name!r} is called with a function on a value that is not known")
    return t.Call(f".{name}", (of, *arguments))


def _items(term: Any) -> list[Term] | None:
    if isinstance(term, t.Listed):
        return list(term.items)
    if isinstance(term, Const) and isinstance(term.value, list):
        return [Const(item) for item in term.value]
    return None


def _string_method(name: str, text: str, arguments: list[Any]) -> Const | None:
    if name == "split" and len(arguments) == 1 and isinstance(arguments[0], str) and arguments[0]:
        return Const(text.split(arguments[0]))
    simple: dict[str, Callable[[], str]] = {
        "toUpperCase": text.upper,
        "toLowerCase": text.lower,
        "trim": text.strip,
        "toString": lambda: text,
    }
    if name in simple and not arguments:
        return Const(str(simple[name]()))
    if name == "replace" and len(arguments) == 2 and all(isinstance(item, str) for item in arguments):
        return Const(text.replace(arguments[0], arguments[1], 1)) if "$" not in arguments[1] else None
    if name in ("startsWith", "endsWith") and len(arguments) == 1 and isinstance(arguments[0], str):
        return Const(text.startswith(arguments[0]) if name == "startsWith" else text.endswith(arguments[0]))
    if name == "indexOf" and len(arguments) == 1 and isinstance(arguments[0], str):
        return Const(text.find(arguments[0]))
    if name == "slice" and arguments and all(isinstance(item, int) for item in arguments):
        return Const(text[slice(*arguments[:2])])
    return None


__all__ = ["Follower"]

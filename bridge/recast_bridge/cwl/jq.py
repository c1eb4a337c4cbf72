"""jq programs as trees that `cwl_templates/jq.js` evaluates.

yadage asks jq for the parameters of a jq-stage, for the choice among cases and for published values. CWL has
no jq, so that a program is parsed here and evaluated by a small JavaScript function. The forms of the tree
are listed at the head of `jq.js`.

Nothing that the evaluator does not know passes the parser: an unknown function, an undefined variable and a
construct that is left out (`input`, `$ENV`, modules, `?//`, ...) are errors with their position.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from typing import Final, NoReturn, TypeAlias

Json: TypeAlias = "bool | int | float | str | list[Json] | dict[str, Json] | None"
Tree: TypeAlias = "list[Json]"

MAX_NESTING: Final = 100
"""Brackets, conditions, functions and variables may be nested this deep in a program."""

MAX_DEPTH: Final = 400
"""Depth of the arrays of a tree: the evaluator and JSON writers are recursive."""

_FUNCTION_LIST: Final = {
    "jq.js": """
        add/0 any/2 contains/1 empty/0 endswith/1 error/1 flatten/1 floor/0 from_entries/0 getpath/1
        group_by/1 has/1 join/1 keys/0 keys_unsorted/0 length/0 limit/2 ltrimstr/1 not/0 path/1 range/3
        recurse/1 reverse/0 rtrimstr/1 sort_by/1 split/1 startswith/1 to_entries/0 tojson/0
        tonumber/0 tostring/0 type/0
    """,
    "jq-update.js": "delpaths/1 setpath/2 walk/1",
    "jq-more.js": """
        abs/0 ascii_downcase/0 ascii_upcase/0 ceil/0 exp/0 explode/0 fabs/0 fromjson/0 implode/0 in/1 index/1
        indices/1 infinite/0 inside/1 isinfinite/0 isnan/0 log/0 ltrim/0 match/2 nan/0 pow/2 rindex/1 round/0
        rtrim/0 split/2 sqrt/0 sub/3 transpose/0 trim/0 until/2 while/2
    """,
}
FUNCTIONS: Final = {name: file for file, names in _FUNCTION_LIST.items() for name in names.split()}
"""Functions of the evaluator, name/arity, and the file that has each."""

FORMATS: Final = {
    "text": "jq.js",
    "json": "jq.js",
    "csv": "jq-more.js",
    "tsv": "jq-more.js",
    "sh": "jq-more.js",
    "html": "jq-more.js",
    "uri": "jq-more.js",
}
"""Formats (`@csv`) and the file that has each."""

_FORMS: Final = {"set": "jq-update.js", "modify": "jq-update.js", "update": "jq-update.js"}

# Functions that jq itself can say. An argument is put in place of the parameter, so that a body must not bind
# a variable or a function around one.
_DERIVED: Final = {
    "IN(s)": "any(s == .; .)",
    "IN(g; s)": "any(g == s; .)",
    "add(f)": "[f] | add",
    "all": "all(.[]; .)",
    "all(f)": "all(.[]; f)",
    "all(g; f)": "[limit(1; g | f | select(not))] == []",
    "any": "any(.[]; .)",
    "any(f)": "any(.[]; f)",
    "arrays": 'select(type == "array")',
    "ascii": "[.] | implode",
    "booleans": 'select(type == "boolean")',
    "capture(r)": "capture(r; null)",
    "capture(r; f)": (
        "match(r; f) | [.captures[] | select(.name != null) | {key: .name, value: .string}] | from_entries"
    ),
    "del(f)": "delpaths([path(f)])",
    "error": "error(.)",
    "first": ".[0]",
    "first(f)": "limit(1; f)",
    "flatten": "flatten(1000000000)",
    "gsub(r; s)": 'sub(r; s; "g")',
    "gsub(r; s; f)": 'sub(r; s; f + "g")',
    "isempty(f)": "[limit(1; f | true)] == []",
    "iterables": 'select(type == "array" or type == "object")',
    "last": ".[-1]",
    "last(f)": "reduce f as $x ([]; [$x]) | .[]",
    "leaf_paths": "paths(scalars)",
    "map(f)": "[.[] | f]",
    "map_values(f)": ".[] |= f",
    "match(r)": "match(r; null)",
    "max": "sort_by(.) | .[-1]",
    "max_by(f)": "sort_by(f) | .[-1]",
    "min": "sort_by(.) | .[0]",
    "min_by(f)": "sort_by(f) | .[0]",
    "nth(n)": ".[n]",
    "nth(n; f)": "first(skip(n; f))",
    "nulls": "select(. == null)",
    "numbers": 'select(type == "number")',
    "objects": 'select(type == "object")',
    "paths": "path(..) | select(length > 0)",
    "paths(f)": "path(.. | select(f)) | select(length > 0)",
    "range(n)": "range(0; n; 1)",
    "range(m; n)": "range(m; n; 1)",
    "recurse": "..",
    "recurse(f; c)": "recurse(f | select(c))",
    "scalars": 'select(type != "array" and type != "object")',
    "scan(r)": "scan(r; null)",
    "scan(r; f)": 'match(r; "g" + f) | if .captures == [] then .string else [.captures[] | .string] end',
    "select(f)": "if f then . else empty end",
    "skip(n; f)": "foreach f as $x (n; . - 1; if . < 0 then $x else empty end)",
    "sort": "sort_by(.)",
    "splits(r)": "split(r; null) | .[]",
    "splits(r; f)": "split(r; f) | .[]",
    "strings": 'select(type == "string")',
    "sub(r; s)": 'sub(r; s; "")',
    "test(r)": "test(r; null)",
    "test(r; f)": "[match(r; f)] != []",
    "toarray": 'if type == "array" then . else [.] end',
    "unique": "unique_by(.)",
    "unique_by(f)": "[group_by(f)[] | .[0]]",
    "values": "select(. != null)",
    "with_entries(f)": "to_entries | map(f) | from_entries",
}

_KEYWORDS: Final = frozenset(
    (
        *("__loc__", "and", "as", "break", "catch", "def", "elif", "else", "end", "foreach", "if", "import"),
        *("include", "label", "module", "or", "reduce", "then", "try"),
    )
)

_TOKEN: Final = re.compile(
    r"""
    (?P<number> (?: \d+ (?: \.\d* )? | \.\d+ ) (?: [eE][+-]?\d+ )? )
  | (?P<field> \.[A-Za-z_]\w* )
  | (?P<variable> \$ (?: \s* [A-Za-z_]\w* (?: ::\w+ )* )? )
  | (?P<name> [A-Za-z_]\w* (?: ::[A-Za-z_]\w* )* )
  | (?P<format> @\w+ )
  | (?P<sign> \?// (?!=) | //= | // | \.\. | [|+\-*/%!=<>]= | [.\[\](){}|,:;=<>+\-*/%?"] )
    """,
    re.VERBOSE | re.ASCII,
)
_BLANK: Final = re.compile(r"(?:\s+|#[^\n]*)*")

# Binary operators, from the weakest: pipe and comma are weaker than all of these.
_ALTERNATIVE, _ASSIGNMENT, _OR, _AND, _COMPARISON, _SUM, _PRODUCT = range(1, 8)
_STRENGTH: Final = {
    "//": _ALTERNATIVE,
    **dict.fromkeys(("=", "|=", "+=", "-=", "*=", "/=", "%=", "//="), _ASSIGNMENT),
    "or": _OR,
    "and": _AND,
    **dict.fromkeys(("==", "!=", "<", "<=", ">", ">="), _COMPARISON),
    "+": _SUM,
    "-": _SUM,
    "*": _PRODUCT,
    "/": _PRODUCT,
    "%": _PRODUCT,
}

_ESCAPES: Final = {
    '"': '"', "\\": "\\", "/": "/", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t",
}  # fmt: skip

_UNICODE_ESCAPE: Final = re.compile(
    r"\\u([dD][89abAB][0-9a-fA-F]{2})\\u([dD][c-fC-F][0-9a-fA-F]{2})|\\u([0-9a-fA-F]{4})"
)


class JqSyntaxError(ValueError):
    """A jq program that cannot be translated.

    Args:
        message: what is wrong, one line.
        position: index of the character in the program where it is, from 0.
    """

    def __init__(self, message: str, position: int) -> None:
        super().__init__(message)
        self.message = message
        self.position = position

    def __str__(self) -> str:
        return f"{self.message} (character {self.position + 1} of the jq program)"


def parse(text: str) -> Tree:
    """Translate a jq program to a tree for `jq.js`.

    Args:
        text: the program.

    Returns:
        The tree: nested lists that JSON can hold, of a bounded depth.

    Raises:
        JqSyntaxError: the program is wrong, or uses what the evaluator does not know.
    """
    parser = _Parser(text)
    tree = parser.program()
    if _depth(tree) > MAX_DEPTH:
        raise JqSyntaxError("the program is nested too deeply", 0)
    return tree


def libraries(*trees: Tree) -> tuple[str, ...]:
    """Name the files of `cwl_templates` that evaluate some trees.

    Args:
        trees: results of `parse`.

    Returns:
        File names in the order in which the files have to stand.
    """
    found = {"jq.js"}
    for tree in trees:
        for node in _nodes(tree):
            if not node or not isinstance(node[0], str):
                continue
            head, name = node[0], node[1] if len(node) > 1 else None
            found.add(_FORMS.get(head, "jq.js"))
            if isinstance(name, str) and head == "call":
                found.add(FUNCTIONS.get(name, "jq.js"))
            elif isinstance(name, str) and head in ("fmt", "str"):
                found.add(FORMATS.get(name, "jq.js"))
            elif head in ("label", "foreach"):
                found.add("jq-more.js")
    return tuple(name for name in ("jq.js", "jq-update.js", "jq-more.js") if name in found)


def _nodes(tree: Json) -> Iterator[list[Json]]:
    """All lists in a tree, without recursion."""
    waiting: list[Json] = [tree]
    while waiting:
        node = waiting.pop()
        if isinstance(node, list):
            yield node
            waiting.extend(node)


def _depth(tree: Json) -> int:
    """How deep lists are nested, without recursion."""
    deepest = 0
    level: list[Json] = [tree]
    while level:
        lists = [node for node in level if isinstance(node, list)]
        deepest += bool(lists)
        level = [item for node in lists for item in node]
    return deepest


def _substitute(tree: Json, arguments: dict[str, Tree]) -> Json:
    """A tree with the calls of some parameters replaced by trees."""
    if not isinstance(tree, list):
        return tree
    if len(tree) == 3 and tree[0] == "own" and isinstance(tree[1], str) and tree[1] in arguments:
        return arguments[tree[1]]
    return [_substitute(item, arguments) for item in tree]


@cache
def _derived() -> dict[str, tuple[list[str], str]]:
    """Derived functions by name/arity: parameters and body."""
    found = {}
    for head, body in _DERIVED.items():
        name, _, rest = head.partition("(")
        parameters = [item.strip() for item in rest.rstrip(")").split(";")] if rest else []
        found[f"{name}/{len(parameters)}"] = (parameters, body)
    return found


@cache
def _derived_tree(signature: str) -> Tree:
    """Tree of a derived function, its parameters left as calls of `p/0`."""
    parameters, body = _derived()[signature]
    return _Parser(body, [f"{name}/0" for name in parameters]).program()


class _Parser:
    """Recursive descent over one program; binary operators by strength.

    Args:
        text: the program.
        known: functions that are known from outside, `name/arity`.
    """

    def __init__(self, text: str, known: list[str] | None = None) -> None:
        self.text = text
        self.at = 0
        # Names in scope, the innermost last: f/0 for a function, $x for a variable, *x for a label.
        self.scope: list[str] = list(known or [])
        self.nesting = 0
        self.kind = ""
        self.token = ""
        self.start = 0
        self._advance()

    # Tokens: self.kind, self.token and self.start tell the next one, not yet consumed.

    def _advance(self) -> None:
        blank = _BLANK.match(self.text, self.at)
        self.start = blank.end() if blank else self.at
        if self.start >= len(self.text):
            self.kind, self.token, self.at = "end", "", self.start
            return
        match = _TOKEN.match(self.text, self.start)
        if not match:
            self._fail(f"unexpected character {self.text[self.start]!r}")
        self.kind, self.token, self.at = str(match.lastgroup), match.group(), match.end()

    def _fail(self, message: str, position: int | None = None) -> NoReturn:
        raise JqSyntaxError(message, self.start if position is None else position)

    def _unexpected(self, wanted: str) -> NoReturn:
        self._fail(f"{wanted} expected" + (f", found {self.token!r}" if self.token else " at the end"))

    def _is(self, *tokens: str) -> bool:
        return self.kind in ("sign", "name") and self.token in tokens

    def _accept(self, token: str) -> bool:
        if self._is(token):
            self._advance()
            return True
        return False

    def _expect(self, token: str) -> None:
        if not self._accept(token):
            self._unexpected(f"'{token}'")

    def _deeper(self) -> None:
        self.nesting += 1
        if self.nesting > MAX_NESTING:
            self._fail("the program is nested too deeply")

    # Expressions, from the weakest binding to the strongest.

    def program(self) -> Tree:
        tree = self._pipe()
        if self.kind != "end":
            self._unexpected("an operator")
        return tree

    def _pipe(self, comma: bool = True) -> Tree:
        """Expressions joined by `|`; without `comma` (values in an object) a comma ends it."""
        self._deeper()
        mark = len(self.scope)
        parts: list[Json] = []
        while True:
            if self._is("def"):
                parts.append(self._definition(comma))
                break
            parts.append(self._comma() if comma else self._binary(_ALTERNATIVE, comma))
            if not self._accept("|"):
                break
        if len(parts) > 2 * MAX_NESTING:
            self._fail("the program is too long")
        del self.scope[mark:]
        self.nesting -= 1
        return ["pipe", *parts] if len(parts) > 1 else _tree(parts[0])

    def _comma(self) -> Tree:
        parts: list[Json] = [self._binary(_ALTERNATIVE)]
        while self._accept(","):
            parts.append(self._binary(_ALTERNATIVE))
        return ["comma", *parts] if len(parts) > 1 else _tree(parts[0])

    def _binary(self, weakest: int, comma: bool = True) -> Tree:
        """Operators of at least a strength: `//` groups to the right; `==`, `=` and the like do not chain."""
        left = self._unary(comma)
        limit = _PRODUCT
        while self.kind in ("sign", "name"):
            operator = self.token
            strength = _STRENGTH.get(operator, 0)
            if strength < weakest or strength == 0:
                break
            if strength > limit:
                self._fail(f"'{operator}' cannot follow here; use brackets")
            self._advance()
            if strength == _ALTERNATIVE:
                self._deeper()
                right = self._binary(_ALTERNATIVE, comma)
                self.nesting -= 1
            else:
                right = self._binary(strength + 1, comma)
            left = _operation(operator, left, right)
            limit = strength - 1 if strength in (_COMPARISON, _ASSIGNMENT) else strength
        return left

    def _unary(self, comma: bool = True) -> Tree:
        """A sign, or a term that may be bound to names for all that follows."""
        if self._accept("-"):
            self._deeper()
            operand = self._binary(_PRODUCT, comma)
            self.nesting -= 1
            value = operand[1] if operand[0] == "lit" else None
            if isinstance(value, int | float) and not isinstance(value, bool):
                return ["lit", -value]
            return ["neg", operand]
        if self._is("def"):
            return self._definition(comma)
        if self._accept("label"):
            name = self._variable_name()
            self._expect("|")
            mark = len(self.scope)
            self.scope.append(f"*{name}")
            body = self._pipe(comma)
            del self.scope[mark:]
            return ["label", name, body]
        term = self._postfix()
        if not self._accept("as"):
            return term
        mark = len(self.scope)
        pattern, names = self._pattern()
        if self._is("?//"):
            self._fail("alternative patterns (?//) are not supported")
        self._expect("|")
        self.scope.extend(names)
        body = self._pipe(comma)
        del self.scope[mark:]
        return ["as", term, pattern, body]

    def _definition(self, comma: bool) -> Tree:
        """`def name(parameters): body;` and the expression that may use it."""
        self._expect("def")
        self._deeper()
        name = self._name("the name of a function")
        parameters: list[str] = []
        if self._accept("("):
            while True:
                if self.kind == "variable":
                    parameters.append("$" + self._variable_name())
                else:
                    parameters.append(self._name("a parameter"))
                if not self._accept(";"):
                    break
            self._expect(")")
        self._expect(":")
        signature = f"{name}/{len(parameters)}"
        mark = len(self.scope)
        self.scope.append(signature)
        for parameter in parameters:
            self.scope.append(f"{parameter.removeprefix('$')}/0")
            if parameter.startswith("$"):
                self.scope.append(parameter)
        body = self._pipe()
        del self.scope[mark:]
        self._expect(";")
        self.scope.append(signature)
        rest: Tree = ["id"] if self.kind == "end" else self._pipe(comma)
        del self.scope[mark:]
        self.nesting -= 1
        return ["def", signature, list(parameters), body, rest]

    def _postfix(self) -> Tree:
        """A term and the `.name`, `[...]` and `?` that follow it."""
        if self._accept("try"):
            self._deeper()
            body = self._postfix()
            handler = self._postfix() if self._accept("catch") else None
            self.nesting -= 1
            return ["try", body, handler]
        tree = self._term()
        while True:
            if self.kind == "field":
                tree = ["get", tree, ["lit", self.token[1:]]]
                self._advance()
            elif self._is(".") and self.text[self.at : self.at + 1] in ('"', "["):
                self._advance()
                tree = ["get", tree, self._string(None)] if self._is('"') else self._brackets(tree)
            elif self._is("["):
                tree = self._brackets(tree)
            elif self._accept("?"):
                tree = ["try", tree, None]
            else:
                return tree

    def _brackets(self, target: Tree) -> Tree:
        """`[]`, `[key]` or `[from:to]` behind a term."""
        self._expect("[")
        if self._accept("]"):
            return ["each", target]
        start = None if self._is(":") else self._pipe()
        if not self._accept(":"):
            self._expect("]")
            return ["get", target, start]
        end = None if self._is("]") else self._pipe()
        if start is None and end is None:
            self._unexpected("a number")
        self._expect("]")
        return ["slice", target, start, end]

    def _term(self) -> Tree:
        kind, token, start = self.kind, self.token, self.start
        if kind == "number":
            self._advance()
            return ["lit", _number(token)]
        if kind == "field":
            self._advance()
            return ["get", ["id"], ["lit", token[1:]]]
        if kind == "variable":
            name = self._variable_name()
            if f"${name}" not in self.scope:
                self._fail(f"the variable ${name} is not defined", start)
            return ["var", name]
        if kind == "format":
            self._advance()
            if token[1:] not in FORMATS:
                self._fail(f"the format {token} is not supported", start)
            return self._string(token[1:]) if self._is('"') else ["fmt", token[1:]]
        if kind == "sign":
            return self._bracketed()
        if kind == "name":
            return self._named()
        self._unexpected("an expression")

    def _bracketed(self) -> Tree:
        """A term that begins with a sign."""
        if self._is('"'):
            return self._string(None)
        if self._accept(".."):
            return ["rec"]
        if self._accept("."):
            if self._is('"'):
                return ["get", ["id"], self._string(None)]
            return ["id"]
        if self._accept("("):
            tree = self._pipe()
            self._expect(")")
            return tree
        if self._accept("["):
            if self._accept("]"):
                return ["array", None]
            tree = self._pipe()
            self._expect("]")
            return ["array", tree]
        if self._accept("{"):
            return self._object()
        self._unexpected("an expression")

    def _named(self) -> Tree:
        """A term that begins with a word."""
        if self._accept("if"):
            return self._condition()
        if self._is("reduce", "foreach"):
            return self._fold()
        if self._accept("break"):
            start = self.start
            name = self._variable_name()
            if f"*{name}" not in self.scope:
                self._fail(f"the label ${name} is not defined", start)
            return ["break", name]
        if self.token in _KEYWORDS:
            self._unexpected("an expression")
        return self._call()

    def _call(self) -> Tree:
        name, start = self.token, self.start
        self._advance()
        arguments: list[Tree] = []
        if self._accept("("):
            arguments.append(self._pipe())
            while self._accept(";"):
                arguments.append(self._pipe())
            self._expect(")")
        signature = f"{name}/{len(arguments)}"
        if signature in self.scope:
            return ["own", signature, [*arguments]]
        if not arguments and name in ("true", "false", "null"):
            return ["lit", {"true": True, "false": False, "null": None}[name]]
        if signature in FUNCTIONS:
            return ["call", signature, [*arguments]]
        if signature in _derived():
            parameters = [f"{parameter}/0" for parameter in _derived()[signature][0]]
            tree = _substitute(_derived_tree(signature), dict(zip(parameters, arguments, strict=True)))
            return _tree(tree)
        self._fail(f"the function {signature} is not known here", start)

    def _condition(self) -> Tree:
        """`if` behind its word, up to `end`."""
        self._deeper()
        condition = self._pipe()
        self._expect("then")
        chosen = self._pipe()
        other: Tree = ["id"]
        if self._accept("elif"):
            other = self._condition()
        else:
            if self._accept("else"):
                other = self._pipe()
            self._expect("end")
        self.nesting -= 1
        return ["if", condition, chosen, other]

    def _fold(self) -> Tree:
        """`reduce` and `foreach`."""
        word = self.token
        self._advance()
        source = self._postfix()
        self._expect("as")
        pattern, names = self._pattern()
        self._expect("(")
        start = self._pipe()
        self._expect(";")
        mark = len(self.scope)
        self.scope.extend(names)
        update = self._pipe()
        extract: Tree = ["id"]
        if word == "foreach" and self._accept(";"):
            extract = self._pipe()
        del self.scope[mark:]
        self._expect(")")
        return [word, source, pattern, start, update, *([extract] if word == "foreach" else [])]

    def _object(self) -> Tree:
        """An object behind its opening brace; a comma may stand before the closing one."""
        pairs: list[Json] = []
        self._deeper()
        while not self._is("}"):
            key, value = self._pair()
            pairs.append([key, value])
            if not self._accept(","):
                break
        self._expect("}")
        self.nesting -= 1
        return ["object", pairs]

    def _pair(self) -> tuple[Tree, Tree]:
        start = self.start
        key: Tree
        short: Tree | None
        if self.kind == "variable":
            name = self._variable_name()
            if f"${name}" not in self.scope:
                self._fail(f"the variable ${name} is not defined", start)
            return ["lit", name], ["var", name]
        if self._is("("):
            self._advance()
            key, short = self._pipe(), None
            self._expect(")")
        elif self.kind == "format" or self._is('"'):
            key = self._term()
            short = ["get", ["id"], key]
        else:
            key = ["lit", self._name("a key", keywords=True)]
            short = ["get", ["id"], key]
        if self._accept(":"):
            return key, self._pipe(comma=False)
        if short is None:
            self._unexpected("':'")
        return key, short

    def _pattern(self) -> tuple[Json, list[str]]:
        """A pattern behind `as`, and the variables that it binds."""
        self._deeper()
        names: list[str] = []
        parts: list[Json] = []
        if self.kind == "variable":
            name = self._variable_name()
            self.nesting -= 1
            return name, [f"${name}"]
        mark = len(self.scope)
        if self._accept("["):
            while True:
                part, inner = self._pattern()
                parts.append(part)
                names.extend(inner)
                if not self._accept(","):
                    break
            self._expect("]")
            tree: Tree = ["array", parts]
        elif self._accept("{"):
            while True:
                part, inner = self._pattern_pair()
                parts.append(part)
                names.extend(inner)
                self.scope.extend(inner)
                if not self._accept(","):
                    break
            self._expect("}")
            tree = ["object", parts]
        else:
            self._unexpected("a variable or a pattern")
        del self.scope[mark:]
        self.nesting -= 1
        return tree, names

    def _pattern_pair(self) -> tuple[Json, list[str]]:
        bound: str | None = None
        key: Tree
        if self.kind == "variable":
            bound = self._variable_name()
            key = ["lit", bound]
        elif self._accept("("):
            key = self._pipe()
            self._expect(")")
        elif self._is('"'):
            key = self._string(None)
        else:
            key = ["lit", self._name("a key", keywords=True)]
        names = [] if bound is None else [f"${bound}"]
        if not self._accept(":"):
            if bound is None:
                self._unexpected("':'")
            return [key, bound, None], names
        pattern, inner = self._pattern()
        return [key, bound, pattern], names + inner

    # Words and strings.

    def _name(self, what: str, *, keywords: bool = False) -> str:
        if self.kind != "name" or (self.token in _KEYWORDS and not keywords) or "::" in self.token:
            self._unexpected(what)
        name = self.token
        self._advance()
        return name

    def _variable_name(self) -> str:
        name = self.token[1:].strip()
        if self.kind != "variable" or not name:
            self._unexpected("a variable")
        if name in ("ENV", "__loc__", "__prog_args") or "::" in name:
            self._fail(f"${name} is not supported")
        self._advance()
        return name

    def _string(self, form: str | None) -> Tree:
        """A string whose opening quote is the next token, with what is interpolated into it."""
        opening = self.start
        parts: list[Json] = []
        literal = ""
        self._deeper()
        while True:
            stop = self.at
            while stop < len(self.text) and self.text[stop] not in '"\\':
                stop += 1
            literal += self.text[self.at : stop]
            if stop >= len(self.text):
                self._fail("the string has no end", opening)
            if self.text[stop] == '"':
                self.at = stop + 1
                self._advance()
                break
            if self.text[stop + 1 : stop + 2] != "(":
                piece, self.at = self._escape(stop)
                literal += piece
                continue
            self.at = stop + 2
            self._advance()
            inner = self._pipe()
            if not self._is(")"):
                self._unexpected("')'")
            # Behind the token ')' stands the rest of the string, at self.at; no further token has been read.
            parts.extend(([literal] if literal else []) + [[inner]])
            literal = ""
        self.nesting -= 1
        if not parts and form is None:
            return ["lit", literal]
        return ["str", form, parts + ([literal] if literal else [])]

    def _escape(self, at: int) -> tuple[str, int]:
        """The character that a backslash introduces, and the place behind it."""
        short = self.text[at + 1 : at + 2]
        if short in _ESCAPES:
            return _ESCAPES[short], at + 2
        # Two escapes of four digits may be the halves of one character.
        match = _UNICODE_ESCAPE.match(self.text, at)
        if match and match.group(3):
            code = int(match.group(3), 16)
            return ("�" if 0xD800 <= code < 0xE000 else chr(code)), match.end()
        if match:
            high, low = int(match.group(1), 16), int(match.group(2), 16)
            return chr(0x10000 + ((high - 0xD800) << 10) + low - 0xDC00), match.end()
        self._fail("unknown escape in a string", at)


def _operation(operator: str, left: Tree, right: Tree) -> Tree:
    """The tree of a binary operator."""
    if operator in ("and", "or"):
        return [operator, left, right]
    if operator == "//":
        return ["alt", left, right]
    if operator == "=":
        return ["set", left, right]
    if operator == "|=":
        return ["modify", left, right]
    if _STRENGTH[operator] == _ASSIGNMENT:
        return ["update", operator.removesuffix("="), left, right]
    return ["op", operator, left, right]


def _number(token: str) -> int | float:
    """A number as JSON can hold it: what is too large is the largest double."""
    if token.isdigit():
        return int(token)
    value = min(float(token), 1.7976931348623157e308)
    return int(value) if value.is_integer() and abs(value) < 2**53 else value


def _tree(value: Json) -> Tree:
    """A value known to be a tree."""
    assert isinstance(value, list)
    return value

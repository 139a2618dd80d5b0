"""From tokens to statements: calls with their arguments and blocks, assignments and methods; the rest as raw values."""

from __future__ import annotations

from pipelinegen.pipelines.read.jenkins.tokens import Broken, Token, tokens_of
from pipelinegen.pipelines.read.jenkins.values import (
    Assign,
    Branch,
    Call,
    Method,
    Pairs,
    Quoted,
    Raw,
    Sequence,
    Statement,
    Value,
    joined,
    words_of,
)

_CONTROL = frozenset({"if", "while", "for", "switch", "catch", "else", "try", "finally", "do", "synchronized"})
_STARTS = frozenset({"text", "name", "number"})
_BINARY = frozenset(
    [
        "+",
        "-",
        "*",
        "/",
        "%",
        "==",
        "!=",
        "<",
        ">",
        "<=",
        ">=",
        "&&",
        "||",
        "?:",
        "=~",
        "==~",
        "<=>",
        "<<",
        ">>",
        "&",
        "|",
        "^",
        "..",
        "..<",
        "**",
        "in",
        "instanceof",
        "as",
        "?",
        ":",
    ]
)
MAX_DEPTH = 200


def parse(text: str) -> list[Statement]:
    """The statements of a file. Raises Broken."""
    parser = _Parser(tokens_of(text))
    found = parser.statements()
    if parser.token.kind != "end":
        raise Broken(f"{parser.token.value!r} closes nothing", parser.token.line)
    return found


class _Parser:
    """The state of one reading."""

    def __init__(self, tokens: list[Token]) -> None:
        self.tokens = tokens
        self.at = 0
        self.depth = 0

    @property
    def token(self) -> Token:
        return self.tokens[self.at]

    def peek(self, ahead: int = 1) -> Token:
        return self.tokens[min(self.at + ahead, len(self.tokens) - 1)]

    def take(self) -> Token:
        token = self.token
        self.at = min(self.at + 1, len(self.tokens) - 1)
        return token

    def lines(self) -> None:
        while self.token.kind == "line":
            self.at += 1

    def is_mark(self, *values: str) -> bool:
        return self.token.kind == "mark" and self.token.value in values

    def statements(self) -> list[Statement]:
        """Up to the brace that closes the block, or the end."""
        found: list[Statement] = []
        while True:
            while self.token.kind == "line" or self.is_mark(";"):
                self.at += 1
            if self.token.kind == "end" or self.is_mark("}"):
                return found
            before = self.at
            found += self.statement()
            if self.at == before:
                self.at += 1

    def block(self) -> list[Statement]:
        opening = self.take()
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise Broken(f"nested more than {MAX_DEPTH} deep", opening.line)
        self._parameters()
        found = self.statements()
        if not self.is_mark("}"):
            raise Broken("this { is never closed", opening.line)
        self.take()
        self.depth -= 1
        return found

    def _parameters(self) -> None:
        """`a, b ->` at the beginning of a closure."""
        ahead = 0
        while self.peek(ahead).kind in {"name", "line"} or self.peek(ahead).value in {",", "[", "]", "="}:
            ahead += 1
        if self.peek(ahead).value == "->" and self.peek(ahead).kind == "mark":
            self.at += ahead + 1

    def statement(self) -> list[Statement]:
        token = self.token
        if token.kind == "mark" and token.value == "@":
            return self._annotation()
        if token.kind == "name" and token.value in _CONTROL:
            return [self._control()]
        if token.kind == "name" and token.value in {"import", "package"}:
            words = []
            while self.token.kind not in {"line", "end"} and not self.is_mark(";"):
                words.append(self.take().value)
            return [Raw(" ".join(words), token.line)]
        if token.kind == "name" and token.value in {"return", "throw", "case", "default", "break", "continue"}:
            return self._returned()
        declared = self._declared()
        if declared is not None:
            return declared
        value = self.expression(command=True)
        if self.is_mark("=", "+=") and self.token.value:
            self.take()
            self.lines()
            name = value.name if isinstance(value, Call) else value.words if isinstance(value, Raw) else ""
            return [Assign(name, self.expression(command=True), token.line)]
        return [value if isinstance(value, Call | Raw) else Raw("", token.line, [value])]

    def _annotation(self) -> list[Statement]:
        line = self.take().line
        name = self.take().value
        call = Call(f"@{name}", line)
        if self.is_mark("("):
            self._arguments(call)
        if self.token.kind == "name" and self.token.value == "_":
            self.take()
        return [call]

    def _returned(self) -> list[Statement]:
        token = self.take()
        if self.token.kind in {"line", "end"} or self.is_mark(";", "}", ":"):
            if self.is_mark(":"):
                self.take()
            return []
        value = self.expression(command=token.value == "return")
        if self.is_mark(":"):
            self.take()
        return [value] if isinstance(value, Call | Raw) else [Raw("", token.line, [value])]

    def _control(self) -> Branch:
        token = self.take()
        self.lines()
        condition: Value | None = None
        if self.is_mark("(") and token.value not in {"else", "try", "finally", "do"}:
            condition = self._condition()
            self.lines()
        if self.is_mark("{"):
            return Branch(token.value, token.line, self.block(), condition)
        return Branch(token.value, token.line, self.statement(), condition)

    def _condition(self) -> Value:
        """What stands in the brackets of if, for and while."""
        opening = self.take()
        parts: list[Value] = []
        words: list[str] = []
        while not self.is_mark(")"):
            if self.token.kind == "end":
                raise Broken("this ( is never closed", opening.line)
            if self.token.kind == "line" or self.is_mark(";", ",", "=", "++", "--", "+=", ":"):
                self.take()
                continue
            before = self.at
            value = self.expression()
            parts.append(value)
            words.append(words_of(value))
            if self.at == before:
                self.take()
        self.take()
        return Raw(" ".join(words), opening.line, parts)

    def _declared(self) -> list[Statement] | None:
        """`def name = …`, `String name = …`, `def name(…) { … }`."""
        ahead = 0
        while self.peek(ahead).kind == "name" and self.peek(ahead).value in {"final", "static", "private", "public"}:
            ahead += 1
        first = self.peek(ahead)
        if first.kind != "name" or self.peek(ahead + 1).kind not in {"name", "mark"}:
            return None
        name = self.peek(ahead + 1)
        if name.kind == "mark":
            if first.value == "def" and name.value == "(":
                return self._several(ahead)
            return None
        after = self.peek(ahead + 2)
        if after.kind == "mark" and after.value == "=":
            self.at += ahead + 3
            self.lines()
            return [Assign(name.value, self.expression(command=True), first.line)]
        if first.value in {"def", "void", "String", "boolean", "Boolean", "int", "Map", "List", "Object"}:
            if after.kind == "mark" and after.value == "(":
                return self._method(ahead, name)
            self.at += ahead + 2
            return []
        return None

    def _several(self, ahead: int) -> list[Statement]:
        """`def (a, b) = …`."""
        line = self.token.line
        self.at += ahead + 1
        while not self.is_mark(")") and self.token.kind != "end":
            self.take()
        self.take()
        if self.is_mark("="):
            self.take()
            return [Assign("", self.expression(), line)]
        return []

    def _method(self, ahead: int, name: Token) -> list[Statement]:
        start = self.at
        self.at += ahead + 2
        depth = 0
        names: list[str] = []
        while self.token.kind != "end":
            depth += self.is_mark("(") - self.is_mark(")")
            # The last name before a comma, a default or the end is the parameter's; those before it are its type.
            if self.token.kind == "name" and self.peek().value in {",", ")", "="}:
                names.append(self.token.value)
            self.take()
            if not depth:
                break
        self.lines()
        if self.is_mark("{"):
            return [Method(name.value, self.block(), name.line, tuple(names))]
        self.at = start + ahead + 1
        value = self.expression(command=True)
        return [value] if isinstance(value, Call | Raw) else []

    def expression(self, *, command: bool = False) -> Value:
        """A value, with what operators join to it."""
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise Broken(f"nested more than {MAX_DEPTH} deep", self.token.line)
        left = self._operand(command=command)
        while True:
            ahead = 0
            while self.peek(ahead).kind == "line":
                ahead += 1
            token = self.peek(ahead)
            joins = token.value in _BINARY and token.kind in {"mark", "name"}
            # An operator at the beginning of a line joins only where nothing else could be meant.
            if not joins or (ahead and token.value not in {"&&", "||", "?:", "?", ":"}):
                break
            if token.value == ":" and not self._in_choice(left):
                break
            self.at += ahead + 1
            self.lines()
            left = joined(left, token.value, self._operand())
        self.depth -= 1
        return left

    @staticmethod
    def _in_choice(left: Value) -> bool:
        return isinstance(left, Raw) and "?" in left.words

    def _operand(self, *, command: bool = False) -> Value:
        token = self.token
        if token.kind == "text":
            self.take()
            return self._after(Quoted(token.value, token.line, token.interpolated, token.lines))
        if token.kind == "number":
            self.take()
            return Raw(token.value, token.line)
        if token.kind == "name" and token.value == "new":
            self.take()
            return self._operand()
        if token.kind == "name":
            return self._path(command=command)
        if self.is_mark("["):
            return self._after(self._list())
        if self.is_mark("("):
            self.take()
            self.lines()
            value: Value = Raw("", token.line) if self.is_mark(")") else self.expression()
            self.lines()
            if self.is_mark(")"):
                self.take()
            return self._after(value)
        if self.is_mark("{"):
            return Call("closure", token.line, block=self.block())
        if self.is_mark("!", "-", "+", "~", "*", "++", "--", "&"):
            self.take()
            inner = self._operand()
            return Raw(f"{token.value}{words_of(inner)}", token.line, [inner])
        return Raw("", token.line)

    def _path(self, *, command: bool) -> Value:
        token = self.take()
        call = Call(token.value, token.line)
        called = False
        while True:
            if self.is_mark(".", "?.", "*.", ".&") or self._chained():
                self.lines()
                self.take()
                self.lines()
                name = self.take()
                step = name.value
                if called:
                    call = Call(f"{call.name}.{step}", name.line, on=call)
                    called = False
                else:
                    call.name = f"{call.name}.{step}"
            elif self.is_mark("("):
                if called:
                    call = Call(f"{call.name}.call", call.line, on=call)
                self._arguments(call)
                called = True
            elif self.is_mark("{") and (command or called):
                call.block = self.block()
                called = True
            elif self.is_mark("[") and not (command and self._is_argument()):
                index = self._list()
                call = Call(f"{call.name}[]", call.line, on=call if called else None, arguments=[index])
            else:
                break
        if command and not called and self._is_argument():
            self._bare_arguments(call)
            called = True
        return call if called or "[]" in call.name else Raw(call.name, call.line)

    def _chained(self) -> bool:
        ahead = 0
        while self.peek(ahead).kind == "line":
            ahead += 1
        return bool(ahead) and self.peek(ahead).kind == "mark" and self.peek(ahead).value in {".", "?."}

    def _after(self, value: Value) -> Value:
        """Methods called on a value: `['a', 'b'].each { … }`, `'x'.trim()`."""
        while self.is_mark(".", "?.") or self._chained():
            self.lines()
            self.take()
            name = self.take()
            call = Call(f"value.{name.value}", name.line, arguments=[value])
            if self.is_mark("("):
                self._arguments(call)
            if self.is_mark("{"):
                call.block = self.block()
            if isinstance(value, Quoted) and name.value in {"stripIndent", "trim", "stripMargin", "toString"}:
                continue
            value = call
        return value

    def _is_argument(self) -> bool:
        token = self.token
        if token.kind in {"text", "number"}:
            return True
        if token.kind == "name":
            return token.value not in {"in", "instanceof", "as"}
        return token.kind == "mark" and token.value == "["

    def _bare_arguments(self, call: Call) -> None:
        while True:
            self._argument(call)
            if not self.is_mark(","):
                break
            self.take()
            self.lines()
        if self.is_mark("{"):
            call.block = self.block()

    def _arguments(self, call: Call) -> None:
        opening = self.take()
        while not self.is_mark(")"):
            if self.token.kind == "end":
                raise Broken("this ( is never closed", opening.line)
            if self.token.kind == "line" or self.is_mark(","):
                self.take()
                continue
            before = self.at
            self._argument(call)
            if self.at == before:
                self.take()
        self.take()

    def _argument(self, call: Call) -> None:
        key = self._key()
        if key is not None:
            call.named[key] = self.expression()
        else:
            call.arguments.append(self.expression())
        # `step([$class: 'X', credentialsId: 'y'])`: a mapping stands for named arguments.
        if call.arguments and isinstance(call.arguments[-1], Pairs):
            call.named |= call.arguments[-1].entries

    def _key(self) -> str | None:
        """The name before a colon; consumed."""
        token, following = self.token, self.peek()
        if token.kind in _STARTS and following.kind == "mark" and following.value == ":":
            self.at += 2
            self.lines()
            return token.value
        return None

    def _list(self) -> Value:
        opening = self.take()
        items: list[Value] = []
        entries: dict[str, Value] = {}
        while not self.is_mark("]"):
            if self.token.kind == "end":
                raise Broken("this [ is never closed", opening.line)
            if self.token.kind == "line" or self.is_mark(",", ":"):
                self.take()
                continue
            before = self.at
            key = self._key()
            if key is not None:
                entries[key] = self.expression()
            else:
                items.append(self.expression())
            if self.at == before:
                self.take()
        self.take()
        return Pairs(entries, opening.line) if entries and not items else Sequence(items, opening.line)

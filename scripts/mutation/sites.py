"""Single-point mutations of the bot: one changed line each. Texts, annotations, decorators and log calls stay."""

import ast
import re
from dataclasses import dataclass
from pathlib import Path

_PAIRS = (("==", "!="), ("is", "is not"), ("in", "not in"), ("<", "<="), (">", ">="), ("and", "or"))
_OPPOSITES = {old: new for one, other in _PAIRS for old, new in ((one, other), (other, one))}
_NEGATIONS = (ast.Eq, ast.NotEq, ast.Is, ast.IsNot, ast.In, ast.NotIn)
_OPERATOR = re.compile(r"\bnot\s+in\b|\bis\s+not\b|\bis\b|\bin\b|==|!=|<=|>=|<|>")
_BOOLEAN = re.compile(r"\b(and|or)\b")
_LOGGERS = {"_log", "logging"}
_KINDS = ("limit", "handler", "call", "branches", "returned")
_SMALL = 10  # a whole number below this grows by one, others double


@dataclass(frozen=True, slots=True, order=True)
class Mutation:
    """A line of a file, and the text that takes its place.

    A test reaches it if it runs one of `lines` or, if these run at import, a line of a function that uses one of
    `names`.
    """

    file: str
    line: int
    what: str
    before: str
    after: str
    lines: tuple[int, ...] = ()
    names: tuple[str, ...] = ()

    @property
    def kind(self) -> str:
        """What is broken."""
        return next((kind for kind in _KINDS if kind in self.what), "condition")


def mutations_of(root: Path) -> list[Mutation]:
    """Return every mutation of the bot, in an order that depends on nothing but its source."""
    found = set[Mutation]()
    for path in product_files(root):
        finder = _Finder(str(path.relative_to(root)), path.read_text())
        found.update(finder.found())
    return sorted(found)


def product_files(root: Path) -> list[Path]:
    """Return the modules of the bot without the simulators and the demo."""
    apart = {root / "bot/sim", root / "bot/demo"}
    return sorted(path for path in (root / "bot").rglob("*.py") if apart.isdisjoint(path.parents))


class _Finder(ast.NodeVisitor):
    def __init__(self, file: str, source: str) -> None:
        self._file, self._source = file, source
        self._lines = source.splitlines()
        self._found: list[Mutation] = []
        self._statement: ast.stmt = ast.Pass(lineno=1, col_offset=0)
        self._scopes: list[ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef] = []
        self._header: ast.FunctionDef | ast.AsyncFunctionDef | None = None

    def found(self) -> list[Mutation]:
        """Return the mutations of the module."""
        self.visit(ast.parse(self._source))
        return self._found

    def visit(self, node: ast.AST) -> None:
        """Skip what only people and type checkers read; keep the statement of the rest."""
        if isinstance(node, ast.stmt):
            if _is_skipped(node):
                return
            outer, self._statement = self._statement, node
            super().visit(node)
            self._statement = outer
        else:
            super().visit(node)

    def visit_FunctionDef(self, node: ast.FunctionDef | ast.AsyncFunctionDef) -> None:
        """Defaults belong to the function, but are computed at import."""
        self._header = node
        for default in [*node.args.defaults, *node.args.kw_defaults]:
            if default is not None:
                self.visit(default)
        self._header = None
        self._scopes.append(node)
        for statement in node.body:
            self.visit(statement)
        self._scopes.pop()

    visit_AsyncFunctionDef = visit_FunctionDef  # noqa: N815 - ast's name

    def visit_ClassDef(self, node: ast.ClassDef) -> None:
        self._scopes.append(node)
        for statement in node.body:
            self.visit(statement)
        self._scopes.pop()

    def visit_AnnAssign(self, node: ast.AnnAssign) -> None:
        if node.value is not None:
            self.visit(node.value)

    def visit_Subscript(self, node: ast.Subscript) -> None:
        """Skip types such as `Literal[1]`."""
        if not (isinstance(node.value, ast.Name) and node.value.id[0].isupper() and not node.value.id.isupper()):
            self.generic_visit(node)

    def visit_Expr(self, node: ast.Expr) -> None:
        call = node.value.value if isinstance(node.value, ast.Await) else node.value
        if isinstance(call, ast.Call):
            what = "awaited call dropped" if isinstance(node.value, ast.Await) else "call dropped"
            self._insert(node, "if 0: ", what)
        self.generic_visit(node)

    def visit_Return(self, node: ast.Return) -> None:
        value = node.value
        if value is not None and not (isinstance(value, ast.Constant) and value.value is None):
            function = next(scope for scope in reversed(self._scopes) if not isinstance(scope, ast.ClassDef))
            if not (isinstance(function.returns, ast.Name) and function.returns.id == "bool"):
                self._insert(value, "None if 1 else ", "None returned")
            elif not isinstance(value, ast.Constant | ast.UnaryOp) and not _is_negatable(value):
                self._negate(value, "opposite returned")
        self.generic_visit(node)

    def visit_If(self, node: ast.If | ast.IfExp) -> None:
        self._flip(node.test, "branches swapped" if node.orelse else "condition flipped")
        self.generic_visit(node)

    visit_IfExp = visit_If  # noqa: N815 - ast's name

    def visit_While(self, node: ast.While) -> None:
        self._flip(node.test, "condition flipped")
        self.generic_visit(node)

    def visit_comprehension(self, node: ast.comprehension) -> None:
        for test in node.ifs:
            self._flip(test, "condition flipped")
        self.generic_visit(node)

    def visit_Compare(self, node: ast.Compare) -> None:
        for left, right in zip([node.left, *node.comparators], node.comparators, strict=False):
            self._between(left, right, _OPERATOR)
        self.generic_visit(node)

    def visit_BoolOp(self, node: ast.BoolOp) -> None:
        for left, right in zip(node.values, node.values[1:], strict=False):
            self._between(left, right, _BOOLEAN)
        self.generic_visit(node)

    def visit_UnaryOp(self, node: ast.UnaryOp) -> None:
        if isinstance(node.op, ast.Not) and node.lineno == node.operand.lineno:
            self._replace(node.lineno, node.col_offset, node.operand.col_offset, "", "not removed")
        self.generic_visit(node)

    def visit_Constant(self, node: ast.Constant) -> None:
        value = node.value
        if isinstance(value, bool):
            self._put(node, str(not value), "constant flipped")
        elif isinstance(value, int | float):
            changed = value + 1 if value == 0 or (isinstance(value, int) and value < _SMALL) else value * 2
            self._put(node, repr(changed), f"limit {value} changed to {changed}")

    def visit_ExceptHandler(self, node: ast.ExceptHandler) -> None:
        if node.type is not None:
            outer, self._statement = self._statement, ast.Pass(lineno=node.lineno)  # not all that runs the `try`
            self._put(node.type, "()", "handler dropped")
            self._statement = outer
            if len(node.body) == 1 and not isinstance(node.body[0], ast.Pass | ast.Try | ast.If | ast.With | ast.For):
                self._insert(node.body[0], "if 0: ", "body of a handler dropped")
        for statement in node.body:
            self.visit(statement)

    def visit_Call(self, node: ast.Call) -> None:
        name = ast.unparse(node.func)
        if name in {"suppress", "contextlib.suppress"} and node.args:
            self._replace(node.lineno, node.args[0].col_offset, node.args[-1].end_col_offset, "", "handler dropped")
        if name != "cast":
            self.generic_visit(node)

    def _flip(self, test: ast.expr, what: str) -> None:
        if not isinstance(test, ast.Constant | ast.UnaryOp) and not _is_negatable(test):  # those are sites already
            self._negate(test, what)

    def _negate(self, node: ast.expr, what: str) -> None:
        if isinstance(node, ast.Name | ast.Attribute | ast.Call | ast.Compare):
            self._insert(node, "not ", what)
        else:
            self._put(node, f"not ({ast.get_source_segment(self._source, node)})", what)

    def _between(self, left: ast.expr, right: ast.expr, operator: re.Pattern[str]) -> None:
        line = self._lines[right.lineno - 1].encode()
        start = (left.end_col_offset or 0) if left.end_lineno == right.lineno else 0
        gap = line[start : right.col_offset].decode()
        if match := operator.search(gap):
            begin = start + len(gap[: match.start()].encode())
            new = _OPPOSITES[" ".join(match[0].split())]
            self._replace(right.lineno, begin, begin + len(match[0]), new, f"{match[0]} changed to {new}")

    def _put(self, node: ast.expr, text: str, what: str) -> None:
        if node.lineno == node.end_lineno:
            self._replace(node.lineno, node.col_offset, node.end_col_offset, text, what)

    def _insert(self, node: ast.expr | ast.stmt, text: str, what: str) -> None:
        self._replace(node.lineno, node.col_offset, node.col_offset, text, what)

    def _replace(self, number: int, start: int, end: int | None, text: str, what: str) -> None:
        before = self._lines[number - 1]
        line = before.encode()
        after = (line[:start] + text.encode() + line[end:]).decode()
        lines, names = self._reached(number)
        self._found.append(Mutation(self._file, number, what, before, after, lines, names))

    def _reached(self, number: int) -> tuple[tuple[int, ...], tuple[str, ...]]:
        if self._header is not None:
            return (self._header.body[-1].lineno,), ()
        if any(not isinstance(scope, ast.ClassDef) for scope in self._scopes):
            return tuple(sorted({number, self._statement.lineno})), ()
        match self._statement:
            case ast.Assign(targets=named):
                pass
            case ast.AnnAssign(target=target):
                named = [target]
            case other:
                named = [node for node in ast.walk(other) if isinstance(node, ast.expr)]
        names = {node.id for one in named for node in ast.walk(one) if isinstance(node, ast.Name)}
        return (), tuple(sorted(names | {scope.name for scope in self._scopes}))


def is_change(root: Path, mutation: Mutation) -> bool:
    """Return whether the module is still Python, and another program."""
    source = (root / mutation.file).read_text()
    lines = source.splitlines()
    lines[mutation.line - 1] = mutation.after
    try:
        return ast.dump(ast.parse("\n".join(lines))) != ast.dump(ast.parse(source))
    except SyntaxError:
        return False


def users(root: Path, names: set[str]) -> set[tuple[str, int]]:
    """Return the lines of functions that use one of these names."""
    return {
        (str(path.relative_to(root)), node.lineno)
        for path in product_files(root)
        for function in ast.walk(ast.parse(path.read_text()))
        if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef)
        for statement in function.body
        for node in ast.walk(statement)
        if (isinstance(node, ast.Name) and node.id in names) or (isinstance(node, ast.Attribute) and node.attr in names)
    }


def _is_negatable(node: ast.expr) -> bool:
    return isinstance(node, ast.Compare) and len(node.ops) == 1 and isinstance(node.ops[0], _NEGATIONS)


def _is_skipped(node: ast.stmt) -> bool:
    match node:
        case ast.Expr(value=ast.Call(func=ast.Attribute(value=ast.Name(id=name)))):
            return name in _LOGGERS
        case ast.If(test=ast.Name(id="TYPE_CHECKING") | ast.Compare(left=ast.Name(id="__name__"))):
            return True
        case ast.Expr(value=ast.Call(func=ast.Name(id="assert_never"))) | ast.Assert():
            return True
    return False

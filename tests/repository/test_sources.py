"""Rules about the code that no linter has: who may ask for the time, sizes, where output goes."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("connectors", "engine", "sandbox")
FILE_LINES_MAX = 400
FUNCTION_LINES_MAX = 50
TABLE_LINES_MAX = 100

CLOCKS = {"engine/clock.py", "sandbox/clock.py"}
"""Where the machine's clock is read. Everything else is given a clock."""

TALKERS = (
    "engine/cli.py",
    "engine/commands/",
    "engine/init/",
    "engine/demo/",
    "sandbox/app.py",
    "sandbox/__main__.py",
)
"""What a person runs and reads: the only places that print."""

PROCESSES = ("engine/engine_process.py", "engine/receiver_process.py")
"""The two processes' own beginnings, which may still print to stderr before logging is set up."""

SQL_LIBRARIES = {"sqlalchemy", "alembic", "psycopg"}
NOW = {("datetime", "now"), ("datetime", "utcnow"), ("datetime", "today"), ("date", "today")}


@dataclass(frozen=True, slots=True)
class Source:
    path: str
    text: str
    tree: ast.Module

    def at(self, node: ast.AST) -> str:
        return f"{self.path}:{getattr(node, 'lineno', 1)}"

    def nodes(self, *kinds: type[ast.AST]) -> Iterator[ast.AST]:
        return (node for node in ast.walk(self.tree) if isinstance(node, kinds))


def read(path: Path) -> Source:
    text = path.read_text(encoding="utf-8")
    return Source(path.relative_to(ROOT).as_posix(), text, ast.parse(text))


@cache
def sources() -> tuple[Source, ...]:
    found = [path for package in PACKAGES for path in sorted((ROOT / package).rglob("*.py"))]
    assert len(found) > 100, "the packages were not found"
    return tuple(read(path) for path in found)


def under(path: str, places: tuple[str, ...]) -> bool:
    return any(
        path == place or (place.endswith("/") and path.startswith(place)) for place in places
    )


def calls_of_now(source: Source) -> list[str]:
    return [
        source.at(node)
        for node in source.nodes(ast.Attribute)
        if isinstance(node, ast.Attribute)
        and isinstance(node.value, ast.Name | ast.Attribute)
        and (last_name(node.value), node.attr) in NOW
    ] + [
        source.at(node)
        for node in source.nodes(ast.Attribute)
        if isinstance(node, ast.Attribute)
        and isinstance(node.value, ast.Name)
        and (node.value.id, node.attr) in {("time", "time"), ("time", "time_ns")}
    ]


def last_name(node: ast.Name | ast.Attribute) -> str:
    return node.id if isinstance(node, ast.Name) else node.attr


def prints(source: Source) -> list[str]:
    return [
        source.at(node)
        for node in source.nodes(ast.Call)
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id == "print"
    ]


def bare_excepts(source: Source) -> list[str]:
    return [
        source.at(node)
        for node in source.nodes(ast.ExceptHandler)
        if isinstance(node, ast.ExceptHandler) and node.type is None
    ]


def long_functions(source: Source) -> list[str]:
    found = []
    for node in source.nodes(ast.FunctionDef, ast.AsyncFunctionDef):
        assert isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        lines = (node.end_lineno or node.lineno) - node.lineno + 1 - docstring_lines(node)
        if lines > (TABLE_LINES_MAX if is_table(node) else FUNCTION_LINES_MAX):
            found.append(f"{source.at(node)} {node.name}: {lines} lines")
    return found


def is_table(node: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    """Declarations one after the other, with nothing to follow: as easy to read as data."""
    turns = (ast.If, ast.For, ast.While, ast.Try, ast.With, ast.Match, ast.IfExp, ast.comprehension)
    return not any(isinstance(child, turns) for child in ast.walk(node))


def docstring_lines(node: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """What explains a function does not count against it."""
    first = node.body[0]
    if ast.get_docstring(node) is None:
        return 0
    return (first.end_lineno or first.lineno) - first.lineno + 1


def long_file(source: Source) -> list[str]:
    lines = source.text.count("\n")
    return [f"{source.path}: {lines} lines"] if lines > FILE_LINES_MAX else []


def undocumented(source: Source) -> list[str]:
    return [source.path] if source.tree.body and not ast.get_docstring(source.tree) else []


def module_state(source: Source) -> list[str]:
    """Names in capitals or not, bound at module level to a fresh list, dict or set that changes."""
    return [
        source.at(node)
        for node in source.tree.body
        if isinstance(node, ast.Assign | ast.AnnAssign)
        and isinstance(node.value, ast.List | ast.Dict | ast.Set)
        and not any(getattr(node.value, "elts", None) or getattr(node.value, "keys", None) or [])
    ]


def vendor_names(source: Source) -> list[str]:
    """A vendor's name in code, outside prose: as a name, or as a whole text."""
    vendors = {
        path.name
        for path in (ROOT / "connectors").iterdir()
        if path.is_dir() and path.name not in {"memory", "testing", "data", "__pycache__"}
    }
    return [
        source.at(node)
        for node in source.nodes(ast.Constant, ast.Name, ast.Attribute)
        if (isinstance(node, ast.Constant) and node.value in vendors)
        or (isinstance(node, ast.Name) and node.id.lower() in vendors)
        or (isinstance(node, ast.Attribute) and node.attr.lower() in vendors)
    ]


def sql_imports(source: Source) -> list[str]:
    found = []
    for node in source.nodes(ast.Import, ast.ImportFrom):
        names = (
            [alias.name for alias in node.names]
            if isinstance(node, ast.Import)
            else [getattr(node, "module", None) or ""]
        )
        if SQL_LIBRARIES & {name.partition(".")[0] for name in names}:
            found.append(source.at(node))
    return found


def test_the_time_is_asked_for_in_one_place() -> None:
    found = [at for one in sources() if one.path not in CLOCKS for at in calls_of_now(one)]
    assert not found, f"take an injected clock instead: {found}"


def test_only_commands_print() -> None:
    talkers = TALKERS + PROCESSES
    found = [
        at
        for one in sources()
        if not under(one.path, talkers) and one.path != "connectors/docs.py"
        for at in prints(one)
    ]
    assert not found, f"log, or return the text: {found}"


def test_no_bare_except() -> None:
    found = [at for one in sources() for at in bare_excepts(one)]
    assert not found, f"name what is expected: {found}"


def test_functions_fit_on_a_screen() -> None:
    found = [text for one in sources() for text in long_functions(one)]
    assert not found, f"split by verb, {FUNCTION_LINES_MAX} lines at most: {found}"


def test_files_stay_short() -> None:
    found = [text for one in sources() for text in long_file(one)]
    assert not found, f"split by noun, {FILE_LINES_MAX} lines at most: {found}"


def test_every_module_says_what_it_is() -> None:
    found = [path for one in sources() for path in undocumented(one)]
    assert not found, f"begin with a docstring: {found}"


def test_no_module_keeps_state() -> None:
    found = [at for one in sources() for at in module_state(one)]
    assert not found, f"an empty collection of a module is there to be filled: {found}"


def test_the_engine_names_no_vendor() -> None:
    found = [
        at
        for one in sources()
        if one.path.startswith("engine/")
        and not under(one.path, ("engine/init/", "engine/commands/", "engine/demo/"))
        for at in vendor_names(one)
    ]
    assert not found, f"what a vendor needs belongs to its connector: {found}"


def test_only_the_store_speaks_sql() -> None:
    found = [
        at
        for one in sources()
        if not one.path.startswith("engine/store/")
        for at in sql_imports(one)
    ]
    assert not found, f"ask the store: {found}"


def test_there_is_no_package_under_tests() -> None:
    found = [str(path.relative_to(ROOT)) for path in (ROOT / "tests").rglob("__init__.py")]
    assert not found, "a package under tests/ would hide the product's own of that name"


def test_no_test_is_skipped_for_good() -> None:
    found = [
        source.at(node)
        for source in map(read, sorted((ROOT / "tests").rglob("*.py")))
        for node in source.nodes(ast.Attribute)
        if isinstance(node, ast.Attribute)
        and isinstance(node.value, ast.Attribute)
        and (node.value.attr, node.attr) in {("mark", "skip"), ("mark", "xfail")}
    ]
    assert not found, f"build it, or say plainly that it is missing: {found}"


BAD = """import sqlalchemy
seen = {}
def f():
    print(datetime.now(UTC), time.time())
    try:
        pass
    except:
        pass
    return "hubspot"
"""


@pytest.mark.parametrize(
    "rule",
    [calls_of_now, prints, bare_excepts, undocumented, module_state, vendor_names, sql_imports],
)
def test_each_rule_sees_its_fault(rule: object) -> None:
    assert callable(rule)
    assert rule(Source("engine/bad.py", BAD, ast.parse(BAD)))


def test_the_sizes_are_seen() -> None:
    text = "def f():\n    if x:\n        pass\n" + "    pass\n" * 401
    source = Source("engine/bad.py", text, ast.parse(text))
    assert long_file(source)
    assert long_functions(source)

"""The rooms of the package: who may import whom, what may be imported when, and what each module says it owns."""

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import NamedTuple

import pytest

import pipelinegen

PACKAGE = Path(pipelinegen.__file__).parent
ROOT = PACKAGE.parent

# Bottom up. A module imports from its own layer and from those before it.
LAYERS = (
    ("pipelinegen", "pipelinegen.errors"),
    ("pipelinegen.images",),
    ("pipelinegen.manifests",),
    tuple(f"pipelinegen.{name}" for name in ("branches", "markdown", "pull_request", "redact", "shipped", "trailers")),
    ("pipelinegen.config",),
    ("pipelinegen.pipelines",),
    ("pipelinegen.edge",),
    ("pipelinegen.report",),
    ("pipelinegen.options", "pipelinegen.quick"),
    ("pipelinegen.commands",),
    ("pipelinegen.calls", "pipelinegen.defect"),
    ("pipelinegen.cli", "pipelinegen.__main__"),
)

# Libraries that cost more than a few milliseconds to import, and who may import them at the top of a module.
HEAVY = {
    "asyncio": (),
    "click": ("pipelinegen.cli",),
    "github": (),
    "gitlab": (),
    "http.client": (),
    "importlib.metadata": (),
    "jinja2": (),
    "pathspec": (),
    "pydantic": ("pipelinegen.config",),
    "requests": (),
    "ruamel": (),
    "semver": (),
    "subprocess": (),
    "urllib.request": (),
    "urllib3": (),
    "yaml": ("pipelinegen.manifests.spans",),
}


class Import(NamedTuple):
    """A module that another one imports: when it is imported itself, in a function, or for types alone."""

    target: str
    line: int
    when: str


@cache
def modules() -> dict[str, Path]:
    found = {}
    for path in sorted(PACKAGE.rglob("*.py")):
        parts = path.relative_to(ROOT).with_suffix("").parts
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


@cache
def tree_of(module: str) -> ast.Module:
    return ast.parse(modules()[module].read_text(encoding="utf-8"))


@cache
def imports_of(module: str) -> tuple[Import, ...]:
    return tuple(_imports(module, tree_of(module), "top"))


def _imports(module: str, node: ast.AST, when: str) -> Iterator[Import]:
    for child in ast.iter_child_nodes(node):
        inside = "late" if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda) else when
        if isinstance(child, ast.If) and ast.unparse(child.test) == "TYPE_CHECKING":
            inside = "types"
        if isinstance(child, ast.Import):
            yield from (Import(alias.name, child.lineno, inside) for alias in child.names)
        elif isinstance(child, ast.ImportFrom):
            assert child.level == 0, f"{module}:{child.lineno}: a relative import"
            for alias in child.names:
                name = f"{child.module}.{alias.name}"
                yield Import(name if name in modules() else str(child.module), child.lineno, inside)
        yield from _imports(module, child, inside)


def within(module: str, room: str) -> bool:
    return module == room or (room != "pipelinegen" and module.startswith(f"{room}."))


def layer_of(module: str) -> int:
    found = [number for number, rooms in enumerate(LAYERS) if any(within(module, room) for room in rooms)]
    assert len(found) == 1, f"{module} has no room of its own; give it one in LAYERS and in docs/architecture.md"
    return found[0]


@pytest.mark.parametrize("module", modules())
def test_a_module_imports_only_from_rooms_below_it(module: str) -> None:
    upward = [
        f"{module}:{each.line} imports {each.target}"
        for each in imports_of(module)
        if within(each.target, "pipelinegen") or each.target.startswith("pipelinegen.")
        if layer_of(each.target) > layer_of(module)
    ]
    assert not upward


@pytest.mark.parametrize("module", modules())
def test_heavy_libraries_are_imported_inside_functions(module: str) -> None:
    early = [
        f"{module}:{each.line} imports {library}"
        for each in imports_of(module)
        for library, allowed in HEAVY.items()
        if each.when == "top" and (each.target == library or each.target.startswith(f"{library}."))
        if not any(within(module, room) for room in allowed)
    ]
    assert not early


def test_a_plain_bump_imports_no_heavy_library_but_the_parser() -> None:
    """What is imported at the top, from the entry to the conductor: more than a test of one run can see."""
    waiting = ["pipelinegen.__main__", "pipelinegen.quick", "pipelinegen.calls", "pipelinegen.commands.bump"]
    seen: set[str] = set()
    libraries: set[str] = set()
    while waiting:
        module = waiting.pop()
        if module in seen:
            continue
        seen.add(module)
        parents = [module.rpartition(".")[0]] if "." in module else []
        targets = {each.target for each in imports_of(module) if each.when == "top"}
        waiting += [name for name in {*targets, *parents} if name in modules()]
        libraries |= {target.partition(".")[0] for target in targets} & {name.partition(".")[0] for name in HEAVY}
        libraries |= targets & {"dataclasses", "tempfile", "urllib.parse", "json"}
    assert libraries == {"yaml"}


@pytest.mark.parametrize("module", modules())
def test_a_module_says_in_one_sentence_what_it_owns(module: str) -> None:
    said = ast.get_docstring(tree_of(module))
    assert said, f"{module} has no docstring"
    sentence = said.split("\n\n")[0]
    assert sentence.endswith("."), f"{module}: {sentence!r} is no sentence"
    assert len(said.splitlines()) <= 8, f"{module}: what needs so many lines belongs to the places that it is about"


@pytest.mark.parametrize("module", modules())
def test_only_the_edges_of_the_program_know_its_streams_and_its_exit(module: str) -> None:
    allowed = {"pipelinegen.report", "pipelinegen.cli", "pipelinegen.__main__"}
    used = {ast.unparse(node) for node in ast.walk(tree_of(module)) if isinstance(node, ast.Attribute)}
    assert module in allowed or not used & {"sys.stdout", "sys.stderr", "sys.stdin", "sys.exit", "os._exit"}


def test_every_room_is_in_the_document() -> None:
    text = (ROOT / "docs/architecture.md").read_text(encoding="utf-8")
    for path in PACKAGE.iterdir():
        name = f"`{path.name}/`" if path.is_dir() else f"`{path.name}`"
        if path.name not in {"__init__.py", "__pycache__", "py.typed"}:
            assert name in text, f"docs/architecture.md does not say what happens in {name}"


def test_every_file_that_the_document_names_is_there() -> None:
    text = (ROOT / "docs/architecture.md").read_text(encoding="utf-8")
    now = text.partition("## Where this departs")[0]
    named = {word for word in now.split("`")[1::2] if "/" in word or word.endswith(".py")}
    places = (ROOT, PACKAGE, PACKAGE / "manifests", PACKAGE / "edge")
    missing = [word for word in named if not any((place / word).exists() for place in places)]
    assert named
    assert not missing

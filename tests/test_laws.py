"""The laws of the house: which way imports run, one folder per platform, one file, prompt and test per pass."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "xpiler_jupyter"
SOURCES = sorted(p for p in PACKAGE.rglob("*.py"))

# Room -> rooms it may import. A room may always import itself and `errors`.
MAY_IMPORT = {
    "errors": set(),
    "kept": set(),
    "ir": set(),
    "dataflow": {"ir"},
    "platforms": {"ir", "execute"},
    "frontend": {"ir", "platforms", "kept"},
    "execute": {"ir", "platforms", "kept"},
    "passes": {"ir", "dataflow", "platforms", "frontend", "kept"},
    "verify": {"ir", "dataflow", "platforms", "execute", "frontend"},
    "record": {"ir", "verify"},
    "running": {"ir", "dataflow", "platforms", "execute", "frontend", "verify", "intake"},
    "intake": {"ir", "platforms", "frontend", "passes"},
    "port": {"ir", "dataflow", "platforms", "execute", "frontend", "passes", "verify", "record", "running", "intake",
             "proving", "saved", "history"},
    "history": {"record"},
    "proving": {"record", "verify"},
    "saved": {"intake", "record", "verify"},
    "pages": {"passes", "platforms"},
    "suite": {"ir", "platforms", "frontend", "verify", "record", "running", "intake", "port"},
    "cli": {"pages", "port", "suite", "record", "running", "commands", "verify", "platforms", "execute", "frontend", "notebook",
            "passes"},
    "commands": {"ir", "pages", "port", "suite", "record", "running", "verify", "platforms", "execute", "frontend", "notebook",
                 "passes"},
    "notebook": {"pages", "port", "suite", "record", "running", "verify", "platforms"},
}
OWNERS = {
    "islpy": {"dataflow"}, "z3": {"repair", "verify"}, "openai": {"llm"}, "IPython": {"notebook"}, "ipywidgets": {"notebook"},
    "tree_sitter": {"frontend"}, "tree_sitter_cuda": {"frontend"},
}


def room_of(path: Path) -> str:
    rel = path.relative_to(PACKAGE)
    return rel.parts[0] if len(rel.parts) > 1 else rel.stem


def imports(path: Path) -> Iterator[tuple[str, int]]:
    """Absolute dotted names of everything a file imports, functions' own imports included."""
    package = ("xpiler_jupyter", *path.relative_to(PACKAGE).parts[:-1])
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield alias.name, node.lineno
        elif isinstance(node, ast.ImportFrom):
            base = list(package[: len(package) - node.level + 1]) if node.level else []
            full = ".".join([*base, *([node.module] if node.module else [])])
            for alias in node.names:
                yield f"{full}.{alias.name}", node.lineno


@pytest.mark.parametrize("path", SOURCES, ids=lambda p: str(p.relative_to(PACKAGE)))
def test_imports_run_one_way(path: Path) -> None:
    room = room_of(path)
    if room in ("__init__", "__main__"):
        return
    allowed = MAY_IMPORT[room] | {room, "errors"}
    for name, line in imports(path):
        parts = name.split(".")
        if parts[0] == "xpiler_jupyter" and len(parts) > 1:
            assert parts[1] in allowed or parts[1] == "__version__", f"{path.name}:{line}: {room} imports {name}"


@pytest.mark.parametrize("path", SOURCES, ids=lambda p: str(p.relative_to(PACKAGE)))
def test_fragile_libraries_have_one_owner(path: Path) -> None:
    for name, line in imports(path):
        owners = OWNERS.get(name.split(".")[0])
        assert owners is None or room_of(path) in owners, f"{path.name}:{line} imports {name}"


PLATFORMS = sorted(p.parent.name for p in PACKAGE.glob("platforms/*/platform.py"))


@pytest.mark.parametrize("name", PLATFORMS)
def test_a_platform_is_one_folder(name: str) -> None:
    folder = PACKAGE / "platforms" / name
    for needed in ("__init__.py", "platform.py", "sim.hpp"):
        assert (folder / needed).exists(), f"platforms/{name} lacks {needed}"
    for path in folder.rglob("*.py"):
        for imported, line in imports(path):
            others = [o for o in PLATFORMS if o != name and f"platforms.{o}." in imported + "."]
            assert not others, f"{path.name}:{line}: platform {name} knows {others}"


@pytest.mark.parametrize("room", ["passes", "verify", "ir", "dataflow"])
def test_rooms_that_never_name_a_platform(room: str) -> None:
    for path in (PACKAGE / room).rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                assert node.value not in PLATFORMS, f"{path.name}:{node.lineno} names {node.value!r}"


def pass_names() -> list[str]:
    from xpiler_jupyter.passes import _registry as registry

    return list(registry.names())


@pytest.mark.parametrize("name", pass_names())
def test_a_pass_is_one_file_one_prompt_one_test(name: str) -> None:
    from xpiler_jupyter.passes import _registry as registry

    found = registry.get(name)
    assert found.name == name and found.kind in ("parallel", "loop", "memory", "tensor") and found.summary
    assert "->" in (type(found).__doc__ or ""), "the docstring shows before -> after"
    assert (ROOT / "prompts" / f"{name}.md").exists()
    assert (ROOT / "tests" / "passes" / f"test_{name}.py").exists()


@pytest.mark.parametrize("path", SOURCES, ids=lambda p: str(p.relative_to(PACKAGE)))
def test_files_stay_small(path: Path) -> None:
    assert len(path.read_text().splitlines()) <= 450, "a file that outgrows 400 lines is two files"

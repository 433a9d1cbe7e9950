"""The reference pages in the repository are the ones that the tables give now."""

from __future__ import annotations

from pathlib import Path

from xpiler_jupyter.pages import pages

DOCS = Path(__file__).parents[2] / "docs"


def test_pages_are_up_to_date() -> None:
    for name, text in pages().items():
        path = DOCS / name
        assert path.exists() and path.read_text() == text, f"docs/{name} is stale: run `xpiler doc`"


def test_every_pass_and_platform_has_a_page() -> None:
    from xpiler_jupyter.passes import _registry as passes
    from xpiler_jupyter.platforms import registry as platforms

    for folder, names in (("passes", passes.names()), ("platforms", platforms.names())):
        assert {p.stem for p in (DOCS / folder).glob("*.md")} == set(names)

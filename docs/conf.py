"""How the documentation site is built: ``make docs``.

The pages are plain Markdown that code hosting sites show as well, so that what only the site has, the table
of contents, is added here.
"""

from __future__ import annotations

import dataclasses
import importlib.metadata
from typing import Any

from docutils import nodes
from docutils.statemachine import StringList
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

from snakemake_executor_plugin_recast import ExecutorSettings

project = "recast-bridge"
author = "The recast-bridge authors"
copyright = author
release = version = importlib.metadata.version("recast-bridge")

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon", "sphinx_click"]
html_theme = "furo"
html_title = "recast-bridge"
html_show_sourcelink = False
# Blocks of commands and messages are no program.
highlight_language = "none"
myst_heading_anchors = 4
autodoc_typehints = "none"
autodoc_member_order = "bysource"
autodoc_class_signature = "separated"
napoleon_google_docstring = True

CONTENTS = {
    "Tutorials": ["tutorial-author", "tutorial-reuse"],
    "How to": ["debugging", "python", "hpc", "profiles/kubernetes/README", "reana", "archive", "verify"],
    "What carries over": ["reading", "pairs", "cwl", "snakemake", "yadage", "yadage-differences"],
    "Reference": [
        "reference/commands",
        "codes",
        "executor",
        "reference/settings",
        "reference/python",
    ],
    "Contributing": ["design"],
}


def add_contents(app: Sphinx, docname: str, source: list[str]) -> None:
    """Give the front page a table of contents, which the side bar shows."""
    if docname != "index":
        return
    listed = {name for names in CONTENTS.values() for name in names}
    # A page that nobody has put into a section must not be lost.
    contents = {**CONTENTS, "More": sorted(app.env.found_docs - listed - {"index"})}
    for title, names in contents.items():
        there = [name for name in names if name in app.env.found_docs]
        if there:
            source[0] += "\n\n```{toctree}\n:hidden:\n:caption: " + "\n".join([title, "", *there]) + "\n```\n"


class Settings(SphinxDirective):
    """A section for each setting of the executor, from the class that declares them."""

    def run(self) -> list[nodes.Node]:
        """Make the sections."""
        found: list[nodes.Node] = []
        for field in dataclasses.fields(ExecutorSettings):
            name = field.name.replace("_", "-")
            about: dict[str, Any] = dict(field.metadata)
            lines = [about["help"].replace("*", r"\*"), ""]
            if about.get("choices"):
                lines += [f"- values: {', '.join(f'``{choice}``' for choice in about['choices'])}"]
            shown = {True: "``on``", False: "``off``", "": "not set"}
            default = shown.get(field.default, f"``{field.default}``")
            lines += [f"- default: {default}"]
            if about.get("env_var"):
                lines += [f"- environment variable: ``SNAKEMAKE_RECAST_{field.name.upper()}``"]
            section = nodes.section(ids=[f"recast-{name}"])
            section += nodes.title("", "", nodes.literal("", f"--recast-{name}"))
            self.state.nested_parse(StringList(lines, source=__file__), self.content_offset, section)
            found.append(section)
        return found


def setup(app: Sphinx) -> dict[str, bool]:
    """Tell Sphinx about them."""
    app.add_directive("executor-settings", Settings)
    app.connect("source-read", add_contents)
    return {"parallel_read_safe": True, "parallel_write_safe": True}

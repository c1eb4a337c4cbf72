"""Every workflow of the public repositories: valid CWL without a warning, or refused by a code."""

from __future__ import annotations

import io
import logging
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import yaml
from cwltool.context import LoadingContext
from cwltool.load_tool import load_tool
from cwltool.workflow import default_make_tool

from recast_bridge.cwl.writer import Translation, translate
from recast_bridge.model.findings import BridgeError, SourceError
from recast_bridge.yadage.reader import read
from recast_bridge.yadage.sources import Source, open_source

pytestmark = pytest.mark.slow

AT_MOST = 0.02
# How many documents of a repository, the largest ones, are given to the command cwltool itself.
AS_A_COMMAND = 1

# Not valid under yadage's own schema, or with a $ref that leads nowhere, so that yadage itself refuses them.
INVALID = {
    "lukasheinrich__yadage-workflows/atlasexamples/fullchainderiv/parallel_lhe_nomerge.yml": {"Y020"},
    "lukasheinrich__yadage-workflows/atlasexamples/fullchainderiv/parallel_prodlhe.yml": {"Y020"},
    "lukasheinrich__yadage-workflows/testing/simplenest/rootflow.yml": {"Y020"},
    "recast-hep__recast-cap-demo/wflowyadageworker/resources/basicinterfacetempl.yml": {"Y042"},
    "recast-hep__recast-workflow/statistics/pyhf/workflow.yml": {"Y020"},
    "recast-hep__recast-workflow/template_workflow.yml": {"Y020"},
    **{
        f"yadage__yadage/tests/scheduler_tests/scheduler-examples/{name}-workflow.yml": {"Y046"}
        for name in ("map-from-ctx", "map-from-dep", "reduce-from-dep", "single-from-ctx", "zip-from-dep")
    },
    "yadage__yadage/tests/testspecs/casesflow/multi/workflow.yml": {"Y053"},
    "yadage__yadage-workflows/atlasexamples/fullchainderiv/parallel_lhe_nomerge.yml": {"Y020"},
    "yadage__yadage-workflows/atlasexamples/fullchainderiv/parallel_prodlhe.yml": {"Y020"},
    "yadage__yadage-workflows/testing/simplenest/rootflow.yml": {"Y020"},
}
# Valid, but refused: in yadage they abort, or leave a stage out.
REFUSED = {
    "lukasheinrich__yadage-workflows/testing/examples/dynamic_glob/with_subworkflow.yml": {"Y126"},
    "yadage__yadage/examples/testflows/mcprodflowsub/rootflow.yml": {"Y101", "Y106"},
    "yadage__yadage/tests/testspecs/dynamic_glob/with_subworkflow.yml": {"Y126"},
    "yadage__yadage-workflows/testing/examples/dynamic_glob/with_subworkflow.yml": {"Y126"},
}


def workflows(folder: Path) -> Iterator[Path]:
    """Files that have the shape of a workflow."""
    for path in sorted(folder.rglob("*")):
        if path.suffix in (".yml", ".yaml", ".json") and path.is_file():
            try:
                data = yaml.load(path.read_text(encoding="utf-8"), Loader=yaml.CSafeLoader)
            except (yaml.YAMLError, UnicodeDecodeError):
                continue
            if isinstance(data, dict) and isinstance(data.get("stages"), list):
                yield path


def codes(error: BridgeError) -> set[str]:
    return {finding.code for finding in error.findings if finding.severity == "error"}


def translated(source: Source) -> Translation:
    analysis, findings = read(source)
    if findings.errors:
        raise SourceError(*findings.errors)
    return translate(analysis, findings)


@pytest.fixture
def messages() -> Iterator[io.StringIO]:
    """What cwltool says, from warnings on."""
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    loggers = [logging.getLogger(name) for name in ("cwltool", "cwl_utils", "salad", "rdflib.term")]
    before = [(logger, logger.handlers[:], logger.level, logger.propagate) for logger in loggers]
    for logger in loggers:
        logger.handlers[:] = [handler]
        logger.setLevel(logging.WARNING)
        logger.propagate = False
    yield stream
    for logger, handlers, level, propagate in before:
        logger.handlers[:] = handlers
        logger.setLevel(level)
        logger.propagate = propagate


def test_valid_without_warnings(
    repository: Path, shared: Path, tmp_path: Path, messages: io.StringIO
) -> None:
    documents: dict[str, Path] = {}
    for path in workflows(repository):
        name = path.relative_to(repository).as_posix()
        try:
            translation = translated(open_source(str(path)))
        except BridgeError as error:
            # The other test knows which ones may be refused.
            assert codes(error), name
            continue
        documents[name] = tmp_path / f"{len(documents)}.cwl"
        documents[name].write_text(translation.text(tmp_path), encoding="utf-8")
    found: dict[str, str] = {}
    for name, document in documents.items():
        try:
            load_tool(document.as_uri(), LoadingContext({"construct_tool_object": default_make_tool}))
        except Exception as error:
            found[name] = str(error)[-2000:]
        if messages.getvalue():
            found[name] = messages.getvalue()
            messages.seek(0)
            messages.truncate()
    assert found == {}
    # The command itself takes much longer to start than to look at a document.
    largest = sorted(documents.values(), key=lambda document: -document.stat().st_size)[:AS_A_COMMAND]
    for document in largest:
        done = subprocess.run(
            [sys.executable, "-m", "cwltool", "--validate", "--disable-color", str(document)],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        assert "WARNING" not in done.stderr
        assert f"{document} is valid CWL." in done.stdout


def test_few_are_refused(shared: Path, record_property: Callable[[str, object], None]) -> None:
    invalid: dict[str, set[str]] = {}
    refused: dict[str, set[str]] = {}
    plain: list[str] = []
    scripted: list[str] = []
    for path in workflows(shared / "corpus" / "original"):
        name = path.relative_to(shared / "corpus" / "original").as_posix()
        try:
            source = open_source(str(path))
        except BridgeError as error:
            invalid[name] = codes(error)
            continue
        try:
            (scripted if translated(source).scripted else plain).append(name)
        except BridgeError as error:
            refused[name] = codes(error)
    assert invalid == INVALID
    valid = len(plain) + len(scripted) + len(refused)
    written = len(plain) + len(scripted)
    figures = {
        "schema-valid workflows": valid,
        "refused": f"{len(refused)} ({len(refused) / valid:.1%})",
        "without JavaScript": f"{len(plain)} of {written} ({len(plain) / written:.1%})",
    }
    for key, figure in figures.items():
        record_property(key, figure)
    print("original workflows, without input values:", figures)
    for name in sorted(refused):
        print("refused:", name, *sorted(refused[name]))
    assert refused == REFUSED
    assert len(refused) <= AT_MOST * valid

"""What each construct of one language becomes in the other two, as docs/pairs.md says it."""

from __future__ import annotations

from pathlib import Path

import pytest
from pair_cases import LANGUAGES, Case, Language
from pair_page import CASES, PAGE, page
from pair_run import Written

ALL = [(language, case) for language in LANGUAGES for case in CASES[language]]


@pytest.mark.slow
@pytest.mark.yadage
@pytest.mark.parametrize(("language", "case"), ALL, ids=[f"{name}: {case.construct}" for name, case in ALL])
def test_construct(
    language: Language, case: Case, tmp_path_factory: pytest.TempPathFactory, yadage_environment: Path
) -> None:
    # Names of tests have characters that yadage does not take in paths.
    written = Written(language, case, tmp_path_factory.mktemp("pair"))
    outcomes = case.to.items()
    run = [target for target, outcome in outcomes if outcome.kind != "refused" and outcome.runs]
    result = written.result() if run else None
    for target, outcome in outcomes:
        said = written.translate(target)
        if outcome.kind == "refused":
            assert said.status in (3, 4), said.text
            assert set(outcome.codes) <= said.errors, said.text
            assert not (written.place / target).exists()
            continue
        assert said.status == 0, said.text
        assert said.warnings == set(outcome.codes), said.text
        if not outcome.runs:
            continue
        if outcome.same:
            assert written.result_of(target) == result
        else:
            assert written.result_or_none(target) != result


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_case_says_what_becomes_of_it_in_both_other_languages(language: Language) -> None:
    names = [case.construct for case in CASES[language]]
    assert len(names) == len(set(names))
    for case in CASES[language]:
        assert set(case.to) == set(LANGUAGES) - {language}
        for outcome in case.to.values():
            if outcome.kind == "exact":
                assert outcome.same and not outcome.codes
            else:
                assert outcome.codes or outcome.note


def test_the_page_is_what_the_cases_say() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(), "docs/pairs.md is stale: make pages writes it again"

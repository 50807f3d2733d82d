"""Every `pycon` block of the docs is run, page by page, as a reader would type it."""

import doctest
from pathlib import Path

import pytest

from tests.docs.pages import PAGES, PROJECT, blocks, only_blocks

WITH_EXAMPLES = [page for page in PAGES if page.exists() and blocks(page, "pycon")]


class TestExamples:
    """What the docs show is what the code does."""

    @pytest.mark.parametrize("page", WITH_EXAMPLES, ids=lambda page: str(page.relative_to(PROJECT)))
    def test_the_examples_of_a_page_run_as_printed(self, page: Path, db: None, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.chdir(PROJECT)
        session = doctest.DocTestParser().get_doctest(only_blocks(page, "pycon"), {}, page.name, str(page), 0)
        said: list[str] = []
        outcome = doctest.DocTestRunner().run(session, out=said.append)
        assert outcome.failed == 0, "".join(said)
        assert outcome.attempted > 0

from pathlib import Path

import pytest

from tests.tools.adoption.published import write_tree


@pytest.fixture(scope="session")
def published_tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """`write_tree`; read only."""
    return write_tree(tmp_path_factory.mktemp("published") / "tree")

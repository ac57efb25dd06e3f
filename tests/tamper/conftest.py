"""One sealed office for all trials of a worker."""

from collections.abc import Iterator

import pytest

from tests.tamper.office import Base, build


@pytest.fixture(scope="session")
def base(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Base]:
    made = build(tmp_path_factory.mktemp("sealed"))
    yield made
    made.image.close()
    made.older.close()

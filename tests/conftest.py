"""Fixtures that every test may ask for."""

pytest_plugins = ["tests.support.postgres", "tests.support.browser", "tests.support.desk", "tests.support.small_font"]

"""Settings from the environment, and with which of them a start is refused."""

import pytest

from engine.service.settings import DEVELOPMENT_SECRET, Settings

GOOD = {
    "OPINION_ENV": "production",
    "OPINION_SECRET_KEY": "c0ffee-7Yx2LmQ9vRk4TzB1nWs8HdJ5pq",
    "OPINION_PUBLIC_URL": "https://yuqing.example.cn",
}


def keys(env: dict[str, str]) -> list[str]:
    return [problem.key for problem in Settings.from_env(env).problems() if problem.fatal]


def test_nothing_set_is_a_development_start_on_this_machine_only():
    settings = Settings.from_env({})

    assert (settings.host, settings.port, settings.production) == ("127.0.0.1", 8000, False)
    assert settings.database_url == "sqlite:///var/opinion.db"
    assert not settings.secure_cookies
    assert settings.problems() == ()


def test_a_production_start_with_everything_set_is_fine():
    settings = Settings.from_env(GOOD)

    assert settings.problems() == ()
    assert settings.secure_cookies and settings.https


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"OPINION_SECRET_KEY": ""}, "settings.default_secret"),
        ({"OPINION_SECRET_KEY": DEVELOPMENT_SECRET}, "settings.default_secret"),
        ({"OPINION_SECRET_KEY": "short"}, "settings.short_secret"),
        ({"OPINION_SECRET_KEY": "a" * 64}, "settings.short_secret"),
        ({"OPINION_TEST_CLOCK": "var/clock"}, "settings.test_clock"),
        ({"OPINION_PUBLIC_URL": "http://yuqing.example.cn"}, "settings.plain_http"),
        ({"OPINION_PUBLIC_URL": "", "OPINION_HOST": "0.0.0.0"}, "settings.plain_http"),
        ({"OPINION_SESSION_IDLE_MINUTES": "0"}, "settings.session_limits"),
        ({"OPINION_PORT": "eighty"}, "settings.malformed"),
        ({"OPINION_PASSWORD_PROFILE": "none"}, "settings.malformed"),
        ({"OPINION_ENV": "prod"}, "settings.malformed"),
    ],
)
def test_a_production_start_is_refused(change, expected):
    assert expected in keys({**GOOD, **change})


def test_a_misspelt_environment_is_treated_as_production():
    assert {"settings.malformed", "settings.default_secret"} <= set(keys({"OPINION_ENV": "prodution"}))


def test_a_development_start_that_others_can_reach_is_pointed_out():
    found = Settings.from_env({"OPINION_HOST": "0.0.0.0"}).problems()

    assert [(problem.key, problem.fatal) for problem in found] == [("settings.development_open", False)]


def test_the_database_lies_in_the_data_directory_unless_named():
    assert Settings.from_env({"OPINION_DATA_DIR": "data"}).database_url == "sqlite:///data/opinion.db"
    assert Settings.from_env({"OPINION_DATABASE_URL": "postgresql://x/y"}).database_url == "postgresql://x/y"

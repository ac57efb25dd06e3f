"""Password hashes and what a new password must be like."""

import pytest

from engine.service import passwords
from engine.service.passwords import DEMO_PASSWORD, fault, hash_password, verify


def key(profile: str, password: str) -> str:
    found = fault(profile, password, "wangfang", "王芳")
    return found.key if found else ""


def test_hashes_are_argon2id_with_the_parameters_of_rfc_9106():
    stored = hash_password("Dahe-7-ludong-32")

    assert stored.startswith("$argon2id$v=19$m=65536,t=3,p=4$")
    assert verify(stored, "Dahe-7-ludong-32")
    assert not verify(stored, "dahe-7-ludong-32")


def test_an_unknown_login_costs_a_check_of_the_same_parameters_and_is_never_right(monkeypatch):
    assert passwords._decoy().split("$")[1:4] == hash_password("x").split("$")[1:4]
    assert not verify(None, "nobody has this password")


def test_full_width_letters_are_the_same_password():
    assert verify(hash_password("Dahe-7-ludong-32"), "Ｄahe-7-ludong-３2")


@pytest.mark.parametrize("stored", ["", "!", "plain", "$argon2id$v=19$broken"])
def test_a_broken_hash_opens_nothing(stored):
    assert not verify(stored or "x", "anything")


@pytest.mark.parametrize(
    ("password", "expected"),
    [
        ("Short-1a", "password.too_short"),
        ("Elevenchr-1", "password.too_short"),
        ("Twelve-chr-1", ""),
        ("x" * 129, "password.too_long"),
        ("lowercase-only-words", "password.too_plain"),
        ("LOWER-and-UPPER", ""),
        ("lowercase1234words", "password.too_plain"),
        ("黄河之水天上来奔流到海不复回", "password.too_plain"),
        ("黄河之水天上来2026xyz", ""),
        ("Wangfang-loves-7", "password.own_name"),
        ("xX9-王芳-abc-def", "password.own_name"),
        (DEMO_PASSWORD, "password.common"),
        (DEMO_PASSWORD.upper(), "password.common"),
        ("Password1234!", "password.common"),
        ("P@ssw0rd2026!!", "password.common"),
        ("Admin@123456", "password.common"),
        ("Qwertyuiop123!", "password.common"),
        ("1qaz2wsx3edc4RFV", "password.common"),
        ("Xuchang@2026", "password.common"),
        ("Yuqing-2026-03", "password.common"),
        ("Aa1Aa1Aa1Aa1", "password.common"),
        ("Abcdefghijkl1", "password.common"),
        ("Woaini1314520!", "password.common"),
    ],
)
def test_the_profile_of_graded_protection(password, expected):
    assert key("dengbao", password) == expected


@pytest.mark.parametrize("password", ["lowercase only words", "correct horse battery"])
def test_the_asvs_profile_asks_for_length_not_for_kinds_of_characters(password):
    assert key("asvs", password) == ""
    assert key("asvs", "Password1234!") == "password.common"


def test_one_profile_asks_for_regular_change_and_the_other_does_not():
    assert passwords.MAX_AGE["dengbao"].days == 90
    assert passwords.MAX_AGE["asvs"] is None

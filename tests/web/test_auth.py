"""Signing in and out: sessions, locks, passwords, and what they leave behind."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
from sqlalchemy import func, select, update

from engine.domain.clock import FixedClock
from engine.domain.rejection import Rejection
from engine.service import passwords, people, people_admin, people_sessions
from engine.service.cast import SETUP
from engine.service.passwords import DEMO_PASSWORD
from engine.service.people_tables import persons, security_log, sessions, sign_in_guards
from engine.service.transactions import writing
from webui import create_app
from webui.auth import safe_target

from .conftest import Person

NEW_PASSWORD = "Dahe-7-ludong-32"


def events(services):
    with services.engine.connect() as conn:
        return [tuple(row) for row in conn.execute(select(security_log.c.event, security_log.c.subject))]


@pytest.fixture
def counted(monkeypatch):
    """Calls of the password check, which costs the same for every login."""
    calls: list[str | None] = []
    real = passwords.verify

    def verify(stored, password):
        calls.append(stored)
        return real(stored, password)

    monkeypatch.setattr(passwords, "verify", verify)
    return calls


# --- the session ---


def test_a_stranger_is_sent_to_the_sign_in_page_and_back_to_where_he_wanted_to_go(stranger: Person):
    asked = stranger.get("/account?x=1")

    signed_in = stranger.sign_in("wangfang", DEMO_PASSWORD, next="/account?x=1")

    assert (asked.status_code, asked.location) == (303, "/login?next=/account?x%3D1")
    assert (signed_in.status_code, signed_in.location) == (303, "/account?x=1")
    assert stranger.get("/account").status_code == 200


def test_signing_in_makes_a_new_session_and_forgets_everything_of_the_old_cookie(stranger: Person):
    stranger.refresh_token()
    token, cookie = stranger.token, stranger.cookie

    stranger.sign_in("wangfang", DEMO_PASSWORD)

    assert stranger.cookie != cookie
    assert stranger.client.post("/logout", data={"csrf_token": token}).status_code == 400


def test_the_database_keeps_no_session_id_that_would_open_a_session(stranger: Person, services):
    stranger.sign_in("wangfang", DEMO_PASSWORD)

    with stranger.client.session_transaction() as cookie, services.engine.connect() as conn:
        assert cookie["_user_id"] not in conn.execute(select(sessions.c.sid_hash)).scalars().all()


def test_the_session_cookie_is_out_of_reach_of_scripts_and_other_sites(stranger: Person):
    response = stranger.sign_in("wangfang", DEMO_PASSWORD)

    cookie = response.headers["Set-Cookie"]
    assert cookie.startswith("session=")
    assert "HttpOnly" in cookie and "SameSite=Lax" in cookie and "Secure" not in cookie and "Domain" not in cookie


@pytest.mark.parametrize("public_url", ["https://yuqing.example.cn", "http://10.1.2.3:8000"])
def test_away_from_this_machine_the_cookie_is_secure_and_bound_to_the_host(services, public_url):
    services.settings = replace(services.settings, public_url=public_url)
    person = Person(create_app(services).test_client())

    response = person.get("/login", base_url="https://yuqing.example.cn")

    cookie = response.headers["Set-Cookie"]
    assert cookie.startswith("__Host-session=")
    assert "Secure" in cookie and "Path=/" in cookie and "HttpOnly" in cookie


def test_a_session_ends_after_thirty_minutes_without_use(seat, clock: FixedClock):
    person = seat("wangfang")

    clock.advance(minutes=29)
    still = person.get("/account")
    clock.advance(minutes=29)
    again = person.get("/account")
    clock.advance(minutes=30)
    over = person.get("/account")

    assert (still.status_code, again.status_code, over.status_code) == (200, 200, 303)


def test_a_session_ends_after_twelve_hours_however_much_it_is_used(seat, clock: FixedClock):
    person = seat("wangfang")

    for _ in range(12 * 3 - 1):
        clock.advance(minutes=20)
        assert person.get("/account").status_code == 200
    clock.advance(minutes=20)

    assert person.get("/account").status_code == 303


def test_a_page_that_asks_by_itself_does_not_keep_a_session_alive(seat, clock: FixedClock):
    person = seat("wangfang")

    for _ in range(3):
        clock.advance(minutes=9)
        assert person.get("/inbox/unread").status_code == 200
    clock.advance(minutes=3)

    assert person.get("/inbox/unread", headers={"X-Requested-With": "fetch"}).status_code == 401


def test_signing_out_ends_the_session_on_the_server_too(seat, app):
    person = seat("wangfang")
    stolen = person.cookie

    response = person.post("/logout")
    thief = Person(app.test_client())
    thief.client.set_cookie("session", stolen)

    assert (response.status_code, response.location) == (303, "/login")
    assert thief.get("/account").status_code == 303


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda conn, now: people_admin.set_active(conn, SETUP, now, "liqiang", False), "disabled"),
        (lambda conn, now: people_admin.set_roles(conn, SETUP, now, "liqiang", {"staff"}), "roles_changed"),
        (lambda conn, now: people_admin.reset_password(conn, SETUP, now, "liqiang"), "password_reset"),
    ],
    ids=["disabled", "roles", "password"],
)
def test_a_change_to_the_person_ends_his_open_sessions_at_once(seat, services, clock, change, reason):
    person = seat("liqiang")

    with writing(services.engine) as conn:
        assert not isinstance(change(conn, clock.now()), Rejection)

    assert person.get("/account").status_code == 303
    with services.engine.connect() as conn:
        assert conn.execute(select(sessions.c.end_reason)).scalars().all() == [reason]


def test_an_htmx_request_without_a_session_sends_the_whole_page_to_the_sign_in(stranger: Person):
    response = stranger.get("/account", headers={"HX-Request": "true"})

    assert response.status_code == 401
    assert response.headers["HX-Redirect"] == "/login"


# --- attempts ---


def test_a_wrong_password_and_an_unknown_login_look_the_same(stranger: Person, counted):
    wrong = stranger.sign_in("wangfang", "not the password")
    unknown = stranger.sign_in("nobody", "not the password")

    def without_what_differs(text: str) -> str:
        return text.replace("wangfang", "X").replace("nobody", "X").split("<body", 1)[1].replace(stranger.token, "")

    assert wrong.status_code == unknown.status_code == 422
    assert "用户名或密码不正确" in wrong.text and "用户名或密码不正确" in unknown.text
    assert len(wrong.text) - len(unknown.text) == len("wangfang") - len("nobody")
    assert [stored is None for stored in counted] == [False, True]


def test_a_disabled_person_cannot_sign_in_and_is_told_no_more_than_a_stranger(stranger, services, clock):
    with writing(services.engine) as conn:
        people_admin.set_active(conn, SETUP, clock.now(), "liqiang", False)

    response = stranger.sign_in("liqiang", DEMO_PASSWORD)

    assert response.status_code == 422
    assert "用户名或密码不正确" in response.text


@pytest.mark.parametrize("login", ["wangfang", "nobody"])
def test_five_failures_lock_a_login_for_fifteen_minutes_whether_it_exists_or_not(stranger, clock, counted, login):
    failures = [stranger.sign_in(login, "wrong").status_code for _ in range(5)]
    refused = stranger.sign_in(login, DEMO_PASSWORD)
    clock.advance(minutes=14, seconds=59)
    still = stranger.sign_in(login, DEMO_PASSWORD)
    clock.advance(seconds=1)
    later = stranger.sign_in(login, DEMO_PASSWORD)

    assert failures == [422] * 5
    assert (refused.status_code, still.status_code) == (429, 429)
    assert "15 分钟" in refused.text
    assert later.status_code == (303 if login == "wangfang" else 422)
    assert len(counted) == 6


def test_a_right_password_forgets_earlier_failures(stranger: Person):
    for _ in range(3):
        for _ in range(4):
            stranger.sign_in("wangfang", "wrong")
        assert stranger.sign_in("wangfang", DEMO_PASSWORD).status_code == 303
        stranger.post("/logout")
        stranger.token = ""


def test_eight_attempts_at_the_same_moment_get_five_checks(services, clock, monkeypatch):
    checked: list[str] = []
    monkeypatch.setattr(passwords, "verify", lambda stored, password: bool(checked.append(password)))

    def attempt(number: int) -> str:
        outcome = people_sessions.sign_in(services.engine, clock, "wangfang", f"guess {number}", ip="10.0.0.1")
        assert isinstance(outcome, Rejection)
        return outcome.key

    with ThreadPoolExecutor(8) as pool:
        keys = list(pool.map(attempt, range(8)))

    assert sorted(keys) == ["auth.locked"] * 3 + ["auth.wrong"] * 5
    assert len(checked) == 5


def test_an_address_that_tries_many_logins_is_stopped(services, clock, monkeypatch):
    monkeypatch.setattr(passwords, "verify", lambda stored, password: False)

    keys = [
        people_sessions.sign_in(services.engine, clock, f"guess{number}", "x", ip="10.0.0.1").key
        for number in range(52)
    ]
    elsewhere = people_sessions.sign_in(services.engine, clock, "guess99", "x", ip="10.0.0.2")

    assert keys == ["auth.wrong"] * 50 + ["auth.address_locked"] * 2
    assert elsewhere.key == "auth.wrong"


def test_an_office_behind_one_address_may_sign_in_all_day(services, clock, monkeypatch):
    monkeypatch.setattr(passwords, "verify", lambda stored, password: True)

    for _ in range(120):
        assert isinstance(people_sessions.sign_in(services.engine, clock, "wangfang", "x", ip="10.0.0.1"), str)


def test_the_security_admin_lifts_a_lock(stranger, seat):
    for _ in range(6):
        stranger.sign_in("wangfang", "wrong")
    admin = seat("wumin")

    sheet = admin.get("/admin/roles/wangfang")
    admin.post("/admin/roles/wangfang/unlock")

    assert "已锁定" in sheet.text
    assert stranger.sign_in("wangfang", DEMO_PASSWORD).status_code == 303


def test_the_log_tells_who_came_in_and_never_what_a_stranger_typed_as_a_login(stranger, services):
    stranger.sign_in("wangfang", DEMO_PASSWORD)
    stranger.post("/logout")
    stranger.token = ""
    stranger.sign_in("My-Secret-Passw0rd", "")

    logged = events(services)

    assert logged[:2] == [("signed_in", "wangfang"), ("signed_out", "wangfang")]
    assert logged[2][0] == "sign_in_failed"
    assert logged[2][1].startswith("?") and "ecret" not in logged[2][1]


def test_every_attempt_counts_with_the_login_in_any_case_or_with_spaces(stranger: Person):
    codes = [stranger.sign_in(login, "wrong").status_code for login in ("wangfang", "WANGFANG", " wangfang ") * 2]

    assert codes == [422] * 5 + [429]


# --- passwords ---


def test_the_account_that_an_admin_made_must_change_its_password_first(stranger, seat):
    made = seat("qianjin").post(
        "/admin/persons/new",
        {"user_id": "dingding", "name": "丁丁", "unit_id": "gengbao", "title": "科员", "phone": ""},
    )
    first = made.text.split("<code>")[1].split("</code>")[0]

    stranger.sign_in("dingding", first)
    elsewhere = [stranger.get(path).location for path in ("/admin/persons", "/inbox")]
    refused = stranger.post("/password", {"old": first, "new": "short", "again": "short"})
    changed = stranger.post("/password", {"old": first, "new": NEW_PASSWORD, "again": NEW_PASSWORD})
    stranger.post("/logout")
    stranger.token = ""

    assert elsewhere == ["/password", "/password"]
    assert refused.status_code == 422 and "至少 12 个字符" in refused.text
    assert (changed.status_code, changed.location) == (303, "/account")
    assert stranger.sign_in("dingding", first).status_code == 422
    assert stranger.sign_in("dingding", NEW_PASSWORD).status_code == 303
    assert stranger.get("/inbox").status_code != 303


def test_changing_the_password_ends_the_other_sessions_but_not_this_one(seat):
    here, elsewhere = seat("wangfang"), seat("wangfang")

    changed = here.post("/password", {"old": DEMO_PASSWORD, "new": NEW_PASSWORD, "again": NEW_PASSWORD})

    assert changed.status_code == 303
    assert here.get("/account").status_code == 200
    assert elsewhere.get("/account").status_code == 303


@pytest.mark.parametrize(
    ("old", "new", "again", "sentence"),
    [
        ("wrong", NEW_PASSWORD, NEW_PASSWORD, "当前密码不正确"),
        (DEMO_PASSWORD, NEW_PASSWORD, NEW_PASSWORD + "x", "两次输入的新密码不一致"),
        (DEMO_PASSWORD, DEMO_PASSWORD, DEMO_PASSWORD, "过于常见"),
        (DEMO_PASSWORD, "alllowercaseletters", "alllowercaseletters", "至少 3 种"),
        (DEMO_PASSWORD, "Wangfang-19-90-x", "Wangfang-19-90-x", "本人姓名或用户名"),
    ],
)
def test_a_refused_password_is_explained_and_nothing_changes(seat, stranger, old, new, again, sentence):
    response = seat("wangfang").post("/password", {"old": old, "new": new, "again": again})

    assert response.status_code == 422
    assert sentence in response.text
    assert stranger.sign_in("wangfang", DEMO_PASSWORD).status_code == 303


def test_a_stolen_session_cannot_guess_the_password_without_end(seat):
    person = seat("wangfang")

    texts = [
        person.post("/password", {"old": f"guess {n}", "new": NEW_PASSWORD, "again": NEW_PASSWORD}).text
        for n in range(6)
    ]

    assert all("当前密码不正确" in text for text in texts[:5])
    assert "已暂停登录" in texts[5]


def test_after_ninety_days_a_new_password_is_asked_for(seat, clock, services):
    clock.advance(days=90)
    due = seat("wangfang").get("/account")
    blocked = seat("wangfang").get("/inbox")
    services.settings = replace(services.settings, password_profile="asvs")

    free = seat("wangfang").get("/inbox")

    assert due.status_code == 200
    assert blocked.location == "/password"
    assert free.status_code == 200


def test_a_hash_with_weaker_parameters_is_renewed_at_the_next_sign_in(stranger, services):
    from argon2 import PasswordHasher

    weak = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1).hash(DEMO_PASSWORD)
    with writing(services.engine) as conn:
        conn.execute(update(persons).where(persons.c.user_id == "wangfang").values(password_hash=weak))

    stranger.sign_in("wangfang", DEMO_PASSWORD)

    with services.engine.connect() as conn:
        stored = conn.execute(select(persons.c.password_hash).where(persons.c.user_id == "wangfang")).scalar_one()
    assert stored != weak and stored.startswith("$argon2id$")
    assert not passwords.outdated(stored)


def test_sign_ins_leave_no_counters_behind(stranger, services):
    stranger.sign_in("wangfang", DEMO_PASSWORD)

    with services.engine.connect() as conn:
        left = conn.execute(select(func.sum(sign_in_guards.c.failures))).scalar_one()
    assert left == 0


# --- where to go next ---

ELSEWHERE = [
    "//evil.example", "///evil.example", "////evil.example", "https://evil.example", "http:evil.example",
    "http:/evil.example", "https:///evil.example", "HTTPS://evil.example", "javascript:alert(1)", "data:text/html,x",
    "\\\\evil.example", "/\\evil.example", "/\\/evil.example", "\\/evil.example", "/%0a/evil.example\n",
    "/\t/evil.example", "/\n/evil.example", "/\r/evil.example", " //evil.example", "\t//evil.example",
    "\x00//evil.example", "/\x00/evil",
    "evil.example", "evil.example/inbox", "@evil.example", "/ /evil.example", "//evil.example/%2e%2e", "//[::1]",
    "//[bad", "/\x7f", "", "?next=//evil", "#x", "mailto:a@b", "ftp://evil.example", "//evil.example\\@here",
    "/\x0b/evil.example", "//evil。example", "http://127.0.0.1:8000@evil.example", "///", "//",
]  # fmt: skip


@pytest.mark.parametrize("target", ELSEWHERE)
def test_nobody_is_sent_to_another_site_after_signing_in(target):
    assert safe_target(target) == ""


@pytest.mark.parametrize("target", ["/", "/inbox", "/cases/WQ-2026-000001?tab=log#top", "/cases?q=%2f%2fevil", "/a//b"])
def test_a_page_of_ours_may_be_the_next_one(target):
    assert safe_target(target) == target


def test_the_target_is_checked_again_when_the_form_comes_back(stranger: Person):
    response = stranger.sign_in("wangfang", DEMO_PASSWORD, next="//evil.example")

    assert response.location == "/"


# --- language and account ---


def test_the_language_switch_is_kept_in_a_cookie_and_comes_back_to_the_page(stranger: Person):
    switched = stranger.post("/language", {"language": "en", "back": "/login?next=/account"})
    page = stranger.get("/login")
    strange = stranger.post("/language", {"language": "../../etc", "back": "//evil.example"})

    assert switched.location == "/login?next=/account"
    assert 'lang="en"' in page.text and "Sign in" in page.text
    assert strange.location == "/" and "lang=" not in strange.headers.get("Set-Cookie", "")


def test_the_account_page_names_roles_and_open_sessions(seat):
    page = seat("wangfang").get("/account").text

    assert "王芳" in page and "办公室" in page and "工作人员" in page and "本机" in page


def test_who_substitutes_sees_for_whom(seat, services, clock):
    from datetime import timedelta

    from engine.service import people_units

    with writing(services.engine) as conn:
        people_units.add_absence(
            conn, SETUP, clock.now(), user_id="zhangmin", substitute="hejun", start_at=clock.now(),
            end_at=clock.now() + timedelta(days=2), reason="出差",
        )  # fmt: skip
        actor = people.actor(conn, "hejun", clock.now())

    assert actor is not None and {"line:gengbao", "user:zhangmin"} <= actor.groups
    assert "zhangmin" in seat("hejun").get("/account").text

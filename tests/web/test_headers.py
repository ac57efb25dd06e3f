"""What every answer carries, what every change must bring, and what an error page tells and keeps to itself."""

import logging
import re
from dataclasses import replace

import pytest

from engine.service import people
from webui import create_app, security
from webui.security import CONTENT_SECURITY_POLICY, Brake
from webui.views_registry import requirement_of

from .conftest import Person

ERROR_NUMBER = re.compile(r"编号 ([0-9a-f]{8}) · 状态 (\d{3})")


def changing_routes(app):
    return [
        (method, rule)
        for rule in app.url_map.iter_rules()
        for method in sorted(set(rule.methods) - {"GET", "HEAD", "OPTIONS"})
    ]


def address(app, rule) -> str:
    """Of a route; the first of the allowed values where not any will do."""
    values = {name: sorted(getattr(rule._converters[name], "items", ("1",)))[0] for name in rule.arguments}
    return app.url_map.bind("localhost").build(rule.endpoint, values)


# --- headers ---


def test_the_policy_lets_in_nothing_but_our_own_scripts_and_styles():
    policy = dict(part.split(" ", 1) for part in CONTENT_SECURITY_POLICY.split("; "))

    assert policy["default-src"] == "'none'"
    assert policy["script-src"] == "'self'"
    assert policy["frame-ancestors"] == policy["base-uri"] == "'none'"
    assert policy["form-action"] == policy["connect-src"] == "'self'"
    assert "unsafe-eval" not in CONTENT_SECURITY_POLICY and "*" not in CONTENT_SECURITY_POLICY
    assert not any("unsafe-inline" in sources for name, sources in policy.items() if name.startswith("script"))


@pytest.mark.parametrize(
    "path",
    ["/login", "/", "/nothing-here", "/static/favicon.svg", "/static/../app.py", "/admin/persons", "/%00", "/login/"],
)
def test_every_answer_carries_the_headers(stranger: Person, path):
    response = stranger.get(path)  # Person checks that all of them are there
    response.close()

    assert response.headers["X-Content-Type-Options"] == "nosniff"
    assert response.headers["Referrer-Policy"] == "same-origin"
    assert response.headers["X-Frame-Options"] == "DENY"
    assert response.headers["Cross-Origin-Opener-Policy"] == "same-origin"
    assert "Strict-Transport-Security" not in response.headers


def test_pages_are_never_stored_and_built_files_for_ever(seat, app, tmp_path, monkeypatch):
    (tmp_path / "dist").mkdir()
    (tmp_path / "dist" / "app-1.css").write_text("body{}")
    monkeypatch.setattr(app, "static_folder", str(tmp_path))
    person = seat("wangfang")

    page, built, missing = (
        person.get("/account"), person.get("/static/dist/app-1.css"), person.get("/static/dist/app-2.css"),
    )  # fmt: skip
    built.close()

    assert page.headers["Cache-Control"] == "no-store"
    assert built.headers["Cache-Control"] == "public, max-age=31536000, immutable"
    assert missing.headers["Cache-Control"] == "no-store"


def test_https_is_insisted_on_only_where_it_is_used(services):
    services.settings = replace(services.settings, public_url="https://yuqing.example.cn")
    person = Person(create_app(services).test_client())

    response = person.get("/login", base_url="https://yuqing.example.cn")

    assert response.headers["Strict-Transport-Security"].startswith("max-age=31536000")


def test_the_server_says_what_time_it_is(seat, clock):
    assert seat("wangfang").get("/account").headers["X-Server-Now"] == clock.now().isoformat()


def test_no_page_of_people_holds_inline_script_or_style(seat):
    for login, paths in {
        "wangfang": ("/account", "/password"),
        "qianjin": ("/admin/persons", "/admin/persons/new", "/admin/units/gengbao", "/duty", "/admin/absences"),
        "wumin": ("/admin/roles/liqiang", "/admin/security", "/admin/changes"),
    }.items():
        person = seat(login)
        for path in paths:
            text = person.get(path).text
            assert not re.findall(r"<script(?![^>]*\bsrc=)(?![^>]*application/json)[^>]*>", text), path
            assert not re.findall(r"<style|\sstyle=|\son[a-z]+=|hx-on|javascript:", text), path


# --- changes need a token from this very site ---


def test_every_changing_route_refuses_a_request_without_a_token(app, seat):
    person = seat("wangfang")
    routes = changing_routes(app)
    wrong = []
    for method, rule in routes:
        if rule.endpoint == "api.add":  # for programs: no session counts there, a token of theirs is asked for
            continue
        answer = person.client.open(address(app, rule), method=method)
        if answer.status_code != 400 or "页面已过期" not in answer.text:
            wrong.append(f"{method} {rule.rule}: {answer.status_code}")

    assert wrong == []
    assert len(routes) >= 20


def test_every_changing_route_refuses_a_request_from_another_site_even_with_a_token(app, seat):
    person = seat("wangfang")
    wrong = []
    for method, rule in changing_routes(app):
        for headers in ({"Origin": "https://evil.example"}, {"Origin": "null"}, {"Sec-Fetch-Site": "cross-site"}):
            answer = person.send(method, address(app, rule), headers=headers)
            if answer.status_code != 400:
                wrong.append(f"{method} {rule.rule} {headers}: {answer.status_code}")

    assert wrong == []


def test_our_own_origin_is_welcome(seat):
    response = seat("wangfang").post("/language", {"language": "en"}, headers={"Origin": "http://localhost"})

    assert response.status_code == 303


def test_a_token_of_another_session_is_refused(seat):
    one, other = seat("wangfang"), seat("liqiang")
    one.refresh_token()
    other.token = one.token

    assert other.post("/logout").status_code == 400
    assert other.get("/account").status_code == 200


def test_htmx_sends_the_token_in_a_header(seat):
    person = seat("wangfang")
    person.refresh_token()

    response = person.client.post("/logout", headers={"X-CSRFToken": person.token, "HX-Request": "true"})

    assert response.status_code == 303


@pytest.mark.parametrize("host", ["evil.example", "yuqing.example.cn.evil.example", "127.0.0.1.evil.example"])
def test_a_request_under_a_foreign_name_is_refused_where_our_own_is_known(services, host):
    services.settings = replace(services.settings, public_url="https://yuqing.example.cn")
    person = Person(create_app(services).test_client())

    assert person.get("/login", base_url=f"https://{host}").status_code == 400
    assert person.get("/login", base_url="https://yuqing.example.cn").status_code == 200
    assert person.get("/login", base_url="http://127.0.0.1:8000").status_code == 200


# --- errors ---


@pytest.mark.parametrize(
    ("path", "status", "sentence"),
    [("/nothing-here", 404, "没有这个页面"), ("/admin/roles", 403, "您的角色不能“查看角色”")],
)
def test_an_error_page_says_what_happened_what_to_do_and_a_number(seat, path, status, sentence):
    response = seat("wangfang").get(path)

    found = ERROR_NUMBER.search(response.text)
    assert response.status_code == status
    assert sentence in response.text
    assert found is not None and found[2] == str(status)


def test_an_error_inside_shows_no_trace_and_can_be_found_in_the_log(seat, monkeypatch, caplog):
    def broken(*_: object) -> None:
        raise RuntimeError("secret detail /etc/passwd")

    monkeypatch.setattr(people, "people_page", broken)
    with caplog.at_level(logging.ERROR):
        response = seat("qianjin").get("/admin/persons")

    number = ERROR_NUMBER.search(response.text)
    assert response.status_code == 500
    assert "系统内部错误" in response.text
    assert "secret detail" not in response.text and "Traceback" not in response.text
    assert number is not None and number[1] in [getattr(record, "error_id", "") for record in caplog.records]
    assert any(record.exc_info and "secret detail" in str(record.exc_info[1]) for record in caplog.records)


def test_htmx_gets_the_refusal_beside_what_it_asked_from(seat):
    response = seat("wangfang").get("/admin/roles", headers={"HX-Request": "true"})

    assert response.status_code == 403
    assert response.headers["HX-Retarget"] == "#messages"
    assert "<html" not in response.text and "没有权限" in response.text


def test_what_is_too_large_is_refused_with_the_page_for_it(services):
    services.settings = replace(services.settings, request_max_bytes=1000)
    person = Person(create_app(services).test_client())
    person.refresh_token()

    response = person.client.post("/login", data={"csrf_token": person.token, "user_id": "x" * 2000})

    assert response.status_code == 413
    assert "文件过大" in response.text


def test_an_address_typed_into_an_error_page_is_only_text(stranger: Person):
    response = stranger.get("/<script>alert(1)</script>")

    assert "<script>alert" not in response.text


def test_errors_are_told_in_english_too(seat):
    person = seat("wangfang")
    person.client.set_cookie("lang", "en")

    assert "Not found" in person.get("/nothing-here").text


# --- the brake ---


def test_writing_too_often_is_slowed_down_and_reading_is_not(services, clock):
    services.settings = replace(services.settings, writes_per_minute=5)
    person = Person(create_app(services).test_client())
    person.refresh_token()

    codes = [person.post("/language", {"language": "zh"}).status_code for _ in range(7)]
    page = person.get("/login")
    clock.advance(seconds=60)
    later = person.post("/language", {"language": "zh"})

    assert codes == [303] * 5 + [429] * 2
    assert (page.status_code, later.status_code) == (200, 303)


def test_one_persons_haste_does_not_slow_down_another_at_the_same_address(services, clock, seat):
    brake = Brake(clock, 2)

    assert [brake.holds("one") for _ in range(3)] == [False, False, True]
    assert brake.holds("other") is False


def test_the_brake_forgets_who_has_gone(clock):
    brake = Brake(clock, 2)
    for number in range(1000):
        brake.holds(f"address {number}")

    clock.advance(minutes=1)
    brake.holds("last")

    assert len(brake._calls) == 1


def test_the_brake_can_be_switched_off(clock):
    assert not any(Brake(clock, 0).holds("x") for _ in range(1000))


# --- behind a proxy ---


def test_a_header_of_the_browser_does_not_change_its_address_unless_a_proxy_is_trusted(services, settings):
    seen = {}
    for proxies in (0, 1):
        services.settings = replace(settings, trusted_proxies=proxies)
        app = create_app(services)

        @app.before_request
        def note() -> None:
            from flask import request

            seen[proxies] = request.remote_addr  # noqa: B023

        app.test_client().get("/login", headers={"X-Forwarded-For": "9.9.9.9"})

    assert seen == {0: "127.0.0.1", 1: "9.9.9.9"}


def test_only_sign_in_language_built_files_and_what_machines_ask_are_open_to_strangers(app):
    public = {rule.endpoint for rule in app.url_map.iter_rules() if requirement_of(app, rule.endpoint).kind == "public"}

    # The figures, and what programs bring in, ask for tokens of their own; the document of the interface is for all.
    machines = {"health.live", "health.ready", "health.metrics_page", "api.add", "api.status", "api.openapi"}
    assert public == {"auth.login", "auth.enter", "auth.language", "static"} | machines


def test_the_checks_come_in_the_order_host_origin_brake_token_rights(app):
    names = [function.__qualname__ for function in app.before_request_funcs[None]]

    assert [name.rsplit(".", 1)[-1] for name in names[:6]] == [
        "begin",  # counts and names the request, refuses nothing
        "check_host",
        "_check_origin", "slow_down", "csrf_protect", "_enforce",
    ]  # fmt: skip
    assert {"GET", "HEAD", "OPTIONS"} == security.SAFE_METHODS

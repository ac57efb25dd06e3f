"""The admins' pages: persons, units, lines, absences; roles and their separation; logs that nobody can edit."""

import html
import json
import re
from datetime import timedelta

import pytest
from sqlalchemy import create_engine, delete, insert, select, text, update
from sqlalchemy.exc import DatabaseError

from engine.domain.organisation import ROLES, SEPARATED_ROLES
from engine.domain.rejection import Rejection
from engine.journal.schema import metadata
from engine.service import cast, people, people_admin, people_log, people_units
from engine.service.cast import SETUP
from engine.service.people_tables import install_guards, person_roles, security_log
from engine.service.people_tables import people_log as people_log_table
from engine.service.transactions import writing
from tests.support.databases import copied

from .conftest import STARTED_AT, Person

AT = "2026-03-02T01:00:00.000000Z"


def changes(services):
    with services.engine.connect() as conn:
        rows = conn.execute(select(people_log_table).order_by(people_log_table.c.log_id)).all()
    return [(row.actor, row.action, row.subject, json.loads(row.before), json.loads(row.after)) for row in rows]


def faults(response) -> list[str]:
    return [html.unescape(found) for found in re.findall(r"invalid-feedback[^>]*>([^<]+)<", response.text)]


def as_actor(services, user_id: str):
    with services.engine.connect() as conn:
        return people.actor(conn, user_id, services.clock.now())


# --- persons ---


def test_a_person_is_added_edited_disabled_and_let_in_again(seat, services):
    admin = seat("qianjin")
    form = {"user_id": "dingding", "name": "丁丁", "unit_id": "gengbao", "title": "科员", "phone": "0374-1"}

    made = admin.post("/admin/persons/new", form)
    edited = admin.post("/admin/persons/dingding", {**form, "unit_id": "guihua", "title": "副科长"})
    off = admin.post("/admin/persons/dingding/active", {"active": "no"})
    on = admin.post("/admin/persons/dingding/active", {"active": "yes"})

    assert "Yq-" in made.text and [r.status_code for r in (made, edited, off, on)] == [200, 303, 303, 303]
    assert [(who, what) for who, what, *_ in changes(services)[-4:]] == [
        ("qianjin", "person_created"), ("qianjin", "person_edited"), ("qianjin", "person_disabled"),
        ("qianjin", "person_enabled"),
    ]  # fmt: skip
    assert changes(services)[-3][3:] == (
        {"unit_id": "gengbao", "title": "科员"},
        {"unit_id": "guihua", "title": "副科长"},
    )
    actor = as_actor(services, "dingding")
    assert actor is not None and actor.roles == frozenset() and "unit:guihua" in actor.groups


def test_no_log_line_holds_a_password_or_a_hash(seat, services):
    admin = seat("qianjin")
    made = admin.post("/admin/persons/new", {"user_id": "dingding", "name": "丁丁", "unit_id": "gengbao"})
    reset = admin.post("/admin/persons/dingding/password")

    handed = [response.text.split("<code>")[1].split("</code>")[0] for response in (made, reset)]
    logged = json.dumps(changes(services))
    assert handed[0] != handed[1]
    assert not any(password in logged for password in handed) and "argon2" not in logged


@pytest.mark.parametrize(
    ("typed", "sentence"),
    [
        ({"user_id": "Wang Fang"}, "用户名须以小写字母开头"),
        ({"user_id": "x"}, "用户名须以小写字母开头"),
        ({"user_id": "wangfang"}, "该用户名已被使用"),
        ({"user_id": "../../etc"}, "用户名须以小写字母开头"),
        ({"name": " \u200b "}, "必填"),
        ({"name": "甲" * 41}, "最多 40 个字符"),
        ({"unit_id": "nowhere"}, "没有这个单位"),
    ],
)
def test_a_refused_entry_is_shown_at_its_field_and_what_was_typed_stays(seat, typed, sentence):
    form = {"user_id": "dingding", "name": "丁丁", "unit_id": "gengbao", "title": "科员", "phone": ""}

    response = seat("qianjin").post("/admin/persons/new", {**form, **typed})

    assert response.status_code == 422
    assert any(sentence in fault for fault in faults(response))
    assert 'value="科员"' in response.text


def test_names_are_text_wherever_they_appear(seat):
    admin = seat("qianjin")
    name = "<script>alert(1)</script>\"'{{7*7}}"

    admin.post("/admin/persons/new", {"user_id": "dingding", "name": name, "unit_id": "gengbao"})

    for page in (
        admin.get("/admin/persons?q=dingding"),
        admin.get("/admin/persons/dingding"),
        admin.get("/duty"),
    ):
        assert "<script>alert" not in page.text
        assert "&lt;script&gt;" in page.text and "{{7*7}}" in page.text


def test_a_name_cannot_forge_a_line_of_the_log(services, clock):
    form = people_admin.PersonForm("dingding", "丁\r\n2026 ERROR \x1b[31m丁", "gengbao")

    with writing(services.engine) as conn:
        people_admin.create_person(conn, SETUP, clock.now(), form)

    assert changes(services)[-1][4]["name"] == "丁 2026 ERROR [31m丁"


def test_an_admin_cannot_disable_himself_nor_the_last_of_a_kind(seat, services, clock):
    himself = seat("qianjin").post("/admin/persons/qianjin/active", {"active": "no"})
    last = seat("qianjin").post("/admin/persons/wumin/active", {"active": "no"})

    assert (himself.status_code, last.status_code) == (403, 409)
    assert "至少要保留一名" in last.text
    with services.engine.connect() as conn:
        assert all(people.person(conn, login).active for login in ("qianjin", "wumin"))


@pytest.mark.parametrize(
    ("by", "of", "status"),
    [
        ("qianjin", "wangfang", 200),
        ("qianjin", "sunli", 200),
        ("qianjin", "wumin", 403),
        ("qianjin", "zhaoming", 403),
        ("qianjin", "qianjin", 403),
        ("wumin", "qianjin", 200),
        ("wumin", "zhaoming", 200),
        ("wumin", "wangfang", 403),
        ("wumin", "wumin", 403),
        ("wangfang", "liqiang", 403),
        ("qianjin", "nobody", 404),
    ],
)
def test_who_may_set_whose_password(seat, by, of, status):
    assert seat(by).post(f"/admin/persons/{of}/password").status_code == status


def test_persons_are_found_by_name_login_and_unit(seat):
    admin = seat("qianjin")

    assert "liqiang" in admin.get("/admin/persons?q=李强").text
    assert "liqiang" in admin.get("/admin/persons?q=liq").text
    assert "liqiang" not in admin.get("/admin/persons?q=%25").text
    assert re.findall(r'/admin/persons/(\w+)">', admin.get("/admin/persons?unit=gengbao").text)[1:] == [
        "liqiang",
        "yangyang",
    ]


def test_a_list_longer_than_a_page_is_paged(seat, services, clock):
    with writing(services.engine) as conn:
        for number in range(20):
            people_admin.create_person(
                conn, SETUP, clock.now(), people_admin.PersonForm(f"p{number:02}", "某", "xinxi")
            )
    admin = seat("qianjin")

    first, second = admin.get("/admin/persons").text, admin.get("/admin/persons?page=2").text

    assert "1 / 2" in first and "2 / 2" in second
    assert admin.get("/admin/persons?page=99").status_code == 200
    assert admin.get("/admin/persons?page=-1").status_code == 200


# --- roles ---


def test_the_security_admin_grants_roles_and_the_person_has_them(seat, services):
    response = seat("wumin").post("/admin/roles/yangyang", {"role": ["staff", "section_head"]})

    assert response.status_code == 303
    assert as_actor(services, "yangyang").roles == {"staff", "section_head"}
    assert changes(services)[-1] == (
        "wumin", "roles_changed", "person:yangyang", {"roles": ["staff"]}, {"roles": ["section_head", "staff"]},
    )  # fmt: skip


@pytest.mark.parametrize(
    "roles",
    [[a, b] for a in SEPARATED_ROLES for b in ROLES if a != b] + [list(ROLES)],
    ids="+".join,
)
def test_no_set_of_roles_breaks_the_separation(seat, services, roles):
    response = seat("wumin").post("/admin/roles/yangyang", {"role": roles})

    assert response.status_code == 422
    assert "三员分立" in response.text
    assert as_actor(services, "yangyang").roles == {"staff"}


def test_nobody_changes_his_own_roles_and_the_system_admin_changes_none(seat):
    own = seat("wumin").post("/admin/roles/wumin", {"role": ["security_admin", "staff"]})
    system = seat("qianjin").post("/admin/roles/yangyang", {"role": ["leader"]})
    unknown = seat("wumin").post("/admin/roles/yangyang", {"role": ["root"]})

    assert (own.status_code, system.status_code, unknown.status_code) == (403, 403, 422)


def test_the_last_security_admin_stays_one(services, clock):
    with writing(services.engine) as conn:
        refused = people_admin.set_roles(conn, SETUP, clock.now(), "wumin", [])

    assert refused is not None and refused.key == "people.last_admin"


@pytest.fixture(params=["sqlite", "postgres"])
def bare(request, tmp_path):
    """An engine on an empty database of each kind, with the tables and the cast."""
    url = f"sqlite:///{tmp_path / 'bare.db'}" if request.param == "sqlite" else request.getfixturevalue("postgres_url")
    copied(url, "bare", _make_bare)
    engine = create_engine(url)
    yield engine
    engine.dispose()


def _make_bare(url: str) -> None:
    engine = create_engine(url)
    with engine.begin() as conn:
        metadata.create_all(conn)
        install_guards(conn)
        cast.found(conn, STARTED_AT)
    engine.dispose()


@pytest.mark.parametrize("held", ROLES)
@pytest.mark.parametrize("added", ROLES)
def test_the_database_itself_keeps_the_three_roles_apart(bare_roles, held, added):
    allowed = held == added or not {held, added} & set(SEPARATED_ROLES)

    assert bare_roles(held, added) is allowed


@pytest.fixture(scope="module")
def bare_roles(tmp_path_factory):
    engine = create_engine(f"sqlite:///{tmp_path_factory.mktemp('roles') / 'roles.db'}")
    with engine.begin() as conn:
        metadata.create_all(conn)
        cast.found(conn, STARTED_AT)

    def holds_both(held: str, added: str) -> bool:
        with engine.connect() as conn:
            conn.execute(delete(person_roles).where(person_roles.c.user_id == "yangyang"))
            try:
                for role in {held, added}:
                    conn.execute(insert(person_roles).values(**grant("yangyang", role)))
            except DatabaseError:
                return False
            finally:
                conn.rollback()
        return True

    yield holds_both
    engine.dispose()


def grant(user_id: str, role: str) -> dict[str, str]:
    return {"user_id": user_id, "role": role, "granted_at": AT, "granted_by": "x"}


@pytest.mark.parametrize(
    ("held", "added"), [("auditor", "system_admin"), ("staff", "auditor"), ("security_admin", "office")]
)
def test_both_databases_refuse_a_forbidden_pair_of_roles_in_either_order(bare, held, added):
    for first, second in ((held, added), (added, held)):
        with bare.connect() as conn:
            conn.execute(delete(person_roles).where(person_roles.c.user_id == "yangyang"))
            conn.execute(insert(person_roles).values(**grant("yangyang", first)))
            with pytest.raises(DatabaseError):
                conn.execute(insert(person_roles).values(**grant("yangyang", second)))


def test_both_databases_refuse_to_turn_a_role_into_a_separated_one(bare):
    with bare.connect() as conn, pytest.raises(DatabaseError):
        conn.execute(
            update(person_roles)
            .where(person_roles.c.user_id == "liqiang", person_roles.c.role == "staff")
            .values(role="auditor")
        )


@pytest.mark.parametrize("table", [people_log_table, security_log], ids=["people_log", "security_log"])
@pytest.mark.parametrize("verb", ["update", "delete", "truncate", "replace"])
def test_both_databases_refuse_to_change_or_delete_a_line_of_a_log(bare, table, verb):
    with bare.begin() as conn:
        people_log.security(conn, STARTED_AT, "signed_in", "wangfang", "127.0.0.1")
    statements = {
        "update": update(table).values(at="x"),
        "delete": delete(table),
        "truncate": text(
            f"TRUNCATE {table.name}" if bare.dialect.name == "postgresql" else f"DELETE FROM {table.name}"
        ),
        "replace": update(table).where(table.c.log_id == 1).values(log_id=2),
    }

    with pytest.raises(DatabaseError, match="only ever added to"), bare.begin() as conn:
        conn.execute(statements[verb])

    with bare.connect() as conn:
        assert conn.execute(select(table)).first() is not None


def test_people_work_the_same_on_both_databases(bare):
    with bare.begin() as conn:
        assert not isinstance(
            people_admin.create_person(conn, SETUP, STARTED_AT, people_admin.PersonForm("new", "新", "gengbao")),
            Rejection,
        )
        assert people_admin.set_roles(conn, SETUP, STARTED_AT, "new", {"staff"}) is None
        refused = people_admin.set_roles(conn, SETUP, STARTED_AT, "new", {"staff", "auditor"})
        assert (
            people_units.add_duty(
                conn, SETUP, STARTED_AT, on_date=STARTED_AT.date(), shift="day", part="officer", user_id="new"
            )
            is None
        )
        twice = people_units.add_duty(
            conn, SETUP, STARTED_AT, on_date=STARTED_AT.date(), shift="day", part="officer", user_id="new"
        )
        actor = people.actor(conn, "new", STARTED_AT)

    assert refused is not None and refused.key == "people.role_conflict"
    assert twice is not None and twice.key == "people.duty_twice"
    assert actor is not None and actor.groups == {"staff", "user:new", "unit:gengbao"}


def test_signing_in_counts_the_same_on_both_databases(bare, clock, monkeypatch):
    from engine.service import passwords, people_sessions

    monkeypatch.setattr(passwords, "verify", lambda stored, password: password == "right")

    outcomes = [people_sessions.sign_in(bare, clock, "wangfang", "wrong", ip="1.1.1.1") for _ in range(6)]
    clock.advance(minutes=15)
    opened = people_sessions.sign_in(bare, clock, "wangfang", "right", ip="1.1.1.1")

    assert [outcome.key for outcome in outcomes] == ["auth.wrong"] * 5 + ["auth.locked"]
    assert isinstance(opened, str)


# --- units and lines ---


def unit_form(**typed: str) -> dict[str, str]:
    return {
        "unit_id": "xinfang", "name": "信访科", "kind": "section", "district": "市本级", "line_id": "zonghe",
        "active": "yes", "position": "65", "head": "lina", "monitor": "wangfang", **typed,
    }  # fmt: skip


def test_a_unit_is_added_with_its_head_and_monitor(seat, services):
    response = seat("qianjin").post("/admin/units/new", unit_form())

    assert response.status_code == 303
    assert "head:xinfang" in as_actor(services, "lina").groups
    assert "unit:xinfang" in as_actor(services, "wangfang").groups
    assert changes(services)[-1][1:3] == ("unit_created", "unit:xinfang")


@pytest.mark.parametrize(
    ("typed", "sentence"),
    [
        ({"unit_id": "gengbao"}, "该代码已被使用"),
        ({"unit_id": "信访"}, "代码须以小写字母开头"),
        ({"name": "办公室"}, "该名称已被使用"),
        ({"kind": "army"}, "请从选项中选择"),
        ({"district": "北京"}, "请从选项中选择"),
        ({"line_id": "none"}, "没有这个条线"),
        ({"head": "nobody"}, "没有这个人员"),
        ({"head": "zhaoming"}, "三员管理员不担任业务职务"),
    ],
)
def test_a_wrong_unit_is_refused(seat, typed, sentence):
    response = seat("qianjin").post("/admin/units/new", unit_form(**typed))

    assert response.status_code == 422
    assert any(sentence in fault for fault in faults(response))


def test_a_unit_with_people_cannot_be_closed(seat):
    form = unit_form(unit_id="gengbao", name="耕地保护科", head="liqiang", monitor="yangyang", active="")

    response = seat("qianjin").post("/admin/units/gengbao", form)

    assert response.status_code == 422
    assert "单位内还有在用人员，不能撤销" in faults(response)


def test_units_without_a_named_monitor_are_pointed_out(seat, services, clock):
    assert "没有指定" not in seat("qianjin").get("/admin/units").text

    with writing(services.engine) as conn:
        people_admin.set_active(conn, SETUP, clock.now(), "yangyang", False)

    page = seat("qianjin").get("/admin/units").text
    assert "1 个单位没有指定监测专人" in page and "1 个单位没有指定回应专人" in page


def test_a_line_goes_to_another_leader_and_only_to_a_leader(seat, services):
    moved = seat("qianjin").post("/admin/lines/gengbao", {"name": "耕地保护", "leader": "hejun"})
    refused = seat("qianjin").post("/admin/lines/gengbao", {"name": "耕地保护", "leader": "wangfang"})
    made = seat("qianjin").post("/admin/lines", {"line_id": "xinfang", "name": "信访", "leader": ""})

    assert (moved.status_code, refused.status_code, made.status_code) == (303, 422, 303)
    assert "分管领导须为在用" in faults(refused)[0]
    assert "line:gengbao" in as_actor(services, "hejun").groups
    assert "line:gengbao" not in as_actor(services, "zhangmin").groups


# --- absences and duty ---


def test_a_substitute_has_the_groups_of_the_absent_leader_while_he_is_away(seat, services, clock):
    seat("qianjin").post(
        "/admin/absences",
        {
            "user_id": "zhangmin",
            "substitute": "hejun",
            "start_at": "2026-03-03T08:00",
            "end_at": "2026-03-05T08:00",
            "reason": "出差",
        },
    )

    before = "line:gengbao" in as_actor(services, "hejun").groups
    clock.set(STARTED_AT + timedelta(hours=23))  # 2026-03-03 08:00 in Xuchang
    during = as_actor(services, "hejun")
    clock.advance(days=2)
    after = "line:gengbao" in as_actor(services, "hejun").groups

    assert (before, after) == (False, False)
    assert "line:gengbao" in during.groups and during.substitutes_for == ("zhangmin",)


def test_an_absence_can_be_ended_early_and_its_row_stays(seat, services, clock):
    admin = seat("qianjin")
    admin.post(
        "/admin/absences",
        {"user_id": "zhangmin", "substitute": "hejun", "start_at": "2026-03-02T08:00", "end_at": "2026-03-05T08:00"},
    )
    assert "line:gengbao" in as_actor(services, "hejun").groups

    ended = admin.post("/admin/absences/1/cancel")

    assert ended.status_code == 303
    assert "line:gengbao" not in as_actor(services, "hejun").groups
    assert admin.post("/admin/absences/1/cancel").status_code == 404
    assert [action for _, action, *_ in changes(services)[-2:]] == ["absence_added", "absence_cancelled"]


@pytest.mark.parametrize(
    ("typed", "sentence"),
    [
        ({"substitute": "zhangmin"}, "不能由本人代理"), ({"substitute": "zhaoming"}, "三员管理员不能委托代理"),
        ({"user_id": "qianjin"}, "三员管理员不能委托代理"), ({"user_id": "nobody"}, "没有这个人员"),
        ({"end_at": "2026-03-01T08:00"}, "结束时间须晚于开始时间"), ({"end_at": "soon"}, "结束时间须晚于开始时间"),
        ({"start_at": "2026-02-01T08:00", "end_at": "2026-02-02T08:00"}, "结束时间已过"),
    ],
)  # fmt: skip
def test_a_wrong_absence_is_refused(seat, typed, sentence):
    form = {"user_id": "zhangmin", "substitute": "hejun", "start_at": "2026-03-02T08:00", "end_at": "2026-03-05T08:00"}

    response = seat("qianjin").post("/admin/absences", {**form, **typed})

    assert response.status_code == 422
    assert any(sentence in fault for fault in faults(response))


# --- logs and first start ---


def test_the_auditor_reads_every_page_of_the_admins_and_changes_nothing(seat):
    auditor = seat("zhaoming")

    for path in (
        "/admin/persons", "/admin/persons/liqiang", "/admin/units", "/admin/units/gengbao", "/admin/lines",
        "/admin/absences", "/duty", "/admin/roles", "/admin/roles/liqiang", "/admin/changes", "/admin/security",
    ):  # fmt: skip
        page = auditor.get(path)
        assert page.status_code == 200, path
        assert (
            re.findall(r'<form[^>]*method="post"[^>]*action="(/(?:admin|duty)(?!/export)[^"]*)"', page.text) == []
            or "disabled" in page.text
        )


def test_the_logs_are_searched_and_show_what_was_before_and_after(seat):
    seat("wumin").post("/admin/roles/yangyang", {"role": ["staff", "leader"]})
    admin = seat("wumin")

    page = admin.get("/admin/changes?q=yangyang").text

    assert "修改角色" in page and "leader" in html.unescape(page)
    assert "没有记录" in admin.get("/admin/changes?q=nothing-like-this").text


def test_a_refused_page_is_in_the_security_log(seat):
    seat("liqiang").get("/admin/roles")

    page = seat("wumin").get("/admin/security?q=liqiang").text

    assert "越权访问被拒绝" in page and "/admin/roles" in page


def test_the_system_admin_cannot_read_what_is_written_about_him(seat):
    assert seat("qianjin").get("/admin/changes").status_code == 403
    assert seat("qianjin").get("/admin/security").status_code == 403


def test_a_real_start_begins_with_two_admins_who_must_change_their_passwords(tmp_path):
    engine = create_engine(f"sqlite:///{tmp_path / 'real.db'}")
    with engine.begin() as conn:
        metadata.create_all(conn)
        handed = cast.found_office(conn, STARTED_AT, system_admin="xitong", security_admin="anquan")
        again = cast.found_office(conn, STARTED_AT, system_admin="other", security_admin="another")
        roles = {login: people.person(conn, login).roles for login in handed}
        problems = cast.problems(conn)
    engine.dispose()

    assert roles == {"xitong": ("system_admin",), "anquan": ("security_admin",)}
    assert isinstance(again, Rejection)
    assert problems == ()


def test_a_production_start_finds_the_published_passwords(services, clock):
    with services.engine.connect() as conn:
        found = cast.problems(conn)
        again = cast.found(conn, clock.now())

    assert [problem.key for problem in found] == ["settings.demo_passwords"]
    assert all(problem.fatal for problem in found)
    assert again is False


def test_every_unit_of_the_cast_has_a_head_a_monitor_and_somebody_to_reply(services):
    with services.engine.connect() as conn:
        units = people.all_units(conn)

    assert [unit.name for unit in units if not {"head", "monitor", "reply"} <= set(unit.posts)] == []
    assert len(units) == len(cast.UNITS)


def test_every_handling_unit_of_the_development_samples_is_in_the_cast():
    named = {
        "建安区自然资源局",
        "长葛市自然资源和规划局",
        "地质勘查与矿业权管理科",
        "办公室",
        "襄城县自然资源局",
        "禹州市自然资源和规划局",
        "不动产登记中心",
        "耕地保护科",
        "国土空间规划科",
        "生态修复科",
    }

    assert named <= {name for _, name, *_ in cast.UNITS}


def test_pages_hold_no_query_per_row(seat, services):
    from sqlalchemy import event

    admin, auditor = seat("qianjin"), seat("wumin")
    statements: list[str] = []
    event.listen(services.engine, "before_cursor_execute", lambda *args: statements.append(args[2]))
    counts = {}
    for person, path in (
        (admin, "/admin/persons"),
        (admin, "/admin/units"),
        (admin, "/admin/absences"),
        (auditor, "/admin/roles"),
    ):
        statements.clear()
        assert isinstance(person, Person) and person.get(path).status_code == 200
        counts[path] = len([s for s in statements if s.startswith("SELECT")])

    assert max(counts.values()) <= 20, counts

"""/api/v1: the document says what the routes do, tokens open nothing else, and the same request twice counts once."""

from __future__ import annotations

import json
import re
from itertools import count
from typing import Any

import jsonschema
import pytest
from flask.testing import FlaskClient
from sqlalchemy import func, select
from werkzeug.test import TestResponse

from engine.service import api_items, api_tokens, items
from engine.service.items_tables import api_tokens as token_table
from engine.service.items_tables import items as table
from tests.support.desk import Desk

_numbers = count(1)


def made(desk: Desk, **form: str) -> str:
    token = api_tokens.create(
        desk.world.services,
        desk.world.actor("qianjin"),
        {"name": f"监测公司{next(_numbers)}(虚构)", "source_type": "weibo", "per_minute": "600", "days": "30", **form},
    )
    assert isinstance(token, str), token
    return token


class Vendor:
    """A program with a token, which checks each answer against the document."""

    def __init__(self, desk: Desk, token: str) -> None:
        self.client: FlaskClient = desk.app.test_client()
        self.headers = {"Authorization": f"Bearer {token}"}
        self.document: dict[str, Any] = self.client.get("/api/v1/openapi.json").get_json()

    def send(self, body: Any, **headers: str) -> TestResponse:
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        told = {"Content-Type": "application/json", **self.headers, **headers}
        return self.checked(self.client.post("/api/v1/items", data=data, headers=told), "/api/v1/items", "post")

    def status(self, number: int) -> TestResponse:
        answer = self.client.get(f"/api/v1/items/{number}", headers=self.headers)
        return self.checked(answer, "/api/v1/items/{item}", "get")

    def checked(self, answer: TestResponse, path: str, method: str) -> TestResponse:
        told = self.document["paths"][path][method]["responses"]
        assert str(answer.status_code) in told, f"{answer.status_code} is not in the document"
        (media,) = told[str(answer.status_code)]["content"]
        assert answer.mimetype == media
        schema = {
            **told[str(answer.status_code)]["content"][media]["schema"],
            "components": self.document["components"],
        }
        jsonschema.Draft202012Validator(schema).validate(answer.get_json())
        return answer


@pytest.fixture
def vendor(desk: Desk) -> Vendor:
    return Vendor(desk, made(desk))


def post(**values: Any) -> dict[str, Any]:
    return {
        "title": "网友反映某小区绿地变停车场", "body": "小区绿地被改成停车场。", "source_name": "微博用户(虚构)",
        "url": f"https://api.example/{next(_numbers)}", "published_at": "2026-03-02T08:00:00+08:00", **values,
    }  # fmt: skip


def kept(desk: Desk) -> int:
    with desk.world.services.engine.connect() as conn:
        return conn.execute(select(func.count()).select_from(table)).scalar_one()


def test_the_document_names_exactly_the_routes_there_are_and_is_itself_sound(desk: Desk):
    document = desk.app.test_client().get("/api/v1/openapi.json").get_json()

    told = {(path, method.upper()) for path, methods in document["paths"].items() for method in methods}
    real = {
        (re.sub(r"<int:\w+>", "{item}", rule.rule), method)
        for rule in desk.app.url_map.iter_rules()
        if rule.rule.startswith("/api/")
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
    }
    assert told == real
    assert document["openapi"] == "3.1.0"
    for schema in document["components"]["schemas"].values():
        jsonschema.Draft202012Validator.check_schema(schema)
    references = set(re.findall(r'"#/components/schemas/(\w+)"', json.dumps(document)))
    assert references == set(document["components"]["schemas"])


def test_one_item_and_a_list_are_kept_and_their_status_told(desk: Desk, vendor: Vendor):
    one = vendor.send(post())
    some = vendor.send([post(), post()])

    assert (one.status_code, some.status_code) == (201, 201)
    assert [told["status"] for told in some.get_json()["items"]] == ["created", "created"]
    number = one.get_json()["items"][0]["item"]
    assert vendor.status(number).get_json()["status"] == "received"
    with desk.world.services.engine.connect() as conn:
        item = items.get(conn, number)
    assert item is not None and (item.route, item.source_type) == ("api", "weibo")
    assert item.entered_by.startswith("token:") and item.published_at is not None


def test_what_the_document_allows_is_taken_and_what_it_forbids_is_refused(vendor: Vendor):
    """The schema of an item, tried from both sides against the real route."""
    schema = {**vendor.document["components"]["schemas"]["Item"], "components": vendor.document["components"]}
    judge = jsonschema.Draft202012Validator(schema)
    tried = [
        post(), post(callback=True, contact="0374-1234567", source_type="hotline"), post(item_kind="appeal"),
        post(title=""), {"body": "只有正文也可以", "source_name": "某站(虚构)"}, post(district="禹州市", author="某人"),
        {"source_name": "没有文字"}, post(title=5), post(source_type="newspaper"), post(callback="ja"),
        post(title="长" * 201), post(grade="major"), post(url=None),
    ]  # fmt: skip

    told = [(judge.is_valid(one), vendor.send(one).status_code in (200, 201)) for one in tried]

    # The route is kinder than the document in two ways: a number is taken for text, and null for nothing said.
    kinder = {7, 12}
    assert [place for place, (says, does) in enumerate(told) if says != does and place not in kinder] == []
    assert {says for says, _ in told} == {True, False}


def test_a_list_with_one_wrong_item_keeps_none_and_names_the_field(desk: Desk, vendor: Vendor):
    before = kept(desk)

    answer = vendor.send([post(), post(url="ftp://x", published_at="昨天"), "text", post(colour="red")])

    assert answer.status_code == 422
    told = {(one["pointer"], one["field"]) for one in answer.get_json()["errors"]}
    assert told == {("/1/url", "url"), ("/1/published_at", "published_at"), ("/2", ""), ("/3/colour", "colour")}
    assert all(one["detail"] for one in answer.get_json()["errors"])
    assert kept(desk) == before


def test_the_same_key_and_body_get_the_first_answer_and_another_body_is_refused(desk: Desk, vendor: Vendor):
    body = post(url="")
    first = vendor.send(body, **{"Idempotency-Key": "k-1"})
    before = kept(desk)

    again = vendor.send(body, **{"Idempotency-Key": "k-1"})
    other = vendor.send(post(), **{"Idempotency-Key": "k-1"})
    without = vendor.send(body)

    assert again.get_json() == first.get_json() and again.headers["Idempotency-Replayed"] == "true"
    assert other.status_code == 409
    assert without.status_code == 200 and without.get_json()["items"][0]["status"] == "repeated"
    assert kept(desk) == before


def test_keys_of_two_tokens_do_not_meet(desk: Desk):
    one, two = Vendor(desk, made(desk)), Vendor(desk, made(desk))

    answers = [vendor.send(post(), **{"Idempotency-Key": "same"}).status_code for vendor in (one, two)]

    assert answers == [201, 201]


@pytest.mark.parametrize("header", ["", "Bearer ", "Bearer opn_" + "0" * 64, "Basic dXNlcjpwYXNz", "opn_x"])
def test_without_a_valid_token_nothing_is_kept(desk: Desk, header: str):
    before = kept(desk)
    client = desk.app.test_client()

    answer = client.post("/api/v1/items", json=post(), headers={"Authorization": header})

    assert answer.status_code == 401 and answer.mimetype == "application/problem+json"
    assert client.get("/api/v1/items/1").status_code == 401
    assert kept(desk) == before


def test_a_signed_in_person_is_no_token(desk: Desk):
    answer = desk.seat("wangfang").client.post("/api/v1/items", json=post())

    assert answer.status_code == 401


def test_a_token_is_shown_once_stored_hashed_and_opens_nothing_once_revoked_or_expired(desk: Desk):
    admin = desk.seat("qianjin")
    form = {"name": "12345热线(虚构)", "source_type": "hotline", "per_minute": "60", "days": "30"}
    page = admin.post("/admin/tokens", form).text
    token = re.search(r"opn_[0-9a-f]{64}", page)
    assert token is not None
    vendor = Vendor(desk, token[0])
    first = vendor.send(post()).status_code

    with desk.world.services.engine.connect() as conn:
        rows = conn.execute(select(token_table)).all()
    assert not [row for row in rows if token[0] in str(row)]
    row = next(row for row in rows if row.name == form["name"])
    listed = admin.get("/admin/tokens").text
    assert token[0] not in listed and row.hint in listed and row.used_at
    desk.world.clock.advance(days=31)
    expired = vendor.send(post()).status_code
    desk.world.clock.advance(days=-31)
    revoked = admin.post(f"/admin/tokens/{row.token_id}/revoke")
    after = vendor.send(post()).status_code

    assert (first, expired, revoked.status_code, after) == (201, 401, 303, 401)


def test_bad_limits_of_a_token_are_named(desk: Desk):
    answer = desk.seat("qianjin").post("/admin/tokens", {"name": "", "per_minute": "9999", "days": "x"})

    assert answer.status_code == 422 and answer.text.count("is-invalid") == 4


def test_too_many_requests_of_a_minute_wait_for_the_next(desk: Desk):
    vendor = Vendor(desk, made(desk, per_minute="2"))

    answers = [vendor.send(post()).status_code for _ in range(3)]
    desk.world.clock.advance(minutes=1)
    later = vendor.send(post()).status_code

    assert answers == [201, 201, 429] and later == 201


def test_a_token_reads_its_own_items_only_and_nothing_of_cases(desk: Desk, vendor: Vendor):
    other = Vendor(desk, made(desk))
    number = vendor.send(post()).get_json()["items"][0]["item"]
    case = desk.registered()

    assert other.status(number).status_code == 404
    paths = [f"/cases/{case.id}", "/cases", "/items", f"/items/{number}", "/topics", "/admin/tokens"]
    answers = [vendor.client.get(path, headers=vendor.headers) for path in paths]
    assert [answer.status_code for answer in answers if answer.status_code == 200] == []
    assert set(vendor.status(number).get_json()) == {"item", "status", "received_at"}


def test_what_is_no_json_or_too_much_is_refused_with_a_problem(vendor: Vendor):
    big = b'{"body": "' + b"x" * (4 * 1024 * 1024) + b'"}'

    answers = [
        vendor.send(b"{").status_code,
        vendor.send(b"<xml/>", **{"Content-Type": "text/xml"}).status_code,
        vendor.send(big).status_code,
        vendor.send([]).status_code,
        vendor.send([post()] * (api_items.MOST + 1)).status_code,
        vendor.send(b"[" * 100_000).status_code,
        vendor.send(post(), **{"Idempotency-Key": "with blank"}).status_code,
    ]

    assert answers == [400, 415, 413, 422, 422, 400, 422]

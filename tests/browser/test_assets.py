"""The front-end bundles in a real Chromium, under the policy the application sends, without the application."""

import json
import re
import threading
from collections.abc import Callable, Iterator
from email.parser import BytesParser
from email.policy import HTTP
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, quote, unquote, urlsplit

import pytest
from playwright.sync_api import Page, expect

PAGES = Path(__file__).parent / "pages"
DIST = Path(__file__).parents[2] / "webui" / "static" / "dist"
FORM = PAGES / "opinion.form.json"
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; font-src 'self' data:; "
    "connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
)


class AssetServer(ThreadingHTTPServer):
    """Serves the pages beside this file with their blanks filled in, and the built bundles; keeps what was posted."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.manifest: dict[str, str] = json.loads((DIST / "manifest.json").read_text())
        self.posted: list[Post] = []
        self.arrived = threading.Condition()

    def __enter__(self) -> "AssetServer":
        threading.Thread(target=self.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.shutdown()
        self.server_close()

    def page(self, name: str, **blanks: Any) -> str:
        """Address of a page; what fills its blanks travels in the query."""
        return f"http://127.0.0.1:{self.server_port}/{name}.html?{quote(json.dumps(blanks))}"

    def post_to(self, path: str) -> "Post":
        """The first POST to `path`, waited for."""
        with self.arrived:
            assert self.arrived.wait_for(lambda: any(post.path == path for post in self.posted), timeout=10)
            return next(post for post in self.posted if post.path == path)


class Post:
    """One POST: its fields by name, in order; a file is (file name, content)."""

    def __init__(self, handler: "Handler") -> None:
        self.path = handler.path
        self.token = handler.headers.get("X-CSRFToken")
        body = handler.rfile.read(int(handler.headers["Content-Length"]))
        kind = handler.headers["Content-Type"]
        self.fields: dict[str, list[Any]] = {}
        if not kind.startswith("multipart/"):
            self.fields = dict(parse_qs(body.decode(), keep_blank_values=True))
            return
        message = BytesParser(policy=HTTP).parsebytes(f"Content-Type: {kind}\r\n\r\n".encode() + body)
        for part in message.iter_parts():
            name = part.get_param("name", header="content-disposition")
            content = part.get_payload(decode=True)
            file = part.get_filename()
            self.fields.setdefault(str(name), []).append((file, content) if file else content.decode())

    @property
    def submission(self) -> Any:
        return json.loads(self.fields["submission"][0])


class Handler(BaseHTTPRequestHandler):
    server: AssetServer

    def answer(self, body: bytes, kind: str, status: int = 200) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Content-Security-Policy", POLICY)
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self) -> None:
        url = urlsplit(self.path)
        if url.path.startswith("/dist/"):
            name = url.path.removeprefix("/dist/")
            kind = "text/css" if name.endswith(".css") else "text/javascript"
            self.answer((DIST / self.server.manifest[name]).read_bytes(), f"{kind}; charset=utf-8")
        elif url.path == "/unread":
            self.answer(b'{"unread": 3}', "application/json")
        elif url.path.endswith(".html"):
            text = (PAGES / url.path.lstrip("/")).read_text()
            for name, value in json.loads(unquote(url.query) or "{}").items():
                text = text.replace("{{" + name + "}}", as_blank(value))
            for name, value in {"errors": "{}", "files": "{}", "readonly": ""}.items():
                text = text.replace("{{" + name + "}}", value)
            self.answer(text.encode(), HTML)
        else:
            self.answer(b"", "image/x-icon")

    def do_POST(self) -> None:
        post = Post(self)
        with self.server.arrived:
            self.server.posted.append(post)
            self.server.arrived.notify_all()
        if self.path.startswith("/drafts/"):
            self.answer(b"", HTML, 204)
        else:
            self.answer("<!doctype html><html lang=zh-CN><title>好</title><p>已收到</p>".encode(), HTML)

    def log_message(self, *_: object) -> None:
        """Quiet: a failing test shows what the page said."""


HTML = "text/html; charset=utf-8"


def as_blank(value: Any) -> str:
    # As Flask's tojson filter does it: nothing in a JSON block can end the block.
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False).replace("<", "\\u003c")


def schema() -> Any:
    return json.loads(FORM.read_text())


def case_content() -> dict[str, Any]:
    return {
        "xml": (PAGES / "case.bpmn").read_text(),
        "name": "处置流程",
        "marks": {
            "start": ["completed"],
            "register": ["completed"],
            "opinion": ["waiting", "overdue"],
            "supervise": ["running"],
        },
        "notes": [
            {"element": "opinion", "due": "2026-03-02T07:46:00Z"},
            {"element": "supervise", "due": "2026-03-02T08:30:00Z"},
        ],
        "about": {"register": "王芳 · 09:12"},
        "links": {"reply": "/desk.html"},
    }


@pytest.fixture(scope="module")
def server() -> Iterator[AssetServer]:
    with AssetServer() as running:
        yield running


@pytest.fixture
def form_page(server: AssetServer, page: Page) -> Callable[..., Page]:
    """Opens the form page with `data`, `errors`, `files`, and waits until the form is shown."""
    server.posted.clear()

    def opened(**blanks: Any) -> Page:
        page.goto(server.page("form", **{"schema": schema(), "data": {}, **blanks}))
        expect(page.locator("[data-form-ready=yes]")).to_be_visible()
        return page

    return opened


def overflows(page: Page) -> bool:
    return bool(page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth"))


# --- every page ---


def test_running_limits_are_worded_and_coloured_by_the_servers_clock(server: AssetServer, page: Page):
    page.goto(server.page("desk"))

    expect(page.locator("#ok")).to_have_text("剩余 6小时05分")
    expect(page.locator("#ok")).to_have_class("clock clock-ok")
    expect(page.locator("#soon")).to_have_text(re.compile("^剩余 7分[0-5][0-9]秒$"))
    expect(page.locator("#soon")).to_have_class("clock clock-soon")
    expect(page.locator("#late")).to_have_text("超时 14分")
    expect(page.locator("#late")).to_have_class("clock clock-overdue")
    expect(page.locator("#days")).to_have_text("剩余 2天3小时")
    expect(page.locator("#met")).to_have_text("按时")


def test_a_running_limit_counts_down_every_second(server: AssetServer, page: Page):
    page.goto(server.page("desk"))
    before = page.locator("#soon").inner_text()

    expect(page.locator("#soon")).not_to_have_text(before)


def test_every_state_is_readable(server: AssetServer, page: Page):
    page.goto(server.page("desk"))
    expect(page.locator("#late")).to_have_class("clock clock-overdue")

    contrasts: dict[str, float] = page.evaluate("""() => {
        const pen = document.createElement('canvas').getContext('2d', { willReadFrequently: true });
        const light = (colour) => {
            for (const layer of ['white', colour]) {
                pen.fillStyle = layer;
                pen.fillRect(0, 0, 1, 1);
            }
            const [r, g, b] = [...pen.getImageData(0, 0, 1, 1).data].map((part) => {
                const share = part / 255;
                return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
            });
            return 0.2126 * r + 0.7152 * g + 0.0722 * b;
        };
        const pills = [...document.querySelectorAll('.clock, .status-pill, .badge, .alert, .btn-primary')];
        return Object.fromEntries(pills.map((element) => {
            const style = getComputedStyle(element);
            const [one, other] = [light(style.color), light(style.backgroundColor)];
            return [element.className, (Math.max(one, other) + 0.05) / (Math.min(one, other) + 0.05)];
        }));
    }""")

    assert len(contrasts) >= 18
    assert {name: contrast for name, contrast in contrasts.items() if contrast < 4.5} == {}


def test_unread_tasks_are_counted_in_the_mark_and_the_title(server: AssetServer, page: Page):
    page.goto(server.page("desk"))
    page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")

    expect(page.locator("[data-unread-url]")).to_have_text("3")
    expect(page).to_have_title("(3) 待办")


def test_a_dangerous_button_asks_first(server: AssetServer, page: Page):
    server.posted.clear()
    page.goto(server.page("desk"))

    page.get_by_role("button", name="退回").click()
    page.get_by_role("dialog").get_by_role("button", name="取消").click()
    expect(page.get_by_role("dialog")).to_have_count(0)
    assert [post.path for post in server.posted] == []

    page.get_by_role("button", name="退回").click()
    page.get_by_role("dialog").get_by_role("button", name="退回").click()
    assert server.post_to("/instruct").fields["action"] == ["return"]


def test_a_page_opens_over_this_one_and_sends_an_ordinary_form(server: AssetServer, page: Page):
    server.posted.clear()
    page.goto(server.page("desk"))

    page.get_by_role("link", name="委派").click()
    dialog = page.get_by_role("dialog", name="委派")
    expect(dialog.get_by_label("委派给")).to_be_focused()
    dialog.get_by_role("button", name="关闭").click()
    expect(page.get_by_role("link", name="委派")).to_be_focused()
    page.get_by_role("link", name="委派").click()
    dialog.get_by_role("button", name="委派").click()

    assert server.post_to("/delegate").fields["to"] == ["liqiang"]


def test_a_common_wording_goes_in_with_one_tap_and_the_draft_saves_itself(server: AssetServer, phone_page: Page):
    server.posted.clear()
    phone_page.goto(server.page("desk"))

    phone_page.get_by_role("button", name="请核实").tap()

    draft = server.post_to("/drafts/1")
    assert draft.fields == {"opinion": ["请耕保科核实并提出意见。"]}
    assert draft.token == "token-of-this-page"
    expect(phone_page.locator("[data-autosave-status]")).to_have_text(re.compile("^草稿已保存 16:00$"))


def test_htmx_sends_the_token_and_swaps_under_the_policy(server: AssetServer, page: Page):
    server.posted.clear()
    page.goto(server.page("desk"))

    page.locator("#ask-server").click()

    expect(page.locator("#messages")).to_contain_text("已收到")
    assert server.post_to("/fragment").token == "token-of-this-page"


@pytest.mark.parametrize("name", ["desk", "form", "diagram"])
def test_nothing_is_wider_than_a_phone(server: AssetServer, phone_page: Page, name: str):
    phone_page.goto(server.page(name, schema=schema(), data={}, content=case_content()))
    phone_page.wait_for_load_state("networkidle")

    assert not overflows(phone_page)


def test_what_can_be_done_stays_in_reach_of_the_thumb(server: AssetServer, phone_page: Page):
    phone_page.goto(server.page("form", schema=schema(), data={}))
    expect(phone_page.locator("[data-form-ready=yes]")).to_be_visible()

    expect(phone_page.get_by_role("button", name="提交")).to_be_in_viewport(ratio=1)
    assert phone_page.get_by_role("button", name="提交").bounding_box()["height"] >= 44


# --- forms ---


def test_a_form_is_sent_as_an_ordinary_post_with_its_files(server: AssetServer, form_page: Callable[..., Page]):
    page = form_page(data={"unit": "耕地保护科"})
    page.get_by_label("意见内容").fill("已到现场核实。")
    page.get_by_label("结果类别").click()
    page.get_by_text("调处结果").click()
    page.get_by_label("网址").fill("https://example.org/1")
    page.locator("input[type=file]").set_input_files(
        [
            {"name": "照片.jpg", "mimeType": "image/jpeg", "buffer": b"jpeg"},
            {"name": "函.pdf", "mimeType": "application/pdf", "buffer": b"pdf"},
        ]
    )
    expect(page.get_by_text("已选择 2 个文件")).to_be_visible()

    page.get_by_role("button", name="提交").click()

    expect(page.get_by_text("已收到")).to_be_visible()
    post = server.post_to("/submit")
    reference = post.submission["proof"]
    assert set(post.fields) == {"csrf_token", "submission", "action", reference}
    assert post.fields["action"] == ["submit"]
    assert post.fields[reference] == [("照片.jpg", b"jpeg"), ("函.pdf", b"pdf")]
    assert post.submission["unit"] == "耕地保护科"
    assert post.submission["kind"] == "settled"
    assert post.submission["sources"] == [{"link": "https://example.org/1"}]
    assert "reason" not in post.submission


def test_an_incomplete_form_is_not_sent_and_leads_to_what_is_missing(
    server: AssetServer, form_page: Callable[..., Page]
):
    page = form_page()

    page.get_by_role("button", name="提交").click()

    summary = page.locator(".form-faults")
    expect(summary).to_be_focused()
    expect(summary).to_contain_text("有 3 处需要修改")
    expect(summary.get_by_role("link")).to_have_text(
        ["结果类别：此项必填。", "意见内容：此项必填。", "第 1 行 网址：此项必填。"]
    )
    summary.get_by_role("link").nth(1).click()
    expect(page.get_by_label("意见内容")).to_be_focused()
    assert [post.path for post in server.posted if post.path == "/submit"] == []


def test_a_draft_may_be_incomplete(server: AssetServer, form_page: Callable[..., Page]):
    page = form_page()
    page.get_by_label("意见内容").fill("好")

    page.get_by_role("button", name="暂存").click()

    post = server.post_to("/submit")
    assert post.fields["action"] == ["save"]
    assert post.submission["text"] == "好"


def test_what_is_typed_is_saved_as_a_draft(server: AssetServer, form_page: Callable[..., Page]):
    page = form_page()

    page.get_by_label("意见内容").fill("先记一笔")

    draft = server.post_to("/drafts/1")
    assert draft.submission["text"] == "先记一笔"
    assert draft.token == "token-of-this-page"
    expect(page.locator("[data-autosave-status]")).to_contain_text("草稿已保存")


def test_a_refused_form_shows_each_reason_at_its_field_and_keeps_what_was_typed(
    server: AssetServer, form_page: Callable[..., Page]
):
    typed = {
        "kind": "opinion",
        "text": "含有不实内容",
        "sources": [{"link": "a"}, {"link": "b"}],
        "proof": "files::kept",
    }
    refused = {"text": ["请先核实。"], "sources.1.link": ["网址打不开。"], "": ["案件已被他人办理。"]}

    page = form_page(data=typed, errors=refused, files={"files::kept": [{"name": "照片.jpg"}]})

    items = page.locator(".form-faults li")
    expect(items).to_have_text(["意见内容：请先核实。", "第 2 行 网址：网址打不开。", "案件已被他人办理。"])
    expect(page.get_by_label("意见内容")).to_have_value("含有不实内容")
    expect(page.get_by_label("意见内容")).to_have_attribute("aria-invalid", "true")
    expect(page.get_by_text("照片.jpg")).to_be_visible()

    page.get_by_label("意见内容").fill("已经核实的内容")
    expect(page.locator(".fjs-form-field-textarea")).not_to_contain_text("请先核实。")
    page.get_by_role("button", name="提交").click()

    post = server.post_to("/submit")
    assert post.submission["proof"] == "files::kept"
    assert "files::kept" not in post.fields
    assert post.submission["sources"] == [{"link": "a"}, {"link": "b"}]


def test_dates_are_written_the_chinese_way_whatever_the_browser_speaks(
    server: AssetServer, form_page: Callable[..., Page]
):
    page = form_page(data={"when": "2026-03-02T21:15+08:00"})

    expect(page.get_by_label("核实日期")).to_have_value("2026-03-02")
    expect(page.get_by_label("核实时间")).to_have_value("21:15")
    page.get_by_label("核实日期").click()
    expect(page.locator(".flatpickr-weekday").first).to_have_text("周一")
    expect(page.locator(".flatpickr-monthDropdown-months option").nth(2)).to_have_text("三月")
    page.locator(".flatpickr-day", has_text=re.compile("^18$")).click()
    expect(page.get_by_label("核实日期")).to_have_value("2026-03-18")


def test_no_english_is_left_in_a_chinese_form(form_page: Callable[..., Page]):
    page = form_page()
    page.get_by_role("button", name="提交").click()
    expect(page.locator(".form-faults")).to_be_visible()

    said = page.evaluate("""() => [document.body.innerText,
        ...[...document.querySelectorAll('[placeholder]')].map((element) => element.placeholder),
        ...[...document.querySelectorAll('[aria-label]')].map((element) => element.ariaLabel)].join(' ')""")

    assert re.findall(r"[A-Za-z]{3,}", said.replace("yyyy-mm-dd", "").replace("hh:mm", "")) == []


def test_a_form_of_the_past_is_shown_and_not_asked(form_page: Callable[..., Page]):
    page = form_page(data={"text": "已答复", "unit": "耕地保护科"}, readonly="data-readonly")

    expect(page.get_by_label("意见内容")).to_have_value("已答复")
    expect(page.get_by_label("意见内容")).not_to_be_editable()


def test_the_mark_of_the_forms_maker_is_shown(form_page: Callable[..., Page]):
    page = form_page()

    expect(page.locator(".fjs-powered-by-link svg")).to_be_visible()


# --- diagrams ---


def test_a_diagram_shows_where_the_case_stands(server: AssetServer, page: Page):
    page.goto(server.page("diagram", content=case_content()))
    expect(page.locator("[data-diagram-ready=yes]")).to_be_visible()

    expect(page.locator('[data-element-id="register"]')).to_have_class(re.compile("mark-completed"))
    expect(page.locator('[data-element-id="opinion"]')).to_have_class(re.compile("mark-waiting.*mark-overdue"))
    expect(page.locator(".diagram-note")).to_have_text(["超时 14分", re.compile("剩余 (30分|29分)")])
    expect(page.locator(".diagram-legend li")).to_have_text(["进行中", "待办理", "已完成", "已超时"])
    expect(page.locator(".bjs-powered-by svg")).to_be_visible()


def test_a_diagram_is_read_and_followed_with_the_keyboard(server: AssetServer, page: Page):
    page.goto(server.page("diagram", content=case_content()))
    expect(page.locator("[data-diagram-ready=yes]")).to_be_visible()

    task = page.locator('g.djs-element[data-element-id="opinion"]')
    expect(task).to_have_attribute("aria-label", "提出回复意见 · 待办理 · 已超时 · 超时 14分")
    task.focus()
    expect(page.locator(".diagram-about")).to_have_text("提出回复意见 · 待办理 · 已超时 · 超时 14分")
    call = page.locator('g.djs-element[data-element-id="reply"]')
    call.focus()
    call.press("Enter")

    expect(page).to_have_url(re.compile("/desk.html$"))


def test_two_fingers_zoom_a_diagram_and_one_moves_it(server: AssetServer, phone_page: Page):
    phone_page.goto(server.page("diagram", content=case_content()))
    expect(phone_page.locator("[data-diagram-ready=yes]")).to_be_visible()
    box = phone_page.locator(".diagram-canvas").bounding_box()
    assert box
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    touch = phone_page.context.new_cdp_session(phone_page)

    def fingers(kind: str, *places: tuple[float, float]) -> str:
        points = [{"x": px, "y": py, "id": number} for number, (px, py) in enumerate(places)]
        touch.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})
        return str(phone_page.locator(".diagram-canvas .viewport").get_attribute("transform"))

    before = fingers("touchStart", (x, y))
    moved = fingers("touchMove", (x + 40, y + 30))
    fingers("touchEnd")
    fingers("touchStart", (x - 20, y), (x + 20, y))
    zoomed = fingers("touchMove", (x - 60, y), (x + 60, y))
    fingers("touchEnd")

    scales = [float(re.findall(r"matrix\(([\d.]+)", transform)[0]) for transform in (before, moved, zoomed)]
    assert moved != before
    assert scales[0] == pytest.approx(scales[1])
    assert scales[2] > scales[1] * 1.5

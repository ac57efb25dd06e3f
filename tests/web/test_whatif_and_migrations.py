"""The process owner tries a change out on past cases, looks at one side by side, and moves the running ones."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from engine.service import migration_jobs, migrations, whatif_simulation
from engine.service.migration_judge import Judgement
from engine.service.transactions import writing
from engine.worker.queue import QueueRunner
from engine.worker.tasks import TASKS
from tests.process.test_many_migrations import TO_THE_UNIT, learn, make_live, with_hours
from tests.support.desk import Desk
from tests.support.world import CaseView, whole_bundle

LATE = "tests/scenarios/ordinary_late.scenario.toml"
REST = ("Task_verify", "Task_opinion", "Task_confirm")
VERDICT = re.compile(r'data-verdict="(\w+)">.*?<span class="h1[^>]*>(\d+)<', re.S)


def work(desk: Desk) -> None:
    """A worker does what waits."""
    runner = QueueRunner(desk.world.services, TASKS)
    while (counts := runner.run_once()).fired or counts.faults:
        pass


class Place:
    """An installation with a case that took seven hours, one that runs, and a version with six drawn."""

    def __init__(self, folder: Path) -> None:
        self.desk = Desk(folder)
        self.late, self.running = self.with_unit(), self.with_unit()
        self.desk.world.wait(hours=7)
        self.late.fill_all(*REST)
        self.running = self.with_unit()
        self.version = learn(self.desk.world, with_hours(6))
        self.owner = self.desk.seat("sunli")

    def with_unit(self) -> CaseView:
        case = self.desk.world.open()
        case.fill_all(*TO_THE_UNIT)
        return case


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    made = Place(tmp_path_factory.mktemp("whatif"))
    yield made
    made.desk.world.services.engine.dispose()


@pytest.fixture(scope="module")
def run(place: Place) -> str:
    """Address of a finished run over everything."""
    answer = place.owner.post("/whatif", {"to": place.version[:12], "limit": "eight_hours"})
    assert answer.status_code == 303
    waiting = place.owner.get(answer.location).text
    assert "已排队" in waiting and 'hx-trigger="every 1s"' in waiting
    work(place.desk)
    return str(answer.location)


def test_a_run_tells_counts_costs_and_the_late_case_with_its_reason(place: Place, run: str):
    page = place.owner.get(run).text

    assert dict(VERDICT.findall(page)) == {"breach": "2", "stuck": "0", "other": "0", "same": "1"}
    row = page.partition(f'data-case="{place.late.id}"')[2].partition("</a>")[0]
    assert "会超时：" in row and "的时间到了，当时没有到" in row
    assert "hx-trigger" not in page.partition('id="whatif-progress"')[2].partition(">")[0]
    assert "用时" in page and "HX-Refresh" not in page
    assert place.owner.get(f"{run}/progress").headers["HX-Refresh"] == "true"


def test_the_list_is_narrowed_and_its_fields_bear_nonsense(place: Place, run: str):
    same = place.owner.get(f"{run}?verdict=same").text

    assert f'data-case="{place.late.id}"' not in same and f'data-case="{place.running.id}"' in same
    for query in ("verdict=none", "page=0", "page=x", "page=999999", "grade=%27", "unit=%25"):
        assert place.owner.get(f"{run}?{query}").status_code == 200


def test_a_case_is_shown_side_by_side_with_the_first_difference_marked_and_the_look_is_logged(place: Place, run: str):
    page = place.owner.get(f"{run}/cases/{place.late.id}").text

    marked = page.partition("data-first-difference")[2].partition("</tr>")[0]
    assert "第一处不同" in marked and "超时：" in marked
    assert 'id="drawn-then"' in page and 'id="drawn-now"' in page
    assert "网帖称某村" not in page  # what people filled in is not shown
    assert place.owner.get(f"{run}/cases/{place.late.id}?act=1").status_code == 200
    assert place.owner.get(f"{run}/cases/WQ-2026-999999").status_code == 404
    looks = place.desk.seat("zhaoming").get(f"/audit/looks?case={place.late.id}").text
    assert "sunli" in looks or "孙丽" in looks


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"to": "cafe"}, "没有这个流程"),
        ({"to": "live", "first": "2026-13-01"}, "is-invalid"),
        ({"to": "live", "first": "2026-03-02", "last": "2026-03-01"}, "is-invalid"),
        ({"to": "live", "unit": "nowhere"}, "没有这一项"),
    ],
)
def test_what_is_asked_wrongly_is_said_at_its_field_and_kept(place: Place, fields: dict[str, str], said: str):
    answer = place.owner.post("/whatif", {**fields, "grade": "major_negative"})

    assert answer.status_code == 422 and said in answer.text
    assert '<option value="major_negative" selected>' in answer.text


def test_who_deploys_nothing_sees_results_and_begins_nothing(place: Place, run: str):
    chief = place.desk.seat("liuwei")

    assert chief.get(run).status_code == 200
    assert "开始试算" not in chief.get("/whatif").text
    assert chief.post("/whatif", {"to": "live"}).status_code == 403
    assert chief.get("/migrations").status_code == 403
    assert place.desk.seat("zhouwei").get(run).status_code == 403


def test_a_draft_and_what_came_of_trying_it_out_lead_to_each_other(place: Place):
    owner, drafts = place.owner, place.desk.world.services.bundle_drafts
    draft = owner.post("/studio", {"title": "试算过的"}).location
    ident, actor = draft.rpartition("/")[2], place.desk.world.actor("sunli")
    drafts.add(ident, {"bpmn/unit_handling.bpmn": with_hours(6)["bpmn/unit_handling.bpmn"]}, actor, whole=False)
    answer = owner.post("/whatif", {"to": f"draft:{ident}", "status": "open", "most": "100"})
    work(place.desk)
    told, page = owner.get(answer.location).text, owner.get(draft).text

    drafts.add(ident, {LATE: whole_bundle()[LATE]}, actor, whole=False)
    tested = owner.get(answer.location).text
    drafts.add(ident, {"bpmn/unit_handling.bpmn": with_hours(5)["bpmn/unit_handling.bpmn"]}, actor, whole=False)
    changed, after = owner.get(answer.location).text, owner.get(draft).text

    assert f'href="{draft}#pending"' in told and "范围：在办 · 最近 100 件" in told
    assert f'href="{answer.location}"' in page and "草稿又改过" not in page
    assert "草稿又改过" not in told + tested
    assert "草稿又改过" in changed and "草稿又改过" in after


def test_a_simulation_shows_both_versions_beside_each_other(place: Place, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(
        whatif_simulation, "simulate", lambda *_: {
            "cases": 3, "closed": 1, "stuck": "", "units": {"gengbao": {"tasks": 2, "done": 1}}, "roles": {},
            "limits": {"eight_hours": {"label": "8小时", "ran": 3, "broken": 1}},
        },
    )  # fmt: skip
    answer = place.owner.post("/whatif/simulation", {"to": place.version, "days": "3", "size": "usual"})
    work(place.desk)

    page = place.owner.get(answer.location).text

    assert "3 次中超时 1 次" in page and "2 件（办完 1）" in page
    assert place.owner.post("/whatif/simulation", {"to": "live", "days": "99", "size": "usual"}).status_code == 422


def test_running_cases_are_tried_out_moved_and_moved_back(place: Place):
    make_live(place.desk.world, with_hours(6))
    owner = place.owner
    unchosen = owner.post("/migrations", {"to": "0" * 64})
    batch = owner.post("/migrations", {"to": place.version, "unit": "gengbao"}).location
    work(place.desk)
    page = owner.get(batch).text
    nameless = owner.post(f"{batch}/move", {"which": "all", "reason": " "})
    none = owner.post(f"{batch}/move", {"which": "chosen", "reason": "试行"})
    moved = owner.post(f"{batch}/move", {"which": "chosen", "case": place.running.id, "reason": "时限改为6小时"})
    work(place.desk)
    after = owner.get(batch).text
    bundle = place.running.live.bundle.version
    assert owner.post(f"{batch}/back", {"case": place.running.id}).status_code == 303
    work(place.desk)

    assert unchosen.status_code == 422 and "请选择已发布的版本" in unchosen.text
    row = page.partition(f'data-case="{place.running.id}"')[2].partition("data-case")[0]
    assert "可以迁移" in row and "核实研判" in row
    assert "data-overdue" in page  # the case that waits for seven hours
    assert nameless.status_code == 422 and 'id="reason-fault"' in nameless.text
    assert none.status_code == 422 and "没有选中" in none.text
    assert moved.status_code == 303 and "已迁移" in after and bundle == place.version
    assert "已撤销" in owner.get(batch).text and place.running.live.bundle.version != place.version
    assert owner.get("/migrations/none").status_code == 404
    assert "时限改为6小时" in owner.get("/migrations").text


CANDIDATES = (("Task_a", "甲环节"), ("Task_b", "乙环节"))


@pytest.fixture
def large(place: Place) -> str:
    """Address of a batch of 60 cases that move and two that each miss an element."""
    services = place.desk.world.services
    rows = [(f"WQ-2025-{number:06}", Judgement("moves", place.version, 1)) for number in range(60)]
    rows += [
        (
            f"WQ-2025-9{number:05}",
            Judgement("mapping", place.version, 1, "migrate.refused", {}, ident, label, CANDIDATES),
        )
        for number, (ident, label) in enumerate((("Task_old", "旧环节"), ("Task_older", "更旧环节")))
    ]
    with writing(services.engine) as conn:
        batch = migrations.look(services, conn, "sunli", place.version, {"unit": "nowhere"}, {"Task_gone": "Task_c"})
    work(place.desk)
    with writing(services.engine) as conn:
        for case_id, judged in rows:
            migrations.keep_judgement(conn, batch, case_id, migration_jobs.row_of(judged))
    return f"/migrations/{batch}"


def ticked(page: str) -> list[str]:
    return re.findall(r'name="case" value="([^"]+)" form="move" checked', page)


def chosen(page: str) -> dict[str, str]:
    """Select of an element -> what is chosen there; "" for the blank that a browser begins with."""
    found = re.findall(r'<select[^>]* name="(map-[^"]+)"[^>]*>(.*?)</select>', page, re.S)
    picked = {name: re.findall(r'value="([^"]*)" selected', options) for name, options in found}
    return {name: "".join(values) for name, values in picked.items()}


def test_a_refused_migration_keeps_ticks_reason_choices_page_and_filter(place: Place, large: str):
    second = place.owner.get(f"{large}?verdict=moves&page=2").text
    address = html.unescape(re.search(r'action="([^"]+/move[^"]*)" id="move"', second)[1])
    sent = {"case": ["WQ-2025-000055", "WQ-2025-000057"], "map-Task_old": "Task_b", "which": "chosen"}

    nameless = place.owner.post(address, {**sent, "reason": " "})
    mapless = place.owner.post(address.replace("/move", "/map"), {**sent, "map-Task_old": "", "reason": "试行三个月"})

    assert nameless.status_code == 422 and 'id="reason-fault"' in nameless.text
    assert mapless.status_code == 422 and 'value="试行三个月"' in mapless.text
    for page in (nameless.text, mapless.text):
        assert ticked(page) == sent["case"]
        assert "WQ-2025-000049" not in page and '<span class="page-link">2 / 2</span>' in page
        assert re.search(r'class="btn btn-sm btn-primary" href="[^"]+verdict=moves"', page)
    assert chosen(nameless.text) == {"map-Task_old": "Task_b", "map-Task_older": ""}
    assert re.search(r'<input[^>]* id="reason"[^>]* required', second)
    assert ticked(second) == []


@pytest.mark.parametrize(
    ("old", "older", "at", "said"),
    [
        ("", "", "Task_old", "“旧环节”还没有选对应的节点"),
        ("Task_a", "Task_a", "Task_older", "“甲环节”已对应“旧环节”，请为“更旧环节”改选"),
        ("Task_b", "Task_nowhere", "Task_older", "为“更旧环节”选的节点不在可选范围内"),
    ],
)
def test_a_mapping_refused_is_said_at_its_element_and_the_other_choices_stay(
    place: Place, large: str, old: str, older: str, at: str, said: str
):
    before = len(re.findall('href="/migrations/', place.owner.get("/migrations").text))

    answer = place.owner.post(f"{large}/map", {"map-Task_old": old, "map-Task_older": older})

    assert answer.status_code == 422
    fault = re.search(rf'id="map-{at}-fault">([^<]+)<', answer.text)
    assert fault and said in fault[1]
    assert f'aria-describedby="map-{at}-fault"' in answer.text
    assert chosen(answer.text)["map-Task_old"] == old
    assert len(re.findall('href="/migrations/', place.owner.get("/migrations").text)) == before


def test_a_migration_refused_because_another_is_under_way_stays_as_it_was_filled_in(place: Place, large: str):
    first = place.owner.post(f"{large}/move", {"which": "chosen", "case": "WQ-2025-000001", "reason": "先迁一件"})

    second = place.owner.post(
        f"{large}/move?page=2", {"which": "chosen", "case": "WQ-2025-000058", "reason": "再迁一件"}
    )
    page = place.owner.get(large).text
    place.owner.post(f"{large}/cancel")
    work(place.desk)

    assert first.status_code == 303
    assert second.status_code == 409 and "请等它结束" in second.text
    assert ticked(second.text) == ["WQ-2025-000058"] and 'value="再迁一件"' in second.text
    assert 'hx-trigger="every 1s"' not in second.text and 'hx-trigger="every 1s"' in page


def test_a_good_mapping_begins_another_dry_run(place: Place, large: str):
    answer = place.owner.post(f"{large}/map?page=2", {"map-Task_old": "Task_a", "map-Task_older": ""})
    work(place.desk)

    with place.desk.world.services.engine.connect() as conn:
        fresh = migrations.get(conn, answer.location.rpartition("/")[2])
    assert answer.status_code == 303 and fresh is not None
    assert fresh.mapping == {"Task_gone": "Task_c", "Task_old": "Task_a"} and fresh.filters == {"unit": "nowhere"}

"""Drafts of bundles in the database: files with revisions, conflicts, rebase, approval in the journal."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from engine.definitions.bundle import version_of
from engine.domain.rejection import Rejection
from engine.service import bundle_approval, bundle_names, bundle_presence
from engine.service.bundle_drafts import Draft, Saved
from engine.service.bundle_rebase import both_sides
from engine.service.deployments import STREAM
from engine.service.verify import Asked, verify
from tests.support.world import World, shipped_files

TRIAGE, ARCHIVE = "bpmn/triage.bpmn", "bpmn/archive.bpmn"


@pytest.fixture(scope="module", params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def office(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """One office for all tests of a backend: each makes its own draft of whatever is live."""
    url = "" if request.param == "sqlite" else request.getfixturevalue("postgres_database")()
    made = World(tmp_path_factory.mktemp("drafts"), url)
    yield made
    made.services.engine.dispose()


@pytest.fixture
def world(office: World) -> World:
    office.services.deployments.two_approvers = False
    return office


def remarked(path: str, remark: str) -> bytes:
    return shipped_files()[path].replace(b"</bpmn:definitions>", f"<!-- {remark} --></bpmn:definitions>".encode())


def begun(world: World) -> Draft:
    draft = world.services.bundle_drafts.create(world.actor("sunli"), "试改")
    assert isinstance(draft, Draft)
    return draft


def saved(outcome: Saved | Rejection) -> Saved:
    assert isinstance(outcome, Saved), outcome
    return outcome


def refused(outcome: object) -> Rejection:
    assert isinstance(outcome, Rejection), outcome
    return outcome


def test_a_draft_is_its_base_with_what_was_saved_laid_over_it(world: World):
    drafts, draft, sunli = world.services.bundle_drafts, begun(world), world.actor("sunli")

    saved(drafts.save(draft.draft_id, TRIAGE, remarked(TRIAGE, "一"), sunli, 0))
    saved(drafts.save(draft.draft_id, "forms/new.form", b"{}", sunli, 0))
    saved(drafts.remove(draft.draft_id, "forms/positive.form", sunli, 0))

    files = drafts.files(draft.draft_id)
    assert files[TRIAGE] == remarked(TRIAGE, "一") and files["forms/new.form"] == b"{}"
    assert "forms/positive.form" not in files
    assert {one.path: one.how for one in drafts.changes(draft)} == {
        TRIAGE: "changed", "forms/new.form": "added", "forms/positive.form": "removed",
    }  # fmt: skip
    assert bundle_names.resolve(world.services, f"draft:{draft.draft_id}") == ("试改", files)


def test_who_saves_over_what_somebody_else_saved_is_told_who_and_when_and_nothing_is_lost(world: World):
    drafts, draft = world.services.bundle_drafts, begun(world)
    first = saved(drafts.save(draft.draft_id, TRIAGE, remarked(TRIAGE, "一"), world.actor("sunli"), 0))
    world.clock.advance(minutes=3)

    late = refused(drafts.save(draft.draft_id, TRIAGE, remarked(TRIAGE, "二"), world.actor("wangfang"), 0))

    assert (late.code, late.details["by"], late.details["revision"]) == ("conflict", "sunli", first.revision)
    assert drafts.files(draft.draft_id)[TRIAGE] == remarked(TRIAGE, "一")
    saved(drafts.save(draft.draft_id, TRIAGE, remarked(TRIAGE, "二"), world.actor("wangfang"), first.revision))


def test_two_who_save_different_files_do_not_meet(world: World):
    drafts, draft = world.services.bundle_drafts, begun(world)

    saved(drafts.save(draft.draft_id, TRIAGE, remarked(TRIAGE, "一"), world.actor("sunli"), 0))
    saved(drafts.save(draft.draft_id, ARCHIVE, remarked(ARCHIVE, "二"), world.actor("wangfang"), 0))

    assert len(drafts.changes(draft)) == 2


def test_a_revision_is_never_used_twice_so_that_an_old_page_can_not_overwrite_a_restored_file(world: World):
    drafts, draft, sunli = world.services.bundle_drafts, begun(world), world.actor("sunli")
    old = saved(drafts.save(draft.draft_id, TRIAGE, remarked(TRIAGE, "一"), sunli, 0))
    drafts.restore(draft.draft_id, TRIAGE, sunli)
    new = saved(drafts.save(draft.draft_id, TRIAGE, remarked(TRIAGE, "三"), sunli, 0))

    late = refused(drafts.save(draft.draft_id, TRIAGE, remarked(TRIAGE, "二"), sunli, old.revision))

    assert late.details["revision"] == new.revision != old.revision


def test_a_path_that_no_bundle_has_is_refused(world: World):
    draft = begun(world)
    paths = ("../x.bpmn", "bpmn/../x.bpmn", "x.bpmn", "bpmn/.x.bpmn", "bpmn/x.exe", "tests/x.toml", "bpmn/a\\b.bpmn")

    keys = [
        refused(world.services.bundle_drafts.save(draft.draft_id, path, b"x", world.actor("sunli"), 0)).key
        for path in paths
    ]

    assert keys == ["draft.path"] * len(paths)


def test_rebase_takes_what_only_the_live_version_changed_and_names_what_both_did(world: World):
    drafts, draft, sunli = world.services.bundle_drafts, begun(world), world.actor("sunli")
    saved(drafts.save(draft.draft_id, TRIAGE, remarked(TRIAGE, "草稿"), sunli, 0))
    theirs = {**drafts.base(draft), TRIAGE: remarked(TRIAGE, "线上"), ARCHIVE: remarked(ARCHIVE, "线上")}
    assert isinstance(world.services.deployments.deploy(theirs, "sunli", "别处", "other"), tuple)

    moved = both_sides(world.services, draft)
    stale = refused(bundle_approval.deploy(world.services, draft.draft_id, sunli, "发布", "c-1"))
    saved(drafts.rebase(draft.draft_id, sunli))
    from_before = refused(drafts.save(draft.draft_id, ARCHIVE, remarked(ARCHIVE, "旧页"), sunli, 0))

    assert (moved.both, moved.theirs) == ((TRIAGE,), (ARCHIVE,))
    assert stale.key == "draft.moved_on"
    assert from_before.key == "draft.conflict"
    assert drafts.files(draft.draft_id) == {**theirs, TRIAGE: remarked(TRIAGE, "草稿")}


def test_whoever_gave_a_sign_of_life_lately_is_seen_by_the_others(world: World):
    draft = begun(world)

    bundle_presence.here(world.services, draft.draft_id, "wangfang", TRIAGE)
    first = bundle_presence.here(world.services, draft.draft_id, "sunli", "")
    world.clock.advance(seconds=51)
    later = bundle_presence.here(world.services, draft.draft_id, "sunli", "")

    assert [(one.user_id, one.path) for one in first] == [("wangfang", TRIAGE)]
    assert later == []


def test_where_two_must_agree_nothing_goes_live_before_somebody_else_approved_it(world: World):
    services, sunli, chief = world.services, world.actor("sunli"), world.actor("liuwei")
    services.deployments.two_approvers = True
    draft = begun(world)
    saved(services.bundle_drafts.save(draft.draft_id, TRIAGE, remarked(TRIAGE, "两人"), sunli, 0))
    version = version_of(services.bundle_drafts.files(draft.draft_id))

    alone = refused(bundle_approval.deploy(services, draft.draft_id, sunli, "理由", "c-2"))
    assert isinstance(bundle_approval.propose(services, draft.draft_id, sunli, "理由"), Draft)
    frozen = refused(services.bundle_drafts.save(draft.draft_id, TRIAGE, remarked(TRIAGE, "二"), sunli, 1))
    own = refused(bundle_approval.approve(services, draft.draft_id, sunli))
    early = refused(bundle_approval.deploy(services, draft.draft_id, sunli, "", "c-3"))
    assert isinstance(bundle_approval.approve(services, draft.draft_id, chief), Draft)
    deployed = bundle_approval.deploy(services, draft.draft_id, sunli, "", "c-4")

    assert [one.key for one in (alone, frozen, own, early)] == [
        "bundle.needs_approval", "draft.still.proposed", "draft.own_proposal", "draft.still.proposed",
    ]  # fmt: skip
    assert isinstance(deployed, tuple)
    assert (services.deployments.live(), deployed[1].approved_by, deployed[1].reason) == (version, "liuwei", "理由")
    assert services.deployments.history()[0].approved_by == "liuwei"
    with services.journal.reading() as tx:
        kinds = [entry.events[0]["kind"] for entry in tx.read(STREAM)]
    assert kinds[-3:] == ["BundleProposed", "BundleApproved", "BundleDeployed"]
    assert verify(services, Asked(parts=("chains", "deployments", "bundles"))).faults == 0


def test_what_was_sent_back_needs_a_new_approval(world: World):
    services, sunli, chief = world.services, world.actor("sunli"), world.actor("liuwei")
    services.deployments.two_approvers = True
    draft = begun(world)
    saved(services.bundle_drafts.save(draft.draft_id, TRIAGE, remarked(TRIAGE, "一"), sunli, 0))
    bundle_approval.propose(services, draft.draft_id, sunli, "理由")
    bundle_approval.approve(services, draft.draft_id, chief)

    silent = refused(bundle_approval.send_back(services, draft.draft_id, chief, " "))
    back = bundle_approval.send_back(services, draft.draft_id, chief, "先征求法规科意见")
    again = refused(bundle_approval.deploy(services, draft.draft_id, sunli, "理由", "c-5"))

    assert silent.fields[0].path == "reason"
    assert isinstance(back, Draft) and (back.state, back.note) == ("open", "先征求法规科意见")
    assert again.key == "bundle.needs_approval"


def test_a_version_is_named_by_its_beginning_if_no_other_begins_so(world: World):
    services = world.services
    version = services.deployments.live()

    assert bundle_names.resolve(services, "live") == (version[:12], services.deployments.files(version))
    assert bundle_names.resolve(services, version[:8]) is not None
    assert [bundle_names.resolve(services, name) for name in ("", version[:3], "zzzz", "%", "draft:none")] == [None] * 5

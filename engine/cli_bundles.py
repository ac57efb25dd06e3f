"""Commands for bundles: deploy one (or say what would happen), take a version out as a zip."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from engine.definitions.model import Finding
    from engine.domain.organisation import Actor
    from engine.service.bootstrap import Services

Add = Callable[[str, Callable[[argparse.Namespace], int], str], argparse.ArgumentParser]


def declare(add: Add, services: Callable[[], Services]) -> None:
    """Adds the commands to a parser; `services` opens the office of the environment."""
    deploy = add(
        "deploy", lambda chosen: _deploy(services(), chosen), "check a bundle and make it live / 检查并发布流程包"
    )
    deploy.add_argument(
        "path", type=Path, help="folder (or Git checkout) with bpmn/ and forms/, a zip, or single files", nargs="+"
    )
    deploy.add_argument("--reason", required=True)
    deploy.add_argument("--as", "--actor", dest="actor", required=True, help="login of the process owner / 流程负责人")
    deploy.add_argument("--dry-run", action="store_true", help="only say what would happen / 只检查，不发布")
    export = add("export-bundle", lambda chosen: _export(services(), chosen), "a version as a zip / 导出流程包")
    export.add_argument("version", help="a version or its beginning, `live`, or draft:ID / 版本")
    export.add_argument("file", type=Path, metavar="FILE.zip", help="is not overwritten / 不覆盖已有文件")


def _deploy(services: Services, chosen: argparse.Namespace) -> int:
    from engine.domain.access import may
    from engine.service import bundle_folder, git_source, people

    try:
        files = bundle_folder.collect(chosen.path, services.deployments)
        source = git_source.source_of(chosen.path[0]) if len(chosen.path) == 1 else ""
    except bundle_folder.Unusable as error:
        print(f"无法读取: {error}", file=sys.stderr)
        return 2
    with services.engine.connect() as conn:
        actor = people.actor(conn, chosen.actor, services.clock.now())
    if actor is None or not may(actor, "deploy_bundle"):
        print(f"未发布: {chosen.actor} 不是流程负责人", file=sys.stderr)
        return 1
    _tell(services, files)
    if source:
        print(f"来源: {source}" + ("（有未提交的改动）" if source.endswith(git_source.CHANGED) else ""))
    return _dry_run(services, files, chosen.reason) if chosen.dry_run else _go(services, files, actor, chosen, source)


def _go(services: Services, files: Mapping[str, bytes], actor: Actor, chosen: argparse.Namespace, source: str) -> int:
    """Deploys; where two must agree, leaves a draft that waits for approval."""
    from engine.domain.rejection import Rejection
    from engine.service import bundle_approval
    from engine.service.deployments import Origin
    from engine.service.system import new_id

    outcome: Any
    if services.deployments.two_approvers and services.deployments.live():
        draft = services.bundle_drafts.create(actor, source or chosen.path[0].name, "", files)
        outcome = draft
        if not isinstance(draft, Rejection):
            outcome = bundle_approval.propose(services, draft.draft_id, actor, chosen.reason, source)
            if isinstance(outcome, Rejection):
                services.bundle_drafts.discard(draft.draft_id)
            else:
                print(f"已提请批准: 草稿 {draft.draft_id}")
                return 0
    else:
        outcome = services.deployments.deploy(files, actor.user_id, chosen.reason, new_id(), Origin(source=source))
    if isinstance(outcome, Rejection):
        print(f"未发布: {_said(outcome)}", file=sys.stderr)
        return 1
    print(f"已发布 #{outcome[1].number} {outcome[1].version[:12]}")
    return 0


def _dry_run(services: Services, files: Mapping[str, bytes], reason: str) -> int:
    from engine.domain.rejection import FieldFault, Rejection
    from engine.service.bundle_drafts import differing

    refused = services.deployments.refusal(files)
    if refused is None and not reason.strip():
        refused = Rejection("invalid", "form.refused", {}, (FieldFault("reason", "form.required"),))
    live = services.deployments.live()
    changed = differing(services.deployments.files(live) if live else {}, files)
    if refused is None and live and not changed:
        refused = Rejection("conflict", "bundle.is_live", {"version": live[:12]})
    for path, content in sorted(changed.items()):
        print(f"{'去掉' if content is None else '改动'}: {path}")
    if refused is not None:
        print(f"不能发布: {_said(refused)}", file=sys.stderr)
        return 1
    print("可以发布（试运行，未发布）")
    return 0


def _tell(services: Services, files: Mapping[str, bytes]) -> None:
    from engine.service import scenarios

    checked = services.deployments.checked(files)
    _print_findings(files, [*checked.findings, *scenarios.failures(checked)])
    results = scenarios.results(checked)
    if results:
        print(f"测试情形 {len(results)} 个, 未通过 {sum(one.fault is not None for one in results)} 个")


def _print_findings(files: Mapping[str, bytes], findings: Sequence[Finding]) -> None:
    from engine.service import finding_rows

    rows = [row for f in findings for row in finding_rows.rows([f], f.file, files.get(f.file, b""), "zh")]
    if rows:
        print(finding_rows.as_text(rows, "zh"))


def _said(rejection: Any) -> str:
    from engine.service.catalogue import said

    return said(rejection.key, rejection.details)


def _export(services: Services, chosen: argparse.Namespace) -> int:
    from engine.service import bundle_folder, bundle_names

    found = bundle_names.resolve(services, chosen.version)
    if found is None:
        print(f"没有这个版本: {chosen.version}", file=sys.stderr)
        return 2
    try:
        with chosen.file.open("xb") as out:
            out.write(bundle_folder.to_zip(found[1]))
    except OSError as error:
        print(f"无法写入: {error}", file=sys.stderr)
        return 2
    print(f"已导出 {found[0]}: {len(found[1])} 个文件")
    return 0

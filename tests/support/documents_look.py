"""Every document of a made-up case as pictures, ours beside LibreOffice's, to be looked at: `make documents-look`.

Writes `<kind>.docx`, `<kind>.pdf` (ours) and, where `soffice` and `pdftoppm` are, `<kind>_<page>.png` with both pages
side by side. Returns 1 when LibreOffice could not open one.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from datetime import date
from pathlib import Path
from typing import Any

from PIL import Image

from engine.domain.rejection import Rejection
from engine.service import document_lookup, documents
from engine.service.document_kinds import KINDS
from tests.support import walks
from tests.support.world import CaseView, World


def tell(text: str) -> None:
    sys.stdout.write(f"{text}\n")


DOTS: int = 70
"""Dots an inch: letters can be read, two pages fit a screen."""
SECONDS = 240


def cases(world: World) -> tuple[CaseView, CaseView]:
    """A major case of two units, one late, whose reply is being written; and an ordinary one in the archive."""
    archived = walks.archived(world)
    major = walks.graded_major(world)
    major.fill_all("Task_contact", "Task_instruct_chief", "Task_confirm_subject")
    major.fill_all("Task_draft_statement", "Task_approve_statement", "Task_publish_statement")
    walks.assign(major, "gengbao", "guihua")
    major.fill("Task_draft_deliverables", doc_press=TEXT, doc_wording=TEXT)
    major.fill("Task_review_deliverables")
    walks.give_opinion(major, "gengbao")
    world.wait(hours=9)
    walks.account_for(major)
    return major, archived


TEXT = (
    "我局高度重视网友反映的情况，第一时间组织核查。\n经查，有关地块已停工；下一步将依法依规处理，结果及时公布。\n"
    "感谢社会各界监督。"
)


def made(world: World, folder: Path) -> list[str]:
    """Makes one of every kind into `folder`, taken out with a mark; the kinds."""
    major, archived = cases(world)
    clerk, found = world.actor("wangfang"), []
    for kind in KINDS.values():
        more: dict[str, Any] = {}
        if not kind.of_case:
            more = {"day": date(2026, 3, 2), "recipients": ("chief", "leader", "unit:gengbao")}
        case_id = "" if not kind.of_case else (archived if kind.kind in ("reply", "catalogue") else major).id
        document = documents.make(world.services, kind.kind, case_id, clerk, **more)
        if isinstance(document, Rejection):
            raise SystemExit(f"{kind.kind}: {document}")
        for form in document_lookup.FORMS:
            content = document_lookup.taken_out(world.services, clerk, document.document, form, "")
            (folder / f"{kind.kind}.{form}").write_bytes(content)
        found.append(kind.kind)
    return found


def pictures(folder: Path, kinds: list[str]) -> int:
    """Converts and lays side by side; how many LibreOffice could not open."""
    office, raster = shutil.which("soffice"), shutil.which("pdftoppm")
    if not office or not raster:
        tell("no soffice or pdftoppm here: .docx and .pdf only")
        return 0
    theirs = folder / "libreoffice"
    subprocess.run(
        [office, "--headless", "--convert-to", "pdf", "--outdir", theirs, *(folder / f"{one}.docx" for one in kinds)],
        check=True, capture_output=True, timeout=SECONDS,
    )  # fmt: skip
    missing = [kind for kind in kinds if not (theirs / f"{kind}.pdf").exists()]
    for kind in kinds:
        pages: list[list[Path]] = []
        for path in (folder / f"{kind}.pdf", theirs / f"{kind}.pdf"):
            if path.exists():
                stem = path.with_suffix("")
                subprocess.run([raster, "-r", str(DOTS), "-png", path, stem], check=True, timeout=SECONDS)
                pages.append(sorted(stem.parent.glob(f"{stem.name}-[0-9]*.png")))
        for number in range(max(map(len, pages))):
            _side_by_side([one[number] for one in pages if number < len(one)], folder / f"{kind}_{number + 1}.png")
    for path in [*folder.glob("*-[0-9]*.png"), *theirs.glob("*.png")]:
        path.unlink()
    for kind in missing:
        tell(f"{kind}: LibreOffice could not open it")
    return len(missing)


def _side_by_side(paths: list[Path], target: Path) -> None:
    shown = [Image.open(path) for path in paths]
    sheet = Image.new("RGB", (sum(one.width for one in shown), max(one.height for one in shown)), "gray")
    at = 0
    for one in shown:
        sheet.paste(one, (at, 0))
        at += one.width
    sheet.save(target)


def main() -> int:
    folder = Path(sys.argv[1] if len(sys.argv) > 1 else "var/documents-look")
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as office:
        kinds = made(World(Path(office)), folder)
    broken = pictures(folder, kinds)
    tell(f"{len(kinds)} documents in {folder}")
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())

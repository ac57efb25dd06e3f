"""Diagrams opened in the real editor: unchanged they are stored as they were; changed, only the change is written."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from lxml import etree
from playwright.sync_api import Browser

from tests.roundtrip.editor_page import EditorPage
from tests.roundtrip.foreign import MODEL, drawn_corpus, generated
from tests.support.world import ROOT

FOREIGN = 100
BLANK = generated(0).encode()

OPEN_AND_CHANGE = """async (texts) => {
  const { editor } = document.getElementById("editor").desk;
  const told = [];
  for (const text of texts) {
    try { await editor.open(text); } catch (error) { told.push({ refused: error.message }); continue; }
    const unchanged = await editor.text();
    const library = editor.source.written;
    const task = editor.modeler.get("elementRegistry").find(
      (one) => one.businessObject?.$instanceOf("bpmn:Activity") && !one.labelTarget);
    if (!task) { told.push({ unchanged, library }); continue; }
    editor.modeler.get("modeling").updateProperties(task, { startQuantity: 7 });
    const changed = await editor.text();
    editor.undo();
    const { rewritten } = editor.source;
    told.push({ unchanged, library, id: task.id, changed, rewritten, undone: await editor.text() });
  }
  return told;
}"""


AS_TEXT = {"unicode_ids.bpmn"}
"""Ids that bpmn-js refuses to read: the page offers the text instead."""
BROKEN = {"invalid_events.bpmn"}
"""A boundary event at nothing: bpmn-js complains and leaves it out of the picture."""


@pytest.fixture(scope="module")
def opened(browser: Browser) -> Iterator[EditorPage]:
    context = browser.new_context(viewport={"width": 1280, "height": 800})
    yield EditorPage(context.new_page(), "bpmn", "bpmn/a.bpmn", BLANK)
    context.close()


def told(editor: EditorPage, texts: list[str]) -> list[dict[str, Any]]:
    """What the editor made of each text; in pieces, so that no answer is too large."""
    found: list[dict[str, Any]] = []
    for at in range(0, len(texts), 25):
        found += editor.page.evaluate(OPEN_AND_CHANGE, texts[at : at + 25])
    return found


def infoset(text: str) -> bytes:
    """Everything an XML processor reports: comments and instructions too, not quotes or the order of attributes."""
    root = etree.fromstring(text.encode(), etree.XMLParser(resolve_entities=False, strip_cdata=False))
    return etree.tostring(root.getroottree(), method="c14n", with_comments=True)


def with_quantity(text: str, ident: str) -> str:
    root = etree.fromstring(text.encode(), etree.XMLParser(resolve_entities=False, strip_cdata=False))
    # A QName in the document is the element itself, not its shape, which names it in another attribute.
    [found] = [one for one in root.iter(tag=etree.Element) if one.get("id") == ident and MODEL in str(one.tag)]
    found.set("startQuantity", "7")
    return etree.tostring(root.getroottree(), encoding="unicode", xml_declaration=False)


def assert_kept(name: str, text: str, made: dict[str, Any]) -> None:
    assert "refused" not in made, f"{name}: {made}"
    assert made["unchanged"] == text, f"{name}: stored otherwise without a change"
    if "id" in made:
        assert not made["rewritten"], f"{name}: written afresh"
        assert infoset(made["changed"]) == infoset(with_quantity(text, made["id"])), name
        assert made["undone"] == text, f"{name}: stored otherwise after undoing"


def test_shipped_diagrams_keep_every_byte_but_the_change(opened: EditorPage):
    paths = sorted((ROOT / "bpmn").glob("*.bpmn"))
    texts = [path.read_text(encoding="utf-8") for path in paths]

    made = told(opened, texts)

    for path, text, one in zip(paths, texts, made, strict=True):
        assert_kept(path.name, text, one)
        lines = [
            (old, new) for old, new in zip(text.split("\n"), one["changed"].split("\n"), strict=True) if old != new
        ]
        assert len(lines) == 1, f"{path.name}: more lines changed than the one with the task"


def test_foreign_diagrams_keep_what_the_library_would_lose(opened: EditorPage):
    corpus = {name: text for name, text in drawn_corpus() if name not in AS_TEXT | BROKEN}
    texts = {**corpus, **{f"seed {seed}": generated(seed) for seed in range(FOREIGN)}}

    made = told(opened, list(texts.values()))

    for (name, text), one in zip(texts.items(), made, strict=True):
        assert_kept(name, text, one)
    assert len(corpus) >= 15, corpus.keys()
    # The control: what the library alone writes is not the same, so the equality above is ours.
    lossy = sum(infoset(one["library"]) != infoset(text) for text, one in zip(texts.values(), made, strict=True))
    comments = sum(
        "<!--" in text and "<!--" not in one["library"] for text, one in zip(texts.values(), made, strict=True)
    )
    assert lossy > FOREIGN * 0.9 and comments > FOREIGN * 0.3, (lossy, comments)

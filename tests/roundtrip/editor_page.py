"""The editors' page without the program: the built bundles under our policy, and a file kept by the test."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from playwright.sync_api import Page, Route

from webui.security import CONTENT_SECURITY_POLICY

DIST = Path(__file__).parents[2] / "webui" / "static" / "dist"
HOST = "http://editor.test"
PAGE = """<!doctype html><html lang="{language}"><head><meta charset="utf-8"><title>-</title>
<link rel="stylesheet" href="/app.css"><link rel="stylesheet" href="/studio-{kind}.css">
<script src="/studio-{kind}.js" defer></script></head><body>
<div id="editor" class="editor editor-{kind}" data-draft="d" data-path="{path}"
  data-file-url="/file" data-findings-url="/findings">
<header class="editor-bar"><span data-status></span>
<button data-do="undo">1</button><button data-do="redo">2</button></header>
<main class="editor-main"><div id="editor-canvas" class="editor-canvas"></div>
<div class="editor-preview"><h2></h2>
<iframe id="editor-preview" data-styles="/app.css /form.css" data-script="/form.js"></iframe></div>
<aside id="editor-panel" class="editor-panel"></aside></main>
<section id="editor-findings" class="editor-findings">
<button data-do="findings"><span data-counts></span></button><ul></ul></section>
</div></body></html>"""


class EditorPage:
    """A page of `kind` with `content` open. `saved`: what it put, newest last."""

    def __init__(self, page: Page, kind: str, path: str, content: bytes, language: str = "zh-CN") -> None:
        self.page = page
        self.content = content
        self.saved: list[bytes] = []
        self.findings: list[dict[str, Any]] = []
        self.conflict: dict[str, Any] | None = None
        self.reachable = True
        self.manifest = json.loads((DIST / "manifest.json").read_text())
        self.html = PAGE.format(kind=kind, path=path, language=language)
        page.route(f"{HOST}/**", self._answer)
        self.open()

    def open(self) -> None:
        self.page.goto(f"{HOST}/")
        self.page.wait_for_selector("#editor[data-ready=yes]", timeout=30_000)

    def _answer(self, route: Route) -> None:
        name = route.request.url.removeprefix(f"{HOST}/").partition("?")[0]
        if name == "":
            policy = {"Content-Security-Policy": CONTENT_SECURITY_POLICY}
            route.fulfill(body=self.html, content_type="text/html; charset=utf-8", headers=policy)
        elif name == "findings":
            route.fulfill(json={"findings": self.findings})
        elif name != "file":
            route.fulfill(path=DIST / self.manifest.get(name, name))
        elif not self.reachable:
            route.fulfill(status=503)
        elif route.request.method == "GET":
            headers = {"ETag": f'"{len(self.saved)}"'}
            route.fulfill(body=self.content, content_type="application/octet-stream", headers=headers)
        elif self.conflict is not None and route.request.headers["if-match"] != f'"{self.conflict["revision"]}"':
            route.fulfill(status=409, json=self.conflict)
        else:
            self.saved.append(route.request.post_data_buffer or b"")
            self.content = self.saved[-1]
            route.fulfill(json={"revision": len(self.saved), "findings": self.findings})

"""Addresses of the built front-end files, by the manifest that `make assets` writes."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from pathlib import Path

from flask import Flask, url_for

log = logging.getLogger(__name__)


class Manifest:
    """The built names, read again when a new build has replaced them."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._built_at = 0
        self._names: Mapping[str, str] = {}

    def name(self, asset: str) -> str:
        """The file name of an asset inside `dist/`; the asset's own name (answered with 404) when nothing is built."""
        try:
            built_at = self._path.stat().st_mtime_ns
        except FileNotFoundError:
            return asset
        if built_at != self._built_at:
            self._names = json.loads(self._path.read_text(encoding="utf-8"))
            self._built_at = built_at
        return self._names.get(asset, asset)


def install(app: Flask) -> None:
    """Adds the Jinja global `asset(name)`: the address of a built file, e.g. `asset("app.js")`."""
    path = Path(app.static_folder or "") / "dist" / "manifest.json"
    manifest = Manifest(path)
    if not path.is_file():
        log.warning("no front-end files: run `make assets`; pages are served without styles")
    app.jinja_env.globals["asset"] = lambda name: url_for("static", filename=f"dist/{manifest.name(name)}")

"""A real Chromium for the tests, driven by Playwright.

Where it comes from, in this order:

1. the program named by `CHROME`;
2. a Chromium or Chrome of this machine;
3. on Linux x86-64 the npm package @sparticuz/chromium (tests/support/chromium): needs no root and no library of the
   system, but shows Chinese only where the machine has a Chinese font;
4. the one that `playwright install chromium` downloads.

`python -m tests.support.browser` (`make browser`) makes sure that there is one, installing 3 or 4 if need be, and
prints it. The fixtures only look: a test without a browser fails and says so.
"""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
import sys
import tarfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from playwright._impl._driver import compute_driver_executable
from playwright.sync_api import (
    Browser,
    ConsoleMessage,
    Page,
    Playwright,
    Response,
    sync_playwright,
)
from playwright.sync_api._context_manager import PlaywrightContextManager

SYSTEM_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
MAC_CHROME = "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome"
PACKAGE = Path(__file__).parent / "chromium"
UNPACKED = PACKAGE / "unpacked"

# No sandbox: tests may run as root, and open only our own pages. The rest keeps the browser from calling its maker.
FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


NODE_VARIABLE = "PLAYWRIGHT_NODEJS_PATH"


class NoBrowser(Exception):
    """None found, or none could be installed."""


@dataclass(frozen=True, slots=True)
class Chromium:
    path: Path
    environment: dict[str, str] = field(default_factory=dict)


def driver() -> PlaywrightContextManager:
    """Playwright's driver, run by its own node where that runs, else by the one that builds the front end.

    Its own needs libatomic, which a small Debian has not.
    """
    if NODE_VARIABLE not in os.environ and subprocess.run([driver_node(), "--version"], capture_output=True).returncode:
        beside = Path(sys.executable).with_name("node")
        os.environ[NODE_VARIABLE] = str(beside) if beside.exists() else shutil.which("node") or driver_node()
    return sync_playwright()


def driver_node() -> str:
    return str(compute_driver_executable()[0])


def found(playwright: Playwright) -> Chromium | None:
    """The browser to use, by the order above, as far as it is already on this machine."""
    if named := os.environ.get("CHROME"):
        return Chromium(Path(named))
    for name in (*SYSTEM_NAMES, MAC_CHROME):
        if path := shutil.which(name):
            return Chromium(Path(path))
    if (UNPACKED / "complete").exists():
        libraries = f"{UNPACKED / 'lib'}:{os.environ.get('LD_LIBRARY_PATH', '')}".rstrip(":")
        return Chromium(
            UNPACKED / "chromium", {"LD_LIBRARY_PATH": libraries, "FONTCONFIG_FILE": str(UNPACKED / "fonts.conf")}
        )
    own = Path(playwright.chromium.executable_path)
    return Chromium(own) if own.exists() else None


def install() -> None:
    """Puts a browser on this machine, for `found`."""
    if sys.platform == "linux" and platform.machine() == "x86_64":
        subprocess.run(["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"], cwd=PACKAGE, check=True)
        unpack()
    else:
        subprocess.run([sys.executable, "-m", "playwright", "install", "chromium"], check=True)


def unpack() -> None:
    shutil.rmtree(UNPACKED, ignore_errors=True)
    UNPACKED.mkdir()
    subprocess.run(["node", "unpack.mjs", str(UNPACKED)], cwd=PACKAGE, check=True)
    for archive in UNPACKED.glob("*.tar"):
        with tarfile.open(archive) as opened:
            # Python 3.11 before 3.11.4 has no filters; the archive is the one whose hash is in the lock file.
            opened.extraction_filter = getattr(tarfile, "data_filter", lambda member, _: member)
            opened.extractall(UNPACKED)
        archive.unlink()
    (UNPACKED / "chromium").chmod(0o755)
    # The package's own file names a cloud function's directories.
    directories = ("/usr/share/fonts", "/usr/local/share/fonts", str(Path.home() / ".fonts"), str(UNPACKED / "fonts"))
    (UNPACKED / "fonts.conf").write_text(
        '<?xml version="1.0"?>\n<!DOCTYPE fontconfig SYSTEM "fonts.dtd">\n<fontconfig>\n'
        + "".join(f"  <dir>{directory}</dir>\n" for directory in directories)
        + f"  <cachedir>{UNPACKED / 'font-cache'}</cachedir>\n</fontconfig>\n"
    )
    (UNPACKED / "complete").touch()
    shutil.rmtree(PACKAGE / "node_modules")  # 75 MB that are now unpacked


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """A Chromium for the whole run of this worker."""
    with driver() as playwright:
        chromium = found(playwright)
        if chromium is None:
            raise NoBrowser("no Chromium on this machine: `make browser` installs one")
        opened = playwright.chromium.launch(
            executable_path=chromium.path, args=list(FLAGS), env={**os.environ, **chromium.environment}
        )
        yield opened
        opened.close()


@pytest.fixture
def open_page(browser: Browser) -> Iterator[Callable[..., Page]]:
    """Opens an empty page in a context of its own: `open_page(width=1280, height=800)`; below 600 wide it is a phone.

    The test fails at its end if a page logged an error or a warning about our policy, threw, or missed an asset.
    """
    complaints: list[str] = []
    contexts = []

    def on_console(message: ConsoleMessage) -> None:
        # The answer to a navigation is the test's own affair: on_response looks at the rest.
        if message.type == "error" and not message.text.startswith("Failed to load resource: the server responded"):
            complaints.append(f"console: {message.text}")

    def on_response(response: Response) -> None:
        if response.status >= 400 and response.request.resource_type in ("script", "stylesheet", "font", "image"):
            complaints.append(f"{response.status} for {response.url}")

    def make(width: int = 1280, height: int = 800) -> Page:
        phone = width < 600
        context = browser.new_context(
            viewport={"width": width, "height": height},
            device_scale_factor=2 if phone else 1,
            has_touch=phone,
            is_mobile=phone,
            locale="zh-CN",
            timezone_id="Asia/Shanghai",
        )
        contexts.append(context)
        page = context.new_page()
        page.on("console", on_console)
        page.on("pageerror", lambda error: complaints.append(f"thrown: {error}"))
        page.on("response", on_response)
        return page

    yield make
    for context in contexts:
        context.close()
    assert complaints == []


@pytest.fixture
def page(open_page: Callable[..., Page]) -> Page:
    """An empty page on a desk, 1280 by 800."""
    return open_page()


@pytest.fixture
def phone_page(open_page: Callable[..., Page]) -> Page:
    """An empty page on a phone, 390 by 844."""
    return open_page(width=390, height=844)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if "browser" in getattr(item, "fixturenames", ()):
            item.add_marker("browser")


def main() -> int:
    with driver() as playwright:
        if found(playwright) is None:
            install()
        chromium = found(playwright)
    if chromium is None:
        raise NoBrowser("installed, and still not found")
    sys.stdout.write(f"browser {chromium.path}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""Feeds are read from a real server: what is new comes in once, and nobody is led to where he must not go."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from sqlalchemy import select

from engine.domain.rejection import Rejection
from engine.service import feed_looks, feed_reader, feeds, items, web_fetch
from engine.service.feed_reader import NoFeed
from engine.service.item_journal import STREAM
from engine.service.items_tables import items as table
from engine.service.web_fetch import Fetched, Limits, NotFetched
from tests.support.world import World

FORM = {"name": "某网(虚构)", "source_type": "portal", "every_minutes": "30"}
LOOPBACK = Limits(intranet=("127.0.0.0/8",))
RSS = """<?xml version="1.0" encoding="{encoding}"?><rss version="2.0"><channel><title>某网(虚构)</title>
<item><title>鄢陵县花木市场规划调整</title><link>{base}/2</link><description>&lt;p&gt;规划&lt;b&gt;调整&lt;/b&gt;公示&lt;/p&gt;
&lt;script&gt;alert(1)&lt;/script&gt;</description><author>记者</author>
<pubDate>Mon, 02 Mar 2026 08:30:00 +0800</pubDate></item>
<item><title>禹州市矿山修复</title><link>/1</link><pubDate>Mon, 02 Mar 2026 08:00:00 +0800</pubDate></item>
</channel></rss>"""
ATOM = """<?xml version="1.0" encoding="utf-8"?><feed xmlns="http://www.w3.org/2005/Atom"><title>x</title>
<entry><title>长葛市征地公告</title><link href="https://feed.example/a1"/><id>1</id><updated>2026-03-02T00:10:00Z</updated>
<content type="html">&lt;div&gt;公告正文&lt;/div&gt;</content><author><name>发布处</name></author></entry></feed>"""


@dataclass
class Site:
    """A web server on this machine; `pages`: path -> what to do with a request."""

    pages: dict[str, Callable[[BaseHTTPRequestHandler], None]] = field(default_factory=dict)
    asked: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    base: str = ""

    def page(self, path: str, body: bytes, **headers: str) -> str:
        def answer(request: BaseHTTPRequestHandler) -> None:
            if headers.get("ETag") and request.headers.get("If-None-Match") == headers["ETag"]:
                request.send_response(304)
                request.end_headers()
                return
            request.send_response(200)
            for name, value in {"Content-Length": str(len(body)), **headers}.items():
                request.send_header(name.replace("_", "-"), value)
            request.end_headers()
            request.wfile.write(body)

        self.pages[path] = answer
        return f"{self.base}{path}"

    def moved(self, path: str, to: str) -> str:
        def answer(request: BaseHTTPRequestHandler) -> None:
            request.send_response(302)
            request.send_header("Location", to)
            request.end_headers()

        self.pages[path] = answer
        return f"{self.base}{path}"


@pytest.fixture(scope="module")
def site() -> Iterator[Site]:
    made = Site()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            made.asked.append((self.path, dict(self.headers)))
            made.pages.get(self.path, lambda request: request.send_error(404))(self)

        def log_message(self, *args: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    made.base = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield made
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture(scope="module")
def world(tmp_path_factory) -> Iterator[World]:
    made = World(tmp_path_factory.mktemp("feeds"))
    made.services.settings = replace(made.services.settings, fetch_networks=("127.0.0.0/8",))
    yield made
    made.services.engine.dispose()


def added(world: World, url: str, **form: str) -> int:
    told = {"name": f"订阅 {url[-20:]}", "url": url, "source_type": "portal", "every_minutes": "30", **form}
    feed = feeds.add(world.services, world.actor("wangfang"), told)
    assert isinstance(feed, int), feed
    return feed


def get(world: World, feed: int) -> feeds.Feed:
    with world.services.engine.connect() as conn:
        return next(one for one in feeds.listed(conn) if one.feed_id == feed)


def of(world: World, feed: int) -> list[items.Item]:
    with world.services.engine.connect() as conn:
        found = select(table).where(table.c.entered_by == f"feed:{feed}").order_by(table.c.item_id)
        return [items.read(row) for row in conn.execute(found)]


def look(world: World, feed: int) -> feeds.Feed:
    feed_looks.look(world.services, {"feed": feed})
    return get(world, feed)


def test_what_is_new_in_a_feed_comes_in_once_oldest_first_without_markup(world: World, site: Site):
    body = RSS.format(encoding="utf-8", base=site.base).encode()
    feed = added(world, site.page("/rss", body, ETag='"v1"'), name="某网(虚构)")

    first = look(world, feed)
    world.clock.advance(minutes=30)
    again = look(world, feed)

    assert [one.title for one in of(world, feed)] == ["禹州市矿山修复", "鄢陵县花木市场规划调整"]
    newest = of(world, feed)[1]
    assert newest.body == "规划调整公示" and newest.url == f"{site.base}/2"
    assert newest.published_at is not None and newest.published_at.isoformat() == "2026-03-02T00:30:00+00:00"
    assert newest.captured_at == newest.discovered_at and newest.route == "feed"
    assert (first.taken, again.taken, again.error) == (2, 2, "")
    assert site.asked[-1][1].get("If-None-Match") == '"v1"'


def test_atom_and_chinese_encodings_are_read(world: World, site: Site):
    atom = added(world, site.page("/atom", ATOM.encode()))
    gb = RSS.format(encoding="gb18030", base="https://gb.example").encode("gb18030")
    other = added(world, site.page("/gb", gb, Content_Type="text/xml"))

    look(world, atom)
    look(world, other)

    assert [(one.title, one.body, one.author) for one in of(world, atom)] == [("长葛市征地公告", "公告正文", "发布处")]
    assert [one.title for one in of(world, other)] == ["禹州市矿山修复", "鄢陵县花木市场规划调整"]


def test_a_feed_that_fails_says_why_and_rests_longer_each_time(world: World, site: Site):
    feed = added(world, f"{site.base}/nowhere")
    page = added(world, site.page("/page", b"<html><body>hello</body></html>"))

    first = look(world, feed)
    assert first.next_at is not None and first.looked_at is not None
    rest = first.next_at - first.looked_at
    world.clock.set(first.next_at)
    second = look(world, feed)

    assert (first.error, first.detail, second.failures) == ("fetch.status", "404", 2)
    assert second.next_at is not None and second.next_at - world.clock.now() == rest * 2
    assert look(world, page).error == "feed.no_feed"


def test_due_feeds_are_queued_and_a_stopped_one_is_not(world: World, site: Site):
    feed, stopped = added(world, site.page("/due", ATOM.encode())), added(world, site.page("/stopped", ATOM.encode()))
    feeds.set_active(world.services, world.actor("wangfang"), stopped, False)

    feed_looks.look_soon(world.services, {})

    with world.services.engine.connect() as conn:
        queued = [
            job.args["feed"] for job in world.services.jobs.listed(conn, "waiting", 50) if job.task == feed_looks.TASK
        ]
    assert feed in queued and stopped not in queued
    before = len(site.asked)
    look(world, stopped)
    assert len(site.asked) == before


@pytest.mark.parametrize(
    ("url", "field"),
    [("ftp://x.example/f", "url"), ("file:///etc/passwd", "url"), ("http://169.254.169.254/latest", "url"),
     ("https://user:secret@x.example/", "url"), ("", "url")],
)  # fmt: skip
def test_addresses_that_are_not_to_be_fetched_are_refused_in_the_form(world: World, url: str, field: str):
    form = {"name": "x", "url": url, "source_type": "portal", "every_minutes": "30"}

    refused = feeds.add(world.services, world.actor("wangfang"), form)

    assert isinstance(refused, Rejection) and [fault.path for fault in refused.fields] == [field]


PRIVATE = [
    "127.0.0.1", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254", "0.0.0.0", "100.64.0.1", "224.0.0.1",
    "255.255.255.255", "::1", "fe80::1", "fc00::1", "::ffff:10.0.0.1", "2002:0a00:0001::", "64:ff9b::a00:1", "::",
]  # fmt: skip


@pytest.mark.parametrize("address", PRIVATE)
def test_no_private_address_is_fetched_however_it_is_reached(address: str):
    host = f"[{address}]" if ":" in address else address

    for url, resolve in ((f"http://{host}/", web_fetch.resolved), ("http://innocent.example/", lambda n, p: [address])):
        with pytest.raises(NotFetched) as caught:
            web_fetch.fetch(url, resolve=resolve)
        assert caught.value.key == "fetch.private"


def test_a_name_with_a_public_and_a_private_address_is_refused():
    with pytest.raises(NotFetched, match=r"fetch\.private"):
        web_fetch.fetch("http://both.example/", resolve=lambda name, port: ["93.184.216.34", "10.0.0.1"])


def test_a_name_that_changes_its_address_is_asked_once_and_the_checked_address_is_taken(site: Site):
    """DNS rebinding: a second question would lead elsewhere. Only the first answer is ever used."""
    answers = iter([["127.0.0.1"]])
    url = site.page("/rebind", b"ok").replace("127.0.0.1", "rebind.example")

    found = web_fetch.fetch(url, limits=LOOPBACK, resolve=lambda name, port: next(answers))

    assert found.body == b"ok"
    assert site.asked[-1][1]["Host"].startswith("rebind.example:")


def test_a_redirect_to_a_private_address_is_not_followed(site: Site):
    asked = len(site.asked)
    to_metadata = site.moved("/away", "http://169.254.169.254/latest/meta-data/")
    by_name = site.moved("/name", "http://inner.example/")

    for url in (to_metadata, by_name):
        with pytest.raises(NotFetched, match=r"fetch\.private"):
            web_fetch.fetch(url, limits=LOOPBACK, resolve=lambda name, port: ["10.0.0.1"])
    assert len(site.asked) == asked + 2


def test_five_redirects_are_followed_and_six_are_not(site: Site):
    site.page("/r0", b"there")
    for number in range(1, 7):
        site.moved(f"/r{number}", f"/r{number - 1}")

    found = web_fetch.fetch(f"{site.base}/r5", limits=LOOPBACK)

    assert isinstance(found, Fetched) and found.body == b"there" and found.url.endswith("/r0")
    with pytest.raises(NotFetched, match=r"fetch\.redirects"):
        web_fetch.fetch(f"{site.base}/r6", limits=LOOPBACK)


def test_too_much_and_too_slow_are_cut_off(site: Site):
    over = threading.Event()

    def drip(request: BaseHTTPRequestHandler) -> None:
        request.send_response(200)
        request.end_headers()
        try:
            while not over.wait(0.05):
                request.wfile.write(b"x")
                request.wfile.flush()
        except OSError:
            pass

    site.pages["/drip"] = drip
    big = site.page("/big", b"x" * 3000)
    started = time.monotonic()

    with pytest.raises(NotFetched, match=r"fetch\.too_large"):
        web_fetch.fetch(big, limits=replace(LOOPBACK, most_bytes=2000))
    with pytest.raises(NotFetched, match=r"fetch\.slow"):
        web_fetch.fetch(f"{site.base}/drip", limits=replace(LOOPBACK, whole_seconds=0.4))
    over.set()

    assert time.monotonic() - started < 5


def test_a_port_that_is_no_web_servers_is_not_asked():
    with pytest.raises(NotFetched, match=r"fetch\.port"):
        web_fetch.fetch("http://x.example:25/", resolve=lambda name, port: ["93.184.216.34"])


def test_entities_that_expand_are_no_danger():
    levels = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 10))
    evil = f'<?xml version="1.0"?><!DOCTYPE r [<!ENTITY l0 "ha">{levels}]><rss version="2.0"><channel><item><title>&l9;'

    for encoding in ("utf-8", "utf-16"):
        with pytest.raises(NoFeed):
            feed_reader.entries(f"{evil}</title></item></channel></rss>".encode(encoding), "text/xml", "")


def noted(world: World) -> list[tuple[str, dict[str, Any]]]:
    """(who, what came of it) of every entry of the stream."""
    with world.services.journal.reading() as tx:
        return [(entry.actor, dict(entry.events[0])) for entry in tx.read(STREAM)]


def test_a_corrected_feed_goes_by_its_new_name_type_and_interval_and_the_journal_says_who_changed_what(
    world: World, site: Site
):
    feed = added(world, site.page("/corrected", ATOM.encode()), name="错名(虚构)", every_minutes="30")
    first = look(world, feed)
    entry = "<entry>" + ATOM.partition("<entry>")[2].removesuffix("</feed>")
    site.page(
        "/corrected", ATOM.replace("<entry>", entry.replace("a1", "a2").replace("公告", "续报") + "<entry>").encode()
    )
    form = {
        "name": "某区政府网(虚构)",
        "source_type": "superior",
        "every_minutes": "10",
        "url": "https://other.example/",
    }

    changed = feeds.change(world.services, world.actor("zhangmin"), feed, form)

    assert isinstance(changed, feeds.Feed) and changed == get(world, feed)
    assert (changed.name, changed.source_type, changed.every_minutes) == ("某区政府网(虚构)", "superior", 10)
    assert changed.url == f"{site.base}/corrected" and changed.taken == 1
    assert first.looked_at is not None
    assert changed.next_at == first.looked_at + timedelta(minutes=10)
    who, told = noted(world)[-1]
    assert (who, told["kind"], told["feed"]) == ("zhangmin", "FeedChanged", feed)
    assert (told["name_was"], told["name"]) == ("错名(虚构)", "某区政府网(虚构)")
    assert (told["every_minutes_was"], told["every_minutes"]) == (30, 10)
    world.clock.set(changed.next_at)
    look(world, feed)
    assert [(one.title, one.source_name) for one in of(world, feed)] == [
        ("长葛市征地公告", "错名(虚构)"), ("长葛市征地续报", "某区政府网(虚构)"),
    ]  # fmt: skip


def test_a_feed_that_rests_after_failures_is_looked_at_sooner_but_still_rests(world: World, site: Site):
    feed = added(world, f"{site.base}/missing", every_minutes="60")
    world.clock.set(look(world, feed).next_at)
    failed = look(world, feed)

    changed = feeds.change(world.services, world.actor("wangfang"), feed, {**FORM, "every_minutes": "20"})

    assert isinstance(changed, feeds.Feed) and failed.looked_at is not None and failed.failures == 2
    assert changed.next_at == failed.looked_at + timedelta(minutes=40)


def test_a_new_feed_is_looked_at_at_once_whatever_its_interval_is_corrected_to(world: World, site: Site):
    feed = added(world, site.page("/new", ATOM.encode()), every_minutes="30")

    changed = feeds.change(world.services, world.actor("wangfang"), feed, {**FORM, "every_minutes": "1440"})

    assert isinstance(changed, feeds.Feed) and changed.next_at <= world.clock.now()


def test_what_is_wrong_or_not_there_changes_nothing_and_the_same_again_is_not_noted(world: World, site: Site):
    feed = added(world, site.page("/same", ATOM.encode()), **FORM)
    before, entries = get(world, feed), len(noted(world))
    wrong = {"name": " ", "source_type": "telegraph", "every_minutes": "3"}

    refused = feeds.change(world.services, world.actor("wangfang"), feed, wrong)
    unknown = feeds.change(world.services, world.actor("wangfang"), 10**6, FORM)
    same = feeds.change(world.services, world.actor("wangfang"), feed, FORM)

    assert isinstance(refused, Rejection)
    assert [fault.path for fault in refused.fields] == ["name", "source_type", "every_minutes"]
    assert isinstance(unknown, Rejection) and unknown.code == "not_found"
    assert same == before == get(world, feed)
    assert len(noted(world)) == entries

"""The full-text search on both databases: what is found, by whom, and that it keeps up."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import delete, insert, select, update

from engine.service import items, search, search_index, search_rebuild
from engine.service.documents import make
from engine.service.item_fields import NewItem
from engine.service.search_tables import search_grams, search_texts
from engine.service.search_words import excerpt, grams, plain, words
from engine.service.transactions import writing
from tests.support.desk import GRADED, ITEM, SCREENED
from tests.support.world import CaseView, World


def found(world: World, login: str, query: str, kind: str = "") -> list[tuple[str, str]]:
    search_index.catch_up(world.services)
    with world.services.engine.connect() as conn:
        return [(hit.kind, hit.ref) for hit in search.find(conn, world.actor(login), query, kind).hits]


def registered(world: World, title: str, **values: object) -> CaseView:
    return world.open(**{**ITEM, "title": title, **values})


def brought_in(world: World, title: str, number: int, unit: str = "") -> str:
    item = NewItem(
        title=title,
        body="帖子正文",
        source_type="forum",
        source_name="许都论坛(虚构)",
        url=f"https://search.example/{number}",
        route="manual",
        entered_by="nobody",
        unit=unit,
    )
    with writing(world.services.engine) as conn:
        return str(items.add(conn, world.clock.now(), item).item_id)


def test_two_characters_in_the_middle_of_a_text_are_found(world):
    case = registered(world, "建安区河道旁采砂堆场扬尘")

    assert ("case", case.id) in found(world, "wangfang", "采砂")
    assert ("case", case.id) in found(world, "wangfang", "砂堆场扬")
    assert ("case", case.id) in found(world, "wangfang", "尘")
    assert ("case", case.id) in found(world, "wangfang", "扬尘 建安区")
    assert ("case", case.id) in found(world, "wangfang", case.id.lower())
    assert ("case", case.id) not in found(world, "wangfang", "砂采")
    assert ("case", case.id) not in found(world, "wangfang", "扬尘 长葛市")


def test_what_is_written_into_a_case_later_is_found_and_what_was_there_stays_found(world):
    case = registered(world, "鄢陵一处花木大棚")
    found(world, "wangfang", "花木大棚")

    case.submit("wangfang", "Task_screen", **{**SCREENED, "screen_note": "与去年腊梅园一事相同"})

    assert found(world, "wangfang", "腊梅园") == [("case", case.id)]
    assert ("case", case.id) in found(world, "wangfang", "花木大棚")


def test_only_what_a_person_may_see_is_found(world):
    case = registered(world, "保密性质的线索甲乙丙")
    mine, other = brought_in(world, "线索甲乙丙之一", 1, unit="gengbao"), brought_in(world, "线索甲乙丙之二", 2)

    office, section, stranger = (found(world, who, "线索甲乙丙") for who in ("wangfang", "liqiang", "zhouwei"))

    assert set(office) == {("case", case.id), ("item", mine), ("item", other)}
    assert section == [("item", mine)]
    assert stranger == []


def test_a_document_is_found_by_its_own_words_and_by_its_number(world):
    case = registered(world, "襄城县征地补偿明细")
    case.submit("wangfang", "Task_screen", **SCREENED)
    case.submit("wangfang", "Task_grade", **GRADED)
    made = make(world.services, "submission", case.id, world.actor("wangfang"))
    assert not hasattr(made, "code"), made

    by_number = found(world, "wangfang", made.number, "document")
    by_words = found(world, "wangfang", "征地补偿明细", "document")

    assert by_number == by_words == [("document", str(made.document.number))]


def test_a_second_run_writes_nothing(world):
    registered(world, "长葛市砖厂取土")
    search_index.catch_up(world.services)

    assert search_index.catch_up(world.services) == 0


def test_a_search_that_was_damaged_is_made_anew_and_what_was_found_stays_found_meanwhile(world, monkeypatch):
    """Pairs are lost, a text is another, one has no source, and marks say that everything was read."""
    case, item = registered(world, "禹州市神垕镇窑厂冒烟"), brought_in(world, "神垕镇窑厂夜里冒烟", 7)
    search_index.catch_up(world.services)
    whole = everything(world)
    monkeypatch.setattr(search_rebuild, "AT_ONCE", 2)
    monkeypatch.setattr(search_index, "AT_ONCE", 2)
    with writing(world.services.engine) as conn:
        conn.execute(delete(search_grams).where(search_grams.c.gram == "窑厂"))
        conn.execute(update(search_texts).where(search_texts.c.ref == item).values(plain="别的", body="别的"))
        lost = conn.execute(
            insert(search_texts)
            .values(kind="case", ref="WQ-1999-000001", case_id="", title="", body="", plain="窑厂", at="", stamp="")
            .returning(search_texts.c.number)
        ).scalar_one()
        conn.execute(insert(search_grams).values(gram="没有", number=lost))
        for kind, mark in (("case", "2999-01-01T00:00:00.000000Z x"), ("item", "9999"), ("document", "9999")):
            search_index.keep_mark(conn, kind, mark)
    seen: list[tuple[str, int, int]] = []

    def tell(kind: str, done: int, total: int) -> None:
        seen.append((kind, done, total))
        with world.services.engine.connect() as conn:
            assert search.find(conn, world.actor("wangfang"), "神垕镇").hits, "found while it is made anew"

    assert found(world, "wangfang", "窑厂冒烟") == []
    made = search_rebuild.rebuild(world.services, tell, lambda: None)

    assert everything(world) == whole and made.removed == 1
    assert set(found(world, "wangfang", "窑厂 冒烟")) == {("case", case.id), ("item", item)}
    assert {kind: done for kind, done, total in seen} == made.texts
    assert len(seen) > len(made.texts), "told on the way"


def test_what_comes_in_while_the_search_is_made_anew_is_found_and_stays(world):
    brought_in(world, "襄城县烟田里的旧标语", 8)
    search_index.catch_up(world.services)
    late: list[str] = []

    def tell(kind: str, done: int, total: int) -> None:
        if kind == "item" and done == total and not late:
            late.append(brought_in(world, "襄城县烟田里的新标语", 9))
            search_index.catch_up(world.services)

    made = search_rebuild.rebuild(world.services, tell, lambda: None)

    assert made.removed == 0
    assert ("item", late[0]) in found(world, "wangfang", "新标语")


def everything(world: World) -> tuple[list[tuple[object, ...]], list[tuple[object, ...]]]:
    """All texts and pairs, apart from the numbers that join them."""
    columns = search_texts.c
    with world.services.engine.connect() as conn:
        texts = conn.execute(select(columns.kind, columns.ref, columns.plain, columns.stamp)).all()
        pairs = conn.execute(select(columns.kind, columns.ref, search_grams.c.gram).join(search_grams)).all()
    return sorted(map(tuple, texts)), sorted(map(tuple, pairs))


def test_wildcards_and_quotation_marks_stand_for_themselves(world):
    case = registered(world, "补偿到位率100%_不属实'吗")

    assert found(world, "wangfang", "100%_不") == [("case", case.id)]
    assert found(world, "wangfang", "100%%不") == []
    assert found(world, "wangfang", "属实'吗") == [("case", case.id)]


@settings(max_examples=200, deadline=None)
@given(st.text(min_size=0, max_size=60), st.integers(0, 40), st.integers(1, 12))
def test_every_part_of_a_text_is_held_by_its_pairs(text: str, start: int, length: int):
    whole = plain(text)
    part = whole[start : start + length].strip()

    for word in words(part):
        assert {pair for pair in grams(word) if len(pair) == 2} <= grams(whole)
        assert word in whole


def test_full_and_half_width_and_letters_are_alike():
    assert words("ＷＱ－２０２６　采砂") == ["wq-2026", "采砂"]


def test_an_excerpt_shows_the_place_and_falls_back_to_the_beginning():
    assert excerpt("开头" * 40 + "采砂" + "结尾" * 40, ["采砂"])[1] == "采砂"
    assert excerpt("只有正文", ["标题"]) == ("", "", "只有正文")

"""Makes corpus/*.json and patterns.json: what the real form-js viewer, and a real browser, answer.

They are the oracles of test_corpus.py and test_patterns.py.
The committed corpus is what the tests read; this program is run by hand when the viewer's version changes:

    npm install --ignore-scripts @bpmn-io/form-js-viewer@2.0.0 esbuild      (in a scratch directory)
    python tests/unit/forms/make_corpus.py --viewer SCRATCH_DIRECTORY [--chromium PATH]

It bundles make_corpus.mjs with the viewer found in SCRATCH_DIRECTORY, opens it in Chromium (time zone Asia/Shanghai,
clock standing still at NOW), mounts each generated form, makes the edits that a person could make, submits, and
keeps the submitted data, the messages and the list of visible fields. The cases come from a seeded generator, so a
second run gives the same files.
"""

from __future__ import annotations

import argparse
import json
import random
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
NOW = "2026-03-05T09:30:00+08:00"
STANDING_CLOCK = f"""
  const RealDate = Date;
  const now = RealDate.parse("{NOW}");
  globalThis.Date = class extends RealDate {{
    constructor(...parts) {{ if (parts.length) super(...parts); else super(now); }}
    static now() {{ return now; }}
  }};
"""
"""Only `Date` stands still: with Playwright's own fake clock the viewer's effects do not run."""
AT_ONCE = 4
"""Forms mounted side by side; with dozens of them a frame passes before the effects of the one before have run."""
Case = dict[str, Any]
Random = random.Random


def form(*components: Case) -> Case:
    return {"type": "default", "id": "Form_1", "schemaVersion": 19, "components": list(components)}


def case(name: str, components: list[Case], data: Case | None = None, edits: list[Case] | None = None) -> Case:
    return {"name": name, "schema": form(*components), "data": data or {}, "edits": edits or []}


def field(kind: str, key: str, **rest: Any) -> Case:
    return {"type": kind, "id": f"F_{key.replace('.', '_')}", "key": key, "label": key, **rest}


def put(key: str, value: Any, *rows: int) -> Case:
    return {"id": f"F_{key.replace('.', '_')}", "value": value, "rows": list(rows)}


TEXTS = [
    "",
    " ",
    "a",
    "ab",
    "  ab  ",
    "许昌",
    "禹州市耕地保护",
    "😀",
    "😀😀",
    "a\tb",
    "a@b.cn",
    "x@y",
    "not mail",
    "+8613800138000",
    "008613800138000",
    "13800138000",
    "+49 30",
    "411081",
    "41108",
    "A-12",
    "a\u00a0b",
    "\u3000全角\u3000",
    "line1 line2",
    "2026-03-05",
    "ＡＢＣ",
    "12345678901234567890",
    "a" * 30,
    "é",
    "0",
]
PATTERNS = [
    "^[0-9]{6}$",
    "[0-9]",
    "^\\d+$",
    "^\\w+$",
    "\\s",
    "^.$",
    "^.{2,4}$",
    "^[\\u4e00-\\u9fa5]+$",
    "^(?=.*\\d)(?=.*[a-z]).+$",
    "^(a|b)+$",
    "^[^@]+@[^@]+$",
    "\\bb\\b",
    "^[A-Z]-\\d{2}$",
    "a{2,}",
    "^\\S+$",
    "^$|^a",
    "x|y",
    "^\\+?\\d{8,}$",
    "^a.b$",
    "(?:ab)?$",
    "^(?!a)",
    "\\D",
    "[\\d\\s]",
    "^[\\w.-]+@[\\w-]+\\.cn$",
    "\\/",
    "^.{0,3}$",
    "\\u{61}",
    "[]",
    "[^]",
    "^[-a]",
    "a{,2}",
]
VALIDATES: list[Case] = [
    {"required": True},
    {"required": False},
    {"minLength": 2},
    {"maxLength": 3},
    {"minLength": 1, "maxLength": 2},
    {"required": True, "minLength": 3},
    {"validationType": "email"},
    {"validationType": "phone"},
    {"minLength": "2"},
    {"maxLength": "=limit"},
    {"minLength": "=limit + 1"},
    {"minLength": "=missing"},
    {"maxLength": 0},
    {"required": True, "validationType": "email"},
    {"required": "=false"},
]


def texts(rng: Random) -> Iterator[Case]:
    for i in range(110):
        kind = rng.choice(["textfield", "textfield", "textarea"])
        validate = dict(rng.choice(VALIDATES))
        if i < len(PATTERNS) * 2:
            validate = {"pattern": PATTERNS[i // 2]}
            if i % 4 == 0:
                validate["patternErrorMessage"] = "请填写正确的格式"
        components = [field(kind, "a", validate=validate), field(kind, "b", validate=validate)]
        edits = [put(k, rng.choice(TEXTS)) for k in rng.sample(["a", "b"], rng.choice([1, 2, 2]))]
        data = {"limit": rng.choice([1, 2, 3])}
        if rng.random() < 0.4:
            data["a"] = rng.choice([*TEXTS, 5, True, None, ["x"], {"x": 1}, "l1\nl2", "c\r\nd"])
        if rng.random() < 0.2:
            components[1]["defaultValue"] = rng.choice([text for text in TEXTS if "\t" not in text])
        yield case(f"text {i}", components, data, edits)


NUMBERS: list[Any] = [
    0,
    1,
    -1,
    2.5,
    3,
    5,
    9,
    10,
    10.01,
    0.1,
    0.3,
    1e20,
    1e-7,
    -0.5,
    100,
    99.999,
    12345.678,
    None,
    1.005,
    0.30000000000000004,
]
NUMBER_RULES: list[Case] = [
    {"validate": {"min": 1, "max": 10}},
    {"validate": {"min": "=low", "max": "=low * 3"}},
    {"validate": {"min": "2.5"}},
    {"validate": {"required": True}},
    {"validate": {"min": "abc"}},
    {"validate": {"max": "=missing"}},
    {"decimalDigits": 0},
    {"decimalDigits": 1},
    {"decimalDigits": 2},
    {"increment": "0.1"},
    {"increment": 5},
    {"increment": 2.5, "validate": {"min": 3}},
    {"decimalDigits": 2, "increment": "0.05"},
    {"validate": {"min": 0, "max": 0}},
    {"validate": {"max": "=note"}},
    {"validate": {"pattern": "^1"}},
]


def numbers(rng: Random) -> Iterator[Case]:
    for i in range(80):
        rules = dict(rng.choice(NUMBER_RULES))
        strings = rng.random() < 0.35
        if strings:
            rules["serializeToString"] = True
        value = rng.choice(NUMBERS)
        if strings and value is not None:
            value = rng.choice([str(value), "1.10", "-0", "007", "1e-3", "12345678901234567890.5", ".5", "5."])
        data: Case = {"low": rng.choice([1, 2, 2.5]), "note": rng.choice(["7", "x"])}
        if rng.random() < 0.4:
            data["b"] = rng.choice([*NUMBERS, "5", "x", "", True, [1], "1.50"])
        yield case(
            f"number {i}", [field("number", "a", **rules), field("number", "b", **rules)], data, [put("a", value)]
        )


STATIC = [
    {"label": "重大", "value": "major"},
    {"label": "一般", "value": "ordinary"},
    {"label": "零", "value": 0},
    {"label": "否", "value": False},
    {"label": "一", "value": 1},
    {"label": "对象", "value": {"id": 7}},
]
CHOICES: list[Any] = ["major", "ordinary", "other", 0, 1, "1", False, True, None, "", {"id": 7}, {"id": 8}]


def offered_values(rules: Case, data: Case) -> list[Any]:
    """What a person can click on."""
    if "values" in rules:
        options = rules["values"]
    elif rules.get("valuesExpression", "").startswith("=["):
        options = ["major", "ordinary"]
    else:
        options = data.get(rules.get("valuesKey", rules.get("valuesExpression", "").lstrip("=")), [])
    values = [
        option.get("value") if isinstance(option, dict) else option for option in options if isinstance(options, list)
    ]
    return [value for value in values if value not in (None, "")]


def selections(rng: Random) -> Iterator[Case]:
    sources: list[Case] = [
        {"values": STATIC},
        {"valuesKey": "options"},
        {"valuesExpression": "=options"},
        {"valuesExpression": '=["major", "ordinary"]'},
        {"values": []},
        {"valuesKey": "missing"},
        {"valuesExpression": "=missing"},
        {"values": [{"label": "仅标签"}, {"value": "major"}, "ordinary", 1, "", None]},
    ]
    for i in range(90):
        kind = rng.choice(["select", "radio", "checklist", "taglist"])
        many = kind in ("checklist", "taglist")
        rules = {**rng.choice(sources), "validate": {"required": rng.random() < 0.5}}
        data: Case = {
            "options": rng.choice([STATIC, ["major", "ordinary", 1], [{"label": "重大", "value": "major"}], "major"])
        }
        offered = offered_values(rules, data)
        pick: Any = rng.sample(offered, rng.randint(0, min(3, len(offered)))) if many else rng.choice([None, *offered])
        stale: list[Any] = (
            [[], ["major"], rng.sample(CHOICES, 2)] if many else [one for one in CHOICES if one]
        )  # falsy ones the viewer forgets to take out
        if rng.random() < 0.4:
            data["b"] = rng.choice(stale)
        edits = [put("a", pick)] if rng.random() < 0.8 else []
        components = [field(kind, "a", **rules), field(kind, "b", **rules)]
        if rng.random() < 0.2:
            components[1]["defaultValue"] = ["ordinary"] if many else "ordinary"
        yield case(f"selection {i}", components, data, edits)
    for i in range(10):
        components = [
            field("checkbox", "a", validate={"required": rng.random() < 0.6}),
            field("checkbox", "b", defaultValue=rng.random() < 0.5),
        ]
        yield case(
            f"checkbox {i}",
            components,
            {"a": rng.choice([True, False, None, "true", 1])},
            [put("a", rng.choice([True, False]))] if i % 3 else [],
        )


def dates(rng: Random) -> Iterator[Case]:
    days = ["2026-03-04", "2026-03-05", "2026-03-06", "2024-02-29", "1899-12-31", "1900-01-01", None, "", "x"]
    times = ["09:30", "09:37", "00:00", "23:59", "09:30Z", "09:30+08:00", "10:15+00:00", None, "25:00"]
    moments = [
        "2026-03-05T09:30",
        "2026-03-05T09:37",
        "2026-03-05T09:30Z",
        "2026-03-05T17:30+08:00",
        "2026-03-05T23:50+00:00",
        "2026-03-04T09:30",
        None,
        "2026-03-05T09:30:15.000Z",
        "2026-12-31T23:45-05:00",
    ]
    suffix = {"utc_offset": "+08:00", "utc_normalized": "Z", "no_timezone": ""}
    for i in range(60):
        subtype = rng.choice(["date", "time", "datetime"])
        rules: Case = {"subtype": subtype, "validate": {"required": rng.random() < 0.5}}
        if subtype != "time" and rng.random() < 0.4:
            rules["disallowPassedDates"] = True
        zone = rng.choice(sorted(suffix))
        if subtype != "date":
            rules |= {"timeSerializingFormat": zone, "timeInterval": rng.choice([1, 15, 30, 60, 7])}
        picked = rng.choice(["09:00", "00:00", "23:00", "16:00"]) + suffix[zone]
        day = rng.choice(["2026-03-05", "2026-03-06", "2028-02-29", "2099-12-31"])
        choice = rng.choice([None, {"date": day, "time": picked, "datetime": f"{day}T{picked}"}[subtype]])
        data = (
            {"b": rng.choice({"date": days, "time": times, "datetime": moments}[subtype])} if rng.random() < 0.6 else {}
        )
        edits = [put("a", choice)] if rng.random() < 0.8 else []
        yield case(f"datetime {i}", [field("datetime", "a", **rules), field("datetime", "b", **rules)], data, edits)


HIDES = [
    '=kind = "x"',
    '=kind != "x"',
    "=flag",
    "=not(flag)",
    "=count > 5",
    "=not(count > 5)",
    "=missing",
    "=kind = null",
    '=list contains(tags, "t")',
    "=count >= 1 and count <= 3",
    '=kind in ("x", "y")',
    "=if flag then true else false",
    '=a = "hide b"',
    '=note = "n" or flag',
    "=false",
    "=true",
    "=count",
    "=string length(a) > 3",
    "=not(a = null)",
    "flag",
    "=flag and missing",
]


def conditions(rng: Random) -> Iterator[Case]:
    for i in range(70):
        hide = rng.choice(HIDES) if i >= len(HIDES) * 2 else HIDES[i // 2]
        required = {"required": True}
        components = [
            field("textfield", "a"),
            field("textfield", "kind"),
            field("number", "count"),
            field("checkbox", "flag"),
            field("textfield", "b", conditional={"hide": hide}, validate=required),
            {
                "type": "group",
                "id": "G",
                "label": "g",
                "path": rng.choice(["", "g"]),
                "conditional": {"hide": rng.choice(HIDES)},
                "components": [
                    field(
                        "textfield",
                        "inner",
                        validate=required,
                        conditional={"hide": rng.choice([hide, '=inner = "x"'])},
                    ),
                    {"type": "group", "id": "G2", "components": [field("number", "deep", validate=required)]},
                ],
            },
            field("textfield", "c", conditional={"hide": '=b = "y"'}, validate=required),
            field("textfield", "d", conditional={"hide": '=g.inner = "x"'}),
        ]
        data: Case = {"tags": rng.choice([["t"], []]), "note": rng.choice(["n", "m"])}
        for key, pool in {
            "kind": ["x", "y", "z"],
            "count": [0, 2, 9],
            "flag": [True, False],
            "b": ["y", "old"],
            "c": ["c"],
        }.items():
            if rng.random() < 0.4:
                data[key] = rng.choice(pool)
        pools = {
            "a": ["", "hide b", "abc"],
            "kind": ["x", "y"],
            "count": [2, 6, None],
            "flag": [True, False],
            "b": ["y", "z", ""],
            "inner": ["x", "in"],
            "deep": [1, 0],
        }
        edits = [put(k, rng.choice(pools[k])) for k in rng.sample(sorted(pools), rng.randint(1, 5))]
        yield case(f"condition {i}", components, data, edits)


def lists(rng: Random) -> Iterator[Case]:
    for i in range(60):
        hide = rng.choice(
            ['=this.opinion = "x"', '=parent.mode = "x"', "=i[1] = 2", '=mode = "x"', "=this.score > 3", "=false"]
        )
        children = [
            field("textfield", "opinion", validate={"required": True}),
            field("number", "score", validate={"min": "=parent.low", "max": 9}, conditional={"hide": hide}),
            field("textfield", "unit", readonly=rng.choice([True, False, "=this.score = 1"])),
            field("checkbox", "sealed", disabled=rng.random() < 0.5),
            field("expression", "twice", expression="=this.score * 2"),
        ]
        nested = rng.random() < 0.5
        if nested:
            children.append(
                {
                    "type": "dynamiclist",
                    "id": "L2",
                    "path": "points",
                    "components": [
                        field("textfield", "p", validate={"required": True, "maxLength": 4}),
                        field("textfield", "q", conditional={"hide": "=this.p = parent.opinion"}),
                    ],
                    **rng.choice([{}, {"defaultRepetitions": 2}, {"defaultRepetitions": 0}]),
                }
            )
        fixed = rng.random() < 0.4
        units = {
            "type": "dynamiclist",
            "id": "L",
            "label": "单位",
            "path": rng.choice(["units", "units", "deep.units"]),
            "components": children,
            **({"allowAddRemove": False} if fixed else {}),
            **rng.choice([{}, {"defaultRepetitions": 2}]),
            **({"conditional": {"hide": '=mode = "hide"'}} if rng.random() < 0.3 else {}),
        }
        data: Case = {"low": rng.choice([0, 2])}
        if rng.random() < 0.7:
            rows = [
                {
                    "unit": rng.choice(["u1", "u2"]),
                    **({"opinion": rng.choice(["x", "ok"])} if rng.random() < 0.6 else {}),
                    **({"score": rng.choice([1, 4])} if rng.random() < 0.5 else {}),
                    **({"points": [{"p": "p1"}]} if rng.random() < 0.4 else {}),
                }
                for _ in range(rng.randint(0, 3))
            ]
            data |= {"units": rows} if units["path"] == "units" else {"deep": {"units": rows}}
        edits: list[Case] = [put("mode", rng.choice(["x", "hide", "n"]))]
        if not fixed:
            edits += [{"id": "L", "rows": [], "add": True} for _ in range(rng.randint(0, 2))]
            if rng.random() < 0.4:
                edits.append({"id": "L", "rows": [], "remove": 0})
        for row in range(3):
            edits += [
                put("opinion", rng.choice(["x", "fine", ""]), row),
                put("score", rng.choice([1, 4, 12, None]), row),
            ]
            if nested and rng.random() < 0.6:
                edits += [put("p", rng.choice(["x", "long point", ""]), row, 0), put("q", "q", row, 0)]
        yield case(f"list {i}", [field("textfield", "mode"), units], data, edits)


def mixed(rng: Random) -> Iterator[Case]:
    for i in range(50):
        locked = rng.choice(
            [
                {"readonly": True},
                {"disabled": True},
                {"readonly": "=flag"},
                {"readonly": "=not(flag)"},
                {"readonly": "=missing"},
                {},
            ]
        )
        components = [
            field("checkbox", "flag"),
            field("textfield", "locked", validate={"required": True, "maxLength": 4}, **locked),
            {
                "type": "group",
                "id": "G",
                "path": "facts",
                "components": [field("textfield", "who.name", validate={"required": True}), field("number", "who.age")],
            },
            {"type": "text", "id": "T", "text": "# {{facts.who.name}}"},
            {"type": "separator", "id": "S"},
            {"type": "spacer", "id": "P"},
            {"type": "html", "id": "H", "content": "<b>{{note}}</b>"},
            {"type": "button", "id": "B", "label": "提交", "action": "submit"},
            field(
                "expression",
                "sum",
                expression=rng.choice(
                    [
                        "=facts.who.age + 1",
                        "=[1, 2, 3]",
                        '=if flag then "y" else null',
                        "=missing.x",
                        "=upper case(locked)",
                    ]
                ),
                computeOn=rng.choice(["change", "presubmit"]),
            ),
            field(
                "expression",
                "again",
                expression="=if total = null then 0 else total",
                conditional={"hide": "=facts.who.age = 3"},
            ),
            field("expression", "total", expression="=facts.who.age + 1"),
            field("filepicker", "files", validate={"required": rng.random() < 0.5}),
        ]
        data: Case = {"note": "n"}
        for key, pool in {
            "locked": ["own", "longer", None],
            "facts": [{"who": {"name": "王芳"}}, {"who": {"age": 3}}, {}],
            "flag": [True, False],
            "sum": [4],
        }.items():
            if rng.random() < 0.6:
                data[key] = rng.choice(pool)
        edits = [
            put("facts_who_name", rng.choice(["", "陈静"])),
            put("facts_who_age", rng.choice([3, 4, None])),
            put("flag", rng.random() < 0.5),
        ]
        for one in edits[:2]:
            one["id"] = one["id"].replace("facts_", "")
        if not locked:
            edits.append(put("locked", rng.choice(["abcd", "abcde", ""])))
        if rng.random() < 0.5:
            edits.append({**put("files", "files::one"), "file": ["a.pdf"]})
        yield case(f"mixed {i}", components, data, edits)


FAMILIES: dict[str, Callable[[Random], Iterator[Case]]] = {
    "texts": texts,
    "numbers": numbers,
    "selections": selections,
    "dates": dates,
    "conditions": conditions,
    "lists": lists,
    "mixed": mixed,
}


PIECES = [
    "a",
    "b",
    "[ab]",
    "\\d",
    "\\w",
    ".",
    "(a|b)",
    "(?:ab)",
    "^",
    "$",
    "\\b",
    "*",
    "+",
    "?",
    "{1,2}",
    "{2}",
    "|",
    "(?=a)",
    "(?!b)",
] + [
    "x",
    "é",
    "😀",
    "[^a]",
    "\\s",
    "-",
    "[a-c-]",
    "\\u4e2d",
    "{,1}",
    "]",
    "}",
    "\\B",
    "[\\d-x]",
    "(?<n>a)",
    "\\x41",
    "\\cA",
    "[😀]",
]


def regular_expressions(rng: Random) -> dict[str, Any]:
    """Patterns and texts; the browser adds its verdicts (null: no regular expression)."""
    patterns = PATTERNS + ["".join(rng.choice(PIECES) for _ in range(rng.randint(1, 7))) for _ in range(500)]
    patterns = [pattern for pattern in patterns if pattern.count("(?<n>") < 2]  # allowed in newer browsers only
    signs = ["a", "b", "c", "1", " ", "😀", "x", "中", "-", "\n", "\u2028"]
    texts = TEXTS + ["".join(rng.choice(signs) for _ in range(rng.randint(0, 6))) for _ in range(20)]
    return {"patterns": patterns, "texts": texts}


TRY_PATTERNS = """({ patterns, texts }) => patterns.map((pattern) => {
  try { const one = new RegExp(pattern); return texts.map((text) => one.test(text)); } catch { return null; }
})"""


def bundle(viewer: Path, target: Path) -> None:
    entry = viewer / "corpus_entry.mjs"
    entry.write_text((HERE / "make_corpus.mjs").read_text("utf-8"), "utf-8")
    esbuild = viewer / "node_modules" / ".bin" / "esbuild"
    command = [
        str(esbuild),
        str(entry),
        "--bundle",
        "--format=iife",
        f"--outfile={target}",
        "--alias:react=preact/compat",
        "--log-level=error",
    ]
    subprocess.run(command, check=True, cwd=viewer)


def main() -> None:
    from playwright.sync_api import sync_playwright

    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--viewer", type=Path, required=True)
    arguments.add_argument("--chromium")
    arguments.add_argument("--only", help="one family of forms")
    options = arguments.parse_args()
    with tempfile.TemporaryDirectory() as scratch, sync_playwright() as playwright:
        script = Path(scratch) / "bundle.js"
        bundle(options.viewer, script)
        flags = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
        browser = playwright.chromium.launch(executable_path=options.chromium, args=flags)
        context = browser.new_context(timezone_id="Asia/Shanghai", locale="zh-CN")
        context.add_init_script(STANDING_CLOCK)
        expressions = regular_expressions(random.Random(19))
        expressions["verdicts"] = context.new_page().evaluate(TRY_PATTERNS, expressions)
        (HERE / "patterns.json").write_text(json.dumps(expressions, ensure_ascii=False) + "\n", "utf-8")
        for name, family in FAMILIES.items():
            if options.only and options.only != name:
                continue
            cases = list(family(random.Random(f"19 {name}")))
            answers: list[Case] = []
            for start in range(0, len(cases), AT_ONCE):
                page = context.new_page()  # a fresh one: an error thrown in one form stops the effects of later ones
                page.goto("data:text/html,<!doctype html><title>corpus</title>")
                page.add_script_tag(path=str(script))
                answers += page.evaluate("some => window.runCases(some)", cases[start : start + AT_ONCE])
                page.close()
            done = [{**one, **answer} for one, answer in zip(cases, answers, strict=True)]
            for one in done:
                if "failed" in one:
                    sys.stderr.write(f"{one['name']}: {one['failed']}\n")
            text = ",\n".join(json.dumps(one, ensure_ascii=False, sort_keys=True) for one in done)
            (HERE / "corpus" / f"{name}.json").write_text(f"[\n{text}\n]\n", "utf-8")
            sys.stderr.write(f"{name}: {len(done)} cases\n")
        browser.close()


if __name__ == "__main__":
    main()

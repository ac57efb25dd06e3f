"""The regulation, proved on a bundle: the rules of `regulation.toml` on every state that a case can be in.

`check_regulation` composes the diagrams into one map, walks it with sampled case data, and asks each rule of the
profile. Elements are known by what they do (fields, groups, due instants, topics), never by name, id or clause tag.
What is seen and what is not: docs/regulation_checks.md.
"""

from __future__ import annotations

from engine.definitions.bundle import Bundle
from engine.definitions.model import Finding, Process

from .regulation_clauses import unfulfilled
from .regulation_fields import Fields
from .regulation_limits import check_limit
from .regulation_places import Places
from .regulation_profile import Profile, Rule, read_profile
from .regulation_rules import Checker, fallen, lanes
from .regulation_tables import broken, uses
from .regulation_walk import Walk

WHOLE = Rule(0, "R40", "walk", "三个等级都有去处", "Every grade is handled")
TABLE_OF_CLAUSES = Rule(0, "", "clauses", "条款表", "Table of clauses")


def check_regulation(bundle: Bundle) -> list[Finding]:
    """What breaks the regulation; nothing for a bundle whose profile has no `[[checks]]`.

    Requires a bundle whose files were read without errors: a broken diagram is reported by the reader.
    """
    profile = read_profile(bundle.regulation)
    if profile is None:
        return []
    file = next((path for path in sorted(bundle.files) if path.endswith(".toml")), "")
    findings = [
        Finding("error", file, "", "", 0, "regulation.rule_unreadable", {"number": number, "problem": problem})
        for number, problem in profile.problems
    ]
    root = _root(bundle, profile)
    if root is None:
        return [*findings, Finding("error", file, "", "", 0, "regulation.no_root", {"root": profile.root or "-"})]
    return [*findings, *_checked(bundle, profile, root, file)]


def _root(bundle: Bundle, profile: Profile) -> Process | None:
    if profile.root:
        return bundle.processes.get(profile.root)
    called = {node.called for process in bundle.processes.values() for _, node in process.walk()}
    return next((process for ident, process in bundle.processes.items() if ident not in called), None)


def _checked(bundle: Bundle, profile: Profile, root: Process, file: str) -> list[Finding]:
    places = Places(root, bundle.processes)
    fields = Fields(bundle, places, profile)
    walk = Walk(bundle, places, fields, profile.steady)
    checker = Checker(bundle, profile, walk)
    if walk.cut:
        return [Finding("error", file, root.id, root.name, root.line, "regulation.undecided", walk.facts())]
    for rule in profile.rules:
        if rule.kind == "table":
            for key, details in broken(bundle, rule):
                scope, node = next(iter(uses(bundle, rule.decision)), (root, None))
                checker.say(key, rule.clause, rule, scope, node, (), **details)
        elif rule.kind == "limit":
            check_limit(checker, rule)
        else:
            checker.check(rule)
    lanes(checker)
    fallen(checker, WHOLE)
    for key, clause, name, process, node in unfulfilled(bundle, places):
        checker.say(key, clause, TABLE_OF_CLAUSES, process or root, node, (), element=name)
    return list(checker.findings.values())

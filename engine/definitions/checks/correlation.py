"""Which conditions of a net speak of the same data, as lazy guards: choices along one path then fit together.

A variable becomes a guard when at least two gateways (or two flows of one split) compare it with literals: its domain
is one value for each literal and for each gap between them, so that every comparison is decided as for real data. Any
other condition becomes one when two gateways write it in the same words.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal

from lark import Token

from engine import feel
from engine.definitions.forms import Form
from engine.definitions.model import Process
from engine.feel.lexer import tokenize

from .data import Guard
from .net import Net
from .thrown import calls_of
from .writes import CLOCK, names_in, written_by

PLAIN = frozenset((
    "NAME", "NUMBER", "STRING", "TRUE", "FALSE", "NULL", "EQ", "NE", "LT", "LE", "GT", "GE", "AND", "OR", "IN", "COMMA",
    "LPAR", "RPAR", "LSQB", "RSQB", "MINUS", "DOTDOT",
))  # fmt: skip
OPERANDS = frozenset(("NAME", "NUMBER", "STRING", "TRUE", "FALSE", "NULL"))
COMPARES = frozenset(("EQ", "NE", "LT", "LE", "GT", "GE"))
OTHER = "\ufffd"
"""A text that is none of the literals."""
MAX_DOMAIN = 24


def correlated(net: Net) -> list[Guard]:
    """The guards that tie the net's conditions together; none where no two conditions share data."""
    places: dict[str, set[object]] = {}
    texts: dict[str, set[int]] = {}
    literals: dict[str, set[object]] = {}
    opaque: set[str] = set()
    for site in net.sites:
        for out in site.outs:
            names = names_in(out.condition)
            if not names or out.default or any(clock in out.condition for clock in CLOCK):
                continue
            tokens = _plain(out.condition)
            texts.setdefault(out.condition, set()).add(site.index)
            if tokens is None:
                opaque.add(out.condition)
                continue
            for name in names:
                exclusive = site.node.kind == "exclusiveGateway"
                places.setdefault(name, set()).add(site.index if exclusive else out.flow)
                literals.setdefault(name, set()).update(_literals(tokens))
    found = []
    for name in sorted(places):
        domain = _domain(literals[name])
        if len(places[name]) > 1 and len(domain) <= MAX_DOMAIN:
            found.append(Guard(name, domain, lazy=True))
    followed = {guard.name for guard in found}
    for text in sorted(texts):
        if len(texts[text]) > 1 and (text in opaque or not (names_in(text) or frozenset()) <= followed):
            found.append(Guard(f"({text})", (True, False), lazy=True, condition=text))
    return found


def written_elsewhere(
    names: Iterable[str], root: Process, processes: Mapping[str, Process], forms: Mapping[str, Form]
) -> list[str]:
    """Those of the variables that another process of the same case may write while `root` runs, sorted."""
    callers = [p for p in processes.values() if root.id in calls_of(p, processes)]
    inside = {root.id, *calls_of(root, processes)}
    around = {p.id for p in callers}.union(*(calls_of(p, processes) for p in callers)) - inside
    written: set[str] = set()
    for other in sorted(around):
        for _, node in processes[other].walk():
            written |= written_by(node, forms)
    return sorted(set(names) & written)


def _plain(condition: str) -> list[Token] | None:
    """The tokens of a condition that only compares variables with literals; None for any other."""
    try:
        tokens = tokenize(condition.strip().removeprefix("="))
    except feel.FeelSyntaxError:
        return None
    for number, token in enumerate(tokens):
        after = tokens[number + 1] if number + 1 < len(tokens) else None
        called = token.type == "NAME" and after is not None and after.type == "LPAR"
        if token.type not in PLAIN or (called and token != "not"):
            return None
        if token.type in COMPARES:
            if token.type not in ("EQ", "NE") and "STRING" in (
                tokens[number - 1].type if number else "",
                after and after.type,
            ):
                return None  # texts have an order, of which the domain knows nothing
            around = [tokens[number - 1].type if number else "", after.type if after is not None else ""]
            if around.count("NAME") != 1 or not (set(around) - {"NAME"}) <= OPERANDS | {"MINUS"}:
                return None
        if token.type == "IN" and any(t.type == "NAME" and t != "not" for t in _listed(tokens, number)):
            return None
    return tokens


def _listed(tokens: list[Token], number: int) -> list[Token]:
    """What stands to the right of an `in`."""
    found: list[Token] = []
    for token in tokens[number + 1 :]:
        if token.type in ("AND", "OR"):
            break
        found.append(token)
    return found


def _literals(tokens: list[Token]) -> set[object]:
    found: set[object] = set()
    for number, token in enumerate(tokens):
        if token.type == "STRING":
            found.add(str(token))
        elif token.type == "NUMBER":
            value = Decimal(str(token))
            found.add(-value if number and tokens[number - 1].type == "MINUS" else value)
        elif token.type in ("TRUE", "FALSE"):
            found.add(token.type == "TRUE")
        elif token.type == "NAME" and token != "not":
            beside = [t.type for t in (*tokens[max(number - 1, 0) : number], *tokens[number + 1 : number + 2])]
            if not COMPARES.union(("IN",)) & set(beside):
                found |= {True, False}  # asked by itself
    return found


def _domain(literals: set[object]) -> tuple[object, ...]:
    """One value for each literal and each gap between literals, and None for "not set"."""
    found: list[object] = [None]
    texts = sorted(value for value in literals if isinstance(value, str))
    if texts:
        found += [*texts, OTHER]
    numbers = sorted(value for value in literals if isinstance(value, Decimal))
    if numbers:
        points = [numbers[0] - 1]
        for low, high in zip(numbers, [*numbers[1:], numbers[-1] + 2], strict=True):
            points += [low, (low + high) / 2]
        found += [int(p) if p == p.to_integral_value() else float(p) for p in points]
    if any(isinstance(value, bool) for value in literals) or not (texts or numbers):
        found += [True, False]
    return tuple(found)

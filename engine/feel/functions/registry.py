"""How built-in functions are declared, found by their arguments and called.

A signature is written as DMN writes it: `substring: string, start position: number, length?: number`. Types: `number`,
`string`, `boolean`, `list`, `context`, `range`, `function`, `moment` (date, date and time or ISO text of one), `any`
(null too). A `*` after the last name takes any number of arguments or one list. An argument that does not fit makes
the call null (DMN 1.5, 10.3.2.13.4), after the conversions of 10.3.2.9.4: one item to a list and a list of one to it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

from engine.feel import temporal
from engine.feel.run import Run
from engine.feel.values import Function, Range

Implementation = Callable[..., object]


class _Unfit:
    """Stands for "this argument does not fit"."""


UNFIT: Final = _Unfit()


def _exactly(kind: type) -> Callable[[object], object]:
    def fit(value: object) -> object:
        if type(value) is kind:
            return value
        if type(value) is list and len(value) == 1 and type(value[0]) is kind:
            return value[0]
        return UNFIT

    return fit


def _list(value: object) -> object:
    if type(value) is list:
        return value
    return UNFIT if value is None else [value]


def _moment(value: object) -> object:
    if type(value) is list and len(value) == 1:
        value = value[0]
    found = temporal.as_temporal(value)
    return UNFIT if found is None else found


def _some(value: object) -> object:
    return UNFIT if value is None else value


FITS: Final[Mapping[str, Callable[[object], object] | None]] = {
    "any": None,
    "boolean": _exactly(bool),
    "context": _exactly(dict),
    "function": _exactly(Function),
    "list": _list,
    "moment": _moment,
    "number": _exactly(Decimal),
    "range": _exactly(Range),
    "some": _some,
    "string": _exactly(str),
}


@dataclass(frozen=True, slots=True)
class Parameter:
    """One parameter of a built-in; `fit` gives the argument converted or UNFIT, None takes anything."""

    name: str
    kind: str
    optional: bool
    fit: Callable[[object], object] | None


@dataclass(frozen=True, slots=True)
class Builtin:
    """One signature of a built-in function; `own`: not in DMN 1.5."""

    name: str
    parameters: tuple[Parameter, ...]
    variadic: bool
    run: Implementation
    own: bool

    @property
    def signature(self) -> str:
        """As the reference shows it: `substring(string, start position, length?)`."""
        names = [parameter.name + ("?" if parameter.optional else "") for parameter in self.parameters]
        return f"{self.name}({', '.join(names)}{'...' if self.variadic else ''})"

    def takes(self, count: int) -> bool:
        """Whether `count` arguments by position fit."""
        if self.variadic:
            return count >= len(self.parameters)
        required = sum(not parameter.optional for parameter in self.parameters)
        return required <= count <= len(self.parameters)

    def fits(self, arguments: Sequence[object]) -> bool:
        """Whether these arguments have the kinds of the parameters: chooses among signatures of one length."""
        return all(
            parameter.fit is None or parameter.fit(value) is not UNFIT
            for parameter, value in zip(self.parameters, arguments, strict=False)
        )

    def call(self, run: Run, arguments: Sequence[object]) -> object:
        """The result for lifted arguments by position (UNFIT for an optional one left out)."""
        if self.variadic:
            return self._call_variadic(run, arguments)
        fitted: list[object] = []
        for parameter, value in zip(self.parameters, arguments, strict=False):
            if value is UNFIT:
                value = None
            elif parameter.fit is not None:
                value = parameter.fit(value)
                if value is UNFIT:
                    return None
            fitted.append(value)
        return self.run(run, *fitted)

    def _call_variadic(self, run: Run, arguments: Sequence[object]) -> object:
        fixed = len(self.parameters) - 1
        rest = list(arguments[fixed:])
        fitted: list[object] = []
        for parameter, value in zip(self.parameters[:fixed], arguments[:fixed], strict=True):
            value = value if parameter.fit is None else parameter.fit(value)
            if value is UNFIT:
                return None
            fitted.append(value)
        if len(rest) == 1 and fixed == 0 and type(rest[0]) is list:
            rest = rest[0]
        elif len(rest) == 1 and fixed == 0 and rest[0] is None:
            return None
        run.room_for(len(rest))
        return self.run(run, *fitted, rest)


BUILTINS: Final[dict[str, tuple[Builtin, ...]]] = {}
"""Every built-in function by name, with its signatures in the order they are tried."""


def _parameters(signature: str) -> tuple[tuple[Parameter, ...], bool]:
    parameters: list[Parameter] = []
    variadic = False
    for part in filter(None, (text.strip() for text in signature.split(","))):
        name, _, kind = (piece.strip() for piece in part.partition(":"))
        variadic = name.endswith("*")
        parameters.append(Parameter(name.rstrip("*?"), kind, name.endswith("?"), FITS[kind]))
    return tuple(parameters), variadic


def builtin(name: str, signature: str = "", *, own: bool = False) -> Callable[[Implementation], Implementation]:
    """Registers a function under `name`; its first argument is the Run. Several signatures: several decorators."""

    def register(function: Implementation) -> Implementation:
        parameters, variadic = _parameters(signature)
        BUILTINS[name] = (*BUILTINS.get(name, ()), Builtin(name, parameters, variadic, function, own))
        return function

    return register


def by_position(name: str, count: int) -> Builtin | None:
    """The signature of `name` that takes `count` arguments, None when there is none."""
    return next((one for one in BUILTINS[name] if one.takes(count)), None)


def by_names(name: str, given: Sequence[str]) -> tuple[Builtin, tuple[int | None, ...]] | None:
    """The signature whose parameters `given` names, with the place of each parameter in `given`; None when none."""
    for one in BUILTINS[name]:
        names = [parameter.name for parameter in one.parameters]
        if len(set(given)) != len(given) or not set(given) <= set(names):
            continue
        if all(parameter.optional or parameter.name in given for parameter in one.parameters):
            return one, tuple(given.index(item) if item in given else None for item in names)
    return None


def as_function(name: str) -> Function:
    """The built-in `name` as a value, for handing to another function."""

    def call(run: Any, arguments: Sequence[object]) -> object:
        found = by_position(name, len(arguments))
        return None if found is None else found.call(run, arguments)

    return Function(tuple(parameter.name for parameter in BUILTINS[name][0].parameters), call)

"""Context functions (DMN 1.5, table 82)."""

from __future__ import annotations

from engine.feel.functions.registry import builtin
from engine.feel.run import Run


@builtin("get value", "context: context, key: string")
@builtin("get value", "m: context, key: string")
def get_value(run: Run, context: dict[str, object], key: str) -> object:
    return run.entry(context, key)


@builtin("get value", "context: context, keys: list")
def get_nested(run: Run, context: dict[str, object], keys: list[object]) -> object:
    value: object = context
    for key in keys:
        if not isinstance(value, dict) or not isinstance(key, str):
            return None
        value = run.entry(value, key)
    return value


@builtin("get entries", "m: context")
def get_entries(run: Run, context: dict[str, object]) -> object:
    run.room_for(len(context))
    return [{"key": key, "value": run.entry(context, key)} for key in context]


@builtin("context", "entries: list")
def context_of(run: Run, entries: list[object]) -> object:
    """The context of `{key, value}` items; null for an item without them or a key that comes twice."""
    run.room_for(len(entries))
    result: dict[str, object] = {}
    for item in entries:
        if not isinstance(item, dict) or not isinstance(item.get("key"), str) or "value" not in item:
            return None
        if item["key"] in result:
            return None
        result[item["key"]] = run.entry(item, "value")
    return result


@builtin("context put", "context: context, key: string, value: any")
def context_put(run: Run, context: dict[str, object], key: str, value: object) -> object:
    run.room_for(len(context) + 1)
    return {**context, key: value}


@builtin("context put", "context: context, keys: list, value: any")
def context_put_nested(run: Run, context: dict[str, object], keys: list[object], value: object) -> object:
    if not keys or not all(isinstance(key, str) for key in keys):
        return None
    run.enter()
    run.room_for(len(context) + 1)
    key = str(keys[0])
    result: object = value
    if len(keys) > 1:
        inner = context.get(key)
        result = context_put_nested(run, inner, keys[1:], value) if isinstance(inner, dict) else None
        if result is None:
            run.leave()
            return None
    run.leave()
    return {**context, key: result}


@builtin("context merge", "contexts*: any")
def context_merge(run: Run, contexts: list[object]) -> object:
    result: dict[str, object] = {}
    for one in contexts:
        if not isinstance(one, dict):
            return None
        result.update(one)
        run.room_for(len(result))
    return result


@builtin("not", "negand: any")
def negate(run: Run, value: object) -> object:
    return (not value) if isinstance(value, bool) else None


@builtin("is defined", "value: any", own=True)
def is_defined(run: Run, value: object) -> object:
    """False for null: case data knows no difference between absent and null."""
    return value is not None


@builtin("get or else", "value: any, default: any", own=True)
def get_or_else(run: Run, value: object, default: object) -> object:
    return default if value is None else value

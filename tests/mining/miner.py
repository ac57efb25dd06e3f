"""r4pm (Rust4PM of RWTH Aachen), a process mining tool of others: opens our files and counts what it finds."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import r4pm

_PREFIX = "process_mining::"
_PROJECTION = "core::event_data::case_centric::utils::activity_projection::"


def call(function: str, **given: Any) -> Any:
    """The answer of one of the tool's functions; the name of an item that it keeps stays a text."""
    answer = r4pm.call_binding(_PREFIX + function, json.dumps(given))
    try:
        return json.loads(answer)
    except json.JSONDecodeError:
        return answer


class EventLog:
    """An XES file as the tool reads it."""

    def __init__(self, path: Path) -> None:
        log = r4pm.import_item("EventLog", str(path))
        self._projection = call(f"{_PROJECTION}log_to_activity_projection", log=log)

    @property
    def traces(self) -> int:
        return int(call(f"{_PROJECTION}get_num_cases", projection=self._projection))

    @property
    def activities(self) -> set[str]:
        return set(call(f"{_PROJECTION}get_projection_activities", projection=self._projection))

    @property
    def variants(self) -> list[tuple[tuple[str, ...], int]]:
        found = call(f"{_PROJECTION}get_variants", projection=self._projection)
        return [(tuple(one["activities"]), one["count"]) for one in found]

    def petri_net(self) -> dict[str, Any]:
        """Discovered by Alpha+++."""
        net = call("discovery::case_centric::alphappp::full::alphappp_discover_petri_net", log_proj=self._projection)
        assert isinstance(net, dict)
        return net


class ObjectLog:
    """An OCEL file (JSON or XML) as the tool reads it."""

    def __init__(self, path: Path) -> None:
        self._log = r4pm.import_item("OCEL", str(path))
        self._linked = call("bindings::slim_link_ocel", ocel=self._log)

    @property
    def events(self) -> int:
        return int(call("bindings::num_events", ocel=self._log))

    @property
    def objects(self) -> int:
        return int(call("bindings::num_objects", ocel=self._log))

    @property
    def types(self) -> dict[str, dict[str, int]]:
        found = call("bindings::ocel_type_stats", ocel=self._log)
        assert isinstance(found, dict)
        return found

    def follows(self, kind: str) -> dict[tuple[str, str], int]:
        """What directly follows what in the life of objects of a type, and how often."""
        found = call("discovery::object_centric::dfg::get_dfg_of_object_type", ocel=self._linked, ob_type=kind)
        return {(first, then): number for (first, then), number in found}

    def changes(self, ident: str, attribute: str) -> list[tuple[str, str]]:
        """(value, since when) of an attribute of an object."""
        found = call(
            "analysis::object_centric::object_attribute_changes::get_object_attribute_changes",
            ocel=self._linked,
            object_id=ident,
        )
        return [(str(one["value"]), one["time"]) for one in found["traces"][attribute]]

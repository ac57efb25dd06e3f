"""The deterministic, journaled BPMN runtime and the office's rules; see docs/architecture.md."""

VERSION = "0.1.0"
"""Written into every journal entry; histories of every released version must replay for ever."""

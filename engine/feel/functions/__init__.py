"""The built-in functions. Importing this package fills the registry, in a fixed order."""

from engine.feel.functions import contexts, dates, lists, numeric, ranges, strings
from engine.feel.functions.registry import BUILTINS, Builtin

__all__ = ["BUILTINS", "Builtin", "contexts", "dates", "lists", "numeric", "ranges", "strings"]

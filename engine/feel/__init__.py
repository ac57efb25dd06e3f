"""FEEL (DMN 1.5): the one expression language of diagrams, tables and forms, interpreted and bounded.

`compile_expression(text).evaluate(variables, env)` and `compile_unary_tests(text).matches(value, variables, env)`.
Nothing here runs Python from a text. See docs/feel.md for what process owners may write.
"""

from engine.feel.errors import FeelEvaluationError, FeelSyntaxError
from engine.feel.expression import Expression, UnaryTests, called_names, compile_expression, compile_unary_tests
from engine.feel.json_values import from_json, to_json
from engine.feel.juel import translate_juel
from engine.feel.run import Environment
from engine.feel.values import is_true

__all__ = [
    "Environment",
    "Expression",
    "FeelEvaluationError",
    "FeelSyntaxError",
    "UnaryTests",
    "called_names",
    "compile_expression",
    "compile_unary_tests",
    "from_json",
    "is_true",
    "to_json",
    "translate_juel",
]

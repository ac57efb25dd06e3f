"""The FEEL grammar (DMN 1.5, 10.3.1.2) as an LALR(1) table made once, and reading with it.

The standard's grammar is ambiguous on purpose; two decisions make it deterministic. `if`, `for`, `some`, `every` and
`function` are operands whose last part reaches as far as it can (a shift is preferred to a reduce), and unary minus
binds tighter than `**`, as the standard orders them (so `-2 ** 2` is 4).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Final

from lark import Lark, Token, Transformer
from lark.exceptions import UnexpectedToken
from lark.lexer import Lexer

from engine.feel.lexer import syntax_error

GRAMMAR: Final = r"""
expression: disjunction
tests: MINUS                                    -> any_value
     | NOT_TESTS LPAR test (COMMA test)* RPAR   -> no_test
     | test (COMMA test)*                       -> some_test
?test: comparator additive                      -> comparison_test
     | disjunction                              -> value_test

?disjunction: conjunction (OR conjunction)*
?conjunction: comparison (AND comparison)*
?comparison: additive
    | comparison comparator additive            -> compare
    | comparison BETWEEN additive AND additive  -> between
    | comparison IN additive                    -> is_in
    | comparison IN comparator additive         -> is_in_comparison
    | comparison IN LPAR test (COMMA test)+ RPAR -> is_in_tests
comparator: EQ | NE | LT | LE | GT | GE
?additive: multiplicative ((PLUS | MINUS) multiplicative)*
?multiplicative: power ((STAR | SLASH) power)*
?power: typed (POW typed)*
?typed: unary
    | typed INSTANCE_OF written_type                    -> instance_of
?unary: postfix
    | MINUS unary                               -> negation
?postfix: primary
    | postfix DOT NAME                          -> path
    | postfix LSQB disjunction RSQB             -> filtered
    | postfix LPAR RPAR                         -> call
    | postfix LPAR disjunction (COMMA disjunction)* RPAR -> call
    | postfix LPAR named (COMMA named)* RPAR    -> call_named
named: NAME COLON disjunction
?primary: NUMBER                                -> number
    | STRING                                    -> string
    | AT                                        -> at_literal
    | TRUE                                      -> true
    | FALSE                                     -> false
    | NULL                                      -> null
    | NAME                                      -> name
    | LPAR disjunction RPAR                     -> group
    | LPAR comparator additive RPAR             -> unary_range
    | LPAR disjunction DOTDOT disjunction range_close -> range_made
    | LSQB disjunction DOTDOT disjunction range_close -> range_made
    | RANGE_OPEN disjunction DOTDOT disjunction range_close -> range_made
    | LSQB RSQB                                 -> list_made
    | LSQB disjunction (COMMA disjunction)* RSQB -> list_made
    | LBRACE RBRACE                             -> context
    | LBRACE context_entry (COMMA context_entry)* RBRACE -> context
    | IF disjunction THEN disjunction ELSE disjunction -> if_else
    | FOR iterator (COMMA iterator)* RETURN disjunction -> for_return
    | SOME iterator (COMMA iterator)* SATISFIES disjunction -> some
    | EVERY iterator (COMMA iterator)* SATISFIES disjunction -> every
    | FUNCTION LPAR RPAR disjunction            -> function_made
    | FUNCTION LPAR parameter (COMMA parameter)* RPAR disjunction -> function_made
range_close: RPAR | RSQB | RANGE_CLOSE
context_entry: (NAME | STRING) COLON disjunction
iterator: NAME IN disjunction
    | NAME IN disjunction DOTDOT disjunction    -> range_iterator
parameter: NAME
    | NAME COLON written_type
written_type: NAME
    | NULL
    | NAME LT written_type (COMMA written_type)* GT
    | NAME LT member_type (COMMA member_type)* GT
    | FUNCTION LT GT ARROW written_type
    | FUNCTION LT written_type (COMMA written_type)* GT ARROW written_type
    | FUNCTION
member_type: NAME COLON written_type

%declare NAME NUMBER STRING AT TRUE FALSE NULL IF THEN ELSE FOR IN RETURN SOME EVERY SATISFIES AND OR BETWEEN
%declare INSTANCE_OF FUNCTION EXTERNAL EQ NE LT LE GT GE PLUS MINUS STAR SLASH POW LPAR RPAR LSQB RSQB LBRACE RBRACE
%declare COMMA COLON DOT DOTDOT ARROW RANGE_OPEN RANGE_CLOSE NOT_TESTS
"""


class _Tokens(Lexer):
    """Hands on tokens that were made before."""

    def __init__(self, lexer_conf: object) -> None:
        del lexer_conf

    def lex(self, data: Any) -> Iterator[Token]:  # type: ignore[override]
        return iter(data)


def make_parser(builder: Transformer[Token, Any]) -> Callable[[str, list[Token], str], Any]:
    """A function `(text, tokens, start)` that gives what `builder` makes of the tokens.

    `start` is `expression` or `tests`. Raises FeelSyntaxError where the tokens do not fit; `text` is for the place.
    """
    lark = Lark(GRAMMAR, parser="lalr", lexer=_Tokens, start=["expression", "tests"], transformer=builder)

    def parse(text: str, tokens: list[Token], start: str) -> Any:
        try:
            return lark.parse(tokens, start=start)
        except UnexpectedToken as error:
            token = error.token
            if token.type == "$END":
                raise syntax_error(text, len(text), "unexpected_end") from None
            raise syntax_error(text, token.start_pos or 0, "unexpected", found=str(token)) from None

    return parse

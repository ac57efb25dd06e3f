"""Help with grading: what the words of an item suggest, decided by the office's own decision tables.

The intake finds criteria and facts with the words that matched; the tables `grading`, `response_subject`,
`subject_precedence` and `routing` of the bundle say what follows, so that the process owner can change it. A person
decides in the end.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from engine.definitions.bundle import Bundle
from engine.domain.codec import JSON
from engine.feel import Environment
from engine.intake.criteria import NAMES
from engine.intake.item import NO_FACTS, Facts, Item, facts_from, item_from, set_names
from engine.intake.known import Candidate, Known
from engine.intake.reading import Reading
from engine.intake.subject import SubjectFacts
from engine.intake.triage import Assessment, assess, assess_reading

__all__ = ["Candidate", "Item", "Known", "Suggestion", "item_from", "suggest"]

UNSURE: Final = "unsure"
MULTI_DEPARTMENT: Final = "multi_department_by_duty"
"""Beside a subject: each department answers its part (R13, R15)."""
LEADERS: Final = {
    "positive": "局领导(抄送)",
    "ordinary_negative": "分管领导",
    "major_negative": "主要领导",
    UNSURE: "待定",
}
_NOW: Final = datetime(2026, 1, 1, tzinfo=UTC)
"""The tables of grading ask no clock; one instant for all keeps a suggestion the same whenever it is made."""
MAJOR: Final = tuple(name for name in NAMES if name.startswith("m"))


@dataclass(frozen=True, slots=True)
class Suggestion:
    """What is suggested of one item. `relevant`, `directly_related`: None when a person must look. `grade`: "unsure"
    likewise, None for what is not ours. `criteria`: what holds, with the words; `doubtful`: what a person must judge.
    `subject`: () when unknown; `fields`: values for the form `screen`."""

    assessment: Assessment
    relevant: bool | None
    directly_related: bool | None
    relevance_reasons: tuple[str, ...]
    grade: str | None
    criteria: Mapping[str, tuple[str, ...]]
    doubtful: Mapping[str, tuple[str, ...]]
    grade_reasons: tuple[str, ...]
    subject: tuple[str, ...]
    lead: str
    subject_reasons: tuple[str, ...]
    facts: SubjectFacts
    leader: str
    units: tuple[str, ...]
    fields: Mapping[str, JSON]

    @property
    def candidates(self) -> tuple[Candidate, ...]:
        return self.assessment.candidates

    def as_json(self) -> dict[str, JSON]:
        """The line that the command prints; docs/triage.md describes it."""
        facts = self.facts
        return {
            "id": self.assessment.item.id,
            "candidates": [
                {"topic": one.topic, "items": list(one.items), "score": one.score, "reasons": list(one.reasons)}
                for one in self.candidates
            ],
            "echo_of_reply": self.assessment.echo.reply if self.assessment.echo is not None else None,
            "relevance": {
                "value": self.relevant,
                "directly_related": self.directly_related,
                "reasons": list(self.relevance_reasons),
            },
            "grade": {
                "suggestion": self.grade,
                "criteria": {name.upper(): list(words) for name, words in self.criteria.items()},
                "doubtful": {name.upper(): list(words) for name, words in self.doubtful.items()},
                "reasons": list(self.grade_reasons),
            },
            "subject": {
                "value": list(self.subject),
                "lead": self.lead or None,
                "facts": {
                    "districts": list(facts.places),
                    "county_matter": facts.county_matter,
                    "other_city": facts.other_city,
                    "other_cities": list(facts.other_cities),
                    "city_policy": facts.city_policy,
                    "departments": list(facts.departments),
                    "multi_department": facts.multi_department,
                    "assumed": list(facts.assumed),
                },
                "reasons": list(self.subject_reasons),
            },
            "route": {"leader": self.leader, "line": facts.line or None, "units": list(self.units)},
        }


def suggest(
    bundle: Bundle,
    item: Item | Reading | Mapping[str, JSON],
    known: Known | None = None,
    facts: Facts | Mapping[str, JSON] | None = None,
    topic: str = "",
) -> Suggestion:
    """What the words and the tables of `bundle` suggest. `topic`: the one a person has confirmed, "" if none yet.

    Raises BadItem for values that are no item or no facts, FeelEvaluationError when a table cannot be evaluated,
    KeyError when the bundle lacks one.
    """
    given = facts if isinstance(facts, Facts) else NO_FACTS if facts is None else facts_from(facts)
    if isinstance(item, Reading):
        assessment = assess_reading(item, known, given, topic)
    else:
        assessment = assess(item if isinstance(item, Item) else item_from(item), known, given, topic)
    grade, grade_reasons = _grade(bundle, assessment, given)
    subject, lead, subject_reasons = _subject(bundle, assessment, grade)
    relevant = assessment.relevance
    return Suggestion(
        assessment=assessment,
        relevant=relevant.value,
        directly_related=relevant.directly_related,
        relevance_reasons=relevant.reasons,
        grade=grade,
        criteria=assessment.criteria.words,
        doubtful=assessment.criteria.doubtful,
        grade_reasons=grade_reasons,
        subject=subject,
        lead=lead,
        subject_reasons=subject_reasons,
        facts=assessment.facts,
        leader="无" if grade is None else LEADERS[grade],
        units=_units(bundle, assessment, grade),
        fields=_fields(assessment, given),
    )


def criteria_of(assessment: Assessment) -> dict[str, JSON]:
    """The inputs of the table `grading`, by the field names of the form `screen`."""
    found = assessment.criteria
    return {
        **{name: name in found.words for name in NAMES},
        "outlet_count": len(assessment.outlets),
        "central_media": found.central_media,
        "hot_list": found.hot_list,
    }


def _grade(bundle: Bundle, assessment: Assessment, given: Facts) -> tuple[str | None, tuple[str, ...]]:
    notes = assessment.criteria.notes
    if given.grade is not None:
        return given.grade, (*notes, "由人定级")
    relevant, found = assessment.relevance, assessment.criteria
    if relevant.value is False or relevant.directly_related is False:
        return None, (*notes, "与本局工作无关或非直接相关，不定级")
    sure_major = any(name in found.words for name in MAJOR)
    if relevant.value is None:
        return UNSURE, (*notes, "是否本局事项须先由人判断", *found.unsure)
    if (found.unsure and not sure_major) or (assessment.echo is not None and assessment.echo.mere):
        return UNSURE, (*notes, *found.unsure)
    if relevant.directly_related is None and not sure_major:
        return UNSURE, (*notes, "是否直接相关须先由人判断")
    result = _decide(bundle, "grading", {**bundle.parameters, **criteria_of(assessment)})
    return str(result.value["grade"]), (*notes, str(result.value["criterion"]), *_remarks(result))


def _subject(bundle: Bundle, assessment: Assessment, grade: str | None) -> tuple[tuple[str, ...], str, tuple[str, ...]]:
    if grade is None or grade == "positive":
        return ("none",), "", ("无须回应",)
    facts = assessment.facts
    rules = _decide(
        bundle,
        "response_subject",
        {
            "city_policy": facts.city_policy,
            "places": list(facts.places),
            "other_city": facts.other_city,
            "county_matter": facts.county_matter,
            "multi_department": facts.multi_department,
        },
    )
    chosen = _decide(bundle, "subject_precedence", {"subject_rules": rules.value})
    subject: tuple[str, ...] = (str(chosen.value["subject"]),)
    if "multi_department" in rules.value:
        subject = (*subject, MULTI_DEPARTMENT)
    told = _remarks(rules)
    # The last rule of the table holds always; it is the reason only where no other is.
    return subject, str(chosen.value["lead"]), told[:-1] or told


def _units(bundle: Bundle, assessment: Assessment, grade: str | None) -> tuple[str, ...]:
    """Ids of the units that the table `routing` names; the office's for good news, none for what is not ours."""
    if grade is None:
        return ()
    if grade == "positive":
        return ("bangong",)
    facts = assessment.facts
    variables = {
        "places": list(facts.places),
        "county_matter": facts.county_matter,
        "business_line": facts.line or None,
    }
    return tuple(dict.fromkeys(str(one) for one in _decide(bundle, "routing", variables).value))


def _fields(assessment: Assessment, given: Facts) -> dict[str, JSON]:
    """Values for the form `screen`; what a person must judge is left out."""
    facts, found = assessment.facts, assessment.criteria
    values: dict[str, JSON] = {**criteria_of(assessment), **{name: False for name in NAMES if name in found.doubtful}}
    for name in ("relevant", "directly_related"):
        value = getattr(assessment.relevance, "value" if name == "relevant" else name)
        if value is not None:
            values[name] = value
    values["authenticity"] = "old" if found.old else "rumour" if found.rumour else "unclear"
    values["places"] = list(facts.places)
    if facts.line:
        values["business_line"] = facts.line
    for name in ("county_matter", "other_city", "city_policy", "multi_department"):
        values[name] = getattr(facts, name)
    for name in set_names(given):
        if name in values and name != "departments":
            value = getattr(given, name)
            values[name] = list(value) if isinstance(value, tuple) else value
    return values


def _decide(bundle: Bundle, decision: str, variables: Mapping[str, Any]) -> Any:
    return bundle.decide(decision, variables, Environment(_NOW))


def _remarks(result: Any) -> tuple[str, ...]:
    return tuple(rule.annotation for rule in result.fired if rule.annotation)

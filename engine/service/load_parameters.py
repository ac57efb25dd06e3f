"""The numbers of the load model, each with where it comes from.

No bureau's records were to be had. What the regulation or requirements.md state is marked `stated`; everything else is
`assumed`: our guess, written down so that an office can put its own figure in its place. Nothing here is measured.
"""

from __future__ import annotations

from dataclasses import dataclass, field, fields, replace
from datetime import date
from typing import Any, Final, Literal

Origin = Literal["stated", "assumed"]
Weights = tuple[tuple[str, float], ...]
DAYS_OF_A_MONTH = 30


def _stated(value: Any, why: str) -> Any:
    return field(default=value, metadata={"origin": "stated", "why": why})


def _assumed(value: Any, why: str) -> Any:
    return field(default=value, metadata={"origin": "assumed", "why": why})


@dataclass(frozen=True, slots=True)
class Pace:
    """Of one kind of task, in minutes. `wait`: median until somebody turns to it; `work`: median at it."""

    wait: float
    work: float


_PACES: tuple[tuple[str, Pace], ...] = (
    ("Task_screen", Pace(3, 5)),
    ("Task_grade", Pace(1, 3)),
    ("Task_contact", Pace(20, 12)),
    ("Task_instruct_vice", Pace(25, 3)),
    ("Task_instruct_chief", Pace(25, 3)),
    ("Task_confirm_subject", Pace(10, 6)),
    ("Task_county_letter", Pace(15, 20)),
    ("Task_assign", Pace(8, 8)),
    ("Task_sign", Pace(12, 3)),
    ("Task_verify", Pace(30, 60)),
    ("Task_opinion", Pace(15, 30)),
    ("Task_confirm", Pace(20, 6)),
    ("Task_draft_statement", Pace(8, 25)),
    ("Task_approve_statement", Pace(10, 6)),
    ("Task_publish_statement", Pace(5, 10)),
    ("Task_draft_deliverables", Pace(60, 90)),
    ("Task_review_deliverables", Pace(45, 15)),
    ("Task_compose_reply", Pace(15, 35)),
    ("Task_consistency", Pace(60, 20)),
    ("Task_approve_vice", Pace(30, 6)),
    ("Task_approve_chief", Pace(30, 6)),
    ("Task_publish_reply", Pace(10, 12)),
    ("Task_supervise", Pace(180, 15)),
    ("Task_feedback", Pace(240, 30)),
    ("Task_closing_review", Pace(480, 25)),
    ("Task_supplement", Pace(240, 20)),
    ("Task_archive", Pace(480, 20)),
)


@dataclass(frozen=True, slots=True)
class Parameters:
    """What a bureau's year looks like. Shares are weights: only their ratios count."""

    items_a_day: float = _assumed(5.0, "items registered on a middling workday of a prefecture-level bureau")
    by_hour: tuple[float, ...] = _assumed(
        (1.0, 0.6, 0.4, 0.3, 0.3, 0.5, 1.4, 3.0, 5.5, 7.0, 7.5, 6.5, 5.0, 5.0, 5.5, 6.5, 7.0, 6.5, 5.5, 6.0, 7.0, 6.5,
         4.5, 2.5),
        "when people write: mornings, late afternoons, evenings; hours of Asia/Shanghai",
    )  # fmt: skip
    by_weekday: tuple[float, ...] = _assumed(
        (1.2, 1.1, 1.0, 1.0, 1.0, 0.6, 0.55), "Monday first; offices that make news rest at weekends"
    )
    by_month: tuple[float, ...] = _assumed(
        (0.9, 0.6, 1.3, 1.1, 1.0, 1.0, 1.2, 1.2, 1.0, 0.9, 1.0, 0.8),
        "January first; spring festival is quiet, the assemblies of March and the floods of July and August are not",
    )
    sources: Weights = _assumed(
        (
            ("portal", 8), ("forum", 12), ("weibo", 14), ("wechat", 16), ("hotline", 18), ("news_comment", 6),
            ("short_video", 18), ("leader_board", 5), ("superior", 3),
        ),
        "the six kinds of R16 are stated, with the three that requirements.md adds; their shares are assumed",
    )  # fmt: skip
    kinds: Weights = _assumed(
        (("appeal", 38), ("opinion", 14), ("suggestion", 8), ("inquiry", 22), ("tip_off", 18)),
        "kinds of R19 with assumed shares; publicity goes with positive items",
    )
    districts: Weights = _assumed(
        (
            ("市本级", 18), ("魏都区", 12), ("建安区", 14), ("禹州市", 16), ("长葛市", 13), ("鄢陵县", 9),
            ("襄城县", 10), ("经开区", 3), ("东城区", 3), ("示范区", 2),
        ),
        "roughly as many as people live there",
    )  # fmt: skip
    lines: Weights = _assumed(
        (("gengbao", 28), ("guihua", 22), ("shengtai", 14), ("dengji", 22), ("zhifa", 14)), "business lines of the cast"
    )
    grades: Weights = _assumed(
        (("ordinary_negative", 66), ("positive", 14), ("major_negative", 4), ("elsewhere", 16)),
        "three grades of R40 to R48; `elsewhere`: not ours, handed over (R28)",
    )
    major_because: Weights = _assumed(
        (("m3", 40), ("m4", 25), ("m5", 22), ("m1", 9), ("m2", 4)), "criteria of R45 to R48, assumed shares"
    )
    minutes_to_discovery: Pace = _assumed(
        Pace(45, 0), "published to discovered, median; patrols are thrice a day (R18)"
    )
    minutes_to_registration: Pace = _assumed(
        Pace(6, 0), "discovered to registered, median; more than 30 minutes counts as late (R20, default)"
    )
    hot_topics_a_month: float = _assumed(0.8, "topics on which many write within a day or two")
    hot_topic_items: float = _assumed(9.0, "mean number of items of such a topic")
    hot_topic_hours: float = _assumed(7.0, "mean hours between the first and a later item: most come soon")
    outlets_of_a_major: int = _stated(5, "R48 by requirements.md: five outlets within 24 hours make a topic major")
    paces: tuple[tuple[str, Pace], ...] = _assumed(_PACES, "minutes at each task; the elements are the bundle's")
    usual_pace: Pace = _assumed(Pace(45, 4), "of tasks that are not in the table")
    spread: float = _assumed(
        0.6, "deviation of the logarithm of each time: one in six takes 1.8 times the median or more"
    )
    slow_unit: float = _assumed(0.06, "share of cases whose unit takes `slow_factor` times as long")
    slow_factor: float = _assumed(6.0, "what makes such a unit break the 8 hours of R50, mostly")
    on_call: float = _assumed(0.9, "share of a unit's tasks under a limit that are done after hours all the same")
    returned_assignment: float = _assumed(0.04, "units that say within the hour that it is not theirs (R29)")
    returned_opinion: float = _assumed(0.07, "opinions that the vice leader sends back")
    returned_reply: float = _assumed(0.06, "replies that are sent back once")
    oral_instruction: float = _assumed(0.05, "instructions noted by the office instead of written (R30)")
    several_places: float = _assumed(0.05, "ordinary and major items in two counties (R12)")
    county_matter: float = _assumed(0.25, "of the others in a county: its government names the subject (R11)")
    county_minutes: Pace = _assumed(Pace(100, 0), "until a county government answers the letter, median")
    several_departments: float = _assumed(0.06, "replies that other departments must agree to (R13)")
    another_unit: float = _assumed(0.12, "cases with a second unit")
    upgraded: float = _assumed(0.015, "ordinary cases upgraded for other reasons than a hot topic")
    downgraded: float = _assumed(0.1, "major cases that are downgraded")
    demanded_papers: float = _assumed(0.05, "ordinary cases for which the vice leader demands deliverables (R58)")
    promised: float = _assumed(0.08, "replies that promise something by a date (R53)")
    promise_days: int = _assumed(14, "days until it is promised for")
    supervised: float = _assumed(0.35, "cases in which supervision asks at least once before the reply (R38)")
    late_does_harm: float = _assumed(0.3, "late reports with negative impact (R39)")
    hours_of_work: tuple[tuple[int, int], ...] = _assumed(
        ((8 * 60, 12 * 60), (14 * 60 + 30, 18 * 60)), "minutes of a workday's office hours"
    )
    hours_on_call: tuple[int, int] = _assumed((7 * 60, 22 * 60 + 30), "when leaders and units on call answer, any day")
    hours_of_assigning: tuple[int, int] = _assumed(
        (8 * 60, 16 * 60), "ordinary items found later are assigned next morning, so that the 8 hours lie in the day"
    )
    holidays: frozenset[date] = _stated(frozenset(), "given by the caller: the profile's calendar has them")

    def at_rate(self, items_a_month: float) -> Parameters:
        """The same office with so many items expected in 30 days of a middling month, hot topics among them."""
        usual = self.expected_in(DAYS_OF_A_MONTH)
        ratio = items_a_month / usual
        return replace(self, items_a_day=self.items_a_day * ratio, hot_topics_a_month=self.hot_topics_a_month * ratio)

    def expected_in(self, days: int) -> float:
        """Items expected in so many days of a middling month."""
        week = sum(self.by_weekday) / len(self.by_weekday)
        workday = sum(self.by_weekday[:5]) / 5
        hot = self.hot_topics_a_month / DAYS_OF_A_MONTH * self.hot_topic_items
        return days * (self.items_a_day * week / workday + hot)

    def pace(self, element: str) -> Pace:
        return dict(self.paces).get(element, self.usual_pace)


USUAL: Final = Parameters()
"""The office that nobody has said anything about."""


def origins() -> dict[str, tuple[Origin, str]]:
    """Parameter -> whether it is stated somewhere or assumed, and why."""
    return {one.name: (one.metadata["origin"], one.metadata["why"]) for one in fields(Parameters)}

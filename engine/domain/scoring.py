"""Scoring of units (单位评分): the decisions of a bundle that are asked for it, and what they are given.

No step of a process asks them: the statistics do, once for each unit and month.
"""

from __future__ import annotations

from typing import Final

SCORE: Final = "unit_score"
POINTS: Final = "unit_points"
COUNTS: Final = ("handled", "kept", "broken", "late_registrations", "late_reports", "returned")
"""`handled`: cases whose opinion by the unit was confirmed, once a case. `kept`, `broken`: limits of the unit that were
met in time, or broken. `late_registrations`: 迟报 by people of the unit (R20). `late_reports`: 不及时不得力报告 about
it (R39). `returned`: opinions of the unit that were sent back."""

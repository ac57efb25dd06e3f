"""Tables of what-if runs: kept, so that a deployment can cite what was known of it. No read models."""

from __future__ import annotations

from sqlalchemy import Column, Index, Integer, Table, Text

from engine.journal.schema import metadata

whatif_runs = Table(
    "whatif_runs",
    metadata,
    Column("run_id", Text, primary_key=True, comment="random id"),
    Column("job_id", Text, nullable=False, comment="the long job that did it"),
    Column("kind", Text, nullable=False, comment="recorded: past cases; simulated: new cases of the load model"),
    Column("at", Text, nullable=False, comment="instant of asking, UTC"),
    Column("actor", Text, nullable=False, comment="login of who asked"),
    Column("version", Text, nullable=False, comment="the candidate: version of its bundle, hex"),
    Column("label", Text, nullable=False, comment="what it was called then: a draft's title, a version"),
    Column("live", Text, nullable=False, comment="version that was live then, hex"),
    Column("filters", Text, nullable=False, comment="JSON object: the sample, or days and size of a simulation"),
    Column("ended", Text, nullable=False, comment="instant of the end; '' while it is not finished"),
    Column("summary", Text, nullable=False, comment="JSON object: counts, costs; of a simulation all that was found"),
    Index("whatif_runs_by_version", "version", "at"),
    comment="What-if runs and simulations of bundle versions",
)

whatif_cases = Table(
    "whatif_cases",
    metadata,
    Column("run_id", Text, primary_key=True, comment="run"),
    Column("case_id", Text, primary_key=True, comment="case"),
    Column("verdict", Text, nullable=False, comment="same, other, breach or stuck"),
    Column("step", Integer, nullable=False, comment="first entry after which the way differs; 0 for none"),
    Column("grade", Text, nullable=False, comment="grade of the case, '' before it was graded"),
    Column("units", Text, nullable=False, comment="units that had tasks in it: ' a b ', each between blanks"),
    Column("entries", Integer, nullable=False, comment="entries of its record then"),
    Column("outcome", Text, nullable=False, comment="JSON object: engine.kernel.whatif.Outcome"),
    Index("whatif_cases_by_verdict", "run_id", "verdict", "case_id"),
    comment="One row for each case of a what-if run",
)

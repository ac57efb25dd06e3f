"""The simulation behind docs/scale.md gives what queueing theory says, where theory says something."""

import math
import statistics

import pytest

from bench import queueing
from bench.queueing import Costs, Stage, constant, erlang_c, exponential, mean_wait, simulate, wait_within

JOBS = 30_000
WARM_UP = 2_500
SEED = 7


@pytest.mark.parametrize(("servers", "utilisation"), [(1, 0.5), (1, 0.8), (2, 0.7), (4, 0.8), (8, 0.85)])
def test_waits_of_many_servers_are_those_of_the_formula(servers: int, utilisation: float):
    service = 0.01
    arrivals = utilisation * servers / service

    found = simulate(arrivals, (Stage("one", servers, exponential(service)),), JOBS, SEED, WARM_UP)

    # Waits of neighbours hang together: what counts is the deviation of means of long blocks.
    blocks = [statistics.fmean(found.waits[n : n + 1_250]) for n in range(0, len(found.waits) - 1_249, 1_250)]
    bound = 4.5 * statistics.stdev(blocks) / math.sqrt(len(blocks))
    assert abs(statistics.fmean(blocks) - mean_wait(servers, arrivals, service)) < bound
    assert bound < 0.5 * mean_wait(servers, arrivals, service), "the bound must be able to refuse"
    assert found.busy["one"] == pytest.approx(utilisation, rel=0.03)


def test_the_share_that_need_not_wait_is_that_of_erlang():
    arrivals, service, servers = 160.0, 0.02, 4

    found = simulate(arrivals, (Stage("one", servers, exponential(service)),), JOBS, SEED, WARM_UP)

    at_once = sum(wait <= 1e-12 for wait in found.waits) / len(found.waits)
    within = sum(wait <= 0.02 for wait in found.waits) / len(found.waits)
    assert at_once == pytest.approx(1 - erlang_c(servers, arrivals * service), abs=0.02)
    assert within == pytest.approx(wait_within(0.02, servers, arrivals, service), abs=0.02)


def test_a_constant_service_waits_half_as_long_as_a_random_one():
    arrivals, service = 70.0, 0.01

    found = simulate(arrivals, (Stage("one", 1, constant(service)),), JOBS, SEED, WARM_UP)

    # Pollaczek and Khinchine: M/D/1 waits half of M/M/1.
    assert statistics.fmean(found.waits) == pytest.approx(mean_wait(1, arrivals, service) / 2, rel=0.1)


def test_two_stations_in_a_row_behave_like_two_alone():
    arrivals = 50.0

    found = simulate(
        arrivals, (Stage("a", 1, exponential(0.012)), Stage("b", 2, exponential(0.02))), JOBS, SEED, WARM_UP
    )

    # Burke: what leaves M/M/c comes by chance as well.
    alone = mean_wait(1, arrivals, 0.012) + mean_wait(2, arrivals, 0.02)
    assert statistics.fmean(found.waits) == pytest.approx(alone, rel=0.1)
    assert statistics.fmean(found.stays) == pytest.approx(alone + 0.032, rel=0.05)


def test_erlang_has_its_known_values():
    assert erlang_c(1, 0.6) == pytest.approx(0.6)
    assert erlang_c(2, 1.0) == pytest.approx(1 / 3)
    assert mean_wait(1, 0.5, 1.0) == pytest.approx(1.0)


def test_the_same_seed_simulates_the_same_and_no_job_is_lost():
    stages = (Stage("one", 3, exponential(0.01)),)

    first, again, other = (simulate(200.0, stages, 2_000, seed) for seed in (1, 1, 2))

    assert first.stays == again.stays != other.stays
    assert len(first.stays) == 2_000
    assert all(stay > 0 for stay in first.stays)


def test_cores_are_enough_for_the_share_of_their_time_that_was_asked_for():
    costs = Costs()
    arrivals = queueing.at_the_peak(340)

    found = queueing.offices(arrivals, queueing.cores_needed(arrivals, costs), 1, costs, 20_000, SEED)

    assert found.busy["web"] <= 0.65
    assert found.stay(0.95) < 5 * (costs.submission + 3 * costs.page)

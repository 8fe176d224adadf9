"""Scoring beside reference implementations, in one run: ratios, not times, are what to quote.

Arguments: the program of `cargo bench --bench scoring`. Threads are held to one, but for the last rows.
"""

import os

for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[variable] = "1"

import subprocess
import sys
import time

import numpy as np
import properscoring

MINERS, STEPS, MEMBERS, YEAR = 256, 100, 1000, 365 * 48


def best_of(runs, work):
    times = []
    for _ in range(runs):
        started = time.perf_counter()
        work()
        times.append(time.perf_counter() - started)
    return min(times)


def properscoring_crps():
    """Seconds for all miners: properscoring in one call or miner by miner, whichever is faster, and numpy's sort in place."""
    rng = np.random.default_rng(1)
    values = rng.standard_normal((MINERS, STEPS, MEMBERS))
    outcomes = rng.standard_normal((MINERS, STEPS))
    at_once = best_of(3, lambda: properscoring.crps_ensemble(outcomes, values))
    by_miner = best_of(3, lambda: [properscoring.crps_ensemble(*pair) for pair in zip(outcomes, values)])

    def sort():
        seconds = 0.0
        for rows in values:
            copy = rows.copy()
            started = time.perf_counter()
            copy.sort(axis=-1)
            seconds += time.perf_counter() - started
        return seconds

    return min(at_once, by_miner), min(sort() for _ in range(3))


def weighted_rmse_by_miner(rounds):
    """The first generation's way: arrays, weights and sums made anew for each miner."""
    for forecasts, closes in rounds:
        closes = closes.tolist()
        for forecast in forecasts.tolist():
            p, a = np.array(forecast), np.array(closes)
            w = np.exp(-0.001 * np.arange(len(p)))
            np.sqrt(np.sum(w * (p - a) ** 2) / np.sum(w))


def weighted_rmse_at_once(rounds):
    w = np.exp(-0.001 * np.arange(STEPS))
    total = w.sum()
    for forecasts, closes in rounds:
        np.sqrt(((forecasts - closes) ** 2 * w).sum(axis=1) / total)


def year_of_numpy(work, count):
    rng = np.random.default_rng(2)
    rounds = [(60_000 + 100 * rng.standard_normal((MINERS, STEPS)), 60_000 + 100 * rng.standard_normal(STEPS)) for _ in range(count)]
    return best_of(5, lambda: work(rounds)) * YEAR / count


def main():
    lines = subprocess.run([sys.argv[1], "--bench"], check=True, capture_output=True, text=True).stdout.split("\n")
    ours = {name: float(seconds) for name, seconds in (line.split() for line in lines if line)}
    crps, sort = properscoring_crps()
    by_miner, at_once = year_of_numpy(weighted_rmse_by_miner, 20), year_of_numpy(weighted_rmse_at_once, 200)
    gigabytes = MINERS * STEPS * MEMBERS * 8 / 1e9
    print(f"CRPS of {MINERS} miners x {STEPS} steps x {MEMBERS} members ({gigabytes:.2f} GB), one core")
    print(f"  reading the bytes once      {ours['read_bytes']:8.4f} s   {gigabytes / ours['read_bytes']:.1f} GB/s")
    row = "  {:<27} {:8.4f} s   {}".format
    print(row("sorted quantiles", ours["crps_quantiles"], f"{ours['crps_quantiles'] / ours['read_bytes']:.2f} x reading (goal 1.5), properscoring takes {crps / ours['crps_quantiles']:.1f} x as long"))
    print(row("with all metrics", ours["score_and_metrics"], f"{ours['score_and_metrics'] / ours['read_bytes']:.2f} x reading"))
    print(row("paths, sort included", ours["crps_paths"], f"properscoring takes {crps / ours['crps_paths']:.2f} x as long (goal 2), {ours['crps_paths'] / sort:.2f} x numpy's sort alone (goal 1.3)"))
    print(row("properscoring", crps, ""))
    print(row("numpy's sort alone", sort, ""))
    print(f"Policy taoshi, a year of half-hourly rounds x {MINERS} miners x {STEPS} steps, one core")
    print(row("ours, averages and all", ours["taoshi_year"], ""))
    print(row("numpy, miner by miner", by_miner, f"{by_miner / ours['taoshi_year']:.1f} x as long (goal 30), weighted RMSE alone"))
    print(row("numpy, vectorised", at_once, f"{at_once / ours['taoshi_year']:.1f} x as long (goal 3), weighted RMSE alone"))


main()

"""2024 walked forward: `miner evaluate` beside a numpy program that does the same, in one run, one model, one core.

Arguments: the program `miner`, the folder of anchors, the folder of prices, a folder for what is written.
"""

import os
import pathlib
import subprocess
import sys
import time

ONE_CORE = {
    **os.environ,
    **{name: "1" for name in ("RAYON_NUM_THREADS", "POLARS_MAX_THREADS", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS")},
}
RUNS = 3


def cpu_seconds(command):
    """Elapsed and CPU time of a command."""
    before, started = os.times(), time.perf_counter()
    subprocess.run(command, check=True, env=ONE_CORE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    after = os.times()
    used = after.children_user + after.children_system - before.children_user - before.children_system
    return time.perf_counter() - started, used


def best(command):
    runs = [cpu_seconds(command) for _ in range(RUNS)]
    return min(wall for wall, _ in runs), min(cpu for _, cpu in runs)


def main():
    miner, anchors, prices, folder = map(pathlib.Path, sys.argv[1:5])
    folder.mkdir(parents=True, exist_ok=True)
    year, history = prices / "BTCUSDT_5m_2024.csv", prices / "BTCUSDT_5m_2022-08_2023-12.parquet"
    ours = [miner, "evaluate", "--prices", year, "--history", history, "--models", "har", "--stride", "48", "--json"]
    anchor = [sys.executable, anchors / "anchor_density.py", "--csv", year, "--history", history]
    anchor += ["--models", "har_basic", "--stride", "48", "--out", folder / "anchor.json"]
    # Alternating would be fairer still to a machine whose speed drifts; the best of three is fair enough.
    (our_wall, our_cpu), (wall, cpu) = best(ours), best(anchor)
    print(f"walk-forward of 2024, stride 48: miner evaluate {our_wall:.2f} s wall, {our_cpu:.2f} CPU-s")
    print(f"numpy anchor, har_basic:         {wall:.2f} s wall, {cpu:.2f} CPU-s")
    print(f"ratio: {wall / our_wall:.1f} by wall, {cpu / our_cpu:.1f} by CPU time (to reach: 5)")


if __name__ == "__main__":
    main()

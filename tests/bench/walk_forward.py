"""2024 walked forward: `miner evaluate` beside a numpy program that does the same, in one run, one model.

Arguments: the program `miner`, the folder of anchors, the folder of prices, a folder for what is written.
"""

import os
import pathlib
import subprocess
import sys
import time

THREADS = ("RAYON_NUM_THREADS", "POLARS_MAX_THREADS", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS")
ONE_CORE = {**os.environ, **{name: "1" for name in THREADS}}
RUNS = 3


def seconds(command, environment):
    """Elapsed and CPU time of a command."""
    before, started = os.times(), time.perf_counter()
    subprocess.run(command, check=True, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    after = os.times()
    used = after.children_user + after.children_system - before.children_user - before.children_system
    return time.perf_counter() - started, used


def main():
    miner, anchors, prices, folder = map(pathlib.Path, sys.argv[1:5])
    folder.mkdir(parents=True, exist_ok=True)
    year, history = prices / "BTCUSDT_5m_2024.csv", prices / "BTCUSDT_5m_2022-08_2023-12.parquet"
    ours = [miner, "evaluate", "--prices", year, "--history", history, "--models", "har", "--stride", "48", "--json"]
    anchor = [sys.executable, anchors / "anchor_density.py", "--csv", year, "--history", history]
    anchor += ["--models", "har_basic", "--stride", "48", "--out", folder / "anchor.json"]
    commands = {
        "miner evaluate, all cores": (ours, os.environ),
        "miner evaluate, one core": (ours, ONE_CORE),
        "numpy, har_basic": (anchor, os.environ),
    }
    # In turns, because the speed of a shared machine drifts; the best of each.
    runs = {name: [] for name in commands}
    for _ in range(RUNS):
        for name, (command, environment) in commands.items():
            runs[name].append(seconds(command, environment))
    best = {name: tuple(map(min, zip(*times))) for name, times in runs.items()}
    wall, cpu = best["numpy, har_basic"]
    print("walk-forward of 2024, stride 48 (to reach: 5 x)")
    for name, (our_wall, our_cpu) in best.items():
        ratios = f"{wall / our_wall:.1f} x by wall, {cpu / our_cpu:.1f} x by CPU time"
        print(f"{name:<26} {our_wall:.2f} s wall, {our_cpu:.2f} CPU-s: {ratios}")


if __name__ == "__main__":
    main()

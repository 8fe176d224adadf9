"""A history of forecasts through `validator backtest`, beside polars' own time to decode the same columns.

Arguments: the program `validator`, and a folder for the files. Both use two threads.
"""

import os

os.environ["POLARS_MAX_THREADS"] = "2"
os.environ["RAYON_NUM_THREADS"] = "2"

import json
import pathlib
import subprocess
import sys
import time

import numpy as np
import polars as pl

MINERS, STEPS, STEP, EVERY = 256, 100, 300_000, 1_800_000
FIRST = 1_704_240_000_000
ROUNDS = 14 * 48


def write(folder):
    rng = np.random.default_rng(3)
    bars = 288 * 2 + ROUNDS * 6 + STEPS + 1
    closes = 60_000 * np.exp(np.cumsum(0.0015 * rng.standard_normal(bars)))
    times = FIRST - 288 * 2 * STEP + STEP * np.arange(bars)
    columns = {name: closes for name in ("open", "high", "low", "close")}
    pl.DataFrame({"open_time_ms": times, **columns, "volume": np.ones(bars)}).write_parquet(folder / "prices.parquet")
    anchors = closes[288 * 2 - 1 : 288 * 2 - 1 + ROUNDS * 6 : 6]
    values = anchors[:, None, None] * np.exp(0.0015 * rng.standard_normal((ROUNDS, MINERS, STEPS)))
    rows = ROUNDS * MINERS
    frame = pl.DataFrame(
        {
            "origin_ms": np.repeat(FIRST + EVERY * np.arange(ROUNDS), MINERS),
            "miner": [f"miner-{i:03}" for i in range(MINERS)] * ROUNDS,
            "kind": ["quantiles"] * rows,
            "k": pl.Series([1] * rows, dtype=pl.UInt32),
            "values": pl.Series(values.reshape(rows, STEPS)).arr.to_list(),
        }
    )
    frame.write_parquet(folder / "forecasts.parquet", compression="zstd", row_group_size=8192)


def decode(folder):
    started = time.perf_counter()
    pl.read_parquet(folder / "forecasts.parquet")
    return time.perf_counter() - started


def backtest(program, folder, policy):
    command = [program, "backtest", "--prices", folder / "prices.parquet", "--forecasts", folder / "forecasts.parquet"]
    output = subprocess.run([*command, "--policy", policy, "--json"], check=True, capture_output=True).stdout
    return json.loads(output)["timing"]["total_s"]


def main():
    program, folder = sys.argv[1], pathlib.Path(sys.argv[2])
    folder.mkdir(parents=True, exist_ok=True)
    write(folder)
    megabytes = ROUNDS * MINERS * STEPS * 8 / 1e6
    own = min(decode(folder) for _ in range(5))
    print(f"{ROUNDS} rounds x {MINERS} miners x {STEPS} steps from Parquet ({megabytes:.0f} MB decoded), two threads")
    print(f"  polars decodes the columns  {own:8.3f} s")
    for policy in ("taoshi", "evidence"):
        ours = min(backtest(program, folder, policy) for _ in range(2))
        print(f"  all metrics, {policy:<14} {ours:8.3f} s   {ours / own:.1f} x (goal 2, on a year)")


main()

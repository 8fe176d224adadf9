"""A history of forecasts through `validator backtest`, beside polars' own time to decode the same columns.

Arguments: the program `validator`, a folder for the files, and how many days (14; a year has 365 and takes 4 GB on disk
and in polars' memory). Both use two threads. The command is timed whole, from its start to its table's end.
"""

import os

os.environ["POLARS_MAX_THREADS"] = "2"
os.environ["RAYON_NUM_THREADS"] = "2"

import pathlib
import subprocess
import sys
import time

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

MINERS, STEPS, STEP, EVERY = 256, 100, 300_000, 1_800_000
FIRST = 1_704_240_000_000
ROUNDS_A_DAY = 48
GROUP = 32
"""Rounds of a row group."""


def write(folder, rounds):
    rng = np.random.default_rng(3)
    bars = 288 * 2 + rounds * 6 + STEPS + 1
    closes = 60_000 * np.exp(np.cumsum(0.0015 * rng.standard_normal(bars)))
    times = FIRST - 288 * 2 * STEP + STEP * np.arange(bars)
    columns = {name: closes for name in ("open", "high", "low", "close")}
    pl.DataFrame({"open_time_ms": times, **columns, "volume": np.ones(bars)}).write_parquet(folder / "prices.parquet")
    anchors = closes[288 * 2 - 1 : 288 * 2 - 1 + rounds * 6 : 6]
    names = pa.array([f"miner-{i:03}" for i in range(MINERS)] * GROUP)
    schema = pa.schema(
        {"origin_ms": pa.int64(), "miner": pa.string(), "kind": pa.string(), "k": pa.uint32(), "values": pa.list_(pa.float64())}
    )
    with pq.ParquetWriter(folder / "forecasts.parquet", schema, compression="zstd", use_dictionary=["miner", "kind"]) as file:
        for first in range(0, rounds, GROUP):
            part = anchors[first : first + GROUP]
            rows = len(part) * MINERS
            values = part[:, None, None] * np.exp(0.0015 * rng.standard_normal((len(part), MINERS, STEPS)))
            arrays = [
                pa.array(np.repeat(FIRST + EVERY * np.arange(first, first + len(part)), MINERS)),
                names[:rows],
                pa.array(["quantiles"] * rows),
                pa.array(np.ones(rows, dtype=np.uint32)),
                pa.ListArray.from_arrays(pa.array(np.arange(0, rows * STEPS + 1, STEPS, dtype=np.int32)), pa.array(values.ravel())),
            ]
            file.write_table(pa.table(arrays, schema=schema), row_group_size=rows)


def seconds(work):
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def backtest(program, folder, policy):
    command = [program, "backtest", "--prices", folder / "prices.parquet", "--forecasts", folder / "forecasts.parquet"]
    subprocess.run([*command, "--policy", policy], check=True, capture_output=True)


def main():
    program, folder = sys.argv[1], pathlib.Path(sys.argv[2])
    days = int(sys.argv[3]) if len(sys.argv) > 3 else 14
    folder.mkdir(parents=True, exist_ok=True)
    write(folder, days * ROUNDS_A_DAY)
    decoding, taoshi = [], []
    for _ in range(5 if days < 100 else 2):
        decoding.append(seconds(lambda: pl.read_parquet(folder / "forecasts.parquet")))
        taoshi.append(seconds(lambda: backtest(program, folder, "taoshi")))
    megabytes = days * ROUNDS_A_DAY * MINERS * STEPS * 8 / 1e6
    print(f"{days} days of half-hourly rounds x {MINERS} miners x {STEPS} steps from Parquet ({megabytes:.0f} MB decoded), two threads")
    print(f"  polars decodes the columns  {min(decoding):8.3f} s")
    print(f"  all metrics, taoshi         {min(taoshi):8.3f} s   {min(taoshi) / min(decoding):.2f} x (goal 2)")
    if days < 100:
        evidence = seconds(lambda: backtest(program, folder, "evidence"))
        print(f"  all metrics, evidence       {evidence:8.3f} s   {evidence / min(decoding):.1f} x")


main()

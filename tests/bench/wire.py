"""Our client beside what the Python SDKs' users send with, against the same signed miners in one run.

usage: wire.py PROGRAM SDK_11 SDK_10

PROGRAM is the benchmark `round` of foretell-wire; the others are the environments of the SDKs 11.3.0 and 10.5.0.
"""

import json
import pathlib
import subprocess
import sys

MINERS, SOME = 256, 12
program = sys.argv[1]
SDKS = dict(zip(["11.3.0", "10.5.0"], map(pathlib.Path, sys.argv[2:])))
here = pathlib.Path(__file__).resolve().parent


def ours(rounds, miners):
    command = [program, "ask", str(rounds), str(len(miners))]
    said = subprocess.run(command, input="\n".join(map(json.dumps, miners)), text=True, capture_output=True, check=True)
    return json.loads(said.stdout.splitlines()[-1])


def theirs(version, client, rounds, miners, verify):
    command = [SDKS[version] / "bin" / "python", here / "wire_sdk.py", client]
    given = json.dumps({"rounds": rounds, "verify": verify, "miners": miners})
    said = subprocess.run(command, input=given, text=True, capture_output=True)
    if said.returncode:
        raise SystemExit(said.stderr)
    return json.loads(said.stdout.splitlines()[-1])


def rate(cost):
    return cost["requests"] / cost["cpu_s"]


CLIENTS = [
    ("11.3.0", "guide", "SDK 11.3, as its guide has it"),
    ("11.3.0", "httpx", "SDK 11.3, one httpx client"),
    ("11.3.0", "aiohttp", "SDK 11.3, one aiohttp session"),
    ("10.5.0", "dendrite", "SDK 10.5's Dendrite"),
]

server = subprocess.Popen([program, "serve", str(MINERS)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
try:
    miners = [json.loads(server.stdout.readline()) for _ in range(MINERS)]
    print(f"commit and reveal of {MINERS} signed miners on loopback, requests per CPU-second of the client:")
    # Ours before and after each of theirs: the machine may be busier now than then.
    before = rate(ours(10, miners))
    print(f"  {'foretell, everything verified':32} {before:9.0f}")
    for version, client, name in CLIENTS:
        for verify in (False, True):
            # The guide's way takes so long that a few miners have to do.
            rounds, asked = (1, miners[:32]) if client == "guide" else (2, miners)
            found = rate(theirs(version, client, rounds, asked, verify))
            after = rate(ours(10, miners))
            times, before = (before + after) / 2 / found, after
            what = f"{name}{', verified' if verify else ''}"
            print(f"  {what:45} {found:9.0f}   ours, verified, {(times):6.1f} times as many", flush=True)
    # So many that none gets more requests than it takes of one sender: it remembers 4,096 nonces for 12 seconds.
    long = ours(10_000, miners[:SOME])
    print(
        f"10,000 rounds of {SOME} miners: {long['requests']} requests, threads {long['threads'][0]} -> {long['threads'][1]}, "
        f"open files {long['sockets'][0]} -> {long['sockets'][1]}"
    )
    assert long["threads"][1] <= long["threads"][0] and long["sockets"][1] <= long["sockets"][0] + 8
finally:
    server.stdin.close()
    server.wait()
cost = json.loads(subprocess.run([program, "sign"], text=True, capture_output=True, check=True).stdout)
print(f"sr25519: {cost['sign_us']:.0f} us to sign, {cost['verify_us']:.0f} us to verify")

"""Our client beside the Python SDKs' clients, against the same signed miners in one run.

usage: wire.py PROGRAM TARGET

PROGRAM is the benchmark `round` of foretell-wire; the SDKs go into environments under TARGET.
"""

import json
import pathlib
import resource
import subprocess
import sys

MINERS, SOME = 256, 12
program, target = sys.argv[1], pathlib.Path(sys.argv[2])
here = pathlib.Path(__file__).resolve().parent


def sdk(version):
    """The interpreter of an environment with this SDK, as the tests pin it."""
    folder = target / "python" / f"sdk-bench-{version}"
    python = folder / "bin" / "python"
    if not (folder / "complete").exists():
        subprocess.run([sys.executable, "-m", "venv", "--clear", folder], check=True)
        requirements = here.parent / "peers" / f"sdk-{version}.txt"
        # SDK 11 signs requests and leaves sending them to whatever client there is; 10.5 brings this one.
        pip = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "-r", requirements]
        pip += ["aiohttp==3.14.5"]
        subprocess.run(pip, check=True)
        (folder / "complete").touch()
    return python


def ours(rounds, miners):
    command = [program, "ask", str(rounds), str(len(miners))]
    said = subprocess.run(command, input="\n".join(map(json.dumps, miners)), text=True, capture_output=True, check=True)
    return json.loads(said.stdout.splitlines()[-1])


def theirs(version, rounds, miners):
    command = [sdk(version), here / "wire_sdk.py", version]
    given = json.dumps({"rounds": rounds, "miners": miners})
    said = subprocess.run(command, input=given, text=True, capture_output=True)
    if said.returncode:
        raise SystemExit(said.stderr)
    return json.loads(said.stdout.splitlines()[-1])


server = subprocess.Popen([program, "serve", str(MINERS)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
try:
    miners = [json.loads(server.stdout.readline()) for _ in range(MINERS)]
    costs = {"foretell": ours(20, miners)}
    for version in ("11.3.0", "10.5.0"):
        costs[f"bittensor {version}"] = theirs(version, 1, miners)
    rate = {name: cost["requests"] / cost["cpu_s"] for name, cost in costs.items()}
    print(f"commit and reveal of {MINERS} signed miners on loopback, requests per CPU-second of the client:")
    for name, value in rate.items():
        print(f"  {name:18} {value:9.0f}   ours are {rate['foretell'] / value:6.1f} times as many")
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

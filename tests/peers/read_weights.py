"""What the SDK sees of a subnet: standard input {"url", "netuid"}; prints {"weights", "hotkeys", "axons", "incentive"}."""

import json
import sys

import bittensor

given = json.load(sys.stdin)
subtensor = bittensor.Subtensor(network=given["url"])
netuid = given["netuid"]
metagraph = subtensor.metagraph(netuid)
weights = subtensor.weights(netuid=netuid)
print(
    json.dumps(
        {
            "weights": [[int(uid), [[int(t), int(w)] for t, w in row]] for uid, row in weights],
            "hotkeys": list(metagraph.hotkeys),
            "axons": [f"{axon.ip}:{axon.port}" for axon in metagraph.axons],
            "incentive": [float(value) for value in metagraph.I],
        }
    )
)

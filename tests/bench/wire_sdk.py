"""A validator's round on a Python SDK: commit and reveal of every miner, all at once.

usage: wire_sdk.py 11.3.0|10.5.0, with {"rounds", "miners": [{"hotkey", "address"}]} on standard input.
Prints {"requests", "cpu_s"}. Importing the SDK is not counted.
"""

import asyncio
import json
import sys
import time
from typing import ClassVar, Optional

given, version = json.load(sys.stdin), sys.argv[1]
sys.argv = sys.argv[:1]
import bittensor as bt

FIRST, SEED = 1_704_067_200_000, "0x" + "0b" * 32


def commit_body(number):
    origin = FIRST + 300_000 * number
    round_id = f"BTC/USD@{origin}"
    return round_id, json.dumps(
        {
            "round": round_id,
            "series": "BTC/USD",
            "step_s": 300,
            "horizon": 100,
            "deadline_ms": origin,
            "round_time_ms": origin,
        }
    )


def reveal_body(key, round_id, miner, answer):
    commitment = json.loads(answer)["commitment"]
    text = f"foretell/receipt/1\n{round_id}\n{miner}\n{commitment}\n1"
    receipt = {"commitment": commitment, "arrival_ms": 1, "signature": bytes(key.sign(text.encode())).hex()}
    return json.dumps({"round": round_id, "receipt": receipt})


async def round_of_11(number):
    import aiohttp

    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:

        async def post(miner, path, text):
            body = text.encode()
            headers = bt.http_auth.sign(
                key, method="POST", path=path, body=body, receiver_ss58=miner["hotkey"], nonce_ns=time.time_ns()
            )
            url = f"http://{miner['address']}{path}"
            async with session.post(url, data=body, headers={**headers, "content-type": "application/json"}) as answer:
                assert answer.status == 200, await answer.text()
                return await answer.text()

        async def one(miner):
            round_id, body = commit_body(number)
            answer = await post(miner, "/v1/commit", body)
            revealed = await post(miner, "/v1/reveal", reveal_body(key, round_id, miner["hotkey"], answer))
            assert json.loads(revealed)["payload"]

        await asyncio.gather(*map(one, given["miners"]))


async def round_of_10(number):
    def axon(miner):
        host, port = miner["address"].split(":")
        own = key.ss58_address
        return bt.AxonInfo(version=1, ip=host, port=int(port), ip_type=4, hotkey=miner["hotkey"], coldkey=own)

    async def one(miner):
        round_id, body = commit_body(number)
        answer = await dendrite.call(axon(miner), ForecastCommit(request=body), timeout=60, deserialize=False)
        assert answer.is_success, answer.axon.status_message
        body = reveal_body(key, round_id, miner["hotkey"], answer.response)
        answer = await dendrite.call(axon(miner), ForecastReveal(request=body), timeout=60, deserialize=False)
        assert json.loads(answer.response)["payload"]

    async with bt.Dendrite(wallet=key) as dendrite:
        await asyncio.gather(*map(one, given["miners"]))


if version.startswith("11"):
    key, one_round = bt.keyfiles.Keypair.create_from_seed(bytes.fromhex(SEED[2:])), round_of_11
else:
    from bittensor.utils import networking

    networking.get_external_ip = lambda: "127.0.0.1"
    key, one_round = bt.Keypair.create_from_seed(SEED), round_of_10

    class ForecastCommit(bt.Synapse):
        request: str
        response: Optional[str] = None
        required_hash_fields: ClassVar[tuple[str, ...]] = ("request",)

    class ForecastReveal(ForecastCommit):
        pass


async def rounds():
    for number in range(given["rounds"]):
        await one_round(number)


begun = time.process_time()
asyncio.run(rounds())
print(json.dumps({"requests": 2 * given["rounds"] * len(given["miners"]), "cpu_s": time.process_time() - begun}))

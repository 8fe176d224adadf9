"""A validator's round on a Python SDK: commit and reveal of every miner, as many at once as its client can do.

usage: wire_sdk.py CLIENT, with {"rounds", "verify", "miners": [{"hotkey", "address"}]} on standard input, where CLIENT is
  guide      SDK 11, as its guide to signed requests has it: an httpx client of its own for each request
  httpx      SDK 11, with one httpx client for all requests
  aiohttp    SDK 11, with one aiohttp session: the quickest that Python has
  dendrite   SDK 10.5's own client
With "verify", answers are checked as our client checks them: signatures, and that the payload is the committed one.
Prints {"requests", "cpu_s"}. Importing the SDK is not counted.
"""

import asyncio
import hashlib
import json
import sys
import time
from typing import ClassVar, Optional

given, client = json.load(sys.stdin), sys.argv[1]
sys.argv = sys.argv[:1]
import bittensor as bt

match client:
    case "guide" | "httpx":
        import httpx
    case "aiohttp":
        import aiohttp

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


def check(miner, text, signature):
    if not signed(text.encode(), bytes.fromhex(signature), miner):
        raise ValueError("the answer's signature does not verify")


def reveal_body(round_id, miner, answer):
    """The commitment, and the request for what is behind it."""
    answer = json.loads(answer)
    commitment = answer["commitment"]
    if given["verify"]:
        check(miner, f"foretell/answer/1\n{round_id}\n{key.ss58_address}\n{commitment}", answer["signature"])
    text = f"foretell/receipt/1\n{round_id}\n{miner}\n{commitment}\n1"
    receipt = {"commitment": commitment, "arrival_ms": 1, "signature": bytes(key.sign(text.encode())).hex()}
    return commitment, json.dumps({"round": round_id, "receipt": receipt})


def take(round_id, miner, commitment, revealed):
    revealed = json.loads(revealed)
    payload = revealed["payload"].encode()
    assert payload
    if given["verify"]:
        own = key.ss58_address
        digest = hashlib.sha256(payload).hexdigest()
        check(miner, f"foretell/reveal/1\n{round_id}\n{own}\n{digest}", revealed["signature"])
        series, origin = round_id.split("@")
        text = f"foretell/commit/1\n{series}\n{origin}\n{own}\n{miner}\n{revealed['nonce']}\n"
        if hashlib.sha256(text.encode() + payload).hexdigest() != commitment:
            raise ValueError("the payload is not the committed one")


async def round_of_11(post, number, at_once=1_000):
    some = asyncio.Semaphore(at_once)

    async def one(miner):
        async with some:
            hotkey = miner["hotkey"]
            round_id, body = commit_body(number)
            answer = await post(miner, "/v1/commit", body.encode())
            commitment, body = reveal_body(round_id, hotkey, answer)
            take(round_id, hotkey, commitment, await post(miner, "/v1/reveal", body.encode()))

    await asyncio.gather(*map(one, given["miners"]))


def headers(miner, path, body):
    signed = bt.http_auth.sign(key, method="POST", path=path, body=body, receiver_ss58=miner["hotkey"])
    return {**signed, "content-type": "application/json"}


async def by_guide():
    class HotkeyAuth(httpx.Auth):
        requires_request_body = True

        def __init__(self, receiver):
            self.receiver = receiver

        def auth_flow(self, request):
            path = request.url.raw_path.decode()
            request.headers.update(
                bt.http_auth.sign(
                    key, method=request.method, path=path, body=request.content, receiver_ss58=self.receiver
                )
            )
            yield request

    async def post(miner, path, body):
        async with httpx.AsyncClient(base_url=f"http://{miner['address']}", timeout=600) as http:
            kind = {"content-type": "application/json"}
            answer = await http.post(path, content=body, headers=kind, auth=HotkeyAuth(miner["hotkey"]))
            answer.raise_for_status()
            return answer.text

    # Setting up a client takes so long that of many at once, requests were no longer fresh when they were sent.
    for number in range(given["rounds"]):
        await round_of_11(post, number, at_once=1)


async def by_httpx():
    every = httpx.Limits(max_connections=None, max_keepalive_connections=None)
    async with httpx.AsyncClient(limits=every, timeout=600) as http:

        async def post(miner, path, body):
            url = f"http://{miner['address']}{path}"
            answer = await http.post(url, content=body, headers=headers(miner, path, body))
            answer.raise_for_status()
            return answer.text

        # Of all at once, some found their connection closed by a miner that had waited too long for the next request.
        for number in range(given["rounds"]):
            await round_of_11(post, number, at_once=16)


async def by_aiohttp():
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:

        async def post(miner, path, body):
            url = f"http://{miner['address']}{path}"
            async with session.post(url, data=body, headers=headers(miner, path, body)) as answer:
                assert answer.status == 200, await answer.text()
                return await answer.text()

        for number in range(given["rounds"]):
            await round_of_11(post, number)


async def by_dendrite():
    def axon(miner):
        host, port = miner["address"].split(":")
        own = key.ss58_address
        return bt.AxonInfo(version=1, ip=host, port=int(port), ip_type=4, hotkey=miner["hotkey"], coldkey=own)

    # Of all at once, requests were no longer fresh when they were sent, where the machine was busy.
    some = asyncio.Semaphore(16)

    async def one(dendrite, number, miner):
        async with some:
            await both(dendrite, number, miner)

    async def both(dendrite, number, miner):
        hotkey = miner["hotkey"]
        round_id, body = commit_body(number)
        answer = await dendrite.call(axon(miner), ForecastCommit(request=body), timeout=60, deserialize=False)
        assert answer.is_success, answer.axon.status_message
        commitment, body = reveal_body(round_id, hotkey, answer.response)
        answer = await dendrite.call(axon(miner), ForecastReveal(request=body), timeout=60, deserialize=False)
        take(round_id, hotkey, commitment, answer.response)

    async with bt.Dendrite(wallet=key) as dendrite:
        for number in range(given["rounds"]):
            await asyncio.gather(*(one(dendrite, number, miner) for miner in given["miners"]))


if client == "dendrite":
    from bittensor.utils import networking

    networking.get_external_ip = lambda: "127.0.0.1"
    key, ask = bt.Keypair.create_from_seed(SEED), by_dendrite

    def signed(text, signature, hotkey):
        return bt.Keypair(ss58_address=hotkey).verify(text, signature)

    class ForecastCommit(bt.Synapse):
        request: str
        response: Optional[str] = None
        required_hash_fields: ClassVar[tuple[str, ...]] = ("request",)

    class ForecastReveal(ForecastCommit):
        pass

else:
    key = bt.keyfiles.Keypair.create_from_seed(bytes.fromhex(SEED[2:]))
    ask = {"guide": by_guide, "httpx": by_httpx, "aiohttp": by_aiohttp}[client]

    def signed(text, signature, hotkey):
        return bt.sp_core.verify(text, signature, hotkey)


begun = time.process_time()
asyncio.run(ask())
print(json.dumps({"requests": 2 * given["rounds"] * len(given["miners"]), "cpu_s": time.process_time() - begun}))

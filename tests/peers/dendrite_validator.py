"""A validator on the Python SDK 10.5, whose Dendrite asks a miner's axon adapter, also in every wrong way.

Standard input and output: as of btauth_validator.py.
"""
import json, sys, time, urllib.error, urllib.request
from typing import ClassVar, Optional

import bittensor as bt
from bittensor.utils import networking

networking.get_external_ip = lambda: "127.0.0.1"
given, sys.argv = json.load(sys.stdin), sys.argv[:1]
wallet = bt.Wallet(name=given["wallet"], hotkey=given["hotkey"], path=given["wallet_path"])
dendrite = bt.Dendrite(wallet=wallet)
host, port = given["address"].split(":")


class ForecastCommit(bt.Synapse):
    request: str
    response: Optional[str] = None
    required_hash_fields: ClassVar[tuple[str, ...]] = ("request",)


class ForecastReveal(ForecastCommit):
    pass


class Unknown(ForecastCommit):
    pass


def axon(hotkey=given["miner"]):
    return bt.AxonInfo(
        version=1, ip=host, port=int(port), ip_type=4, hotkey=hotkey, coldkey=wallet.hotkey.ss58_address
    )


def ask(synapse):
    answer = dendrite.query(axon(), synapse, deserialize=False)
    return [answer.dendrite.status_code, answer.response, answer.is_success, answer.axon.status_message]


def raw(change=lambda synapse: None, after=lambda headers, body: None, hotkey=given["miner"]):
    """A request as the dendrite prepares it, changed before (`change`) or after it was turned into HTTP."""
    synapse = dendrite.preprocess_synapse_for_request(axon(hotkey), ForecastCommit(request=request))
    change(synapse)
    headers, body = synapse.to_headers(), synapse.model_dump()
    after(headers, body)
    return send(headers, body)


def send(headers, body):
    url = f"http://{given['address']}/ForecastCommit"
    headers = {**{k: str(v) for k, v in headers.items()}, "content-type": "application/json"}
    try:
        with urllib.request.urlopen(urllib.request.Request(url, json.dumps(body).encode(), headers)) as answer:
            return [answer.status, answer.read().decode()]
    except urllib.error.HTTPError as error:
        return [error.code, error.read().decode()]


def resigned(synapse, nonce):
    synapse.dendrite.nonce = nonce
    text = f"{nonce}.{synapse.dendrite.hotkey}.{synapse.axon.hotkey}.{synapse.dendrite.uuid}.{synapse.body_hash}"
    synapse.dendrite.signature = f"0x{wallet.hotkey.sign(text).hex()}"


request = json.dumps(given["request"])
seen = {"honest": ask(ForecastCommit(request=request)), "unknown": ask(Unknown(request=request))}
kept = []
seen["first"] = raw(after=lambda headers, body: kept.extend([headers, body]))
seen["replayed"] = send(*kept)
seen["tampered"] = raw(after=lambda headers, body: body.update(request=body["request"] + " "))
seen["stale"] = raw(lambda synapse: resigned(synapse, time.time_ns() - 20 * 10**9))
seen["stale with a long timeout"] = raw(
    lambda synapse: (setattr(synapse, "timeout", 99999.0), resigned(synapse, time.time_ns() - 3600 * 10**9))
)
seen["future"] = raw(lambda synapse: resigned(synapse, time.time_ns() + 20 * 10**9))
seen["unsigned"] = raw(after=lambda headers, body: headers.pop("bt_header_dendrite_signature"))
seen["wrong receiver"] = raw(hotkey=wallet.hotkey.ss58_address)
commitment = json.loads(seen["honest"][1])["commitment"]
text = f"foretell/receipt/1\n{given['request']['round']}\n{given['miner']}\n{commitment}\n1"
receipt = {"commitment": commitment, "arrival_ms": 1, "signature": wallet.hotkey.sign(text.encode()).hex()}
seen["reveal"] = ask(ForecastReveal(request=json.dumps({"round": given["request"]["round"], "receipt": receipt})))
json.dump(seen, sys.stdout)

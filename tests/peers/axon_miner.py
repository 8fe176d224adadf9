"""A miner on the Python SDK 10.5, whose Axon serves the two synapses: forecasts a constant price."""
import argparse, hashlib, json, secrets, socket, sys
from typing import ClassVar, Optional

import bittensor as bt
from bittensor.utils import networking

networking.get_external_ip = lambda: "127.0.0.1"
flags = argparse.ArgumentParser()
for flag in ("--wallet-path", "--wallet", "--hotkey"):
    flags.add_argument(flag, required=True)
flags, sys.argv = flags.parse_args(), sys.argv[:1]
wallet = bt.Wallet(name=flags.wallet, hotkey=flags.hotkey, path=flags.wallet_path)
key = wallet.hotkey
answers = {}


class ForecastCommit(bt.Synapse):
    request: str
    response: Optional[str] = None
    required_hash_fields: ClassVar[tuple[str, ...]] = ("request",)


class ForecastReveal(ForecastCommit):
    pass


def commit(synapse: ForecastCommit) -> ForecastCommit:
    asked, validator = json.loads(synapse.request), synapse.dendrite.hotkey
    payload = json.dumps({"kind": "quantiles", "k": 1, "values": [42000.0] * asked["horizon"]})
    nonce, payload = answers.setdefault((asked["round"], validator), (secrets.token_hex(32), payload))
    series, origin = asked["round"].split("@")
    text = f"foretell/commit/1\n{series}\n{origin}\n{validator}\n{key.ss58_address}\n{nonce}\n{payload}"
    commitment = hashlib.sha256(text.encode()).hexdigest()
    signature = key.sign(f"foretell/answer/1\n{asked['round']}\n{validator}\n{commitment}".encode()).hex()
    synapse.response = json.dumps({"commitment": commitment, "signature": signature})
    return synapse


def reveal(synapse: ForecastReveal) -> ForecastReveal:
    asked, validator = json.loads(synapse.request), synapse.dendrite.hotkey
    nonce, payload = answers[asked["round"], validator]
    digest = hashlib.sha256(payload.encode()).hexdigest()
    signature = key.sign(f"foretell/reveal/1\n{asked['round']}\n{validator}\n{digest}".encode()).hex()
    synapse.response = json.dumps({"nonce": nonce, "payload": payload, "signature": signature})
    return synapse


with socket.socket() as free:
    free.bind(("127.0.0.1", 0))
    port = free.getsockname()[1]
axon = bt.Axon(wallet=wallet, ip="127.0.0.1", port=port, external_ip="127.0.0.1", external_port=port)
axon.attach(forward_fn=commit).attach(forward_fn=reveal).start()
while socket.socket().connect_ex(("127.0.0.1", port)):
    pass
print(json.dumps({"listening": f"127.0.0.1:{port}"}), flush=True)
sys.stdin.read()  # whoever started this miner is gone
axon.stop()

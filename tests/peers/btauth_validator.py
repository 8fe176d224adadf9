"""A validator on the Python SDK 11 asks a miner for a whole round, and then in every wrong way.

Standard input: {"miner": hotkey, "address": "host:port", "wallet_path", "wallet", "hotkey", "request": {…}}.
Standard output: {variant: [status, body]}; of the honest round also what its verification says.
"""
import hashlib, json, sys, time, urllib.error, urllib.request

import bittensor as bt

given = json.load(sys.stdin)
key = bt.Wallet(name=given["wallet"], hotkey=given["hotkey"], path=given["wallet_path"]).hotkey
own, miner = key.ss58_address, bt.keyfiles.Keypair(ss58_address=given["miner"])
COMMIT, SECOND = "/v1/commit", 10**9


def post(path, body, headers):
    url, headers = f"http://{given['address']}{path}", {**headers, "content-type": "application/json"}
    try:
        with urllib.request.urlopen(urllib.request.Request(url, body, headers)) as answer:
            return [answer.status, answer.read().decode()]
    except urllib.error.HTTPError as error:
        return [error.code, error.read().decode()]


def sign(path, body, receiver=given["miner"], ahead=0):
    nonce = time.time_ns() + ahead * SECOND
    return bt.http_auth.sign(key, method="POST", path=path, body=body, receiver_ss58=receiver, nonce_ns=nonce)


def by_miner(text, signature):
    return bool(miner.verify(text.encode(), bytes.fromhex(signature)))


body = json.dumps(given["request"]).encode()
headers = sign(COMMIT, body)
seen = {"honest": post(COMMIT, body, headers), "replayed": post(COMMIT, body, headers)}
seen["tampered"] = post(COMMIT, body + b" ", sign(COMMIT, body))
seen["stale"] = post(COMMIT, body, sign(COMMIT, body, ahead=-20))
seen["future"] = post(COMMIT, body, sign(COMMIT, body, ahead=20))
seen["unsigned"] = post(COMMIT, body, {})
seen["wrong receiver"] = post(COMMIT, body, sign(COMMIT, body, receiver=own))

committed, round_id = json.loads(seen["honest"][1]), given["request"]["round"]
seen["answer verifies"] = by_miner(
    f"foretell/answer/1\n{round_id}\n{own}\n{committed['commitment']}", committed["signature"]
)
receipt = {"commitment": committed["commitment"], "arrival_ms": 1}
text = f"foretell/receipt/1\n{round_id}\n{given['miner']}\n{committed['commitment']}\n1"
receipt["signature"] = bytes(key.sign(text.encode())).hex()
body = json.dumps({"round": round_id, "receipt": receipt}).encode()
seen["reveal"] = post("/v1/reveal", body, sign("/v1/reveal", body))
revealed, (series, origin) = json.loads(seen["reveal"][1]), round_id.split("@")
digest = hashlib.sha256(revealed["payload"].encode()).hexdigest()
seen["reveal verifies"] = by_miner(f"foretell/reveal/1\n{round_id}\n{own}\n{digest}", revealed["signature"])
text = f"foretell/commit/1\n{series}\n{origin}\n{own}\n{given['miner']}\n{revealed['nonce']}\n{revealed['payload']}"
seen["commitment holds"] = hashlib.sha256(text.encode()).hexdigest() == committed["commitment"]
json.dump(seen, sys.stdout)

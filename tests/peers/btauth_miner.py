"""A miner on the Python SDK 11: forecasts that the price stays where it is. Asked by the tests' validator."""
import argparse, hashlib, json, os, secrets, sys, threading, urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import bittensor as bt

flags = argparse.ArgumentParser()
for flag in ("--wallet-path", "--wallet", "--hotkey"):
    flags.add_argument(flag, required=True)
flags = flags.parse_args()
key = bt.Wallet(name=flags.wallet, hotkey=flags.hotkey, path=flags.wallet_path).hotkey
answers = {}


def signed(text):
    return bytes(key.sign(text.encode())).hex()


def last_close(series, origin, step_ms):
    venue, start = os.environ["FORETELL_VENUE"], origin - 12 * step_ms
    query = f"series={series}&step_ms={step_ms}&from_ms={start}&to_ms={origin}"
    with urllib.request.urlopen(f"{venue}/v1/candles?{query}") as page:
        return json.load(page)["candles"][-1]["close"]


def commit(asked, validator):
    series, origin = asked["round"].split("@")
    if (asked["round"], validator) not in answers:
        price = float(last_close(series, int(origin), 1000 * asked["step_s"]))
        payload = json.dumps({"kind": "quantiles", "k": 1, "values": [price] * asked["horizon"]})
        answers[asked["round"], validator] = secrets.token_hex(32), payload
    nonce, payload = answers[asked["round"], validator]
    text = f"foretell/commit/1\n{series}\n{origin}\n{validator}\n{key.ss58_address}\n{nonce}\n{payload}"
    commitment = hashlib.sha256(text.encode()).hexdigest()
    signature = signed(f"foretell/answer/1\n{asked['round']}\n{validator}\n{commitment}")
    return {"commitment": commitment, "signature": signature}


def reveal(asked, validator):
    nonce, payload = answers[asked["round"], validator]
    digest = hashlib.sha256(payload.encode()).hexdigest()
    signature = signed(f"foretell/reveal/1\n{asked['round']}\n{validator}\n{digest}")
    return {"nonce": nonce, "payload": payload, "signature": signature}


class Miner(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        body = self.rfile.read(int(self.headers["content-length"]))
        try:
            caller = bt.http_auth.verify(
                dict(self.headers), body, method="POST", path=self.path, self_hotkey_ss58=key.ss58_address
            )
            answer = {"/v1/commit": commit, "/v1/reveal": reveal}[self.path]
            status, answer = 200, json.dumps(answer(json.loads(body), caller.hotkey_ss58))
        except bt.http_auth.AuthError as error:
            status, answer = 401, type(error).__name__
        self.send_response(status)
        self.send_header("content-length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer.encode())

    def log_message(self, *_):
        pass


server = ThreadingHTTPServer(("127.0.0.1", 0), Miner)
threading.Thread(target=server.serve_forever, daemon=True).start()
print(json.dumps({"listening": f"127.0.0.1:{server.server_port}"}), flush=True)
sys.stdin.read()  # whoever started this miner is gone

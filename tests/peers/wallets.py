"""Keyfiles there and back: reads the wallets that Foretell wrote, and writes some for Foretell to read.

Standard input: {"path", "ours": [[wallet, hotkey, password or null], …]}. Standard output: their addresses, and what
was written: a wallet `theirs` with a plain hotkey `default`, and a coldkey encrypted with `p\\u00e4ssword`.
"""
import json, sys

try:
    from bittensor_wallet import Wallet  # SDK 10
except ImportError:
    from bittensor.wallet import Wallet  # SDK 11

given = json.load(sys.stdin)
read = []
for name, hotkey, password in given["ours"]:
    wallet = Wallet(name, hotkey, path=given["path"])
    read.append(
        {
            "hotkey": wallet.hotkey.ss58_address,
            "hotkeypub": wallet.hotkeypub.ss58_address,
            "coldkey": wallet.get_coldkey(password).ss58_address,
            "coldkeypub": wallet.coldkeypub.ss58_address,
        }
    )
theirs = Wallet("theirs", "default", path=given["path"])
theirs.create_new_hotkey(use_password=False, suppress=True)
theirs.create_new_coldkey(coldkey_password="pässword", suppress=True)
written = {"hotkey": theirs.hotkey.ss58_address, "coldkey": theirs.coldkeypub.ss58_address}
json.dump({"read": read, "written": written}, sys.stdout)

"""Decrypts a timelocked commitment with the ecosystem's own library and a round's public signature.

Standard input: {"commit": hex, "round": number, "signature": hex}. Prints {"payload": hex}.
"""

import json
import sys

import bittensor_drand


def compact(number: int) -> bytes:
    """SCALE's compact form of a length below 2**30."""
    if number < 1 << 6:
        return bytes([number << 2])
    if number < 1 << 14:
        return ((number << 2) | 1).to_bytes(2, "little")
    return ((number << 2) | 2).to_bytes(4, "little")


given = json.load(sys.stdin)
commit = bytes.fromhex(given["commit"])
# The library decrypts a commitment together with its round.
sealed = compact(len(commit)) + commit + given["round"].to_bytes(8, "little")
payload = bittensor_drand.decrypt_with_signature(sealed, given["signature"])
print(json.dumps({"payload": payload.hex()}))

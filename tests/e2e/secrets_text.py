"""The text of API keys and join tokens, taken apart and put together: for tests that need one which is well formed and wrong."""
import os
import zlib

DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
KID, API_SECRET, JOIN_SECRET, PIN = 8, 24, 32, 32


def base62(data, length):
    number, out = int.from_bytes(data, "big"), ""
    for _ in range(length):
        number, digit = divmod(number, 62)
        out = DIGITS[digit] + out
    return out


def from_base62(text, size):
    number = 0
    for c in text:
        number = number * 62 + DIGITS.index(c)
    return number.to_bytes(size, "big")


def join(prefix, payload, length):
    return prefix + base62(payload + zlib.crc32(payload).to_bytes(4, "big"), length)


def like(text, **changes):
    """The same key or token with some of its parts (kid, secret, pin) replaced and a checksum that fits."""
    prefix, body = text[:5], text[5:]
    sizes = {"kid": KID, "secret": API_SECRET} if prefix == "agk1_" else {"kid": KID, "secret": JOIN_SECRET, "pin": PIN}
    raw, at, parts = from_base62(body, sum(sizes.values()) + 4), 0, b""
    for name, size in sizes.items():
        parts += changes.get(name, raw[at:at + size])
        at += size
    return join(prefix, parts, len(body))


def kid_of(text):
    return from_base62(text[5:], (KID + API_SECRET if text.startswith("agk1_") else KID + JOIN_SECRET + PIN) + 4)[:KID].hex()


def random_bytes(size):
    return os.urandom(size)

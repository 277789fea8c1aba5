"""Writes vectors.json: the digests of this crate, computed a second time with Python's hashlib.

Run it in this directory: python3 vectors.py > vectors.json
"""

import base64
import hashlib
import hmac
import json


def sha256(body):
    return hashlib.sha256(body).digest()


def n(number):
    return number.to_bytes(8, "big")


def lp(text):
    body = text.encode()
    return n(len(body)) + body


def b64url(body):
    return base64.urlsafe_b64encode(body).rstrip(b"=").decode()


def salt(seed, index):
    """HKDF-SHA-256 (RFC 5869): no salt, one block of output."""
    key = hmac.new(bytes(32), seed, hashlib.sha256).digest()
    info = b"writethru/salt/v1" + index.to_bytes(4, "big")
    return hmac.new(key, info + b"\x01", hashlib.sha256).digest()


def commit(salt, value):
    return sha256(b"writethru/value/v1" + salt + lp(value))


def leaf(path, commitments):
    return sha256(b"writethru/path/v1" + lp(path) + n(len(commitments)) + b"".join(commitments))


def state(leaves):
    return sha256(b"writethru/state/v1" + n(len(leaves)) + b"".join(leaves))


def block_hash(block):
    body = b"writethru/block/v1" + lp(block["id"]) + lp(block["kind"]) + lp(block["text"])
    body += n(len(block["marks"]))
    for mark in block["marks"]:
        body += n(mark["start"]) + n(mark["end"]) + lp(mark["kind"]) + lp(mark["href"])
    return sha256(body)


def article_hash(fields, blocks):
    body = b"writethru/article/v1" + n(len(fields))
    for field in fields:
        body += lp(field["name"]) + n(len(field["items"])) + b"".join(lp(item) for item in field["items"])
    return sha256(body + n(len(blocks)) + b"".join(blocks))


SEEDS = [bytes(32), bytes(range(32)), bytes([255] * 32)]
VALUES = ["", "Rain.", "Four people were hurt. ", "Überflutung in Köln 🌧️", "\u2588\u2588\u2588", "a" * 1000]
BLOCKS = [
    {"id": "b1", "kind": "paragraph", "text": "Rain fell.", "marks": []},
    {
        "id": "Z_9-x",
        "kind": "quote",
        "text": "“Nous verrons”, dit-il.",
        "marks": [
            {"start": 0, "end": 3, "kind": "em", "href": ""},
            {"start": 3, "end": 8, "kind": "a", "href": "https://example.org/é"},
        ],
    },
    {"id": "b2", "kind": "media", "text": "", "marks": []},
]
FIELDS = [
    {"name": "slug", "items": ["flood"]},
    {"name": "headline", "items": ["Flood: four hurt"]},
    {"name": "bylines", "items": ["A. Writer", "B. Writer"]},
]


def main():
    salts = [
        {"seed": b64url(seed), "index": index, "salt": b64url(salt(seed, index))}
        for seed in SEEDS
        for index in (0, 1, 255, 256, 2**32 - 1)
    ]
    commits = [
        {"salt": b64url(salt(SEEDS[1], index)), "value": value, "commitment": b64url(commit(salt(SEEDS[1], index), value))}
        for index, value in enumerate(VALUES)
    ]
    made = [commit(salt(SEEDS[1], index), value) for index, value in enumerate(VALUES)]
    paths = [("field/headline", made[:1]), ("block/b1/paragraph", made), ("block/b1/marks", made[2:3]), ("field/tags", [])]
    leaves = [
        {"path": path, "commitments": [b64url(one) for one in those], "hash": b64url(leaf(path, those))}
        for path, those in paths
    ]
    states = [
        {"leaves": [b64url(leaf(*path)) for path in paths[:count]], "hash": b64url(state([leaf(*path) for path in paths[:count]]))}
        for count in range(len(paths) + 1)
    ]
    blocks = [{"block": block, "hash": b64url(block_hash(block))} for block in BLOCKS]
    hashes = [block_hash(block) for block in BLOCKS]
    articles = [
        {
            "fields": FIELDS[:fields],
            "blocks": [b64url(one) for one in hashes[:count]],
            "hash": "sha256:" + article_hash(FIELDS[:fields], hashes[:count]).hex(),
        }
        for fields, count in ((0, 0), (1, 0), (3, 3), (2, 1))
    ]
    vectors = {
        "salts": salts,
        "commitments": commits,
        "leaves": leaves,
        "states": states,
        "blocks": blocks,
        "articles": articles,
        "envelope": {"bytes": "{\"v\":1}", "hash": "sha256:" + sha256(b"{\"v\":1}").hex()},
    }
    print(json.dumps(vectors, indent=1, ensure_ascii=False))


main()

#!/usr/bin/env python3
"""Checks a bundle of evidence with Python's standard library and nothing else.

    python3 verify.py [--key VERIFIER_KEY] [BUNDLE]

BUNDLE is the zip file, or the folder that it was unpacked to; without it, the folder that this file is
in. Ends with 0 if everything is proved, with 4 and the first thing that is wrong if not.

Checked are: the manifests; the signature under the log's head; every tile and every entry in the bundle
against that head; each receipt; that each revision follows the one before it; every disclosed value
against its commitment; the state that each revision leaves; and that revisions.jsonl says the same. Not
checked, but for the manifests, are the forms made for people: replay.html and history.fi. `writethru
verify` makes those again and compares them.
"""

import argparse
import base64
import hashlib
import json
import pathlib
import sys
import zipfile


class Wrong(Exception):
    """The first thing that is wrong."""


def need(holds, place, problem):
    if not holds:
        raise Wrong(f"{place}: {problem}")


# Ed25519 (RFC 8032), verification only.

P = 2**255 - 19
L = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, P - 2, P) % P
ROOT = pow(2, (P - 1) // 4, P)


def recover_x(y, sign):
    square = (y * y - 1) * pow(D * y * y + 1, P - 2, P) % P
    x = pow(square, (P + 3) // 8, P)
    if (x * x - square) % P:
        x = x * ROOT % P
    if (x * x - square) % P or (x == 0 and sign):
        return None
    return P - x if x & 1 != sign else x


def point(data):
    y = int.from_bytes(data, "little")
    y, sign = y & ((1 << 255) - 1), y >> 255
    x = recover_x(y, sign) if y < P else None
    return None if x is None else (x, y, 1, x * y % P)


def add(a, b):
    e, f = (a[1] - a[0]) * (b[1] - b[0]) % P, (a[1] + a[0]) * (b[1] + b[0]) % P
    g, h = 2 * a[3] * b[3] * D % P, 2 * a[2] * b[2] % P
    e, f, g, h = f - e, h - g, h + g, f + e
    return (e * f % P, g * h % P, f * g % P, e * h % P)


def times(number, base):
    result = (0, 1, 1, 0)
    while number:
        if number & 1:
            result = add(result, base)
        base, number = add(base, base), number >> 1
    return result


BASE_Y = 4 * pow(5, P - 2, P) % P
BASE_X = recover_x(BASE_Y, 0)
BASE = (BASE_X, BASE_Y, 1, BASE_X * BASE_Y % P)


def is_signed(key, message, signature):
    if len(key) != 32 or len(signature) != 64:
        return False
    a, r, s = point(key), point(signature[:32]), int.from_bytes(signature[32:], "little")
    if a is None or r is None or s >= L:
        return False
    h = int.from_bytes(hashlib.sha512(signature[:32] + key + message).digest(), "little") % L
    left, right = times(s, BASE), add(r, times(h, a))
    return (left[0] * right[2] - right[0] * left[2]) % P == 0 and (left[1] * right[2] - right[1] * left[2]) % P == 0


# Forms.

def sha256(*parts):
    return hashlib.sha256(b"".join(parts)).digest()


def u64(number):
    return number.to_bytes(8, "big")


def b64url(text):
    return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)


def to_b64url(data):
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def parse_key(text):
    """Returns name, id, kind and public key of a verifier key."""
    name, identity, rest = text.strip().split("+", 2)
    body = base64.b64decode(rest, validate=True)
    kind, public = body[0], body[1:]
    need(sha256(name.encode(), b"\n", body)[:4].hex() == identity, "the key", "its id is not that of its bytes")
    return name, bytes.fromhex(identity), kind, public


class Bundle:
    def __init__(self, path):
        self.files = {}
        if path.is_dir():
            for file in sorted(path.rglob("*")):
                if file.is_file() and "__pycache__" not in file.parts:
                    self.files[file.relative_to(path).as_posix()] = file.read_bytes()
            return
        with zipfile.ZipFile(path) as archive:
            for name in archive.namelist():
                need(name.startswith("evidence/"), name, "it is not in the folder evidence")
                self.files[name[len("evidence/"):]] = archive.read(name)

    def __getitem__(self, name):
        need(name in self.files, name, "it is missing")
        return self.files[name]

    def lines(self, name):
        return [json.loads(line) for line in self[name].decode().splitlines()]


def check_manifests(bundle):
    need(bundle["bagit.txt"].startswith(b"BagIt-Version: 1.0\n"), "bagit.txt", "it is no bag of version 1.0")
    named = set()
    for manifest in ("tagmanifest-sha256.txt", "manifest-sha256.txt"):
        for line in bundle[manifest].decode().splitlines():
            digest, name = line.split("  ", 1)
            need(hashlib.sha256(bundle[name]).hexdigest() == digest, name, f"it is not the file that {manifest} names")
            named.add(name)
    beyond = set(bundle.files) - named - {"tagmanifest-sha256.txt"}
    need(not beyond, min(beyond, default=""), "no manifest names it")


# The log (RFC 6962, c2sp.org/tlog-tiles).

def node(left, right):
    return sha256(b"\x01", left, right)


def subtree(hashes):
    while len(hashes) > 1:
        hashes = [node(hashes[i], hashes[i + 1]) for i in range(0, len(hashes), 2)]
    return hashes[0]


def peaks(hashes):
    found, at = [], 0
    for bit in reversed(range(9)):
        if len(hashes) >> bit & 1:
            found.append(subtree(hashes[at:at + (1 << bit)]))
            at += 1 << bit
    return found


def number_path(number):
    parts = [f"{number % 1000:03}"]
    while number >= 1000:
        number //= 1000
        parts.append(f"x{number % 1000:03}")
    return "/".join(reversed(parts))


class Log:
    def __init__(self, bundle, key):
        self.bundle, self.tiles = bundle, {}
        place = "data/log/checkpoint"
        self.note = bundle[place].decode()
        text, signatures = self.note.split("\n\n", 1)
        text += "\n"
        origin, size, root = text.split("\n")[:3]
        self.size, self.root = int(size), base64.b64decode(root, validate=True)
        policy = [line.split() for line in bundle["data/policy.txt"].decode().splitlines()]
        keys = [parse_key(words[1]) for words in policy if words[0] == "log"]
        keys += [parse_key(words[2]) for words in policy if words[0] == "witness"]
        lines = [line.split(" ") for line in signatures.splitlines()]
        need(len(lines) == len(keys) and keys[0][0] == origin, place, "it is not signed by those that the policy names")
        for (dash, name, body), (own, identity, kind, public) in zip(lines, keys):
            body = base64.b64decode(body, validate=True)
            need((dash, name, body[:4]) == ("—", own, identity), place, f"the signature of {own} is missing")
            message, signature = text.encode(), body[4:]
            if kind == 4:
                stamp, signature = int.from_bytes(signature[:8], "big"), signature[8:]
                message = f"cosignature/v1\ntime {stamp}\n".encode() + message
            need(is_signed(public, message, signature), place, f"the signature of {own} is false")
        if key is not None:
            need(parse_key(key) == keys[0], place, "it is signed by another key than the one you gave")
        self.key = [words[1] for words in policy if words[0] == "log"][0]
        edge = [peak for level in reversed(range(8)) for peak in peaks(self.partial(level))]
        top = edge.pop() if edge else sha256()
        while edge:
            top = node(edge.pop(), top)
        need(top == self.root, "data/log/tile", "the partial tiles do not make the root of the head")

    def read(self, level, index):
        width = min(256, (self.size >> 8 * level) - 256 * index)
        name = f"data/log/tile/{level}/{number_path(index)}" + (f".p/{width}" if width < 256 else "")
        data = self.bundle[name]
        need(len(data) == 32 * width, name, "it has another length")
        self.tiles[name] = True
        return name, [data[i:i + 32] for i in range(0, len(data), 32)]

    def partial(self, level):
        count = self.size >> 8 * level
        return self.read(level, count >> 8)[1] if count & 255 else []

    def believed(self, level, index):
        name, hashes = self.read(level, index)
        if len(hashes) == 256:
            above = self.believed(level + 1, index >> 8)[index & 255]
            need(subtree(hashes) == above, name, "it is not the tile that the tree has")
        return hashes

    def entries(self):
        found = {}
        for name in sorted(self.bundle.files):
            prefix = "data/log/tile/entries/"
            if not name.startswith(prefix):
                continue
            parts = name[len(prefix):].split(".p/")
            index = 0
            for part in parts[0].split("/"):
                index = index * 1000 + int(part.lstrip("x"))
            hashes, data, at = self.believed(0, index), self.bundle[name], 0
            need(name == prefix + number_path(index) + (f".p/{len(hashes)}" if len(hashes) < 256 else ""), name, "it is no bundle of this tree")
            for place, leaf in enumerate(hashes):
                length = int.from_bytes(data[at:at + 2], "big")
                entry, at = data[at + 2:at + 2 + length], at + 2 + length
                need(sha256(b"\x00", entry) == leaf, name, f"entry {256 * index + place} is not the one that the tree has")
                found[256 * index + place] = entry
            need(at == len(data), name, "there is more in it than its entries")
            self.tiles[name] = True
        for name in self.bundle.files:
            if name.startswith("data/log/tile/"):
                need(name in self.tiles, name, "it proves nothing")
        return found

    def check_receipt(self, name, index, entry):
        head, note = self.bundle[name].decode().split("\n\n", 1)
        lines = head.split("\n")
        need(lines[:2] == ["c2sp.org/tlog-proof@v1", f"index {index}"] and note == self.note, name, "it is another receipt")
        path = [base64.b64decode(line, validate=True) for line in lines[2:]]
        here, last, current = index, self.size - 1, sha256(b"\x00", entry)
        for other in path:
            need(last > 0, name, "its path is too long")
            if here & 1 or here == last:
                current = node(other, current)
                while not here & 1 and here:
                    here, last = here >> 1, last >> 1
            else:
                current = node(current, other)
            here, last = here >> 1, last >> 1
        need(last == 0 and current == self.root, name, "its path does not lead to the root")


# A story.

FIELDS = ["slug", "headline", "summary", "bylines", "dateline", "language", "tags", "links", "urgency", "ed_note", "pinned", "source"]
LISTS = {"bylines", "tags", "links", "pinned", "source"}
MARK = "\u2588" * 3


def state_leaf(path, commitments):
    path = path.encode()
    return sha256(b"writethru/path/v1", u64(len(path)), path, u64(len(commitments)), *map(b64url, commitments))


class Story:
    def __init__(self, values):
        self.values, self.fields, self.order, self.blocks = values, {}, [], {}

    def put(self, block, after):
        self.order.insert(self.order.index(after) + 1 if after else 0, block)

    def apply(self, operation):
        op, block = operation["op"], operation.get("block")
        if op in ("delete", "move"):
            self.order.remove(block)
        if op == "delete":
            del self.blocks[block]
        if op in ("move", "insert"):
            self.put(block, operation.get("after"))
        if op in ("insert", "edit"):
            self.blocks[block] = (operation["kind"], operation["values"], operation.get("marks"))
        if op == "set":
            self.fields[operation["field"]] = operation["values"]

    def state(self):
        leaves = [state_leaf(f"field/{name}", self.fields[name]) for name in FIELDS if self.fields.get(name)]
        for block in self.order:
            kind, values, marks = self.blocks[block]
            leaves.append(state_leaf(f"block/{block}/{kind}", values))
            if marks:
                leaves.append(state_leaf(f"block/{block}/marks", [marks]))
        return to_b64url(sha256(b"writethru/state/v1", u64(len(leaves)), *leaves))

    def text(self, commitments):
        return "".join(self.values.get(one, MARK) for one in commitments)

    def article(self):
        told = {}
        for name in FIELDS:
            values = self.fields.get(name)
            if values:
                told[name] = [self.values.get(one, MARK) for one in values] if name in LISTS else self.text(values)
        told["blocks"] = []
        for block in self.order:
            kind, values, marks = self.blocks[block]
            told["blocks"].append({"id": block, "kind": kind, "text": self.text(values)})
            if marks in self.values and all(one in self.values for one in values):
                told["blocks"][-1]["marks"] = json.loads(self.values[marks])
        return told


def commitments(envelope):
    """Returns every commitment that an envelope names as a value of its revision."""
    for operation in envelope["operations"]:
        yield from operation.get("values", [])
        yield from [operation["marks"]] if "marks" in operation else []
    yield from envelope.get("note", [])
    yield from envelope.get("correction", {}).get("what", [])
    yield from envelope.get("correction", {}).get("place", [])
    yield from envelope.get("act", {}).get("reason", [])


def without_partial_marks(article, known):
    """Returns the article without the marks of texts that are not told whole: which of them still fit is for writethru."""
    whole = {block["id"] for block in known["blocks"] if MARK not in block["text"]}
    blocks = [block if block["id"] in whole else {key: block[key] for key in block if key != "marks"} for block in article["blocks"]]
    return {**article, "blocks": blocks}


def disclosed(place, line, envelope):
    named, values = set(commitments(envelope)), {}
    for one in line["values"]:
        need(one["commitment"] in named, place, "a commitment that the envelope does not name")
        if "value" in one:
            value = one["value"].encode()
            made = sha256(b"writethru/value/v1", b64url(one["salt"]), u64(len(value)), value)
            need(to_b64url(made) == one["commitment"], place, "a value that is not the one that was committed to")
            values[one["commitment"]] = one["value"]
    return values


def check_story(bundle, log, entries, story):
    folder = f"data/stories/{story}/"
    revisions, lines = bundle.lines(folder + "revisions.jsonl"), bundle.lines(folder + "disclosures.jsonl")
    need(len(revisions) == len(lines) > 0, folder + "revisions.jsonl", "it has not as many lines as disclosures.jsonl")
    values, envelopes, before = {}, [], None
    for number, line in enumerate(lines, 1):
        place, index = f"{folder}disclosures.jsonl, line {number}", line["index"]
        need(index in entries, place, "the log has no such entry here")
        entry = envelope = entries[index]
        if entry.startswith(b"writethru/long-entry/v1"):
            envelope = bundle[f"{folder}envelopes/{number}.json"]
            expected = b"writethru/long-entry/v1" + sha256(envelope) + u64(len(envelope))
            need(len(envelope) > 65535 and expected == entry, f"{folder}envelopes/{number}.json", "it is not the one that was logged")
        log.check_receipt(f"{folder}receipts/{number}.tlog-proof", index, entry)
        said = json.loads(envelope)
        need((said["story"], said["revision"]) == (story, number) and line["revision"] == number, place, "the entry is of another revision")
        need(said.get("prev") == before, place, "the envelope does not follow the one before it")
        before = to_b64url(sha256(envelope))
        values.update(disclosed(place, line, said))
        envelopes.append((envelope, said, index))
    kept = Story(values)
    for number, ((envelope, said, index), told) in enumerate(zip(envelopes, revisions), 1):
        place = f"{folder}revisions.jsonl, line {number}"
        for operation in said["operations"]:
            kept.apply(operation)
        need(kept.state() == said["state"], place, "the state is not what the envelope says")
        expected = {key: said[key] for key in ("revision", "kind", "status", "public", "desk", "actor", "recorded")}
        need({key: told.get(key) for key in expected} == expected and told["index"] == index, place, "it is not what the envelope says")
        need(told["envelope"] == "sha256:" + sha256(envelope).hex() and told["state"] == "sha256:" + b64url(said["state"]).hex(), place, "its hashes are others")
        need(told.get("note", "") == kept.text(said.get("note", [])), place, "its note is another")
        article = kept.article()
        need(without_partial_marks(told["article"], article) == without_partial_marks(article, article), place, "its article is another")
    return len(lines), len(values)


def check_nothing_left_out(entries, listed):
    for index, entry in entries.items():
        if index not in listed and entry.startswith(b"{"):
            story = json.loads(entry)["story"]
            need(story not in listed.values(), f"data/stories/{story}", f"entry {index} of the log is of it, and is left out")


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--key", help="the log's verifier key, from somewhere else than the bundle")
    parser.add_argument("bundle", nargs="?", type=pathlib.Path, default=pathlib.Path(__file__).resolve().parent.parent)
    asked = parser.parse_args()
    try:
        bundle = Bundle(asked.bundle)
        check_manifests(bundle)
        log = Log(bundle, asked.key)
        entries = log.entries()
        stories = sorted(name.split("/")[2] for name in bundle.files if name.startswith("data/stories/") and name.endswith("/disclosures.jsonl"))
        need(stories, "data/stories", "there is no story")
        listed = {line["index"]: story for story in stories for line in bundle.lines(f"data/stories/{story}/disclosures.jsonl")}
        check_nothing_left_out(entries, listed)
        print(f"log: {log.note.splitlines()[0]}, {log.size} entries, root {log.root.hex()}")
        print(f"signed with {log.key}" + ("" if asked.key else " (named by the bundle itself: compare it)"))
        for story in stories:
            revisions, values = check_story(bundle, log, entries, story)
            print(f"story {story}: {revisions} revisions, {values} values told, each in the log and in its chain")
    except Wrong as wrong:
        print(f"not verified: {wrong}", file=sys.stderr)
        return 4
    except Exception as error:  # A bundle that was changed can break any reader of it.
        print(f"not verified: {asked.bundle}: {type(error).__name__}: {error}", file=sys.stderr)
        return 4
    print("verified")
    return 0


if __name__ == "__main__":
    sys.exit(main())

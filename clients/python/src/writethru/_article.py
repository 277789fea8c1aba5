"""Articles and changes: their types, the hash of an article, and what a change does to it.

Pure: nothing here reads a clock, a file or a socket. An article is never changed in place, and nothing is
returned whose hash is not the one that was promised.
"""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, Literal, TypedDict, cast

if sys.version_info >= (3, 11):
    from typing import NotRequired
else:  # The names are read by type checkers only.
    from typing import TYPE_CHECKING

    if TYPE_CHECKING:
        from typing_extensions import NotRequired

Status = Literal["draft", "embargoed", "scheduled", "usable", "withheld", "killed", "takendown"]
Kind = Literal[
    "alert", "update", "correction", "clarification", "refile", "advisory", "withhold", "release",
    "kill", "takedown", "unpublish", "restore", "redaction", "embargo",
]  # fmt: skip
Level = Literal["minor", "notable", "substantive"]


class Mark(TypedDict):
    """One piece of inline mark-up; the range counts bytes of the block's UTF-8 text."""

    start: int
    end: int
    kind: str
    href: NotRequired[str]


class Block(TypedDict):
    """One ordered unit of the body. Its id stays the same when it is edited or moved."""

    id: str
    kind: str
    text: str
    marks: NotRequired[list[Mark]]


class Article(TypedDict):
    """An article as ``GET /v1/stories/{story}`` gives it. Treat it as read-only."""

    story: str
    slug: NotRequired[str]
    desk: str
    revision: int
    status: Status
    kind: Kind
    headline: str
    summary: str | None
    bylines: NotRequired[list[str]]
    dateline: NotRequired[str]
    language: NotRequired[str]
    tags: NotRequired[list[str]]
    links: NotRequired[list[str]]
    urgency: NotRequired[int | str]
    pinned: NotRequired[list[str]]
    blocks: list[Block]
    hash: str
    recorded: str
    published: NotRequired[str]
    significant: NotRequired[str]
    cursor: str


class Significance(TypedDict):
    """How much a change matters, and why."""

    level: Level
    reasons: list[dict[str, Any]]
    confidence: NotRequired[str]


#: What takes an article from one revision to a later one (docs/FORMAT.md, 5.1). Exactly one of ``ops``,
#: ``snapshot`` and ``fetch`` is there.
Change = TypedDict(
    "Change",
    {
        "story": str,
        "desk": str,
        "slug": str,
        "from": int,
        "to": int,
        "kind": Kind,
        "status": "NotRequired[Status]",
        "base": "str | None",
        "target": str,
        "cursor": str,
        "recorded": str,
        "published": str,
        "significance": Significance,
        "note": str,
        "voids": "list[int]",
        "ops": "NotRequired[list[dict[str, Any]]]",
        "snapshot": "NotRequired[Article]",
        "fetch": "NotRequired[str]",
        "observations": "NotRequired[list[dict[str, Any]]]",
    },
)


class Refused(Exception):
    """A change or an article that is not what it promises; the message says what is wrong."""


class Repeated(Exception):
    """The article is already there or further: pass over the change."""


class Hole(Exception):
    """Changes in between are missing: take the article."""


class Large(Exception):
    """The change is too large to carry the article: take the article."""


#: Fields in the order in which they are hashed; those of ``_LISTS`` hold a list of texts.
_FIELDS: Final = (
    "slug", "headline", "summary", "bylines", "dateline", "language", "tags", "links", "urgency", "pinned",
)  # fmt: skip
_LISTS: Final = frozenset({"bylines", "tags", "links", "pinned"})
#: Most hashes of blocks that are kept; beyond that they are made again.
_HASHES_MAX: Final = 20_000


class Hashes:
    """Hashes of one story's blocks, so that the next revision costs what changed."""

    def __init__(self) -> None:
        self._blocks: dict[int, tuple[Block, bytes]] = {}

    def block(self, block: Block) -> bytes:
        """Returns the hash of a block; a block that is the same object is hashed once."""
        known = self._blocks.get(id(block))
        if known is not None and known[0] is block:
            return known[1]
        if len(self._blocks) >= _HASHES_MAX:
            self._blocks.clear()
        digest = _block_hash(block)
        # The block is kept alive, so that its identity stays its own.
        self._blocks[id(block)] = (block, digest)
        return digest

    def keep(self, blocks: Sequence[Block]) -> None:
        """Forgets the hashes of all other blocks."""
        present = {id(block) for block in blocks}
        self._blocks = {key: entry for key, entry in self._blocks.items() if key in present}


def article_hash(article: Mapping[str, Any], hashes: Hashes | None = None) -> str:
    """Returns the hash of an article (docs/FORMAT.md, 2): ``sha256:`` and 64 hexadecimal digits."""
    block: Callable[[Block], bytes] = _block_hash if hashes is None else hashes.block
    fields = []
    for name in _FIELDS:
        value = article.get(name)
        items = value if isinstance(value, list) else [] if value in (None, "") else [str(value)]
        if items:
            fields.append(_text(name) + _number(len(items)) + b"".join(map(_text, items)))
    blocks: list[Block] = article["blocks"]
    body = [b"writethru/article/v1", _number(len(fields)), *fields, _number(len(blocks))]
    body += map(block, blocks)
    return "sha256:" + hashlib.sha256(b"".join(body)).hexdigest()


def _block_hash(block: Block) -> bytes:
    marks = block.get("marks", [])
    body = [b"writethru/block/v1", _text(block["id"]), _text(block["kind"]), _text(block["text"])]
    body.append(_number(len(marks)))
    for mark in marks:
        body += (_number(mark["start"]), _number(mark["end"]), _text(mark["kind"]), _text(mark.get("href", "")))
    return hashlib.sha256(b"".join(body)).digest()


def _text(text: str) -> bytes:
    encoded = text.encode()
    return _number(len(encoded)) + encoded


def _number(number: int) -> bytes:
    return number.to_bytes(8, "big")


def verified(given: object, hashes: Hashes) -> Article:
    """Returns ``given`` as an article, once it has proved to be one and to have the hash that it states.

    Raises :class:`Refused`.
    """
    try:
        article = cast(Article, given)
        _check_blocks(article["blocks"])
        _check_types(article)
        if article_hash(article, hashes) != article["hash"]:
            raise Refused("the article does not have the hash that it states")
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as problem:
        raise Refused(f"this is no article: {problem!r}") from problem
    hashes.keep(article["blocks"])
    return article


def _check_types(article: Article) -> None:
    texts = (article["story"], article["desk"], article["cursor"], article["headline"], article["status"])
    if not all(isinstance(text, str) for text in texts) or type(article["revision"]) is not int:
        raise TypeError("a member has another type")


def _check_blocks(blocks: Sequence[Block]) -> None:
    seen = set()
    for block in blocks:
        if block["id"] in seen:
            raise Refused(f"block {block['id']} is there twice")
        seen.add(block["id"])
        _check_marks(block)


def _check_marks(block: Block) -> None:
    marks = block.get("marks", [])
    if not marks:
        return
    text = block["text"].encode()
    for mark in marks:
        start, end = mark["start"], mark["end"]
        if not (0 <= start <= end and _is_edge(text, start) and _is_edge(text, end)):
            raise Refused(f"a mark of block {block['id']} does not lie in its text")


def _is_edge(text: bytes, at: int) -> bool:
    return at == len(text) or (0 <= at < len(text) and text[at] & 0xC0 != 0x80)


def applied(article: Article | None, change: Change, hashes: Hashes) -> Article:
    """Returns the article after ``change``, given the one before it; ``None``: nothing was known yet.

    Raises :class:`Repeated`, :class:`Hole`, :class:`Large` or :class:`Refused`; ``article`` is as it was.
    """
    try:
        return _applied(article, change, hashes)
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as problem:
        raise Refused(f"this is no change: {problem!r}") from problem


def _applied(article: Article | None, change: Change, hashes: Hashes) -> Article:
    revision = 0 if article is None else article["revision"]
    if revision >= change["to"]:
        raise Repeated
    if "snapshot" in change:
        after = verified(change["snapshot"], hashes)
        if after["hash"] != change["target"] or after["revision"] != change["to"]:
            raise Refused("the snapshot is not the one that the change promises")
        if after["story"] != change["story"]:
            raise Refused("the snapshot is of another story")
        return after
    if "fetch" in change:
        raise Large
    if article is None or revision != change["from"]:
        raise Hole
    if change["base"] != article["hash"]:
        raise Refused("the article is not the one that the change starts from")
    after = _patched(article, change)
    if article_hash(after, hashes) != change["target"]:
        raise Refused("the change does not lead to the hash that it promises")
    hashes.keep(after["blocks"])
    return after


def _patched(article: Article, change: Change) -> Article:
    fields: dict[str, Any] = {name: article[name] for name in _FIELDS if name in article}
    body = _Body(article["blocks"])
    for op in change["ops"]:
        match op["op"]:
            case "delete":
                body.take(op["block"])
            case "move":
                body.put(body.take(op["block"]), op["after"])
            case "insert":
                body.insert(op["block"], op["after"], op["value"])
            case "edit":
                body.edit(op)
            case "set":
                _set(fields, op)
            case other:
                raise Refused(f"there is no op {other!r}")
    fields.setdefault("headline", "")
    fields.setdefault("summary", None)
    minor = change["significance"]["level"] == "minor"
    significant = article.get("significant") if minor else change["published"]
    after: dict[str, Any] = {
        "story": change["story"],
        "desk": change["desk"],
        "revision": change["to"],
        "status": change.get("status", "usable"),
        "kind": change["kind"],
        **fields,
        "blocks": body.blocks(),
        "hash": change["target"],
        "recorded": change["recorded"],
        "published": change["published"],
        "cursor": change["cursor"],
    }
    if significant is not None:
        after["significant"] = significant
    return cast(Article, after)


def _set(fields: dict[str, Any], op: Mapping[str, Any]) -> None:
    name = op["field"]
    if name not in _FIELDS:
        raise Refused(f"readers see no field {name!r}")
    if name in _LISTS:
        value = op["value"]
        if value is not None and not (isinstance(value, list) and all(isinstance(item, str) for item in value)):
            raise Refused(f"{name} is a list of texts")
    elif "splices" in op:
        old = fields.get(name)
        value = _spliced("" if old is None else str(old), op["splices"])
    else:
        value = op["value"]
        if value is not None and not isinstance(value, str):
            raise Refused(f"{name} is one text")
    if not value:
        fields.pop(name, None)
    elif name == "urgency" and value.isascii() and value.isdigit() and str(int(value)) == value and int(value) < 256:
        fields[name] = int(value)
    else:
        fields[name] = value


def _spliced(old: str, splices: Sequence[Sequence[Any]]) -> str:
    made: list[bytes] = []
    text, start = old.encode(), 0
    for at, gone, come in splices:
        removed = gone.encode()
        if not (start <= at <= len(text) and _is_edge(text, at)) or not text.startswith(removed, at):
            raise Refused(f"the text at byte {at} is not the one that the splice replaces")
        made += (text[start:at], come.encode())
        start = at + len(removed)
    made.append(text[start:])
    return b"".join(made).decode()


class _Body:
    """The blocks as a linked list, so that each op costs the same however long the body is.

    ``None`` stands for the front: it goes before the first block and follows the last one.
    """

    def __init__(self, blocks: Sequence[Block]) -> None:
        self._present: dict[str, Block] = {block["id"]: block for block in blocks}
        ring: list[str | None] = [None, *(block["id"] for block in blocks)]
        self._next: dict[str | None, str | None] = dict(zip(ring, [*ring[1:], None]))
        self._previous: dict[str | None, str | None] = {after: before for before, after in self._next.items()}

    def take(self, block: str) -> str:
        self._known(block)
        before, after = self._previous.pop(block), self._next.pop(block)
        self._next[before], self._previous[after] = after, before
        return block

    def put(self, block: str, after: str | None) -> None:
        if after is not None and after not in self._next:
            raise Refused(f"the article has no block {after} to follow")
        following = self._next[after]
        self._next[after], self._next[block] = block, following
        self._previous[following], self._previous[block] = block, after

    def insert(self, block: str, after: str | None, value: Mapping[str, Any]) -> None:
        if block in self._next:
            raise Refused(f"the article has a block {block} already")
        self._store({"id": block, **value})
        self.put(block, after)

    def edit(self, op: Mapping[str, Any]) -> None:
        self._known(op["block"])
        block: dict[str, Any] = dict(self._present[op["block"]])
        block["kind"] = op.get("kind", block["kind"])
        block["text"] = _spliced(block["text"], op.get("splices", ()))
        if "marks" in op:
            block["marks"] = op["marks"]
        self._store(block)

    def blocks(self) -> list[Block]:
        blocks, at = [], self._next[None]
        while at is not None:
            blocks.append(self._present[at])
            at = self._next[at]
        return blocks

    def _known(self, block: str) -> None:
        if block is None or block not in self._next:
            raise Refused(f"the article has no block {block}")

    def _store(self, fields: dict[str, Any]) -> None:
        if not fields.get("marks"):
            fields.pop("marks", None)
        block = cast(Block, fields)
        _check_marks(block)
        self._present[block["id"]] = block

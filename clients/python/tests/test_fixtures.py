"""The fixtures that the replicas of every language share."""

from __future__ import annotations

import asyncio
import copy
import itertools
import unittest
from typing import Any

import writethru
import writethru.aio
from writethru import Update
from writethru._article import Hashes, Hole, Large, Refused, Repeated, applied, article_hash
from writethru._events import Parser

from .service import PATIENCE, Scripted, fixture

_OUTCOMES = {Repeated: "repeated", Hole: "hole", Large: "large", Refused: "refused"}


def outcome(before: Any, change: Any) -> tuple[str, Any]:
    try:
        return "applied", applied(before, change, Hashes())
    except (Repeated, Hole, Large, Refused) as why:
        return _OUTCOMES[type(why)], None


class Changes(unittest.TestCase):
    def test_each_change_makes_of_the_article_what_the_service_says(self) -> None:
        for case in fixture("changes.json"):
            with self.subTest(case["name"]):
                before = copy.deepcopy(case["before"])
                said, after = outcome(before, case["change"])
                self.assertEqual((said, after), (case["outcome"], case.get("after")))
                self.assertEqual(before, case["before"], "the article before is as it was")
                for article in filter(None, (before, after)):
                    self.assertEqual(article_hash(article), article["hash"])

    def test_kept_hashes_make_no_difference(self) -> None:
        held, hashes = None, Hashes()
        for case in fixture("changes.json"):
            if case["outcome"] != "applied":
                continue
            held = applied(held if case["before"] == held else case["before"], case["change"], hashes)
            self.assertEqual(held, case["after"])

    def test_what_is_no_change_at_all_is_refused(self) -> None:
        before = fixture("changes.json")[1]["before"]
        changes: list[Any] = [{}, [], None, 7, "x", {"to": "2"}, {"to": 2, "from": 1, "base": before["hash"], "ops": [7]}]
        for change in changes:
            self.assertEqual(outcome(before, change)[0], "refused", change)


class Events(unittest.TestCase):
    def test_events_are_the_same_however_the_bytes_are_cut(self) -> None:
        for case in fixture("events.json"):
            stream = case["stream"].encode()
            for size in range(1, len(stream) + 2):
                with self.subTest(case["name"], size=size):
                    parser, events = Parser(), []
                    for at in range(0, len(stream), size):
                        events += parser.feed(stream[at : at + size])
                    self.assertEqual([list(event) for event in events], case["events"])
                    self.assertEqual(parser.retry_ms, case["retry_ms"])


def told(update: Update) -> dict[str, Any]:
    assert update.article is not None
    return {
        "from": update.change["from"] if update.change and "fetch" not in update.change else None,
        "revision": update.article["revision"],
        "reset": update.reset,
        "recalled": None if update.recall is None else list(update.recall.voids),
    }


class Lives(unittest.TestCase):
    def check(self, life: Any, service: Scripted, updates: list[dict[str, Any]], replica: Any) -> None:
        self.assertEqual(updates, life["updates"])
        self.assertEqual(replica.current, life["current"])
        service.wait(lambda: len(service.asked) > len(life["connections"]))
        wanted = [connection["last_event_id"] for connection in life["connections"]] + [life["cursor"]]
        self.assertEqual([cursor for _, cursor in service.asked], wanted)
        self.assertEqual(replica.cursor, life["cursor"])

    def test_a_replica_lives_through_whatever_the_service_says(self) -> None:
        for life in fixture("streams.json"):
            with self.subTest(life["name"]), Scripted(life["connections"]) as service:
                with writethru.follow(service.url, story="ferry", timeout=PATIENCE) as replica:
                    updates = [told(update) for update in itertools.islice(replica, len(life["updates"]))]
                    self.check(life, service, updates, replica)

    def test_so_does_one_of_asyncio(self) -> None:
        async def live(life: Any, service: Scripted) -> None:
            updates: list[dict[str, Any]] = []
            async with writethru.aio.follow(service.url, story="ferry", timeout=PATIENCE) as replica:
                async for update in replica:
                    updates.append(told(update))
                    if len(updates) == len(life["updates"]):
                        break
                await asyncio.to_thread(self.check, life, service, updates, replica)

        for life in fixture("streams.json"):
            with self.subTest(life["name"]), Scripted(life["connections"]) as service:
                asyncio.run(live(life, service))


if __name__ == "__main__":
    unittest.main()

"""What a replica promises beside what it makes of a stream."""

from __future__ import annotations

import asyncio
import json
import threading
import unittest
from typing import Any

import writethru
import writethru.aio

from .service import PATIENCE, Scripted, fixture

LIFE: Any = fixture("streams.json")[0]
#: The article at each revision, from the first.
ARTICLES: list[Any] = [case["after"] for case in fixture("changes.json")[:9]]
CHANGES: list[Any] = [case["change"] for case in fixture("changes.json")[:9]]
STORY: str = ARTICLES[0]["story"]
REFUSED: Any = {"status": 404, "body": '{"title": "Not found", "detail": "There is no such story."}'}


def stream(*changes: Any) -> dict[str, Any]:
    """Returns a connection on which ``changes`` are told."""
    events = [f"id: {change['cursor']}\ndata: {json.dumps({'data': change})}\n\n" for change in changes]
    cursor = changes[-1]["cursor"] if changes else "0000000000000007-0000000000000000"
    end = f'event: up-to-date\nid: {cursor}\ndata: {{"cursor":"{cursor}"}}\n\n'
    return {"status": 200, "body": "retry: 1\n\n" + "".join(events) + end}


class OneStory(unittest.TestCase):
    def test_a_revision_is_waited_for(self) -> None:
        with Scripted(LIFE["connections"], stay=True) as service:
            with writethru.follow(service.url, story="ferry", timeout=PATIENCE) as replica:
                self.assertGreaterEqual(replica.wait_until(9, PATIENCE)["revision"], 9)
                self.assertEqual((replica.revision, replica.current), (9, LIFE["current"]))
                with self.assertRaises(TimeoutError):
                    replica.wait_until(10, 0.01)
        self.assertEqual(replica.status, "closed")
        self.assertEqual(replica.current, LIFE["current"], "the article outlives the replica")
        with self.assertRaises(writethru.Closed):
            replica.wait_until(10)

    def test_what_the_service_refuses_is_said_at_once(self) -> None:
        with Scripted([REFUSED]) as service, self.assertRaisesRegex(writethru.FollowError, "no such story") as caught:
            writethru.follow(service.url, story="no-such-story")
        self.assertEqual((caught.exception.status, caught.exception.problem["title"]), (404, "Not found"))

    def test_a_story_that_goes_ends_the_replica_with_the_reason(self) -> None:
        with Scripted([stream(CHANGES[0]), REFUSED]) as service:
            replica = writethru.follow(service.url, story="ferry", timeout=PATIENCE)
            with self.assertRaises(writethru.FollowError):
                for _ in replica:
                    pass
            self.assertEqual(replica.status, "closed")

    def test_closing_ends_a_readers_loop(self) -> None:
        with Scripted([stream(CHANGES[0])], stay=True) as service:
            replica = writethru.follow(service.url, story="ferry", timeout=PATIENCE)
            reader = threading.Thread(target=lambda: list(replica))
            reader.start()
            replica.close()
            reader.join(PATIENCE)
            self.assertFalse(reader.is_alive())

    def test_a_slow_reader_is_told_that_it_was_behind_and_gets_the_newest(self) -> None:
        with Scripted(LIFE["connections"], stay=True) as service:
            with writethru.follow(service.url, story="ferry", timeout=PATIENCE, updates_waiting=3) as replica:
                replica.wait_until(9, PATIENCE)
                update = next(iter(replica))
        self.assertEqual((update.reset, update.change, update.article), ("behind", None, LIFE["current"]))

    def test_it_resumes_from_an_article_that_was_kept(self) -> None:
        with Scripted([stream(*CHANGES[3:5])], stay=True) as service:
            with writethru.follow(service.url, story="ferry", resume=ARTICLES[2], timeout=PATIENCE) as replica:
                self.assertEqual([next(iter(replica)).reset, next(iter(replica)).reset], [None, None])
                self.assertEqual(replica.current, ARTICLES[4])
            self.assertEqual(service.asked[0], ("/v1/stories/ferry/events", ARTICLES[2]["cursor"]))
        forged: Any = {**ARTICLES[2], "headline": "Forged"}
        with self.assertRaisesRegex(ValueError, "hash"):
            writethru.follow(service.url, story="ferry", resume=forged)

    def test_a_service_that_is_not_there_is_waited_for_as_long_as_was_asked(self) -> None:
        with Scripted([]) as service:
            url = service.url
        with self.assertRaises(TimeoutError):
            writethru.follow(url, story="ferry", timeout=0.05)
        for wrong in ("ferry", "ftp://host", "http://", "http://host/?a=1"):
            with self.assertRaises(ValueError):
                writethru.follow(wrong, story="ferry")

    def test_status_says_how_it_stands(self) -> None:
        with Scripted([stream(CHANGES[0])], stay=True) as service:
            with writethru.follow(service.url, story="ferry", timeout=PATIENCE) as replica:
                with replica._moved:
                    self.assertTrue(replica._moved.wait_for(lambda: replica.status == "live", PATIENCE))


class ManyStories(unittest.TestCase):
    def check(self, updates: list[writethru.Update], service: Scripted) -> None:
        told = [(update.change and update.change["to"], update.reset, update.article) for update in updates]
        self.assertEqual(told[0], (1, None, None), "nothing is held before it is asked for")
        self.assertEqual(told[1:], [(3, None, ARTICLES[2]), (5, "hole", ARTICLES[4]), (6, None, ARTICLES[5])])
        self.assertEqual(service.asked[0][0], "/v1/events?desk=world&headline_only=true&since=earliest")

    def script(self) -> Scripted:
        # The second connection goes on once the article is held; a change is missing in it.
        script = [stream(CHANGES[0]), stream(CHANGES[2], CHANGES[4], CHANGES[5])]
        return Scripted(script, {f"/v1/stories/{STORY}": ARTICLES[1]}, stay=True)

    def test_articles_are_held_from_when_they_are_asked_for(self) -> None:
        with self.script() as service, Gate(service) as gate:
            arguments: Any = {"desk": "world", "headline_only": True, "since": "earliest", "timeout": PATIENCE}
            with writethru.follow_all(service.url, **arguments) as stories:
                updates = [next(iter(stories))]
                self.assertEqual(stories.article(STORY, PATIENCE), ARTICLES[1])
                service.articles[f"/v1/stories/{STORY}"] = ARTICLES[4]
                gate.open()
                updates += [next(iter(stories)) for _ in range(3)]
                self.check(updates, service)
                self.assertEqual(stories.articles, {STORY: ARTICLES[5]})
                stories.forget(STORY)
                self.assertEqual(stories.articles, {})
                with self.assertRaises(writethru.FollowError):
                    stories.article("0192ffff-0000-7000-8000-000000000000", PATIENCE)

    def test_so_it_is_with_asyncio(self) -> None:
        async def main(service: Scripted, gate: Gate) -> None:
            arguments: Any = {"desk": "world", "headline_only": True, "since": "earliest", "timeout": PATIENCE}
            async with writethru.aio.follow_all(service.url, **arguments) as stories:
                reader = stories.__aiter__()
                updates = [await reader.__anext__()]
                self.assertEqual(await stories.article(STORY, PATIENCE), ARTICLES[1])
                service.articles[f"/v1/stories/{STORY}"] = ARTICLES[4]
                gate.open()
                updates += [await reader.__anext__() for _ in range(3)]
                self.check(updates, service)
                self.assertEqual(stories.articles, {STORY: ARTICLES[5]})
                with self.assertRaises(writethru.FollowError):
                    await stories.article("0192ffff-0000-7000-8000-000000000000", PATIENCE)

        with self.script() as service, Gate(service) as gate:
            asyncio.run(main(service, gate))


class Gate:
    """Keeps the second connection of a script back until it is opened."""

    def __init__(self, service: Scripted) -> None:
        self._open = threading.Event()
        answer = service._answer

        def gated(handler: Any) -> None:
            if "/events" in handler.path and service.asked:
                self._open.wait(PATIENCE)
            answer(handler)

        service._answer = gated  # type: ignore[method-assign]

    def open(self) -> None:
        self._open.set()

    def __enter__(self) -> Gate:
        return self

    def __exit__(self, *_: object) -> None:
        self.open()


class Asyncio(unittest.TestCase):
    def test_a_revision_is_waited_for(self) -> None:
        async def main(url: str) -> None:
            async with writethru.aio.follow(url, story="ferry", timeout=PATIENCE) as replica:
                self.assertEqual(await replica.wait_until(9, PATIENCE), LIFE["current"])
                self.assertEqual((replica.revision, replica.cursor), (9, LIFE["cursor"]))
                with self.assertRaises(TimeoutError):
                    await replica.wait_until(10, 0.01)
            self.assertEqual(replica.status, "closed")
            self.assertEqual([update async for update in replica], [])

        with Scripted(LIFE["connections"], stay=True) as service:
            asyncio.run(main(service.url))

    def test_what_the_service_refuses_is_said_at_once(self) -> None:
        async def main(url: str) -> None:
            with self.assertRaises(writethru.FollowError):
                async with writethru.aio.follow(url, story="no-such-story"):
                    pass
            with self.assertRaises(TimeoutError):
                async with writethru.aio.follow(url, story="ferry", timeout=0.01):
                    pass

        with Scripted([REFUSED]) as service:
            asyncio.run(main(service.url))

    def test_a_reader_that_is_cancelled_leaves_nothing_behind(self) -> None:
        async def main(url: str) -> None:
            async def read() -> None:
                async with writethru.aio.follow(url, story="ferry") as replica:
                    begun.set()
                    async for _ in replica:
                        pass

            begun = asyncio.Event()
            task = asyncio.create_task(read())
            await begun.wait()
            task.cancel()
            with self.assertRaises(asyncio.CancelledError):
                await task
            self.assertEqual(asyncio.all_tasks(), {asyncio.current_task()})

        with Scripted(LIFE["connections"], stay=True) as service:
            asyncio.run(main(service.url))


if __name__ == "__main__":
    unittest.main()

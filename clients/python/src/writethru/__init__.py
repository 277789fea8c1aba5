"""Live, verified replicas of the stories of a Writethru service.

    import writethru

    with writethru.follow("http://127.0.0.1:8080", story="ceasefire-talks") as replica:
        print(replica.current["headline"])
        for update in replica:
            print(update.article["revision"], update.change and update.change["note"])

Every article that a replica shows has the hash that the service promised for it. What is lost, repeated or
tampered with never shows: the replica notices, takes the article, and says that it reset. :mod:`writethru.aio`
has the same for asyncio.
"""

from ._article import Article, Block, Change, Kind, Level, Mark, Refused, Significance, Status, article_hash
from ._follower import Recall, ReplicaStatus, ResetReason, Update
from ._replica import Replica, Stories, follow, follow_all
from ._service import Closed, FollowError

__all__ = [
    "Article",
    "Block",
    "Change",
    "Closed",
    "FollowError",
    "Kind",
    "Level",
    "Mark",
    "Recall",
    "Refused",
    "Replica",
    "ReplicaStatus",
    "ResetReason",
    "Significance",
    "Status",
    "Stories",
    "Update",
    "article_hash",
    "follow",
    "follow_all",
]

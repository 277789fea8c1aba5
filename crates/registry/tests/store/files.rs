//! The file itself: one process at a time, nobody else's files, many hands at once.

use registry::{NewKey, OpenError, Registry, StoreError};
use story::Revision;

use crate::{Place, actor, at, story};

#[tokio::test]
async fn a_registry_is_open_once() {
    let place = Place::new().await;
    let second = Registry::open(&place.file("registry.db")).await.expect_err("in use");
    assert!(matches!(second, OpenError::InUse { .. }), "{second}");
    place.registry.close().await;
    Registry::open(&place.file("registry.db")).await.expect("free again");
}

#[tokio::test]
async fn a_file_that_is_no_registry_is_left_alone() {
    let folder = tempfile::tempdir().expect("a folder");
    let text = folder.path().join("text.db");
    std::fs::write(&text, "nothing of ours ".repeat(100)).expect("written");
    let other = folder.path().join("other.db");
    rusqlite::Connection::open(&other)
        .and_then(|db| db.execute_batch("CREATE TABLE theirs(x); PRAGMA user_version = 1"))
        .expect("made");
    let newer = folder.path().join("newer.db");
    Registry::open(&newer).await.expect("made").close().await;
    rusqlite::Connection::open(&newer)
        .and_then(|db| db.execute_batch("PRAGMA user_version = 99"))
        .expect("changed");
    for path in [text, other, newer] {
        let before = std::fs::read(&path).expect("read");
        let mode = std::fs::metadata(&path).expect("there").permissions();
        let refused = Registry::open(&path).await.expect_err("refused");
        assert!(matches!(refused, OpenError::Foreign { .. }), "{}: {refused:?}", path.display());
        assert_eq!(std::fs::read(&path).expect("read"), before, "{}", path.display());
        assert_eq!(std::fs::metadata(&path).expect("there").permissions(), mode, "{}", path.display());
    }
}

#[tokio::test]
async fn a_registry_of_the_format_before_is_brought_up_to_this_one() {
    let mut place = Place::new().await;
    place.actor("ann", &["editor@*"]).await;
    place.registry.close().await;
    rusqlite::Connection::open(place.file("registry.db"))
        .and_then(|db| {
            db.execute_batch(
                "DROP TABLE holds; DROP TABLE exports; DROP INDEX keys_under_key; ALTER TABLE keys DROP COLUMN command;
                 DROP INDEX requests_under_key; ALTER TABLE requests DROP COLUMN command;
                 ALTER TABLE requests DROP COLUMN seen; PRAGMA user_version = 1;
                 INSERT INTO requests(actor, act, asked, expires, state) VALUES ('ann', 'kill', 1, 2, 'refused');",
            )
        })
        .expect("as it was");
    place.reopen().await;
    let kept = place.registry.requests(registry::RequestFilter::default(), 9).await.expect("read");
    assert_eq!((kept.len(), kept[0].seen), (1, None));
    place.reopen().await;
}

#[tokio::test]
async fn a_closed_registry_says_so() {
    let place = Place::new().await;
    place.registry.close().await;
    let write = place.registry.delivered(&actor("a"), story(1), Revision(1), at(0)).await;
    assert!(matches!(write, Err(StoreError::Unavailable { .. })), "{write:?}");
    let read = place.registry.actors(None, 1).await;
    assert!(matches!(read, Err(StoreError::Unavailable { .. })), "{read:?}");
    place.registry.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn many_hands_at_once_lose_nothing() {
    let place = Place::new().await;
    let hands: Vec<_> = (0..16)
        .map(|hand| {
            let registry = place.registry.clone();
            tokio::spawn(async move {
                let id = actor(&format!("a-{hand:02}"));
                let new = registry::NewActor { id: Some(id.clone()), ..registry::NewActor::default() };
                registry.add_actor(new, at(0)).await.expect("added");
                let mut valid = Vec::new();
                for round in 0..6 {
                    let (key, secret) = registry.add_key(NewKey::of(id.clone()), at(0)).await.expect("added");
                    assert!(registry.verify(secret.expose(), at(1)).is_some(), "valid once it is answered");
                    registry.delivered(&id, story(1), Revision(round), at(0)).await.expect("noted");
                    if round % 2 == 0 {
                        registry.revoke_key(key.id, at(2)).await.expect("revoked");
                        assert_eq!(registry.verify(secret.expose(), at(3)), None, "refused once answered");
                    } else {
                        valid.push(secret);
                    }
                    assert_eq!(
                        registry.keys(Some(&id), None, 100).await.expect("read").len() as u64,
                        round + 1
                    );
                }
                valid
            })
        })
        .collect();
    let mut valid = Vec::new();
    for hand in hands {
        valid.extend(hand.await.expect("ended"));
    }
    let crashed = place.after_a_crash().await;
    assert_eq!(valid.len(), 48);
    for registry in [&place.registry, &crashed.registry] {
        assert!(valid.iter().all(|secret| registry.verify(secret.expose(), at(9)).is_some()));
        assert_eq!(registry.actors(None, 100).await.expect("read").len(), 16);
    }
}

//! Actors: added, changed, removed, their names erased.

use registry::{ActorChange, ActorError, Grant, NewActor, NewKey, OWNER, Role, StoreError};

use crate::{Place, actor, at};

#[tokio::test]
async fn an_actor_is_as_it_was_after_a_restart() {
    let mut place = Place::new().await;
    let new = NewActor {
        id: None,
        name: Some("Ida Wells".parse().expect("a name")),
        grants: vec!["editor@world".parse().expect("a grant"), Grant::everywhere(Role::Auditor)],
    };
    let added = place.registry.add_actor(new, at(5)).await.expect("added");
    assert!(added.id.as_str().starts_with("a-"), "{}", added.id);
    place.reopen().await;
    let found = place.registry.actor(&added.id).await.expect("read").expect("there");
    assert_eq!(found, added);
    assert_eq!(found.name.expect("a name").as_str(), "Ida Wells");
    assert_eq!(place.registry.actor(&actor("nobody")).await.expect("read"), None);
}

#[tokio::test]
async fn an_id_is_never_given_twice() {
    let place = Place::new().await;
    place.actor("ann", &[]).await;
    place.registry.deactivate_actor(&actor("ann"), at(1)).await.expect("removed");
    let again = NewActor { id: Some(actor("ann")), ..NewActor::default() };
    let refused = place.registry.add_actor(again, at(2)).await.expect_err("taken");
    assert!(matches!(refused, ActorError::Exists { .. }), "{refused}");
    let owner = NewActor { id: Some(actor(OWNER)), ..NewActor::default() };
    let refused = place.registry.add_actor(owner, at(2)).await.expect_err("reserved");
    assert!(matches!(refused, ActorError::Owner), "{refused}");
}

#[tokio::test]
async fn changed_grants_count_for_keys_at_once() {
    let place = Place::new().await;
    let ann = place.actor("ann", &["reporter@world"]).await;
    let (_, secret) = place.registry.add_key(NewKey::of(ann.id.clone()), at(0)).await.expect("added");
    let change = ActorChange { grants: Some(vec![Grant::everywhere(Role::Legal)]), name: None };
    let changed = place.registry.change_actor(&ann.id, change).await.expect("changed");
    let identity = place.registry.verify(secret.expose(), at(1)).expect("valid");
    assert_eq!(identity.grants.to_vec(), changed.grants);
    let unknown = place.registry.change_actor(&actor("bob"), ActorChange::default()).await;
    assert!(matches!(unknown, Err(ActorError::Unknown { .. })));
}

#[tokio::test]
async fn a_removed_actor_has_no_valid_key_and_gets_none() {
    let mut place = Place::new().await;
    let ann = place.actor("ann", &["editor@*"]).await;
    let (key, secret) = place.registry.add_key(NewKey::of(ann.id.clone()), at(0)).await.expect("added");
    assert!(place.registry.verify(secret.expose(), at(1)).is_some());
    place.registry.deactivate_actor(&ann.id, at(2)).await.expect("removed");
    assert_eq!(place.registry.verify(secret.expose(), at(3)), None);
    place.reopen().await;
    assert_eq!(place.registry.verify(secret.expose(), at(3)), None);
    let keys = place.registry.keys(Some(&ann.id), None, 10).await.expect("read");
    assert_eq!((keys[0].id, keys[0].revoked), (key.id, Some(at(2))));
    assert!(place.registry.add_key(NewKey::of(ann.id.clone()), at(4)).await.is_err());
    let again = place.registry.deactivate_actor(&ann.id, at(4)).await;
    assert!(matches!(again, Err(ActorError::Deactivated { .. })));
}

#[tokio::test]
async fn an_erased_name_is_in_no_file_and_in_no_debug_output() {
    let place = Place::new().await;
    let new = NewActor {
        id: Some(actor("a-7")),
        name: Some("Zebulon Quix".parse().expect("a name")),
        grants: Vec::new(),
    };
    let added = place.registry.add_actor(new, at(0)).await.expect("added");
    assert!(!format!("{added:?}").contains("Zebulon"));
    let married = ActorChange { name: Some("Zebulon Smithson".parse().expect("a name")), grants: None };
    place.registry.change_actor(&added.id, married).await.expect("changed");
    let note = Some("Zebulon's old laptop".parse().expect("a note"));
    place.registry.add_key(NewKey { note, ..NewKey::of(added.id.clone()) }, at(1)).await.expect("added");
    assert!(place.holds("Zebulon"), "or this test would prove nothing");
    let erased = place.registry.erase_actor_name(&added.id, at(2)).await.expect("erased");
    assert_eq!((erased.name, erased.name_erased), (None, Some(at(2))));
    assert!(!place.holds("Zebulon"));
    let again = place.registry.erase_actor_name(&added.id, at(9)).await.expect("erased");
    assert_eq!(again.name_erased, Some(at(2)), "the first time stands");
    let missing = place.registry.erase_actor_name(&actor("nobody"), at(2)).await;
    assert!(matches!(missing, Err(ActorError::Unknown { .. })));
}

#[tokio::test]
async fn a_name_that_a_reader_holds_in_the_journal_is_erased_when_asked_again() {
    let place = Place::new().await;
    let name = Some("Zebulon Quix".parse().expect("a name"));
    let new = NewActor { id: Some(actor("a-7")), name, grants: Vec::new() };
    place.registry.add_actor(new, at(0)).await.expect("added");
    let reader = rusqlite::Connection::open(place.file("registry.db")).expect("opens");
    reader.execute_batch("BEGIN; SELECT count(*) FROM actors").expect("reads");
    let held = place.registry.erase_actor_name(&actor("a-7"), at(1)).await;
    assert!(matches!(held, Err(ActorError::Store(StoreError::JournalHeld))), "{held:?}");
    assert_eq!(place.registry.actor(&actor("a-7")).await.expect("read").expect("there").name, None);
    assert!(place.holds("Zebulon"));
    reader.execute_batch("COMMIT").expect("ends");
    place.registry.erase_actor_name(&actor("a-7"), at(2)).await.expect("erased");
    assert!(!place.holds("Zebulon"));
}

#[tokio::test]
async fn actors_are_listed_page_by_page() {
    let place = Place::new().await;
    for number in 0..7 {
        place.actor(&format!("a-{number}"), &[]).await;
    }
    let mut seen = Vec::new();
    loop {
        let page = place.registry.actors(seen.last(), 3).await.expect("read");
        if page.is_empty() {
            break;
        }
        assert!(page.len() <= 3);
        seen.extend(page.into_iter().map(|actor| actor.id));
    }
    assert_eq!(seen, (0..7).map(|number| actor(&format!("a-{number}"))).collect::<Vec<_>>());
}

//! Keys: valid from the moment when they are made to the moment when they are not.

use std::time::Duration;

use registry::{Desks, KeyError, NewKey, Scopes, limits};

use crate::{Place, actor, at};

#[tokio::test]
async fn a_key_says_who_holds_it_and_what_it_is_for() {
    let mut place = Place::new().await;
    let ann = place.actor("ann", &["editor@world", "auditor@*"]).await;
    let scopes: Scopes = "read file".parse().expect("scopes");
    let desks: Desks = "world".parse().expect("desks");
    let new = NewKey { scopes, desks: desks.clone(), ..NewKey::of(ann.id.clone()) };
    let (key, secret) = place.registry.add_key(new, at(0)).await.expect("added");
    for _ in 0..2 {
        let identity = place.registry.verify(secret.expose(), at(1)).expect("valid");
        assert_eq!((identity.actor, identity.key), (ann.id.clone(), key.id));
        assert_eq!((identity.scopes, identity.desks), (scopes, desks.clone()));
        assert_eq!(identity.grants.to_vec(), ann.grants);
        place.reopen().await;
    }
    let other = "wt_000000000000_".to_owned() + &secret.expose()[16..];
    for wrong in ["", "wt_", "secret", &other, &secret.expose().replace(|c: char| c.is_lowercase(), "A")] {
        assert_eq!(place.registry.verify(wrong, at(1)), None, "{wrong}");
    }
}

#[tokio::test]
async fn a_secret_is_in_no_file_and_in_no_debug_output() {
    let place = Place::new().await;
    let ann = place.actor("ann", &["editor@*"]).await;
    let (key, secret) = place.registry.add_key(NewKey::of(ann.id), at(0)).await.expect("added");
    let (_, rotated) =
        place.registry.rotate_key(key.id, Duration::from_mins(1), at(1)).await.expect("rotated");
    let identity = place.registry.verify(secret.expose(), at(1)).expect("valid");
    let shown = format!("{secret:?} {rotated:?} {key:?} {identity:?} {:?}", place.registry);
    let listed =
        serde_json::to_string(&place.registry.keys(None, None, 10).await.expect("read")).expect("JSON");
    for secret in [secret, rotated] {
        let random = &secret.expose()[16..];
        assert_eq!(random.len(), 43);
        assert!(!place.holds(random), "in a file");
        assert!(!shown.contains(random) && !listed.contains(random), "{shown} {listed}");
    }
    assert!(place.holds(&key.id.to_string()), "or the search would find nothing at all");
}

#[tokio::test]
async fn a_revoked_key_is_refused_at_once_and_after_a_crash() {
    let place = Place::new().await;
    let ann = place.actor("ann", &["editor@*"]).await;
    let (one, one_secret) = place.registry.add_key(NewKey::of(ann.id.clone()), at(0)).await.expect("added");
    let (_, two_secret) = place.registry.add_key(NewKey::of(ann.id), at(0)).await.expect("added");
    let revoked = place.registry.revoke_key(one.id, at(1)).await.expect("revoked");
    assert_eq!(revoked.revoked, Some(at(1)));
    assert_eq!(place.registry.verify(one_secret.expose(), at(1)), None);
    let crashed = place.after_a_crash().await;
    assert_eq!(crashed.registry.verify(one_secret.expose(), at(1)), None);
    assert!(crashed.registry.verify(two_secret.expose(), at(1)).is_some(), "the other key is not touched");
    let again = crashed.registry.revoke_key(one.id, at(9)).await.expect("a repeat is no error");
    assert_eq!(again.revoked, Some(at(1)));
    let rotated = crashed.registry.rotate_key(one.id, Duration::ZERO, at(9)).await;
    assert!(matches!(rotated, Err(KeyError::Revoked { .. })));
    let unknown = crashed.registry.revoke_key("000000000000".parse().expect("an id"), at(9)).await;
    assert!(matches!(unknown, Err(KeyError::Unknown { .. })));
}

#[tokio::test]
async fn a_rotated_key_opens_with_both_secrets_during_the_overlap() {
    let mut place = Place::new().await;
    let ann = place.actor("ann", &["editor@*"]).await;
    let (key, first) = place.registry.add_key(NewKey::of(ann.id), at(0)).await.expect("added");
    let overlap = Duration::from_secs(100);
    let (rotated, second) = place.registry.rotate_key(key.id, overlap, at(10)).await.expect("rotated");
    assert_eq!((rotated.id, rotated.old_secret_until), (key.id, Some(at(110))));
    for _ in 0..2 {
        let valid =
            |secret: &registry::Secret, second| place.registry.verify(secret.expose(), at(second)).is_some();
        assert!(valid(&first, 109) && !valid(&first, 110) && valid(&second, 10) && valid(&second, 110));
        place.reopen().await;
    }
    let (_, third) = place.registry.rotate_key(key.id, overlap, at(20)).await.expect("rotated");
    assert_eq!(place.registry.verify(first.expose(), at(21)), None, "only one old secret is valid");
    assert!(place.registry.verify(second.expose(), at(21)).is_some());
    place.registry.revoke_key(key.id, at(30)).await.expect("revoked");
    for secret in [&first, &second, &third] {
        assert_eq!(place.registry.verify(secret.expose(), at(30)), None, "revoked is revoked");
    }
}

#[tokio::test]
async fn a_key_ends_when_it_expires() {
    let place = Place::new().await;
    let ann = place.actor("ann", &["editor@*"]).await;
    let new = NewKey { expires: Some(at(60)), ..NewKey::of(ann.id.clone()) };
    let (key, secret) = place.registry.add_key(new.clone(), at(0)).await.expect("added");
    assert!(place.registry.verify(secret.expose(), at(59)).is_some());
    assert_eq!(place.registry.verify(secret.expose(), at(60)), None);
    assert!(matches!(place.registry.add_key(new, at(60)).await, Err(KeyError::Expired)));
    let late = place.registry.rotate_key(key.id, Duration::ZERO, at(60)).await;
    assert!(matches!(late, Err(KeyError::Expired)));
    let long = place.registry.rotate_key(key.id, limits::OVERLAP_MAX + Duration::from_secs(1), at(1)).await;
    assert!(matches!(long, Err(KeyError::Overlap)));
    let nobody = place.registry.add_key(NewKey::of(actor("nobody")), at(0)).await;
    assert!(matches!(nobody, Err(KeyError::Actor(_))));
}

#[tokio::test]
async fn last_use_is_noted_once_a_minute() {
    let mut place = Place::new().await;
    let ann = place.actor("ann", &["editor@*"]).await;
    let (key, secret) = place.registry.add_key(NewKey::of(ann.id), at(0)).await.expect("added");
    assert_eq!(key.last_used, None);
    let mut noted = Vec::new();
    for second in [5, 30, 64, 65, 100, 124, 125] {
        assert!(place.registry.verify(secret.expose(), at(second)).is_some());
        place.reopen().await; // Closing writes what waits.
        noted.push(place.registry.keys(None, None, 1).await.expect("read")[0].last_used);
    }
    let noted: Vec<_> = noted.into_iter().map(|time| time.expect("used")).collect();
    assert_eq!(noted, [5, 5, 5, 65, 65, 65, 125].map(at));
}

#[tokio::test]
async fn an_actor_has_a_hundred_keys_at_most() {
    let place = Place::new().await;
    let ann = place.actor("ann", &[]).await;
    let add = |_| place.registry.add_key(NewKey::of(ann.id.clone()), at(0));
    let mut keys = Vec::new();
    for number in 0..limits::ACTOR_KEYS_MAX {
        keys.push(add(number).await.expect("added").0);
    }
    let refused = add(0).await.expect_err("full");
    assert!(matches!(refused, KeyError::TooMany { .. }), "{refused}");
    place.registry.revoke_key(keys[0].id, at(1)).await.expect("revoked");
    add(0).await.expect("a revoked key takes no room");
    let page = place.registry.keys(Some(&ann.id), None, 60).await.expect("read");
    let rest = place.registry.keys(Some(&ann.id), Some(page[59].id), 60).await.expect("read");
    assert_eq!((page.len(), rest.len()), (60, 41));
}

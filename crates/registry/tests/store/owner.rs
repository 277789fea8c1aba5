//! The owner and its key file.

use jiff::Timestamp;
use registry::{Act, ActorChange, ActorError, OWNER, OwnerKey, Principal, authorize};

use crate::{Place, actor, at};

impl Place {
    async fn owner(&self, now: Timestamp) -> (OwnerKey, String) {
        let file = self.file("owner.key");
        let key = self.registry.ensure_owner(&file, now).await.expect("an owner");
        (key, std::fs::read_to_string(file).expect("a key").trim_end().to_owned())
    }
}

#[tokio::test]
async fn the_owner_may_do_everything_everywhere() {
    let place = Place::new().await;
    let (_, secret) = place.owner(at(0)).await;
    let owner = Principal::Known(place.registry.verify(&secret, at(1)).expect("valid"));
    for act in Act::ALL {
        assert_eq!(authorize(&owner, *act, None), Ok(()));
        assert_eq!(authorize(&owner, *act, Some(&"world".parse().expect("a desk"))), Ok(()));
    }
}

#[tokio::test]
async fn a_later_start_keeps_the_owners_key() {
    let mut place = Place::new().await;
    let (made, secret) = place.owner(at(0)).await;
    assert!(matches!(made, OwnerKey::Made(_)));
    let OwnerKey::Made(id) = made else { unreachable!() };
    place.reopen().await;
    assert_eq!(place.owner(at(1)).await, (OwnerKey::Kept(id), secret));
}

#[tokio::test]
async fn a_deleted_file_gives_a_new_key_and_revokes_the_old() {
    let place = Place::new().await;
    let (_, first) = place.owner(at(0)).await;
    let own = registry::NewKey::of(actor(OWNER));
    let (_, kept) = place.registry.add_key(own, at(0)).await.expect("a key of the owner that is in no file");
    std::fs::remove_file(place.file("owner.key")).expect("removed");
    let (made, second) = place.owner(at(1)).await;
    assert!(matches!(made, OwnerKey::Made(_)));
    assert_eq!(place.registry.verify(&first, at(2)), None);
    assert!(place.registry.verify(&second, at(2)).is_some());
    assert!(place.registry.verify(kept.expose(), at(2)).is_some());
    std::fs::write(place.file("owner.key"), "no key at all\n").expect("written");
    let (_, third) = place.owner(at(3)).await;
    assert_eq!(place.registry.verify(&second, at(4)), None);
    assert!(place.registry.verify(&third, at(4)).is_some());
}

#[tokio::test]
async fn a_key_of_another_actor_does_not_make_an_owner() {
    let place = Place::new().await;
    let ann = place.actor("ann", &["reporter@world"]).await;
    let (_, secret) = place.registry.add_key(registry::NewKey::of(ann.id), at(0)).await.expect("added");
    std::fs::write(place.file("owner.key"), secret.expose()).expect("written");
    let (made, _) = place.owner(at(1)).await;
    assert!(matches!(made, OwnerKey::Made(_)));
    assert!(place.registry.verify(secret.expose(), at(2)).is_some(), "and it stays ann's");
}

#[tokio::test]
async fn the_owner_stays_the_owner() {
    let place = Place::new().await;
    place.owner(at(0)).await;
    let removed = place.registry.deactivate_actor(&actor(OWNER), at(1)).await;
    assert!(matches!(removed, Err(ActorError::Owner)));
    let change = ActorChange { grants: Some(Vec::new()), name: None };
    let changed = place.registry.change_actor(&actor(OWNER), change).await;
    assert!(matches!(changed, Err(ActorError::Owner)));
}

#[cfg(unix)]
#[tokio::test]
async fn nobody_but_the_owner_reads_the_files() {
    use std::os::unix::fs::PermissionsExt;
    let mut place = Place::new().await;
    place.owner(at(0)).await;
    let mode = |name: &str| std::fs::metadata(place.file(name)).expect("there").permissions().mode() & 0o777;
    for name in ["registry.db", "registry.db-wal", "registry.db-shm", "registry.db.lock", "owner.key"] {
        assert_eq!(mode(name), 0o600, "{name}");
    }
    for name in ["registry.db", "owner.key"] {
        let open = std::fs::Permissions::from_mode(0o644);
        std::fs::set_permissions(place.file(name), open).expect("opened to others");
    }
    place.reopen().await;
    place.owner(at(1)).await;
    for name in ["registry.db", "owner.key"] {
        let mode = std::fs::metadata(place.file(name)).expect("there").permissions().mode() & 0o777;
        assert_eq!(mode, 0o600, "{name} is closed again");
    }
    assert!(!place.file("owner.key.new").exists());
}

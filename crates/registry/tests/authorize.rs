//! The choke point: the table that people read is the table that decides, and keys only narrow.

use std::fmt::Debug;
use std::str::FromStr;

use proptest::prelude::*;
use registry::{
    Act, ActSet, Desks, Grant, Identity, KeyId, Lack, Principal, Role, Scopes, authorize, limits,
};
use serde::Serialize;
use serde::de::DeserializeOwned;
use story::{Desk, IdentityError};

const TABLE: &str = include_str!("../../../docs/ACCESS.md");

fn desk(name: &str) -> Desk {
    name.parse().expect("a desk")
}

fn known(grants: Vec<Grant>, scopes: Scopes, desks: Desks) -> Principal {
    let key: KeyId = "0123456789ab".parse().expect("a key id");
    let actor = "a-1".parse().expect("an actor");
    Principal::Known(Identity { actor, key, grants: grants.into(), scopes, desks })
}

fn holding(grant: Grant) -> Principal {
    known(vec![grant], Scopes::ALL, Desks::ALL)
}

fn cells(line: &str) -> Vec<&str> {
    line.trim_matches('|').split('|').map(str::trim).collect()
}

/// Every cell of the document's table: the act, the role (none for no key), and whether it says yes.
fn document() -> Vec<(Act, Option<Role>, bool)> {
    let mut lines = TABLE.lines().skip_while(|line| !line.starts_with("| act |"));
    let head = cells(lines.next().expect("a table"));
    let mut all = Vec::new();
    for line in lines.skip(1).take_while(|line| line.starts_with('|')) {
        let row = cells(line);
        assert_eq!(row.len(), head.len(), "{line}");
        let act: Act = row[0].trim_matches('`').parse().expect("an act");
        for (column, cell) in head.iter().zip(&row).skip(1) {
            let role = (*column != "no key").then(|| column.parse::<Role>().expect("a role"));
            assert!(matches!(*cell, "yes" | ""), "{line}");
            all.push((act, role, *cell == "yes"));
        }
    }
    all
}

#[test]
fn the_table_in_the_document_is_what_is_decided() {
    let world = desk("world");
    let table = document();
    assert_eq!(table.len(), Act::ALL.len() * (Role::ALL.len() + 1), "every act once, every role once");
    for (act, role, yes) in table {
        let principals = match role {
            None => vec![Principal::Public],
            Some(role) => vec![holding(Grant::on(role, world.clone())), holding(Grant::everywhere(role))],
        };
        for principal in principals {
            let answer = authorize(&principal, act, Some(&world));
            assert_eq!(answer.is_ok(), yes, "{role:?} {act}: {answer:?}");
            if let Err(denied) = answer {
                assert_eq!(denied.needs_key(), role.is_none());
                let could =
                    document().into_iter().filter(|(a, role, yes)| *a == act && *yes && role.is_some());
                assert_eq!(denied.roles(), could.filter_map(|(_, role, _)| role).collect::<Vec<_>>());
            }
        }
    }
}

#[test]
fn a_grant_on_one_desk_reaches_no_other_and_not_the_house() {
    let editor = holding(Grant::on(Role::Editor, desk("world")));
    assert_eq!(authorize(&editor, Act::Kill, Some(&desk("world"))), Ok(()));
    for elsewhere in [Some(desk("sports")), None] {
        let denied = authorize(&editor, Act::Kill, elsewhere.as_ref()).expect_err("denied");
        assert_eq!((denied.lack, denied.needs_key()), (Lack::Role, false));
    }
    let everywhere = holding(Grant::everywhere(Role::Editor));
    assert_eq!(authorize(&everywhere, Act::Kill, None), Ok(()));
}

#[test]
fn a_denial_says_who_what_where_who_could_and_what_next() {
    let world = desk("world");
    let reporter = holding(Grant::everywhere(Role::Reporter));
    let check = |principal: &Principal, act, desk: Option<&Desk>, said: &str| {
        assert_eq!(authorize(principal, act, desk).expect_err("denied").to_string(), said);
    };
    check(
        &reporter,
        Act::Kill,
        Some(&world),
        "a-1 may not kill with key 0123456789ab on desk world; ask an admin for the role editor or legal \
         there, or ask someone who has it",
    );
    check(
        &Principal::Public,
        Act::Operate,
        None,
        "nobody may operate without a key on every desk; send the key of an actor who is admin there",
    );
    let reading = known(vec![Grant::everywhere(Role::Editor)], Scopes::READ, Desks::ALL);
    check(
        &reading,
        Act::File,
        Some(&world),
        "a-1 may not file with key 0123456789ab on desk world; use a key whose scopes include file",
    );
    let sports = known(vec![Grant::everywhere(Role::Editor)], Scopes::ALL, "sports".parse().expect("desks"));
    check(
        &sports,
        Act::File,
        Some(&world),
        "a-1 may not file with key 0123456789ab on desk world; use a key that is for this desk",
    );
}

#[track_caller]
fn check<T>(text: &str, is: &T)
where
    T: Serialize + DeserializeOwned + FromStr<Err = IdentityError> + ToString + PartialEq + Debug,
{
    assert_eq!(&text.parse::<T>().expect("legal"), is);
    assert_eq!(is.to_string().parse::<T>().as_ref(), Ok(is));
    let json = serde_json::to_string(is).expect("JSON");
    assert_eq!(&serde_json::from_str::<T>(&json).expect("legal"), is);
}

#[test]
fn words_are_the_same_in_text_and_json() {
    for role in Role::ALL {
        assert_eq!(role.to_string().parse::<Role>().as_ref(), Ok(role));
        assert_eq!(serde_json::to_string(role).expect("JSON"), format!("\"{role}\""));
    }
    for act in Act::ALL {
        assert_eq!(act.to_string().parse::<Act>().as_ref(), Ok(act));
    }
    check("editor@world", &Grant::on(Role::Editor, desk("world")));
    check("legal@*", &Grant::everywhere(Role::Legal));
    check("*", &Scopes::ALL);
    check("read", &Scopes::READ);
    check(
        "file, read",
        &Scopes::only(ActSet::of(&[Act::File, Act::ReadDesk, Act::ReadPublic])).expect("some"),
    );
    check("*", &Desks::ALL);
    check("world,sports world", &Desks::only([desk("sports"), desk("world")]).expect("some"));
    for bad in ["", "editor", "editor@", "@world", "boss@world", "editor@a b", "editor@world@*"] {
        assert!(bad.parse::<Grant>().is_err(), "{bad}");
    }
    for bad in ["", " ", ",", "write", "read,*", "READ"] {
        assert!(bad.parse::<Scopes>().is_err(), "{bad}");
    }
    for bad in ["", ",", "world,*", "wörld"] {
        assert!(bad.parse::<Desks>().is_err(), "{bad}");
    }
}

#[test]
fn a_key_for_nothing_or_for_too_much_cannot_be_made() {
    assert!(Scopes::only(ActSet::default()).is_err());
    assert!(Desks::only([]).is_err());
    let many = |count| Desks::only((0..count).map(|number| desk(&format!("desk-{number}"))));
    assert!(many(limits::DESKS_MAX).is_ok());
    assert!(many(limits::DESKS_MAX + 1).is_err());
}

fn any_desk() -> impl Strategy<Value = Desk> {
    prop::sample::select(vec!["world", "sports", "city"]).prop_map(desk)
}

fn any_grants() -> impl Strategy<Value = Vec<Grant>> {
    let grant = (prop::sample::select(Role::ALL), prop::option::of(any_desk()))
        .prop_map(|(role, desk)| Grant { role, desk });
    prop::collection::vec(grant, 0..6)
}

fn any_scopes() -> impl Strategy<Value = Scopes> {
    let only = prop::collection::vec(prop::sample::select(Act::ALL), 1..8)
        .prop_map(|acts| Scopes::only(ActSet::of(&acts)).expect("some"));
    prop_oneof![1 => Just(Scopes::ALL), 4 => only]
}

fn any_desks() -> impl Strategy<Value = Desks> {
    let only = prop::collection::vec(any_desk(), 1..3).prop_map(|desks| Desks::only(desks).expect("some"));
    prop_oneof![1 => Just(Desks::ALL), 2 => only]
}

proptest! {
    #[test]
    fn scopes_and_desks_only_ever_narrow(
        grants in any_grants(),
        scopes in any_scopes(),
        desks in any_desks(),
        act in prop::sample::select(Act::ALL),
        on in prop::option::of(any_desk()),
    ) {
        let whole = authorize(&known(grants.clone(), Scopes::ALL, Desks::ALL), act, on.as_ref());
        let narrowed = authorize(&known(grants, scopes, desks.clone()), act, on.as_ref());
        prop_assert!(whole.is_ok() || narrowed.is_err(), "a key did more than its actor may");
        if narrowed.is_ok() && authorize(&Principal::Public, act, on.as_ref()).is_err() {
            prop_assert!(scopes.leave(act) && desks.leave(on.as_ref()), "a key did more than it is for");
        }
        if whole.is_ok() && scopes == Scopes::ALL && desks == Desks::ALL {
            prop_assert!(narrowed.is_ok());
        }
    }

    #[test]
    fn a_grant_more_never_takes_away(
        grants in any_grants(),
        more in any_grants(),
        act in prop::sample::select(Act::ALL),
        on in prop::option::of(any_desk()),
    ) {
        let before = authorize(&known(grants.clone(), Scopes::ALL, Desks::ALL), act, on.as_ref());
        let all = grants.into_iter().chain(more).collect();
        let after = authorize(&known(all, Scopes::ALL, Desks::ALL), act, on.as_ref());
        prop_assert!(before.is_err() || after.is_ok());
    }

    #[test]
    fn scopes_and_desks_and_grants_are_read_as_they_are_written(
        grants in any_grants(), scopes in any_scopes(),
    ) {
        prop_assert_eq!(scopes.to_string().parse::<Scopes>().expect("legal"), scopes);
        for grant in grants {
            prop_assert_eq!(&grant.to_string().parse::<Grant>().expect("legal"), &grant);
        }
    }

    #[test]
    fn no_text_is_a_panic(text in "\\PC{0,40}") {
        let _ = (text.parse::<Grant>(), text.parse::<Scopes>(), text.parse::<Desks>(), text.parse::<KeyId>());
    }
}

//! Who took text out of the house.

use registry::NewExport;

use super::{Place, actor, at, story};

fn export(level: &str) -> NewExport {
    NewExport {
        by: actor("ann"),
        recipient: Some("Court of Appeal".parse().expect("a note")),
        level: level.to_owned(),
        stories: vec![story(1), story(2)],
        digest: "ab".repeat(32),
        bytes: 1_234,
    }
}

#[tokio::test]
async fn an_export_is_kept_for_ever_and_listed_newest_first() {
    let place = Place::new().await;
    assert_eq!(place.registry.record_export(export("public"), at(1)).await.expect("recorded"), 1);
    assert_eq!(place.registry.record_export(export("full"), at(2)).await.expect("recorded"), 2);
    let place = place.after_a_crash().await;
    let listed = place.registry.exports(None, 9).await.expect("listed");
    assert_eq!(listed.iter().map(|one| one.number).collect::<Vec<_>>(), [2, 1]);
    assert_eq!((listed[0].at, &*listed[0].level), (at(2), "full"));
    assert_eq!(listed[1].stories, [story(1), story(2)]);
    assert_eq!(listed[1].recipient, export("public").recipient);
    let older = place.registry.exports(Some(2), 9).await.expect("listed");
    assert_eq!(older, listed[1..]);
}

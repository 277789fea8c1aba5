//! Who took text out of the house.

use registry::{NewExport, NumberedRange};

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
    let all = NumberedRange { from: at(0), to: at(9), before: None };
    let listed = place.registry.exports(all, 9).await.expect("listed");
    assert_eq!(listed.iter().map(|one| one.number).collect::<Vec<_>>(), [2, 1]);
    assert_eq!((listed[0].at, &*listed[0].level), (at(2), "full"));
    assert_eq!(listed[1].stories, [story(1), story(2)]);
    assert_eq!(listed[1].recipient, export("public").recipient);
    for range in [
        NumberedRange { before: Some(2), ..all },
        NumberedRange { to: at(2), ..all },
        NumberedRange { from: at(1), to: at(2), ..all },
    ] {
        assert_eq!(place.registry.exports(range, 9).await.expect("listed"), listed[1..], "{range:?}");
    }
}

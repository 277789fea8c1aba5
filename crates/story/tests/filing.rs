//! What each filing causes, and what is refused.

use std::sync::Arc;

use jiff::Timestamp;
use writethru_story::{
    BlockKind, Command, Copy, CopyBuilder, CorrectionNotice, Event, Field, GivenBlock, Kind, Operation, Push,
    Refusal, Release, Revision, Status, Story, Text, apply, decide, normalise,
};

fn noon() -> Timestamp {
    "2026-11-22T12:00:00Z".parse().expect("a time")
}

fn copy(headline: &str, body: &[&str]) -> Copy {
    let mut copy = CopyBuilder::new();
    copy.field(Field::Slug, "talks").expect("a slug");
    copy.field(Field::Headline, headline).expect("a headline");
    copy.body();
    for text in body {
        copy.block(GivenBlock::plain(BlockKind::Paragraph, text)).expect("a paragraph");
    }
    copy.finish().0
}

fn push(copy: Copy) -> Push {
    Push {
        desk: Some("world".parse().expect("a desk")),
        kind: None,
        copy,
        release: Release::Publish,
        note: Text::default(),
        correction: None,
        label: None,
        occurred: None,
        rebased: None,
    }
}

fn correction(copy: Copy, [what, place, note]: [&str; 3]) -> Push {
    let approver = "editor-7".parse().expect("an actor");
    let notice = CorrectionNotice { what: Text::uncut(what), place: Text::uncut(place), approver };
    let kind = Some(Kind::Correction);
    Push { kind, note: Text::uncut(note), correction: Some(notice), ..push(copy) }
}

fn decided(story: &Story, push: Push) -> Result<Option<Event>, Refusal> {
    let mut events = decide(story, &Command::Push(Box::new(push)), noon())?;
    assert!(events.len() <= 1);
    Ok(events.pop())
}

#[track_caller]
fn filed(story: &Story, push: Push) -> (Story, Event) {
    let event = decided(story, push).expect("it is legal").expect("it changes something");
    (apply(story.clone(), &event).expect("decide writes legal events"), event)
}

#[track_caller]
fn published(body: &[&str]) -> Story {
    filed(&Story::default(), push(copy("Talks resume", body))).0
}

#[track_caller]
fn check_refused(story: &Story, push: Push, refusal: &Refusal) {
    assert_eq!(decided(story, push).expect_err("it is refused"), *refusal);
}

#[test]
fn the_first_filing_is_an_update_or_an_alert_by_what_it_holds() {
    let (story, event) = filed(&Story::default(), push(copy("Talks resume", &["One. Two.", "Three."])));
    assert_eq!((event.kind, event.status, event.public), (Kind::Update, Status::Usable, true));
    assert_eq!((story.revision, story.minted), (Revision(1), 2));
    assert_eq!(story.article.blocks[0].text.value_count(), 2);
    assert_eq!(filed(&Story::default(), push(copy("Talks resume", &[]))).1.kind, Kind::Alert);
}

#[test]
fn a_new_story_needs_a_desk_a_slug_and_for_readers_a_headline_and_a_body() {
    let new = Story::default();
    check_refused(&new, Push { desk: None, ..push(copy("A", &["b"])) }, &Refusal::DeskMissing);
    check_refused(&new, push(copy("", &["b"])), &Refusal::HeadlineMissing);
    check_refused(&new, push(Copy::default()), &Refusal::SlugMissing);
    let update = Push { kind: Some(Kind::Update), ..push(copy("A", &[])) };
    check_refused(&new, update, &Refusal::BodyMissing);
    let draft = Push { release: Release::Draft, ..push(copy("", &[])) };
    assert_eq!(filed(&new, draft).0.status, Status::Draft);
}

#[test]
fn the_same_copy_again_causes_nothing() {
    let story = published(&["One. Two.", "Three."]);
    let again = || push(copy(" Talks  resume", &["One.\nTwo.", "", "Three."]));
    assert_eq!(decided(&story, again()), Ok(None));
    let noted = Push { note: Text::uncut("again"), ..again() };
    assert_eq!(decided(&story, noted), Ok(None), "a note alone is no update");
    assert_eq!(decided(&story, push(Copy::default())), Ok(None));
    assert_eq!(decided(&story, Push { release: Release::Draft, ..again() }), Ok(None));
}

#[test]
fn another_desk_is_a_change() {
    let story = published(&["One."]);
    let moved = Push { desk: Some("sport".parse().expect("a desk")), ..push(Copy::default()) };
    let (after, event) = filed(&story, moved);
    assert_eq!(event.operations, []);
    assert_eq!(after.desk.expect("it has one").as_str(), "sport");
    let kept = Push { desk: None, ..push(copy("Talks end", &["One."])) };
    assert_eq!(filed(&story, kept).1.desk.as_str(), "world");
}

#[test]
fn a_note_speaks_where_its_kind_does() {
    let story = published(&["One."]);
    let advisory =
        |note: &str| Push { kind: Some(Kind::Advisory), note: Text::uncut(note), ..push(Copy::default()) };
    let (after, event) = filed(&story, advisory("Photos follow. Use with care."));
    assert_eq!((event.operations.len(), event.note.value_count()), (0, 2));
    assert_eq!(after.article, story.article);
    assert_eq!(decided(&story, advisory("")), Ok(None));
    assert!(decided(&story, correction(Copy::default(), ["a", "b", "c"])).expect("it is legal").is_some());
}

#[test]
fn a_correction_says_what_where_and_why_and_nothing_else_does() {
    let story = published(&["One."]);
    let new = || copy("Talks resume", &["Two."]);
    for (parts, missing) in [
        (["", "b", "c"], "what was wrong"),
        (["a", "", "c"], "the place where it stood"),
        (["a", "b", ""], "a public note"),
    ] {
        check_refused(&story, correction(new(), parts), &Refusal::CorrectionIncomplete { missing });
    }
    let bare = Push { correction: None, ..correction(new(), ["a", "b", "c"]) };
    assert!(matches!(decided(&story, bare), Err(Refusal::CorrectionIncomplete { .. })));
    let kind = Kind::Refile;
    let dressed = Push { kind: Some(kind), ..correction(new(), ["a", "b", "c"]) };
    check_refused(&story, dressed, &Refusal::NoticeWithoutCorrection { kind });
}

#[test]
fn acts_on_a_story_are_not_filed_as_copy() {
    let story = published(&["One."]);
    for kind in Kind::ALL.iter().copied().filter(|kind| !kind.is_for_copy()) {
        let act = Push { kind: Some(kind), ..push(copy("A", &["b"])) };
        check_refused(&story, act, &Refusal::KindNotForCopy { kind });
    }
}

#[test]
fn a_draft_changes_only_what_the_desk_sees_until_it_is_published() {
    let story = published(&["One."]);
    let draft = Push { release: Release::Draft, ..push(copy("Talks resume", &["Two."])) };
    let (drafted, event) = filed(&story, draft);
    assert_eq!((event.public, event.status), (false, Status::Usable));
    assert_eq!(drafted.published, story.published);
    let (after, event) = filed(&drafted, push(Copy::default()));
    assert!(event.public && event.operations.is_empty());
    let published = after.published.expect("readers see it");
    assert_eq!((published.revision, published.article.blocks[0].text.as_str()), (Revision(3), "Two."));
    let first_draft = Push { release: Release::Draft, ..push(copy("A", &["b"])) };
    let (first, _) = filed(&Story::default(), first_draft);
    assert_eq!(filed(&first, push(copy("A", &["b"]))).0.status, Status::Usable);
}

#[test]
fn an_empty_body_does_not_take_the_text_from_readers() {
    let story = published(&["One."]);
    check_refused(&story, push(copy("Talks resume", &[])), &Refusal::BodyMissing);
    let (alert, _) = filed(&Story::default(), push(copy("Talks resume", &[])));
    let mended = correction(copy("Talks end", &[]), ["The verb.", "Headline.", "They ended."]);
    assert_eq!(filed(&alert, mended).0.article.headline(), "Talks end");
}

#[test]
fn readers_never_get_the_editors_note() {
    let mut noted = CopyBuilder::new();
    noted.field(Field::EdNote, "Hold page 1.").expect("a note");
    let story = published(&["One."]);
    let draft = Push { release: Release::Draft, ..push(noted.finish().0) };
    let (after, _) = filed(&story, draft);
    assert_eq!(after.article.fields.get(Field::EdNote).as_str(), "Hold page 1.");
    assert_eq!(decided(&after, push(Copy::default())), Ok(None), "readers have it all already");
    let (after, _) = filed(&after, push(copy("Talks end", &["One."])));
    let public = after.published.expect("readers see it").article;
    assert!(public.fields.get(Field::EdNote).is_empty());
}

#[test]
fn blocks_that_do_not_change_are_the_same_allocation() {
    let story = published(&["One.", "Two. Three.", "Four."]);
    let (after, event) =
        filed(&story, push(copy("Talks resume", &["One.", "Two. Three. And more.", "Four."])));
    assert_eq!(event.operations.len(), 1);
    for place in [0, 2] {
        assert!(Arc::ptr_eq(&story.article.blocks[place], &after.article.blocks[place]));
    }
    let values: Vec<_> = after.article.blocks[1].text.shown_values().collect();
    assert_eq!(values, ["Two. ", "Three. ", "And more."]);
}

#[test]
fn a_text_that_stays_keeps_the_cuts_it_was_given_first() {
    let mut story = published(&["One.", "Two."]);
    let old = Text::from_values([Some("O"), Some("ne.")]);
    let block = &story.article.blocks[0];
    story.article.blocks[0] = Arc::new(writethru_story::Block { text: old, ..(**block).clone() });
    let mut retyped = CopyBuilder::new();
    let heading = GivenBlock::plain(BlockKind::Heading, "One.");
    retyped.block(heading).expect("a heading");
    retyped.block(GivenBlock::plain(BlockKind::Paragraph, "Two.")).expect("a paragraph");
    let (after, _) = filed(&story, push(retyped.finish().0));
    assert_eq!(after.article.blocks[0].kind, BlockKind::Heading);
    assert_eq!(after.article.blocks[0].text.value_count(), 2, "a new kind does not cut it again");
}

#[test]
fn copy_with_the_redaction_mark_leaves_erased_words_as_they_are() {
    let mut story = published(&["One. Two.", "Three."]);
    let redacted = Text::from_values([Some("One. "), None]);
    let shown = redacted.as_str().to_owned();
    let block = &story.article.blocks[0];
    story.article.blocks[0] = Arc::new(writethru_story::Block { text: redacted, ..(**block).clone() });
    story.published.as_mut().expect("readers see it").article = story.article.public();
    assert_eq!(decided(&story, push(copy("Talks resume", &[&shown, "Three."]))), Ok(None));
    let longer = format!("{shown} More.");
    let (after, _) = filed(&story, push(copy("Talks resume", &[&longer, "Three."])));
    let text = &after.article.blocks[0].text;
    assert_eq!(text.as_str(), longer);
    assert_eq!(text.values().nth(1), Some(None), "still erased");
}

#[test]
fn ids_that_copy_claims_are_of_the_story_and_claimed_once() {
    let story = published(&["One.", "Two."]);
    let claim = |ids: &[&str]| {
        let mut copy = CopyBuilder::new();
        for id in ids {
            let block = GivenBlock { id: Some(id), ..GivenBlock::plain(BlockKind::Paragraph, "Words.") };
            copy.block(block).expect("a block");
        }
        push(copy.finish().0)
    };
    let [one, two] = [0, 1].map(|place| story.article.blocks[place].id.to_string());
    let block = "b99".to_owned();
    check_refused(&story, claim(&[&one, "b99"]), &Refusal::BlockUnknown { index: 1, block });
    check_refused(&story, claim(&[&two, &two]), &Refusal::BlockTwice { index: 1, block: two.clone() });
    let (after, _) = filed(&story, claim(&[&two]));
    assert_eq!(after.article.blocks[0].id.as_str(), two);
}

#[test]
fn operations_come_in_the_fixed_order() {
    let story = published(&["One.", "Two.", "Three.", "Four."]);
    let (_, event) =
        filed(&story, push(copy("Talks end", &["Four.", "One.", "New words here.", "Two. More."])));
    let rank = |operation: &Operation| match operation {
        Operation::Delete { .. } => 0,
        Operation::Move { .. } | Operation::Insert { .. } => 1,
        Operation::Edit { .. } => 2,
        Operation::Set { .. } => 3,
    };
    assert!(event.operations.iter().map(rank).is_sorted());
}

#[test]
fn texts_are_cut_by_the_language_that_the_copy_names() {
    let mut german = CopyBuilder::new();
    german.field(Field::Slug, "wetter").expect("a slug");
    german.field(Field::Language, "de-AT").expect("a language");
    german.field(Field::Headline, "Regen").expect("a headline");
    german
        .block(GivenBlock::plain(BlockKind::Paragraph, "Das war am 3. Oktober. Es regnete."))
        .expect("a block");
    let (story, _) = filed(&Story::default(), push(german.finish().0));
    assert_eq!(story.article.blocks[0].text.value_count(), 2);
}

#[test]
fn recorded_times_never_fall() {
    let story = published(&["One."]);
    let filing = Command::Push(Box::new(push(copy("Talks end", &["One."]))));
    let earlier = "2026-11-22T11:00:00Z".parse().expect("a time");
    let events = decide(&story, &filing, earlier).expect("it is legal");
    assert_eq!(events[0].recorded, noon());
}

#[test]
fn fields_that_are_absent_stay_and_empty_ones_clear() {
    let mut tagged = CopyBuilder::new();
    tagged.list(Field::Tags, ["a", "b"]).expect("tags");
    tagged.field(Field::Summary, "In short.").expect("a summary");
    let (story, _) = filed(&published(&["One."]), push(tagged.finish().0));
    let mut cleared = CopyBuilder::new();
    cleared.list(Field::Tags, []).expect("tags");
    let (after, event) = filed(&story, push(cleared.finish().0));
    assert_eq!(event.operations, [Operation::Set { field: Field::Tags, text: Text::default() }]);
    assert_eq!(after.article.fields.get(Field::Summary).as_str(), "In short.");
    let mut split = CopyBuilder::new();
    split.list(Field::Tags, ["ab"]).expect("tags");
    assert_eq!(
        filed(&story, push(split.finish().0)).1.operations.len(),
        1,
        "other item borders are a change"
    );
}

#[test]
fn what_is_filed_is_what_was_normalised() {
    let given = "Cafe\u{301}s\u{A0} open\u{FEFF}.";
    let story = published(&[given]);
    assert_eq!(story.article.blocks[0].text.as_str(), normalise(given).0);
}

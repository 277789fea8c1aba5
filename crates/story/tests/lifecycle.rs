//! The table of docs/LIFECYCLE.md, cell by cell.

use jiff::Timestamp;
use proptest::prelude::*;
use writethru_story::{
    Act, Basis, BlockKind, Command, Copy, CopyBuilder, CorrectionNotice, Deed, Entry, EntryPlace, EntryStep,
    Field, GivenBlock, Kind, Push, Redact, Redaction, RedactionKind, Refusal, Release, Restored, Revision,
    Revisions, Status, Story, Takedowns, Text, ValueId, apply, decide,
};

const TABLE: &str = include_str!("../../../docs/LIFECYCLE.md");

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_790_000_000 + second).expect("a time")
}

fn copy(headline: &str, blocks: &[&str]) -> Copy {
    let mut copy = CopyBuilder::new();
    copy.field(Field::Slug, "talks").expect("a slug");
    copy.field(Field::Headline, headline).expect("a headline");
    copy.body();
    for text in blocks {
        copy.block(GivenBlock::plain(BlockKind::Paragraph, text)).expect("a block");
    }
    copy.finish().0
}

fn push(kind: Option<Kind>, copy: Copy, release: Release) -> Command {
    let text = |given: &str| Text::uncut(given);
    let approver = "ed-7".parse().expect("an actor");
    let notice = CorrectionNotice { what: text("The name."), place: text("First paragraph."), approver };
    Command::Push(Box::new(Push {
        desk: Some("world".parse().expect("a desk")),
        kind,
        copy,
        release,
        note: text("What changed."),
        correction: (kind == Some(Kind::Correction)).then_some(notice),
        label: None,
        occurred: None,
        rebased: None,
    }))
}

fn act(deed: Deed) -> Command {
    let reason = Text::uncut("The source has withdrawn it.");
    Command::Act(Box::new(Act { deed, reason, note: Text::default(), approver: None }))
}

fn redact(kind: RedactionKind) -> Command {
    let basis: Basis = "GDPR-Art.17".parse().expect("a basis");
    let text = |given: &str| Text::uncut(given);
    Command::Redact(Box::new(Redact {
        redaction: Redaction { kind, basis, values: [ValueId([7; 32])].into() },
        replacements: Vec::new(),
        reason: text("A court has ordered it."),
        note: text("A name was taken out."),
        approver: "ed-7".parse().expect("an actor"),
    }))
}

fn entry() -> Command {
    let content = copy("x", &["New entry."]).blocks.expect("a body").remove(0);
    let step = EntryStep::Add { content, place: EntryPlace::Top };
    Command::Entry(Box::new(Entry { step, note: Text::default(), occurred: None }))
}

const FIRST: [&str; 2] = ["Talks resumed.", "The delegates wer late."];
const MENDED: [&str; 2] = ["Talks resumed.", "The delegates were late."];

fn command(name: &str) -> Command {
    let later = at(9_000);
    let next = |kind, release| push(kind, copy("Talks resume", &MENDED), release);
    match name {
        "push" => next(None, Release::Publish),
        "push --draft" => next(None, Release::Draft),
        "push --embargo-until" => next(None, Release::Embargo(later)),
        "push --publish-at" => next(None, Release::Schedule(later)),
        "push --kind correction" => next(Some(Kind::Correction), Release::Publish),
        "push --kind clarification" => next(Some(Kind::Clarification), Release::Publish),
        "push --kind refile" => next(Some(Kind::Refile), Release::Publish),
        "entry add" => entry(),
        "withhold" => act(Deed::Withhold),
        "release" => act(Deed::Release),
        "release --at" => act(Deed::ReleaseAt(later)),
        "kill" => act(Deed::Kill),
        "takedown" => act(Deed::Takedown),
        "unpublish" => act(Deed::Unpublish),
        "restore" => act(restore(Restored::Usable)),
        "restore --draft" => act(restore(Restored::Draft)),
        "embargo --until" => act(Deed::Embargo(later)),
        "embargo --lift" => act(Deed::LiftEmbargo),
        other => panic!("the table has a command that no test knows: {other}"),
    }
}

fn restore(to: Restored) -> Deed {
    Deed::Restore { to, takedowns: Takedowns::Lift }
}

/// Returns the story that `commands` make, a second apart.
#[track_caller]
fn story(commands: &[Command]) -> Story {
    commands.iter().zip(1..).fold(Story::default(), |story, (command, second)| {
        let events = decide(&story, command, at(second)).expect("it is legal");
        events.iter().fold(story, |story, event| apply(story, event).expect("decide writes legal events"))
    })
}

fn standing(name: &str) -> Story {
    let first = |release| push(None, copy("Talks resume", &FIRST), release);
    let public = first(Release::Publish);
    match name {
        "new" => Story::default(),
        "draft" => story(&[first(Release::Draft)]),
        "published" => story(&[public, act(Deed::Unpublish)]),
        "embargoed" => story(&[first(Release::Embargo(at(500)))]),
        "scheduled" => story(&[first(Release::Schedule(at(500)))]),
        "usable" => story(&[public]),
        "withheld" => story(&[public, act(Deed::Withhold)]),
        "killed" => story(&[public, act(Deed::Kill)]),
        "takendown" => story(&[public, act(Deed::Takedown)]),
        other => panic!("the table has a status that no test knows: {other}"),
    }
}

fn cells(line: &str) -> Vec<&str> {
    line.trim_matches('|').split('|').map(str::trim).collect()
}

#[test]
fn the_table_of_the_document_is_what_happens() {
    let mut lines = TABLE.lines().skip_while(|line| !line.starts_with("| command |"));
    let statuses = cells(lines.next().expect("the table is there"));
    let rows: Vec<&str> = lines.skip(1).take_while(|line| line.starts_with('|')).collect();
    assert_eq!(rows.len(), 18, "every command has a row");
    for row in rows {
        let row = cells(row);
        for (status, expected) in statuses.iter().zip(&row).skip(1) {
            check(status, row[0].trim_matches('`'), expected);
        }
    }
}

#[track_caller]
fn check(status: &str, name: &str, expected: &str) {
    let before = standing(status);
    let decided = decide(&before, &command(name), at(100));
    let (told, expected) = match expected.strip_prefix("**") {
        Some(rest) => (true, rest.trim_end_matches('*')),
        None => (false, expected),
    };
    if expected == "no" {
        let refusal = decided.expect_err(&format!("{name} on a {status} story is refused"));
        assert!(refusal.to_string().contains(": "), "{refusal} names the next step");
        return;
    }
    let events = decided.unwrap_or_else(|refusal| panic!("{name} on a {status} story: {refusal}"));
    let [event] = events.as_slice() else { panic!("{name} on a {status} story makes one event") };
    let after = apply(before, event).expect("decide writes legal events");
    assert_eq!((after.status.as_str(), event.public), (expected, told), "{name} on a {status} story");
    if let Some(published) = after.published.filter(|_| told) {
        let words = after.status == Status::Usable;
        let article = if words { after.article.public() } else { after.article.tombstone() };
        assert_eq!(published.article, article, "{name} on a {status} story");
    }
}

#[test]
fn a_redaction_leaves_every_story_where_it_stands() {
    let next = |text: &str| push(None, copy("Talks resume", &[text]), Release::Publish);
    let draft = push(None, copy("Talks resume", &["A draft."]), Release::Draft);
    let later = push(None, copy("Talks resume", &["One."]), Release::Embargo(at(9_000)));
    let histories = [
        vec![draft.clone()],
        vec![later],
        vec![next("One.")],
        vec![next("One."), draft],
        vec![next("One."), act(Deed::Withhold)],
        vec![next("One."), act(Deed::Kill)],
        vec![next("One."), act(Deed::Takedown)],
        vec![next("One."), act(Deed::Unpublish)],
    ];
    for history in histories {
        let before = story(&history);
        for kind in [RedactionKind::Erase, RedactionKind::Annotate] {
            let events = decide(&before, &redact(kind), at(1_000)).expect("a redaction is always legal");
            let after = apply(before.clone(), &events[0]).expect("what decide returns, apply accepts");
            assert_eq!(
                (after.status, after.until, &after.article),
                (before.status, before.until, &before.article)
            );
            let shown = |story: &Story| story.published.as_ref().map(|published| published.article.clone());
            assert_eq!(shown(&after), shown(&before), "a redaction publishes nothing");
            assert_eq!(events[0].public, before.status == Status::Usable && before.published.is_some());
        }
    }
    let nothing = decide(&Story::default(), &redact(RedactionKind::Erase), at(1));
    assert!(matches!(nothing, Err(Refusal::DeskMissing)), "{nothing:?}");
}

#[test]
fn a_recall_names_every_revision_that_readers_had() {
    let next = |text: &str| push(None, copy("Talks resume", &[text]), Release::Publish);
    let draft = push(None, copy("Talks resume", &["A draft."]), Release::Draft);
    let told = story(&[next("One."), next("Two."), draft, next("Three.")]);
    let recalled = |story: &Story, command: &Command| -> Revisions {
        let events = decide(story, command, at(1_000)).expect("it is legal");
        story.recalled_by(&events[0])
    };
    assert_eq!(recalled(&told, &act(Deed::Kill)).to_string(), "1-2, 4");
    assert_eq!(recalled(&told, &redact(RedactionKind::Erase)).to_string(), "1-2, 4");
    assert!(recalled(&told, &redact(RedactionKind::Annotate)).is_empty(), "no word is taken back");
    assert!(recalled(&told, &next("Four.")).is_empty());
    let corrected =
        story(&[next("One."), push(Some(Kind::Correction), copy("Talks end", &["One."]), Release::Publish)]);
    assert_eq!(
        recalled(&corrected, &act(Deed::Kill)).to_string(),
        "2",
        "what was voided is not voided again"
    );
    let held = story(&[next("One."), act(Deed::Withhold)]);
    assert!(recalled(&held, &act(Deed::Kill)).is_empty(), "all was called back already");
}

#[test]
fn the_clock_releases_once_and_not_before_its_time() {
    let embargoed = standing("embargoed");
    let lapse = act(Deed::Lapse);
    assert!(decide(&embargoed, &lapse, at(499)).is_err());
    let events = decide(&embargoed, &lapse, at(500)).expect("it is due");
    assert_eq!((events[0].kind, events[0].public, events[0].until), (Kind::Release, true, None));
    let released = apply(embargoed, &events[0]).expect("it is legal");
    assert!(decide(&released, &lapse, at(501)).is_err(), "once");
}

#[test]
fn a_held_story_keeps_its_embargo() {
    let held =
        story(&[push(None, copy("Talks resume", &FIRST), Release::Embargo(at(500))), act(Deed::Withhold)]);
    assert_eq!((held.status, held.until), (Status::Withheld, Some(at(500))));
    assert!(decide(&held, &act(Deed::Lapse), at(600)).is_err(), "a hold outlives the embargo");
    let early = decide(&held, &act(Deed::Release), at(100)).expect("it is legal");
    assert_eq!((early[0].status, early[0].public, early[0].until), (Status::Embargoed, false, Some(at(500))));
    let late = decide(&held, &act(Deed::Release), at(500)).expect("it is legal");
    assert_eq!((late[0].status, late[0].public), (Status::Usable, true));
}

#[test]
fn a_time_that_has_passed_publishes_nothing() {
    for command in ["push --embargo-until", "push --publish-at", "embargo --until", "release --at"] {
        let refused = decide(&standing("draft"), &self::command(command), at(9_000));
        assert!(matches!(refused, Err(Refusal::TimePast { .. })), "{command}: {refused:?}");
    }
}

#[test]
fn an_act_that_takes_from_readers_says_why() {
    for deed in [Deed::Withhold, Deed::Kill, Deed::Takedown, Deed::Unpublish] {
        let Command::Act(mut silent) = act(deed) else { unreachable!("an act") };
        silent.reason = Text::default();
        let refused = decide(&standing("usable"), &Command::Act(silent), at(100));
        assert_eq!(refused, Err(Refusal::ReasonMissing { kind: deed.kind() }));
    }
}

#[test]
fn a_takedown_is_lifted_only_by_who_may() {
    let deed = Deed::Restore { to: Restored::Usable, takedowns: Takedowns::Stay };
    assert!(decide(&standing("takendown"), &act(deed), at(100)).is_err());
    assert!(decide(&standing("killed"), &act(deed), at(100)).is_ok());
}

#[test]
fn a_refile_fixes_form_and_a_clarification_keeps_facts() {
    let told = story(&[push(
        None,
        copy("Talks resume", &["Four people died, Mr Haddad said.", "He did not resign."]),
        Release::Publish,
    )]);
    let decided = |kind, blocks: &[&str]| {
        decide(&told, &push(Some(kind), copy("Talks resume", blocks), Release::Publish), at(100))
    };
    for (kind, blocks) in [
        (Kind::Refile, ["Five people died, Mr Haddad said.", "He did not resign."]),
        (Kind::Refile, ["Four people died, Mr Harrad said.", "He did not resign."]),
        (Kind::Refile, ["Four people died, Mr Haddad said.", "He did resign."]),
        (Kind::Clarification, ["Five people died, Mr Haddad said.", "He did not resign."]),
    ] {
        let refused = decided(kind, &blocks);
        assert!(matches!(refused, Err(Refusal::FactChanged { .. })), "{kind} {blocks:?}: {refused:?}");
    }
    for (kind, blocks) in [
        (Kind::Refile, ["Four people died , Mr Haddad said.", "He did not resign."]),
        (Kind::Clarification, ["Four people died in the talks' city, Mr Haddad said.", "He did not resign."]),
    ] {
        assert!(decided(kind, &blocks).is_ok(), "{kind} {blocks:?}: {:?}", decided(kind, &blocks));
    }
}

#[test]
fn an_entry_keeps_its_id_and_place_and_its_end_is_told() {
    let mut live =
        story(&[push(None, copy("Live: talks", &["What we know."]), Release::Publish), entry(), entry()]);
    let ids = |story: &Story| -> Vec<String> {
        story.article.blocks.iter().map(|block| block.id.to_string()).collect()
    };
    assert_eq!(ids(&live), ["b1", "b3", "b2"], "the newest entry stands first, below the text before it");
    let id = |given: &str| given.parse().expect("a block id");
    let content = copy("x", &["Edited entry."]).blocks.expect("a body").remove(0);
    let steps = [
        EntryStep::Edit { block: id("b2"), content },
        EntryStep::Pin { block: id("b2") },
        EntryStep::Delete { block: id("b3") },
    ];
    for (step, second) in steps.into_iter().zip(10..) {
        let command = Command::Entry(Box::new(Entry { step, note: Text::default(), occurred: None }));
        let events = decide(&live, &command, at(second)).expect("it is legal");
        assert!(events[0].public);
        live = apply(live, &events[0]).expect("decide writes legal events");
    }
    assert_eq!(ids(&live), ["b1", "b2"]);
    assert_eq!(live.article.blocks[1].text.as_str(), "Edited entry.");
    assert_eq!(live.article.fields.get(Field::Pinned).as_str(), "b2");
    for step in [EntryStep::Delete { block: id("b3") }, EntryStep::Pin { block: id("b1") }] {
        let command = Command::Entry(Box::new(Entry { step, note: Text::default(), occurred: None }));
        assert!(matches!(decide(&live, &command, at(20)), Err(Refusal::NoEntry { .. })));
    }
}

/// Every command of the table, in any order, at times that come near to the ends of embargoes.
fn commands() -> impl Strategy<Value = Vec<(usize, i64)>> {
    proptest::collection::vec((0_usize..19, 0_i64..6_000), 1..24)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn whatever_is_asked_decide_and_apply_agree_and_secrets_stay(asked in commands()) {
        let names: Vec<&str> = TABLE
            .lines()
            .filter_map(|line| line.strip_prefix("| `")?.split('`').next())
            .filter(|name| name.starts_with(|c: char| c.is_ascii_lowercase()))
            .take(18)
            .collect();
        let (mut story, mut clock) = (Story::default(), 0);
        for (index, step) in asked {
            clock += step;
            let command = names.get(index).map_or_else(|| act(Deed::Lapse), |name| command(name));
            let Ok(events) = decide(&story, &command, at(clock)) else { continue };
            for event in events {
                let before = story.clone();
                story = apply(story, &event).expect("decide writes legal events");
                prop_assert_eq!(story.revision, Revision(before.revision.get() + 1));
                let early = before.status == Status::Embargoed
                    && before.until.is_some_and(|until| until > event.recorded);
                prop_assert!(
                    !(early && story.status == Status::Usable) || matches!(command, Command::Act(ref act) if act.deed == Deed::LiftEmbargo),
                    "an embargoed story is public before its time"
                );
                if story.status != Status::Usable && let Some(published) = &story.published {
                    prop_assert!(published.article.blocks.is_empty(), "no word of it is public");
                }
            }
        }
    }
}

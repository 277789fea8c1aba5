//! Changes: exact at both ends, or refused with the next step.

mod history;

use history::{plan, seal_all, story_id, time};
use proptest::prelude::*;
use story::diff::{FieldChange, Op, Splice};
use story::significance::Code;
use story::{Article, Field, Kind, Level, Revision, Status, Text};
use wire::{
    ApplyError, ArticleHashes, ArticleMeta, ArticleView, CHANGE_BYTES_MAX, Chain, Change, ChangeBody,
    ChangeMeta, CloudEvent, Cursor, Recall, Side, VOIDS_MAX, article_hash,
};
use writethru_wire as wire;

fn meta(number: u64) -> ChangeMeta {
    ChangeMeta {
        story: story_id(),
        desk: "world".parse().expect("a desk"),
        status: Status::Usable,
        kind: Kind::Update,
        label: None,
        cursor: Cursor { epoch: 7, position: number },
        recorded: time(number),
        published: time(number),
        significant_before: None,
        note: String::new(),
        voids: Vec::new(),
    }
}

fn side(revision: u64, article: &Article) -> Side<'_> {
    Side { revision: Revision(revision), article, hash: article_hash(article) }
}

fn view(article: &Article) -> ArticleView {
    let meta = ArticleMeta {
        story: story_id(),
        desk: "world".parse().expect("a desk"),
        revision: Revision(1),
        status: Status::Usable,
        kind: Kind::Update,
        hash: article_hash(article),
        recorded: time(1),
        published: None,
        significant: None,
        until: None,
        cursor: Cursor { epoch: 7, position: 1 },
    };
    ArticleView::of(article, meta)
}

/// Returns the desk's article after each event of a plan, as a reader of the log comes to it.
fn articles(plan: &[history::Step]) -> Vec<Article> {
    let entries = seal_all(&mut Chain::new(story_id()), plan);
    let mut reader = Chain::new(story_id());
    let read = entries.iter().map(|entry| {
        reader.open(&entry.record.envelope, &entry.record.disclosures).expect("opens");
        assert_eq!(reader.story().revision, entry.event.revision);
        reader.story().article.clone()
    });
    read.collect()
}

fn article(blocks: &[&str]) -> Article {
    let mut article = Article::default();
    article.fields.set(Field::Slug, Text::uncut("flood"));
    article.fields.set(Field::Headline, Text::uncut("Dam gives way"));
    for (number, text) in (1..).zip(blocks) {
        article.blocks.push(std::sync::Arc::new(story::Block {
            id: story::BlockId::minted(number),
            kind: story::BlockKind::Paragraph,
            text: Text::uncut(*text),
            marks: std::sync::Arc::default(),
        }));
    }
    article
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_view_shows_the_whole_article(plan in plan()) {
        for article in articles(&plan) {
            let view = view(&article);
            let json = serde_json::to_string(&view).expect("writes");
            let read: ArticleView = serde_json::from_str(&json).expect("reads back");
            prop_assert_eq!(&read, &view);
            let again = read.to_article().expect("an article");
            prop_assert_eq!(&again, &article);
            prop_assert_eq!(article_hash(&again), view.hash);
        }
    }

    #[test]
    fn kept_hashes_make_no_difference(plan in plan()) {
        let mut hashes = ArticleHashes::default();
        for article in articles(&plan) {
            prop_assert_eq!(hashes.hash(&article), article_hash(&article));
            prop_assert_eq!(article_hash(&article.public()), article_hash(&article));
        }
    }

    #[test]
    fn changes_take_a_reader_from_each_article_to_the_next(plan in plan()) {
        let articles: Vec<Article> = articles(&plan).iter().map(Article::public).collect();
        let (mut reader, mut hashes) = (Article::default(), ArticleHashes::default());
        for (number, after) in (1_u64..).zip(&articles) {
            let before = number.checked_sub(2).map(|index| &articles[usize::try_from(index).expect("small")]);
            let change = Change::between(before.map(|article| side(number - 1, article)), side(number, after), meta(number));
            let json = serde_json::to_vec(&change).expect("writes");
            let read: Change = serde_json::from_slice(&json).expect("reads back");
            prop_assert_eq!(&read, &change);
            prop_assert_eq!(change.from.get() == 0, matches!(change.body, ChangeBody::Snapshot(_)) && change.base.is_none());
            reader = read.apply_keeping(&reader, Revision(number - 1), &mut hashes).expect("applies");
            prop_assert_eq!(&reader, after);
        }
    }
}

const RIVER: &str =
    "The river rose through the night and the town was cleared house by house, officials said.";

#[test]
fn the_smaller_of_ops_and_snapshot_is_sent() {
    let before = article(&[RIVER, "Two people were hurt."]);
    let after = article(&[RIVER, "Three people were hurt."]);
    let change = Change::between(Some(side(1, &before)), side(2, &after), meta(2));
    assert!(matches!(change.body, ChangeBody::Ops(_)), "{:?}", change.body);
    let rest: Vec<String> = (0..30).map(|number| format!("{RIVER} Part {number}.")).collect();
    let before = article(&rest.iter().map(String::as_str).collect::<Vec<_>>());
    let change = Change::between(Some(side(1, &before)), side(2, &article(&[])), meta(2));
    assert!(matches!(change.body, ChangeBody::Snapshot(_)), "{:?}", change.body);
    assert_eq!(change.apply_to(&before, Revision(1)), Ok(article(&[])));
}

#[test]
fn a_change_that_is_too_large_names_where_to_fetch() {
    let long = "river ".repeat(CHANGE_BYTES_MAX / 6);
    let after = article(&[&long]);
    let change = Change::between(None, side(1, &after), meta(1));
    assert!(serde_json::to_vec(&change).expect("writes").len() < CHANGE_BYTES_MAX);
    let path = format!("/v1/stories/{}?as_of=rev:1", story_id());
    assert_eq!(change.apply_to(&Article::default(), Revision::ZERO), Err(ApplyError::Fetch { path }));
    assert_eq!(change.target, article_hash(&after));
}

/// A change of one word that was made by hand, and the article that it starts from.
fn by_hand() -> (Article, Change) {
    let (before, after) = (article(&["Two hurt."]), article(&["Four hurt."]));
    let splices = vec![Splice(0, "Two".to_owned(), "Four".to_owned())];
    let block = story::BlockId::minted(1);
    let ops = vec![Op::Edit { block, kind: None, splices, marks: None }];
    let mut change = Change::between(Some(side(4, &before)), side(7, &after), meta(7));
    change.body = ChangeBody::Ops(ops);
    (before, change)
}

#[test]
fn a_change_is_refused_where_it_does_not_belong() {
    let (before, change) = by_hand();
    let after = change.apply_to(&before, Revision(4)).expect("applies");
    assert_eq!(after, article(&["Four hurt."]));
    let (actual, from, to) = (Revision(7), Revision(4), Revision(7));
    assert_eq!(change.apply_to(&after, Revision(7)), Err(ApplyError::Repeated { actual, to }));
    let actual = Revision(5);
    assert_eq!(change.apply_to(&before, Revision(5)), Err(ApplyError::Hole { actual, from }));
    let other = article(&["Two hurt. "]);
    let (expected, actual) = (article_hash(&before), article_hash(&other));
    assert_eq!(change.apply_to(&other, Revision(4)), Err(ApplyError::Base { expected, actual }));
}

#[test]
fn a_change_that_does_not_lead_to_its_target_is_refused() {
    let (before, mut change) = by_hand();
    if let ChangeBody::Ops(ops) = &mut change.body {
        let change = FieldChange::Splices(vec![Splice(0, String::new(), "A ".to_owned())]);
        ops.push(Op::Set { field: Field::Headline, change });
    }
    let error = change.apply_to(&before, Revision(4)).expect_err("another target");
    assert!(matches!(error, ApplyError::Target { .. }), "{error}");
    let (before, mut change) = by_hand();
    change.body = ChangeBody::Ops(vec![Op::Delete { block: story::BlockId::minted(9) }]);
    let error = change.apply_to(&before, Revision(4)).expect_err("no such block");
    assert!(matches!(error, ApplyError::Ops(_)), "{error}");
    let mut twice = view(&before);
    twice.blocks.push(twice.blocks[0].clone());
    change.body = ChangeBody::Snapshot(Box::new(twice));
    let error = change.apply_to(&before, Revision(4)).expect_err("a block twice");
    assert!(matches!(error, ApplyError::Snapshot(_)), "{error}");
}

#[test]
fn the_desks_view_alone_shows_the_editors_note() {
    let mut article = article(&["Two hurt."]);
    article.fields.set(Field::EdNote, Text::uncut("Hold the picture."));
    article.fields.set(Field::Urgency, Text::uncut("\u{2588}\u{2588}\u{2588}"));
    assert_eq!(view(&article).ed_note.as_deref(), Some("Hold the picture."));
    let json = serde_json::to_string(&view(&article.public())).expect("writes");
    assert!(!json.contains("Hold") && !json.contains("ed_note"), "{json}");
    let again = view(&article).to_article().expect("an article");
    assert_eq!(again, article, "an erased urgency comes through too");
}

/// What takes the story from readers, as `kind`.
fn loss(before: &Article, kind: Kind, status: Status) -> Change {
    let voids = vec![Revision(1), Revision(2)];
    let meta = ChangeMeta { kind, status, voids, label: Some(Level::Minor), ..meta(3) };
    Change::between(Some(side(2, before)), side(3, &before.tombstone()), meta)
}

#[test]
fn a_change_to_a_tombstone_and_back_is_exact_and_holds_no_word() {
    let before = article(&["The minister took bribes.", "He denies it."]);
    for (kind, status, level) in [
        (Kind::Withhold, Status::Withheld, Level::Substantive),
        (Kind::Kill, Status::Killed, Level::Substantive),
        (Kind::Takedown, Status::Takendown, Level::Substantive),
        (Kind::Unpublish, Status::Draft, Level::Minor),
    ] {
        let change = loss(&before, kind, status);
        let json = serde_json::to_string(&change).expect("writes");
        for word in ["minister", "bribes", "denies", "Dam"] {
            assert!(!json.contains(word), "{word} is in {json}");
        }
        let read: Change = serde_json::from_str(&json).expect("reads");
        assert_eq!((read.status, read.significance.level), (status, level), "{kind}");
        assert_eq!(read.significance.reasons.iter().map(|one| one.code).collect::<Vec<_>>(), [Code::Kind]);
        let ChangeBody::Snapshot(view) = &read.body else { panic!("{kind}: {:?}", read.body) };
        assert_eq!((view.status, view.headline.as_str(), view.blocks.len()), (status, "", 0));
        let tombstone = read.apply_to(&before, Revision(2)).expect("applies");
        assert_eq!(tombstone, before.tombstone());
        let back = Change::between(Some(side(3, &tombstone)), side(4, &before), meta(4));
        assert!(matches!(back.body, ChangeBody::Snapshot(_)), "{:?}", back.body);
        assert_eq!(back.significance.reasons[0].code, Code::First);
        assert_eq!(back.apply_to(&tombstone, Revision(3)).expect("applies"), before);
    }
}

#[test]
fn no_label_makes_a_correction_less_than_substantive() {
    let (before, after) = (article(&["The river rose."]), article(&["The rivver rose."]));
    let meta = |kind| ChangeMeta { kind, label: Some(Level::Minor), ..meta(2) };
    let level = |kind| {
        let change = Change::between(Some(side(1, &before)), side(2, &after), meta(kind));
        let codes: Vec<Code> = change.significance.reasons.iter().map(|one| one.code).collect();
        (change.significance.level, codes.contains(&Code::Kind))
    };
    assert_eq!(level(Kind::Correction), (Level::Substantive, true));
    assert_eq!(level(Kind::Update), (Level::Minor, false));
    assert_eq!(level(Kind::Refile), (Level::Minor, false));
}

#[test]
fn a_usable_change_says_nothing_of_its_status_and_is_read_as_usable() {
    let (_, change) = by_hand();
    let json = serde_json::to_string(&change).expect("writes");
    assert!(!json.contains("status"), "{json}");
    assert_eq!(serde_json::from_str::<Change>(&json).expect("reads").status, Status::Usable);
}

#[test]
fn a_recall_names_what_its_change_names() {
    let before = article(&["The minister took bribes."]);
    let change = loss(&before, Kind::Kill, Status::Killed);
    let recall = Recall::of_change(&change).expect("a kill recalls");
    let kill =
        ChangeMeta { kind: Kind::Kill, status: Status::Killed, voids: change.voids.clone(), ..meta(3) };
    assert_eq!(Recall::of_update(&kill, "flood", Revision(3)), Some(recall.clone()));
    assert_eq!(Recall::of_change(&loss(&before, Kind::Unpublish, Status::Draft)), None);
    let message = CloudEvent::recalled(recall.clone());
    assert_eq!(message.id, format!("recall:{}:3", story_id()));
    let json = serde_json::to_string(&message).expect("writes");
    assert!(json.contains(r#""voids":[1,2]"#) && json.contains(r#""status":"killed""#), "{json}");
    assert_eq!(serde_json::from_str::<CloudEvent<Recall>>(&json).expect("reads").data, recall);
    let many = ChangeMeta { voids: (1..=9_000).map(Revision).collect(), ..kill };
    let voids = Recall::of_update(&many, "flood", Revision(9_001)).expect("a kill recalls").voids;
    assert_eq!((voids.len(), voids.last()), (VOIDS_MAX, Some(&Revision(9_000))));
}

//! Changes, what they are applied to, and what becomes of them.

use proptest::strategy::{Strategy as _, ValueTree as _};
use proptest::test_runner::TestRunner;
use serde_json::{Value, json};
use story::{Article, Kind, Level, Revision, Status};
use wire::{ArticleMeta, ArticleView, Chain, Change, ChangeBody, ChangeMeta, Cursor, Side, article_hash};
use writethru_wire as wire;

use crate::history::{plan, seal_all, story_id, time};
use crate::{Case, outcome};

/// How many random histories are told one after another.
const PLANS: usize = 10;

/// One change of a story with the article at both ends.
#[derive(Debug, Clone)]
pub(crate) struct Told {
    pub(crate) before: Option<ArticleView>,
    pub(crate) change: Change,
    pub(crate) after: ArticleView,
}

/// A story as it is told to readers, revision by revision.
pub(crate) struct Telling {
    pub(crate) epoch: u64,
    pub(crate) told: Vec<Told>,
}

impl Telling {
    pub(crate) fn new() -> Self {
        Self { epoch: 7, told: Vec::new() }
    }

    /// Tells that the article is now `article`.
    pub(crate) fn tell(&mut self, kind: Kind, status: Status, article: &Article, voids: &[u64]) {
        let number = self.told.len() as u64 + 1;
        let before = self.told.last().map(|told| told.after.clone());
        let old = before.as_ref().map(|view| view.to_article().expect("a view of ours"));
        let article = if status == Status::Usable { article.public() } else { article.tombstone() };
        let meta = ChangeMeta {
            story: story_id(),
            desk: "world".parse().expect("a desk"),
            status,
            kind,
            label: None::<Level>,
            cursor: Cursor { epoch: self.epoch, position: 10 * number },
            recorded: time(number),
            published: time(number),
            significant_before: before.as_ref().and_then(|view| view.significant),
            note: if kind == Kind::Correction { "Five, not four.".to_owned() } else { String::new() },
            voids: voids.iter().copied().map(Revision).collect(),
        };
        let side = before.as_ref().zip(old.as_ref()).map(|(view, article)| Side {
            revision: view.revision,
            article,
            hash: view.hash,
        });
        let after = Side { revision: Revision(number), article: &article, hash: article_hash(&article) };
        let change = Change::between(side, after, meta);
        let worth_while = change.significance.level > Level::Minor;
        let significant = before.as_ref().and_then(|view| view.significant);
        let meta = ArticleMeta {
            story: change.story,
            desk: change.desk.clone(),
            revision: change.to,
            status,
            kind,
            hash: change.target,
            recorded: change.recorded,
            published: Some(change.published),
            significant: if worth_while { Some(change.published) } else { significant },
            until: None,
            cursor: change.cursor,
        };
        self.told.push(Told { before, change, after: ArticleView::of(&article, meta) });
    }

    pub(crate) fn update(&mut self, copy: &Value) {
        self.tell(Kind::Update, Status::Usable, &article(copy), &[]);
    }
}

/// Returns the article that `copy` says: its fields, and its blocks as `[id, text]`, with what else they have.
pub(crate) fn article(copy: &Value) -> Article {
    let mut view = json!({
        "story": story_id(), "slug": "ferry", "desk": "world", "revision": 1, "status": "usable",
        "kind": "update", "headline": "Ferry aground", "summary": null, "blocks": [],
        "hash": article_hash(&Article::default()), "recorded": time(1),
        "cursor": Cursor { epoch: 7, position: 1 },
    });
    for (name, value) in copy.as_object().expect("an object") {
        view[name] = value.clone();
    }
    for block in view["blocks"].as_array_mut().expect("blocks") {
        let (id, text, more) = (block[0].clone(), block[1].clone(), block[2].clone());
        *block = json!({"id": id, "kind": "paragraph", "text": text});
        for (name, value) in more.as_object().into_iter().flatten() {
            block[name] = value.clone();
        }
    }
    serde_json::from_value::<ArticleView>(view).expect("a view").to_article().expect("an article")
}

/// A story with a bit of everything: every op, texts of many scripts, a kill, a release, a redaction.
pub(crate) fn ferry() -> Telling {
    let mut ferry = Telling::new();
    let blocks = json!([
        ["b1", "At least 12 people are missing."],
        ["b2", "Zoë Brontë’s 👩‍👩‍👧 family waited at the quay."],
        ["b3", "Rain fell."]
    ]);
    ferry.update(&json!({ "blocks": blocks }));
    let blocks = json!([
        ["b1", "At least 14 people are missing, 3 of them children."],
        ["b2", "Zoë Brontë’s 👩‍👧 family waited at the quay in Nürnberg."],
        ["b3", "Rain fell."]
    ]);
    ferry.update(
        &json!({"headline": "Ferry aground off Ålesund", "summary": "Many are missing.", "blocks": blocks}),
    );
    let blocks = json!([["b3", "Rain fell."], ["b4", "日本語の段落。", {"kind": "heading"}], ["b1", "At least 14 people are missing, 3 of them children."]]);
    let fields = json!({
        "headline": "Ferry aground off Ålesund", "bylines": ["A. Ek", "B. Ö"], "dateline": "ÅLESUND, 22 Nov", "language": "en-GB",
        "tags": ["sea", "norway"], "links": ["https://example.org/é A chart"], "urgency": 3, "blocks": blocks,
    });
    ferry.update(&fields);
    let link = json!({"marks": [{"start": 0, "end": 4, "kind": "strong"}, {"start": 5, "end": 9, "kind": "a", "href": "https://example.org/é"}]});
    let mut marked = fields;
    marked["urgency"] = json!("04");
    marked["tags"] = json!([]);
    marked["blocks"][0] = json!(["b3", "Rain fell.", link]);
    marked["pinned"] = json!(["b4"]);
    ferry.update(&marked);
    marked["blocks"][1][1] = json!("日本語の段落！");
    ferry.update(&marked);
    marked["blocks"][2][1] = json!("At least 15 people are missing, 3 of them children.");
    ferry.tell(Kind::Correction, Status::Usable, &article(&marked), &[3, 4, 5]);
    ferry.tell(Kind::Kill, Status::Killed, &article(&marked), &[1, 2, 6]);
    ferry.update(&marked);
    marked["blocks"][1][1] = json!("████");
    ferry.tell(Kind::Redaction, Status::Usable, &article(&marked), &[8]);
    ferry
}

/// A story that nobody would write.
fn random() -> Telling {
    let mut telling = Telling::new();
    let (mut runner, mut chain, mut reader) =
        (TestRunner::deterministic(), Chain::new(story_id()), Chain::new(story_id()));
    for _ in 0..PLANS {
        let plan = plan().new_tree(&mut runner).expect("a plan").current();
        for entry in seal_all(&mut chain, &plan) {
            let opened = reader.open(&entry.record.envelope, &entry.record.disclosures).expect("opens");
            assert_eq!(opened.event, entry.event);
            telling.tell(Kind::Update, Status::Usable, &reader.story().article, &[]);
        }
    }
    telling
}

/// Returns `change` as JSON with `member` replaced by `value`; `member` is a JSON pointer.
fn with(change: &Change, member: &str, value: Value) -> Value {
    let mut json = serde_json::to_value(change).expect("it is JSON");
    *json.pointer_mut(member).unwrap_or_else(|| panic!("{member} is not there: {change:?}")) = value;
    json
}

fn case(name: impl Into<String>, before: Option<&ArticleView>, change: Value) -> Case {
    let outcome = outcome(before, &change);
    Case { name: name.into(), before: before.cloned(), change, outcome, after: None }
}

fn applied(name: String, told: &Told) -> Case {
    let change = serde_json::to_value(&told.change).expect("it is JSON");
    let case = case(name, told.before.as_ref(), change);
    assert_eq!(case.outcome, "applied", "{}", case.name);
    Case { after: Some(told.after.clone()), ..case }
}

/// Returns every case.
pub(crate) fn cases() -> Vec<Case> {
    let ferry = ferry().told;
    let name = |told: &Told| match &told.change.body {
        ChangeBody::Ops(ops) => format!("{} ops to revision {}", ops.len(), told.change.to),
        _ => format!("a snapshot to revision {} ({})", told.change.to, told.change.kind),
    };
    let mut cases: Vec<Case> = ferry.iter().map(|told| applied(name(told), told)).collect();
    cases.extend(random().told.iter().map(|told| applied(format!("random: {}", name(told)), told)));
    cases.extend(out_of_order(&ferry));
    cases.extend(broken(&ferry));
    cases
}

fn out_of_order(ferry: &[Told]) -> Vec<Case> {
    let json = |told: &Told| serde_json::to_value(&told.change).expect("it is JSON");
    let mut fetched = json(&ferry[1]);
    fetched.as_object_mut().expect("an object").remove("ops");
    fetched["fetch"] = json!(format!("/v1/stories/{}?as_of=rev:2", story_id()));
    let healed = case("a snapshot heals a hole", ferry[1].before.as_ref(), json(&ferry[6]));
    vec![
        case("the same change again", Some(&ferry[1].after), json(&ferry[1])),
        case("a change from before", Some(&ferry[3].after), json(&ferry[1])),
        case("a snapshot from before", Some(&ferry[7].after), json(&ferry[6])),
        case("a change is missing", Some(&ferry[0].after), json(&ferry[2])),
        case("nothing is known yet", None, json(&ferry[2])),
        case("too large for a message", Some(&ferry[0].after), fetched),
        Case { after: Some(ferry[6].after.clone()), ..healed },
    ]
}

fn broken(ferry: &[Told]) -> Vec<Case> {
    let (second, third, kill) = (&ferry[1], &ferry[2], &ferry[6]);
    let other = json!(ferry[4].change.target);
    let at = |told: &Told, op: &str| {
        let ChangeBody::Ops(ops) = &told.change.body else { panic!("{:?}", told.change) };
        let is_it = |value: Value| value["op"] == op;
        ops.iter()
            .position(|each| is_it(serde_json::to_value(each).expect("it is JSON")))
            .unwrap_or_else(|| panic!("no {op} in {ops:?}"))
    };
    let edit = |member: &str, value: Value| {
        with(&second.change, &format!("/ops/{}{member}", at(second, "edit")), value)
    };
    let op = |op: &str, member: &str, value: Value| {
        with(&third.change, &format!("/ops/{}{member}", at(third, op)), value)
    };
    let (two, three, six) = (second.before.as_ref(), third.before.as_ref(), kill.before.as_ref());
    vec![
        case("another base", two, with(&second.change, "/base", other.clone())),
        case("another target", two, with(&second.change, "/target", other)),
        case("other words stand there", two, edit("/splices/0/1", json!("13"))),
        case("other words come", two, edit("/splices/0/2", json!("16"))),
        case("at another place", two, edit("/splices/0/0", json!(10))),
        case("behind the end", two, edit("/splices/0/0", json!(1_000))),
        case("a block that is not there", two, edit("/block", json!("b9"))),
        case("deletes a block that is not there", three, op("delete", "/block", json!("b9"))),
        case("inserts a block that is there", three, op("insert", "/block", json!("b1"))),
        case("inserts after a block that is not there", three, op("insert", "/after", json!("b9"))),
        case("a field that readers do not have", three, op("set", "/field", json!("ed_note"))),
        case("no such op", three, op("delete", "/op", json!("explode"))),
        case("another slug than the target's", six, with(&kill.change, "/snapshot/slug", json!("ferries"))),
        case(
            "a mark inside a character",
            ferry[0].before.as_ref(),
            with(
                &ferry[0].change,
                "/snapshot/blocks/1",
                json!({"id": "b2", "kind": "paragraph", "text": "Zoë", "marks": [{"start": 0, "end": 3, "kind": "em"}]}),
            ),
        ),
    ]
}

//! Everything in a bundle that follows from its core, by fixed rules.

use crate::bag::{File, Info, bag};
use crate::core::{Core, StoryCore};
use crate::describe::{crate_metadata, readme};
use crate::disclosure::{self, Line};
use crate::fault::Fault;
use crate::git;
use crate::log_files::LOG;
use crate::replay;
use crate::revision::{Told, article};
use crate::trust::{PEM, POLICY};

/// What checks a bundle with Python's standard library alone.
const VERIFY: &str = include_str!("../assets/verify.py");

/// Returns all files of the bundle with this core, whose stories tell `told`, in the order of their names.
pub(crate) fn derive(core: &Core, told: &[Vec<Told>]) -> Result<Vec<File>, Fault> {
    let head = core.head.checkpoint();
    let mut payload = vec![
        File::new(format!("{LOG}checkpoint"), core.head.to_text()),
        File::new(POLICY, core.trust.to_text()),
        File::new(PEM, core.trust.to_pem()),
        File::new("data/verify.py", VERIFY),
        File::new("data/README.txt", readme(core, told)),
    ];
    let log = core.log.0.iter().map(|(path, bytes)| File::new(format!("{LOG}{path}"), bytes.clone()));
    payload.extend(log);
    for (story, told) in core.stories.iter().zip(told) {
        of_story(core, story, told, &mut payload)?;
    }
    payload.sort_by(|one, other| one.name.cmp(&other.name));
    let newest = told.iter().flatten().max_by_key(|told| told.header.recorded);
    let recorded = newest.map(Told::recorded).unwrap_or_default();
    payload.push(File::new("data/ro-crate-metadata.json", crate_metadata(core, &payload, &recorded)));
    let info = Info { level: core.level, origin: head.origin(), size: head.size(), recorded: &recorded };
    Ok(bag(&info, payload))
}

fn of_story(core: &Core, story: &StoryCore, told: &[Told], payload: &mut Vec<File>) -> Result<(), Fault> {
    let folder = story.folder();
    let line = |(revision, record): (u64, &crate::core::CoreRecord)| Line {
        revision,
        index: record.index,
        values: record.values.clone(),
    };
    let lines = disclosure::write((1..).zip(&story.records).map(line), &story.hidden_by());
    payload.push(File::new(story.disclosures(), lines));
    payload.push(File::new(format!("{folder}/revisions.jsonl"), revisions(told)));
    payload.push(File::new(format!("{folder}/history.fi"), git::stream(told)));
    payload.push(File::new(format!("{folder}/replay.html"), replay::page(core.level, story.id, told)));
    for (revision, record) in (1..).zip(&story.records) {
        let name = format!("{folder}/receipts/{revision}.tlog-proof");
        let receipt = core.log.receipt(record.index, &core.head);
        payload.push(File::new(&*name, receipt.map_err(|why| Fault::of(&*name, why))?));
        if record.is_long() {
            payload.push(File::new(story.long_envelope(revision), record.envelope.clone()));
        }
    }
    Ok(())
}

/// Returns a line of JSON a revision: what it says of itself, and its whole article.
fn revisions(told: &[Told]) -> String {
    let mut lines = String::new();
    for told in told {
        let mut line = told.to_json();
        line.insert("article".to_owned(), article(&told.article).into());
        lines.push_str(&serde_json::to_string(&line).expect("plain data has a JSON form"));
        lines.push('\n');
    }
    lines
}

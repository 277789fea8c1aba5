//! `history.fi`: a story's history for `git fast-import`, a commit a revision.
//!
//! Author is who acted, by pseudonym; times are those of the record. The same history makes the same
//! commits, and so the same ids, wherever it is imported.

use crate::revision::{Told, article, plain};

/// Who wrote the commits down.
const COMMITTER: &str = "Writethru <log@writethru.invalid>";

/// Returns the stream for a story.
pub(crate) fn stream(revisions: &[Told]) -> String {
    let mut out = "feature done\nreset refs/heads/main\n".to_owned();
    for (mark, told) in (1..).zip(revisions) {
        commit(&mut out, mark, told);
    }
    out.push_str("done\n");
    out
}

fn commit(out: &mut String, mark: u64, told: &Told) {
    let at = told.header.recorded.as_second().max(0);
    let (actor, desk) = (told.header.actor.as_str(), told.header.desk.as_str());
    out.push_str(&format!("commit refs/heads/main\nmark :{mark}\n"));
    out.push_str(&format!("author {actor} <{actor}@{desk}.invalid> {at} +0000\n"));
    out.push_str(&format!("committer {COMMITTER} {at} +0000\n"));
    data(out, &message(told));
    if mark > 1 {
        out.push_str(&format!("from :{}\n", mark - 1));
    }
    file(out, "article.txt", &plain(&told.article));
    let json = serde_json::to_string_pretty(&article(&told.article)).expect("plain data has a JSON form");
    file(out, "article.json", &(json + "\n"));
    out.push('\n');
}

/// Returns what the revision says of itself: its note, and trailers.
fn message(told: &Told) -> String {
    let header = &told.header;
    let visible = if header.public { "public" } else { "not public" };
    let mut message = format!("Revision {}: {} ({visible})\n\n", header.revision, header.kind);
    let event = &told.event;
    let said = [
        Some(event.note.as_str()),
        event.correction.as_ref().map(|notice| notice.what.as_str()),
        event.act.as_ref().map(|act| act.reason.as_str()),
    ];
    for text in said.into_iter().flatten().filter(|text| !text.is_empty()) {
        message.push_str(text);
        message.push_str("\n\n");
    }
    message.push_str(&format!("Status: {}\nRecorded: {}\n", header.status, told.recorded()));
    let approver = event.act.as_ref().and_then(|act| act.approver.as_ref());
    let approver = approver.or(event.correction.as_ref().map(|notice| &notice.approver));
    if let Some(approver) = approver {
        message.push_str(&format!("Approved-by: {approver}\n"));
    }
    message.push_str(&format!("Entry: {}\nEnvelope: {}\nState: {}\n", told.index, told.hash, header.state));
    message
}

fn file(out: &mut String, path: &str, content: &str) {
    out.push_str(&format!("M 100644 inline {path}\n"));
    data(out, content);
}

fn data(out: &mut String, content: &str) {
    out.push_str(&format!("data {}\n{content}\n", content.len()));
}

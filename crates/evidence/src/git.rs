//! `history.fi`: a story's history for `git fast-import`, a commit a revision.
//!
//! Author is who acted, by pseudonym; times are those of the record. The same history makes the same
//! commits, and so the same ids, wherever it is imported.

use std::fmt::{self, Write as _};

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
    put(out, format_args!("commit refs/heads/main\nmark :{mark}\n"));
    put(out, format_args!("author {actor} <{actor}@{desk}.invalid> {at} +0000\n"));
    put(out, format_args!("committer {COMMITTER} {at} +0000\n"));
    data(out, &message(told));
    if mark > 1 {
        put(out, format_args!("from :{}\n", mark - 1));
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
    put(&mut message, format_args!("Status: {}\nRecorded: {}\n", header.status, told.recorded()));
    let approver = event.act.as_ref().and_then(|act| act.approver.as_ref());
    let approver = approver.or(event.correction.as_ref().map(|notice| &notice.approver));
    if let Some(approver) = approver {
        put(&mut message, format_args!("Approved-by: {approver}\n"));
    }
    put(
        &mut message,
        format_args!("Entry: {}\nEnvelope: {}\nState: {}\n", told.index, told.hash, header.state),
    );
    message
}

fn file(out: &mut String, path: &str, content: &str) {
    put(out, format_args!("M 100644 inline {path}\n"));
    data(out, content);
}

fn put(out: &mut String, text: fmt::Arguments<'_>) {
    out.write_fmt(text).expect("a text takes whatever is written");
}

fn data(out: &mut String, content: &str) {
    put(out, format_args!("data {}\n{content}\n", content.len()));
}

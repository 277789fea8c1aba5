//! `redact`: take words out of a story's record, or say something about them.

use clap::Args;
use reqwest::Method;
use serde_json::{Value, json};
use story::{ActorId, Basis, BlockId, CommandKey, Field, RedactionKind, Slug};
use uuid::Uuid;
use wire::http::{RedactBody, Redacted, RedactionPreview};

use crate::api::{Ask, Reply, typed};
use crate::commands::outcome::waits;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::{Output, say};
use crate::session::Session;

/// Options of `redact`.
#[derive(Debug, Args)]
#[command(before_help = "Examples:\n  \
    writethru redact fire --match \"John Doe\" --kind erase --basis GDPR-Art.17 --reason \"spent conviction\" --approver ed-7 --dry-run\n  \
    writethru redact fire --block b2 --sentence 1 --kind erase --basis court:2026/17 --reason \"court order\" --approver ed-7\n  \
    writethru redact fire --match \"John Doe\" --with \"A man\" --kind anonymise --basis GDPR-Art.17 --reason minor --approver ed-7\n  \
    writethru audit redactions fire            # what was redacted, by whom and by what right")]
pub(crate) struct Redact {
    /// The story: its slug or id
    #[arg(value_name = "STORY")]
    story: Slug,
    /// What is done: erase and anonymise remove the words from every file, withdraw hides them from readers and keeps
    /// them in the record, annotate leaves them
    #[arg(long, value_name = "KIND")]
    kind: RedactionKind,
    /// By what right, such as GDPR-Art.17 or court:2026/17: a reference, it is never redacted
    #[arg(long, value_name = "BASIS")]
    basis: Basis,
    /// Only of this block
    #[arg(long, value_name = "BLOCK", conflicts_with = "field")]
    block: Option<BlockId>,
    /// Only of this field, such as headline
    #[arg(long, value_name = "FIELD")]
    field: Option<Field>,
    /// Only the sentence of this number there, from 1
    #[arg(long, value_name = "N")]
    sentence: Option<u64>,
    /// Only sentences that hold these words, in just this spelling; without a block or field also notes and links
    #[arg(long = "match", value_name = "TEXT", required_unless_present_any = ["block", "field"])]
    words: Option<String>,
    /// Only as they stand in these revisions
    #[arg(long, value_name = "A..B")]
    revisions: Option<String>,
    /// To anonymise: what stands there from now on, in place of the words of --match or of the sentence
    #[arg(long = "with", value_name = "TEXT")]
    replacement: Option<String>,
    /// Why, for the record; readers are not told
    #[arg(long, value_name = "TEXT")]
    reason: String,
    /// Public note, for readers and subscribers
    #[arg(long, value_name = "TEXT", default_value = "", hide_default_value = true)]
    note: String,
    /// Who approved it: another person, who may approve on the story's desk. Where the policy has redactions need a
    /// second person, whoever says `approve` is recorded instead
    #[arg(long, value_name = "ACTOR")]
    approver: ActorId,
    /// The revision you saw; if the story has moved on, nothing is done (exit 3)
    #[arg(long, value_name = "REV")]
    expect: Option<u64>,
    /// Idempotency key: the same key never does it twice
    #[arg(long, value_name = "KEY")]
    key: Option<CommandKey>,
    /// Only list the sentences
    #[arg(long)]
    dry_run: bool,
}

impl Redact {
    /// Redacts, or lists what would be redacted.
    pub(crate) async fn run(&self, session: &Session) -> Result<Exit, Failure> {
        let body = RedactBody {
            kind: self.kind,
            basis: self.basis.clone(),
            block: self.block.clone(),
            field: self.field,
            sentence: self.sentence,
            words: self.words.clone(),
            revisions: self.revisions.clone(),
            replacement: self.replacement.clone(),
            reason: self.reason.clone(),
            note: self.note.clone(),
            approver: self.approver.clone(),
            expect: self.expect,
        };
        let path = ["v1", "stories", self.story.as_str(), "redactions"];
        let mut ask = Ask::new(Method::POST, &path).json(&json!(body));
        if self.dry_run {
            ask.query.push(("dry_run", "true".to_owned()));
        }
        ask.key = Some(self.key.as_ref().map_or_else(|| Uuid::now_v7().to_string(), ToString::to_string));
        let reply: Reply<Value> = session.api()?.ask(ask).await?;
        let answer = match reply {
            Reply::Waits(waiting) => return waits(&waiting, session.output).map(|()| Exit::Ok),
            Reply::Done(answer) => answer,
        };
        if session.output.json {
            session.output.json(&answer)?;
        } else if self.dry_run {
            preview(&typed(&answer)?, session.output)?;
        } else {
            done(&typed(&answer)?, session.output)?;
        }
        Ok(Exit::Ok)
    }
}

fn preview(found: &RedactionPreview, output: Output) -> Result<(), Failure> {
    for value in &found.values {
        let place = value.place.as_deref().unwrap_or("note or link");
        output.line(format_args!("{place}, since revision {}: {}", value.since, value.text))?;
    }
    let count = found.values.len();
    say(format_args!("{count} {}; nothing is done yet", if count == 1 { "sentence" } else { "sentences" }));
    Ok(())
}

fn done(done: &Redacted, output: Output) -> Result<(), Failure> {
    let Redacted { slug, revision, kind, values, records, .. } = done;
    if done.repeated {
        return output.line(format_args!("{slug}  revision {revision}  done before under this key"));
    }
    let sentences = if *values == 1 { "sentence" } else { "sentences" };
    let gone = if kind.erases() {
        format!(
            "gone from {records} {} of the log and from every view and stream",
            if *records == 1 { "record" } else { "records" }
        )
    } else if kind.hides() {
        "hidden from every reader, kept in the record".to_owned()
    } else {
        "left as it was, with a note".to_owned()
    };
    output.line(format_args!("{slug}  revision {revision}  {kind} · {values} {sentences}: {gone}"))?;
    if kind.erases() {
        say("backups and exports that were made before still have the words: they are yours to delete");
    }
    Ok(())
}

//! What is done to a story beside filing copy: hold it, publish it, kill it, put it under an embargo.
//!
//! One implementation for all of them: they differ in what they may say.

use clap::Args;
use reqwest::Method;
use serde_json::{Value, json};
use story::{ActorId, CommandKey, Slug};
use uuid::Uuid;
use wire::http::{ActBody, ActName};

use crate::api::{Ask, Reply};
use crate::commands::outcome::report;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::session::Session;
use crate::times;

/// What every act may say.
#[derive(Debug, Args)]
pub(crate) struct Said {
    /// The story: its slug or id
    #[arg(value_name = "STORY")]
    story: Slug,
    /// Public note, for readers and subscribers
    #[arg(long, value_name = "TEXT", default_value = "", hide_default_value = true)]
    note: String,
    /// Who approved it, where two people had to agree and did so elsewhere
    #[arg(long, value_name = "ACTOR")]
    approver: Option<ActorId>,
    /// The revision you saw; if the story has moved on, nothing is done (exit 3)
    #[arg(long, value_name = "REV")]
    expect: Option<u64>,
    /// Idempotency key: the same key never does it twice
    #[arg(long, value_name = "KEY")]
    key: Option<CommandKey>,
}

/// Options of `withhold`.
#[derive(Debug, Args)]
#[command(before_help = "Examples:\n  \
    writethru withhold ceasefire --reason \"source disputes the quotation\"\n  \
    writethru withhold ceasefire --reason \"under review\" --note \"We are checking this report\" --expect 7\n  \
    writethru release ceasefire                # when it may go out again")]
pub(crate) struct Withhold {
    /// Why, for the record; readers are not told
    #[arg(long, value_name = "TEXT")]
    reason: String,
    #[command(flatten)]
    said: Said,
}

/// Options of `release`.
#[derive(Debug, Args)]
#[command(before_help = "Examples:\n  \
    writethru release ceasefire                # a draft, held or scheduled story goes out now\n  \
    writethru release ceasefire --at 2026-11-24T06:00:00Z\n  \
    writethru release ceasefire --reason \"quotation confirmed\" --json")]
pub(crate) struct Release {
    /// When it is to go out (RFC 3339); now, without
    #[arg(long, value_name = "TIME", value_parser = times::instant)]
    at: Option<String>,
    /// Why, for the record; readers are not told
    #[arg(long, value_name = "TEXT", default_value = "", hide_default_value = true)]
    reason: String,
    #[command(flatten)]
    said: Said,
}

/// Options of `kill`.
#[derive(Debug, Args)]
#[command(before_help = "Examples:\n  \
    writethru kill ceasefire --reason \"the statement was forged\" --note \"This story is withdrawn\"\n  \
    writethru kill ceasefire --reason forged --approver ed-7 --expect 7\n  \
    writethru recall status ceasefire          # who has it, and who has acted on the kill")]
pub(crate) struct Kill {
    /// Why, for the record; readers are not told
    #[arg(long, value_name = "TEXT")]
    reason: String,
    #[command(flatten)]
    said: Said,
}

/// Options of `takedown`.
#[derive(Debug, Args)]
#[command(before_help = "Examples:\n  \
    writethru takedown ceasefire --reason \"court order 17/2026\"\n  \
    writethru takedown ceasefire --reason \"court order 17/2026\" --approver legal-2\n  \
    writethru restore ceasefire --reason \"order lifted\"      # the legal role's alone")]
pub(crate) struct Takedown {
    /// Why, for the record; readers are not told
    #[arg(long, value_name = "TEXT")]
    reason: String,
    #[command(flatten)]
    said: Said,
}

/// Options of `unpublish`.
#[derive(Debug, Args)]
#[command(before_help = "Examples:\n  \
    writethru unpublish ceasefire --reason \"went out a day early\"\n  \
    writethru release ceasefire                # when it may go out again")]
pub(crate) struct Unpublish {
    /// Why, for the record; readers are not told
    #[arg(long, value_name = "TEXT")]
    reason: String,
    #[command(flatten)]
    said: Said,
}

/// Options of `restore`.
#[derive(Debug, Args)]
#[command(before_help = "Examples:\n  \
    writethru restore ceasefire --reason \"the statement was genuine\"\n  \
    writethru restore ceasefire --reason \"to be rewritten\" --draft   # readers see nothing of it yet")]
pub(crate) struct Restore {
    /// Why, for the record; readers are not told
    #[arg(long, value_name = "TEXT")]
    reason: String,
    /// Bring it back as a draft: readers see nothing of it yet
    #[arg(long)]
    draft: bool,
    #[command(flatten)]
    said: Said,
}

/// Options of `embargo`.
#[derive(Debug, Args)]
#[command(before_help = "Examples:\n  \
    writethru embargo budget --until 2026-11-24T12:30:00Z      # it goes out then, by itself\n  \
    writethru embargo budget --until 2026-11-24T14:00:00+01:00 # or moves the end\n  \
    writethru embargo budget --lift --note \"Released early\"    # it goes out now\n  \
    writethru audit embargo budget                             # did anything leave before?")]
pub(crate) struct Embargo {
    /// When it ends (RFC 3339)
    #[arg(long, value_name = "TIME", value_parser = times::instant, required_unless_present = "lift")]
    until: Option<String>,
    /// End it now
    #[arg(long, conflicts_with = "until")]
    lift: bool,
    /// Why, for the record; readers are not told
    #[arg(long, value_name = "TEXT", default_value = "", hide_default_value = true)]
    reason: String,
    #[command(flatten)]
    said: Said,
}

/// An act, ready to be sent.
struct Acting<'a> {
    act: ActName,
    said: &'a Said,
    reason: &'a str,
    at: Option<&'a String>,
    draft: bool,
}

impl Withhold {
    /// Holds the story.
    pub(crate) async fn run(&self, session: &Session) -> Result<Exit, Failure> {
        Acting::new(ActName::Withhold, &self.said, &self.reason).run(session).await
    }
}

impl Release {
    /// Publishes the story, or says when.
    pub(crate) async fn run(&self, session: &Session) -> Result<Exit, Failure> {
        let acting = Acting::new(ActName::Release, &self.said, &self.reason);
        Acting { at: self.at.as_ref(), ..acting }.run(session).await
    }
}

impl Kill {
    /// Kills the story.
    pub(crate) async fn run(&self, session: &Session) -> Result<Exit, Failure> {
        Acting::new(ActName::Kill, &self.said, &self.reason).run(session).await
    }
}

impl Takedown {
    /// Takes the story down.
    pub(crate) async fn run(&self, session: &Session) -> Result<Exit, Failure> {
        Acting::new(ActName::Takedown, &self.said, &self.reason).run(session).await
    }
}

impl Unpublish {
    /// Takes the story from readers.
    pub(crate) async fn run(&self, session: &Session) -> Result<Exit, Failure> {
        Acting::new(ActName::Unpublish, &self.said, &self.reason).run(session).await
    }
}

impl Restore {
    /// Brings the story back.
    pub(crate) async fn run(&self, session: &Session) -> Result<Exit, Failure> {
        let acting = Acting::new(ActName::Restore, &self.said, &self.reason);
        Acting { draft: self.draft, ..acting }.run(session).await
    }
}

impl Embargo {
    /// Sets, moves or ends the embargo.
    pub(crate) async fn run(&self, session: &Session) -> Result<Exit, Failure> {
        let act = if self.lift { ActName::Lift } else { ActName::Embargo };
        let acting = Acting::new(act, &self.said, &self.reason);
        Acting { at: self.until.as_ref(), ..acting }.run(session).await
    }
}

impl<'a> Acting<'a> {
    const fn new(act: ActName, said: &'a Said, reason: &'a str) -> Self {
        Self { act, said, reason, at: None, draft: false }
    }

    /// Does it, and prints what became of the story.
    async fn run(self, session: &Session) -> Result<Exit, Failure> {
        let said = self.said;
        let body = ActBody {
            reason: self.reason.to_owned(),
            note: said.note.clone(),
            at: self.at.cloned(),
            draft: self.draft,
            approver: said.approver.clone(),
            expect: said.expect,
        };
        let api = session.api()?;
        let path = ["v1", "stories", said.story.as_str(), "acts", self.act.as_str()];
        let mut ask = Ask::new(Method::POST, &path).json(&json!(body));
        ask.key = Some(said.key.as_ref().map_or_else(|| Uuid::now_v7().to_string(), ToString::to_string));
        let reply: Reply<Value> = api.ask(ask).await?;
        report(&api, reply, session.output).await
    }
}

//! `audit stealth`, `corrections`, `recalls`, `public`, and `embargo` of every story.

use clap::Args;
use wire::http::{
    ChangeName, CorrectionFinding, EmbargoAudit, EmbargoView, Lack, PublicStretch, RecallFinding,
    RecallSubscriber, SilentChange,
};

use super::report::{Asked, Cell, Report};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::session::Session;

/// Options of a question about the house.
#[derive(Debug, Args)]
#[command(before_help = "Examples:\n  \
    writethru audit stealth --desk world\n  \
    writethru audit corrections --from 2026-11-01T00:00:00Z --to 2026-12-01T00:00:00Z --csv\n  \
    writethru audit recalls --json | jq '[.slug, .got, .acknowledged]'\n  \
    writethru audit public --from 2026-11-23T09:00:00Z --to 2026-11-23T10:00:00Z")]
pub(super) struct Question {
    #[command(flatten)]
    asked: Asked,
}

impl Question {
    /// Prints changes after publication of which no public note tells.
    pub(super) async fn stealth(&self, session: &Session) -> Result<Exit, Failure> {
        let report = Report {
            name: "stealth",
            columns: &["when", "story", "desk", "from", "to", "kind", "by", "level", "silence", "reasons"],
            lines: |found: &SilentChange| {
                let reasons: Vec<String> = found.reasons.iter().copied().map(code).collect();
                let mut line = named(&found.change);
                line.push(Cell::text(&found.level));
                line.push(Cell::text(found.silence.as_str()));
                line.push(Cell::text(&reasons.join(" ")));
                vec![line]
            },
            nothing: "readers were told of every substantive change",
        };
        self.asked.ask(session, &report, |_| false).await
    }

    /// Prints corrections that lack something.
    pub(super) async fn corrections(&self, session: &Session) -> Result<Exit, Failure> {
        let report = Report {
            name: "corrections",
            columns: &["when", "story", "desk", "from", "to", "kind", "by", "lacks"],
            lines: |found: &CorrectionFinding| {
                let lacks: Vec<&str> = found.lacks.iter().map(|lack: &Lack| lack.as_str()).collect();
                let mut line = named(&found.change);
                line.push(Cell::text(&lacks.join(" ")));
                vec![line]
            },
            nothing: "no correction lacks anything",
        };
        self.asked.ask(session, &report, |_| false).await
    }

    /// Prints a line for each subscriber of each recall.
    pub(super) async fn recalls(&self, session: &Session) -> Result<Exit, Failure> {
        let report = Report {
            name: "recalls",
            columns: &["when", "story", "recall", "kind", "voids", "subscriber", "got", "acknowledged"],
            lines: recall,
            nothing: "nothing was called back",
        };
        self.asked.ask(session, &report, |_| false).await
    }

    /// Prints what readers had.
    pub(super) async fn public(&self, session: &Session) -> Result<Exit, Failure> {
        let report = Report {
            name: "public",
            columns: &["story", "desk", "rev", "kind", "status", "since", "until", "reachable now"],
            lines: |had: &PublicStretch| {
                vec![vec![
                    Cell::text(&had.slug),
                    Cell::text(&had.desk),
                    Cell::text(&had.revision),
                    Cell::text(&had.kind),
                    Cell::text(&had.status),
                    Cell::time(had.since),
                    Cell::Time(had.until),
                    Cell::text(if had.reachable { "yes" } else { "no" }),
                ]]
            },
            nothing: "readers had nothing then",
        };
        self.asked.ask(session, &report, |_| false).await
    }
}

/// Prints every story's embargoes; ends with [`Exit::Differs`] if one was broken.
pub(super) async fn embargo(asked: &Asked, session: &Session) -> Result<Exit, Failure> {
    let report = Report {
        name: "embargo",
        columns: &["story", "set", "until", "by", "ended", "kept"],
        lines: |audit: &EmbargoAudit| {
            let kept = match (audit.breach, audit.complete) {
                (true, _) => "NO",
                (false, true) => "yes",
                (false, false) => "as far as was looked at",
            };
            let line = |embargo: &EmbargoView| {
                vec![
                    Cell::text(&audit.slug),
                    Cell::time(embargo.set),
                    Cell::time(embargo.until),
                    Cell::text(&embargo.actor),
                    Cell::Time(embargo.ended),
                    Cell::text(kept),
                ]
            };
            audit.embargoes.iter().map(line).collect()
        },
        nothing: "no story was under embargo",
    };
    asked.ask(session, &report, |audit| audit.breach).await
}

fn named(change: &ChangeName) -> Vec<Cell> {
    vec![
        Cell::time(change.recorded),
        Cell::text(&change.slug),
        Cell::text(&change.desk),
        Cell::text(&change.from),
        Cell::text(&change.revision),
        Cell::text(&change.kind),
        Cell::text(&change.actor),
    ]
}

fn code(code: story::significance::Code) -> String {
    serde_json::to_value(code).ok().and_then(|code| code.as_str().map(str::to_owned)).unwrap_or_default()
}

/// Returns a line for each subscriber that got what was called back; one, if nobody is known to have.
fn recall(found: &RecallFinding) -> Vec<Vec<Cell>> {
    let line = |subscriber: Option<&RecallSubscriber>| {
        let recall = &found.recall;
        let voids: Vec<String> = recall.voids.iter().map(ToString::to_string).collect();
        let got = subscriber.and_then(|subscriber| subscriber.got);
        vec![
            Cell::time(recall.recorded),
            Cell::text(&found.slug),
            Cell::text(&recall.revision),
            Cell::text(&recall.kind),
            Cell::text(&voids.join(" ")),
            Cell::text(&subscriber.map(|subscriber| subscriber.subscriber.to_string()).unwrap_or_default()),
            Cell::text(&got.map(|got| got.to_string()).unwrap_or_default()),
            Cell::Time(subscriber.and_then(|subscriber| subscriber.acknowledged)),
        ]
    };
    if found.recall.subscribers.is_empty() {
        return vec![line(None)];
    }
    found.recall.subscribers.iter().map(|subscriber| line(Some(subscriber))).collect()
}

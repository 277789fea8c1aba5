//! `blame`: who wrote what, stretch by stretch.

use clap::Args;
use story::Slug;
use wire::http::{BlameSpan, BlameView};

use crate::api::{Query, typed};
use crate::commands::when::When;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::Output;
use crate::session::Session;
use crate::times;

/// Options of `blame`.
#[derive(Debug, Args)]
#[command(before_help = "Examples:\n  \
    writethru blame ceasefire\n  \
    writethru blame ceasefire --as-of rev:3 --public\n  \
    writethru blame ceasefire --json | jq -r '.blocks[].spans[] | [.revision, .actor, .text] | @tsv'")]
pub(crate) struct Blame {
    /// The story: its slug or id
    #[arg(value_name = "STORY")]
    story: Slug,
    #[command(flatten)]
    when: When,
    /// As readers see it: only public revisions are named
    #[arg(long)]
    public: bool,
}

impl Blame {
    /// Prints a line a stretch, or the answer.
    pub(crate) async fn run(&self, session: &Session) -> Result<Exit, Failure> {
        let mut query: Query = vec![("view", if self.public { "public" } else { "desk" }.into())];
        self.when.ask(&mut query);
        let path = ["v1", "stories", self.story.as_str(), "blame"];
        let answer: serde_json::Value = session.api()?.get(&path, &query).await?;
        if session.output.json {
            session.output.json(&answer)?;
        } else {
            print(&typed(&answer)?, session.output)?;
        }
        Ok(Exit::Ok)
    }
}

fn print(blame: &BlameView, output: Output) -> Result<(), Failure> {
    let all = || {
        blame.headline.iter().chain(&blame.summary).chain(blame.blocks.iter().flat_map(|block| &block.spans))
    };
    let width =
        |shown: fn(&BlameSpan) -> String| all().map(|span| shown(span).chars().count()).max().unwrap_or(0);
    let widths = (
        width(|span| span.revision.to_string()),
        width(|span| span.actor.to_string()),
        width(|span| span.kind.to_string()),
    );
    lines(&blame.headline, widths, output)?;
    if !blame.summary.is_empty() {
        lines(&blame.summary, widths, output)?;
    }
    for block in &blame.blocks {
        output.line("")?;
        lines(&block.spans, widths, output)?;
    }
    Ok(())
}

/// Prints the stretches of one text: where it came from, then the words.
fn lines(
    spans: &[BlameSpan],
    (revision, actor, kind): (usize, usize, usize),
    output: Output,
) -> Result<(), Failure> {
    let dim = anstyle::Style::new().dimmed();
    for span in spans {
        let (number, who, what, when) = (span.revision, &span.actor, span.kind, times::shown(span.recorded));
        let from =
            format!("{number:>revision$}  {:actor$}  {:kind$}  {when}", who.to_string(), what.to_string());
        output.line(format_args!("{dim}{from}{dim:#}  {}", span.text.trim_end()))?;
    }
    Ok(())
}

//! `show`: an article, now or as it was.

use clap::Args;
use story::Slug;

use crate::api::Query;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::Output;
use crate::session::Session;
use crate::times;

/// Options of `show`.
#[derive(Debug, Args)]
#[command(before_help = "Examples:\n  \
    writethru show ceasefire\n  \
    writethru show ceasefire --as-of rev:3\n  \
    writethru show ceasefire --as-of 2026-11-22T14:32:00Z --public\n  \
    writethru show ceasefire --json | jq -r '.blocks[].text'")]
pub(crate) struct Show {
    /// The story: its slug or id
    #[arg(value_name = "STORY")]
    story: Slug,
    /// As it was: rev:N, rev:-N (N before the newest), a time (RFC 3339), or cursor:…
    #[arg(long, value_name = "WHEN", allow_hyphen_values = true, value_parser = as_of)]
    as_of: Option<String>,
    /// As readers see it: only what has been published
    #[arg(long)]
    public: bool,
}

impl Show {
    /// Prints the article.
    pub(crate) async fn run(&self, session: &Session) -> Result<Exit, Failure> {
        let mut query: Query = vec![("view", if self.public { "public" } else { "desk" }.into())];
        query.extend(self.as_of.as_ref().map(|as_of| ("as_of", as_of.clone())));
        let path = ["v1", "stories", self.story.as_str()];
        if session.output.json {
            let article: serde_json::Value = session.api()?.get(&path, &query).await?;
            session.output.json(&article)?;
        } else {
            let article: wire::ArticleView = session.api()?.get(&path, &query).await?;
            print(&article, session.output)?;
        }
        Ok(Exit::Ok)
    }
}

/// Checks a point in a story's time.
fn as_of(given: &str) -> Result<String, String> {
    given.parse::<projector::AsOf>().map(|_| given.to_owned()).map_err(|error| error.to_string())
}

fn print(article: &wire::ArticleView, output: Output) -> Result<(), Failure> {
    let bold = anstyle::Style::new().bold();
    let dim = anstyle::Style::new().dimmed();
    output.line(format_args!("{bold}{}{bold:#}", article.headline))?;
    if let Some(summary) = &article.summary {
        output.line(summary)?;
    }
    let mut about = vec![
        article.slug.clone(),
        article.desk.to_string(),
        format!("revision {}", article.revision),
        article.status.to_string(),
        times::ago(article.recorded, times::now()),
    ];
    if !article.bylines.is_empty() {
        about.insert(0, format!("by {}", article.bylines.join(", ")));
    }
    output.line(format_args!("{dim}{}{dim:#}", about.join(" · ")))?;
    for block in &article.blocks {
        let text = &block.text;
        output.line("")?;
        match block.kind {
            story::BlockKind::Heading => output.line(format_args!("{bold}{text}{bold:#}"))?,
            story::BlockKind::Quote => output.line(format_args!("  “{text}”"))?,
            story::BlockKind::List => output.line(format_args!("  • {text}"))?,
            story::BlockKind::Media => output.line(format_args!("[{text}]"))?,
            story::BlockKind::Paragraph | story::BlockKind::Entry => output.line(text)?,
        }
    }
    Ok(())
}

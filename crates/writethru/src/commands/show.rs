//! `show`: an article, now or as it was.

use clap::{Args, ValueEnum};
use jiff::Timestamp;
use story::{Slug, Status};

use crate::api::Query;
use crate::commands::when::When;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::{Output, write_bytes};
use crate::session::Session;
use crate::times;

/// Options of `show`.
#[derive(Debug, Args)]
#[command(before_help = "Examples:\n  \
    writethru show ceasefire\n  \
    writethru show ceasefire --as-of rev:3\n  \
    writethru show ceasefire --as-of 2026-11-22T14:32:00Z --public\n  \
    writethru show ceasefire --format newsml-g2 > ceasefire.xml\n  \
    writethru show ceasefire --json | jq -r '.blocks[].text'")]
pub(crate) struct Show {
    /// The story: its slug or id
    #[arg(value_name = "STORY")]
    story: Slug,
    #[command(flatten)]
    when: When,
    /// As readers see it: only what has been published
    #[arg(long)]
    public: bool,
    /// As the record has it, with what was withdrawn from every reader; needs the right to that
    #[arg(long, conflicts_with_all = ["public", "format"])]
    record: bool,
    /// In which format; as people read it, without
    #[arg(long, value_name = "FORMAT", value_enum)]
    format: Option<Format>,
}

/// A format that an article can be had in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// The service's own JSON
    Json,
    /// Plain text
    Text,
    /// IPTC ninjs
    Ninjs,
    /// IPTC NewsML-G2
    NewsmlG2,
    /// schema.org JSON-LD
    Jsonld,
}

impl Format {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Json => "json",
            Self::Text => "text",
            Self::Ninjs => "ninjs",
            Self::NewsmlG2 => "newsml-g2",
            Self::Jsonld => "jsonld",
        }
    }
}

impl Show {
    /// Prints the article.
    pub(crate) async fn run(&self, session: &Session) -> Result<Exit, Failure> {
        let mut query = Query::new();
        let mut path = vec!["v1", "stories", self.story.as_str()];
        if self.record {
            path.push("record");
        } else {
            query.push(("view", if self.public { "public" } else { "desk" }.into()));
        }
        self.when.ask(&mut query);
        if let Some(format) = self.format.filter(|format| *format != Format::Json) {
            query.push(("format", format.as_str().to_owned()));
            let text = session.api()?.bytes(&path, &query).await?;
            write_bytes(&text)?;
            if !text.ends_with(b"\n") {
                write_bytes(b"\n")?;
            }
        } else if session.output.json || self.format.is_some() {
            let article: serde_json::Value = session.api()?.get(&path, &query).await?;
            session.output.json(&article)?;
        } else {
            let article: wire::ArticleView = session.api()?.get(&path, &query).await?;
            print(&article, session.output)?;
        }
        Ok(Exit::Ok)
    }
}

/// Returns where a story stands, and until when.
pub(crate) fn stands(status: Status, until: Option<Timestamp>) -> String {
    until.map_or_else(|| status.to_string(), |until| format!("{status} until {}", times::shown(until)))
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
        stands(article.status, article.until),
        times::ago(article.recorded, times::now()),
    ];
    if !article.bylines.is_empty() {
        about.insert(0, format!("by {}", article.bylines.join(", ")));
    }
    output.line(format_args!("{dim}{}{dim:#}", about.join(" · ")))?;
    if article.blocks.is_empty() && article.headline.is_empty() {
        return output.line("readers see nothing of it");
    }
    for block in &article.blocks {
        let text = &block.text;
        output.line("")?;
        if article.pinned.iter().any(|pinned| *pinned == block.id.as_str()) {
            output.line(format_args!("{dim}pinned{dim:#}"))?;
        }
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

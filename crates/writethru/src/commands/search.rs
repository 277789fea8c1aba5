//! `search`: where a phrase stood, and when readers had it.

use clap::Args;
use story::{Desk, Slug};
use wire::http::{PhraseStory, PhraseStretch};

use crate::api::{Query, typed};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::{Output, say};
use crate::session::Session;
use crate::times;

/// Options of `search`.
#[derive(Debug, Args)]
#[command(before_help = "Examples:\n  \
    writethru search --phrase 'at least four'\n  \
    writethru search --phrase 'at least four' --story ceasefire --public\n  \
    writethru search --phrase 'at least four' --desk world --json | jq '[.slug, .first_public, .last_public]'")]
pub(crate) struct Search {
    /// The words, as they follow one another; case and white space do not count
    #[arg(long, value_name = "TEXT")]
    phrase: String,
    /// Only this story: its slug or id
    #[arg(long, value_name = "STORY")]
    story: Option<Slug>,
    /// Only this desk's stories
    #[arg(long, value_name = "DESK")]
    desk: Option<Desk>,
    /// At most this many stories
    #[arg(long, value_name = "N", default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..))]
    limit: u32,
    /// Only what readers can reach
    #[arg(long)]
    public: bool,
}

/// Stories asked for at a time.
const PAGE_STORIES: usize = 100;

impl Search {
    /// Prints what was found of each story, or one JSON object a story.
    pub(crate) async fn run(&self, session: &Session) -> Result<Exit, Failure> {
        let api = session.api()?;
        let mut left = usize::try_from(self.limit).unwrap_or(usize::MAX);
        let mut after: Option<String> = None;
        let mut found = 0_usize;
        loop {
            let mut query = self.query(left.min(PAGE_STORIES));
            query.extend(after.map(|after| ("after", after)));
            let page: serde_json::Value = api.get(&["v1", "search"], &query).await?;
            for story in page["stories"].as_array().into_iter().flatten().take(left) {
                if session.output.json {
                    session.output.json(story)?;
                } else {
                    print(&typed(story)?, session.output)?;
                }
                found += 1;
                left -= 1;
            }
            // A page looks through so much, and may find nothing there.
            after = page["next"].as_str().map(str::to_owned);
            if after.is_none() || left == 0 {
                break;
            }
        }
        if found == 0 {
            say(format_args!("no revision has {:?}", self.phrase));
        } else if after.is_some() {
            say("there may be more: ask with a higher --limit");
        }
        Ok(Exit::Ok)
    }

    fn query(&self, limit: usize) -> Query {
        let mut query: Query = vec![("phrase", self.phrase.clone()), ("limit", limit.to_string())];
        query.push(("view", if self.public { "public" } else { "desk" }.into()));
        query.extend(self.story.as_ref().map(|story| ("story", story.to_string())));
        query.extend(self.desk.as_ref().map(|desk| ("desk", desk.to_string())));
        query
    }
}

fn print(found: &PhraseStory, output: Output) -> Result<(), Failure> {
    let bold = anstyle::Style::new().bold();
    let dim = anstyle::Style::new().dimmed();
    let public = match (found.first_public, found.last_public) {
        (None, _) => "never public".to_owned(),
        (Some(first), None) => format!("public since {}", times::shown(first)),
        (Some(first), Some(last)) => format!("public from {} to {}", times::shown(first), times::shown(last)),
    };
    output.line(format_args!("{bold}{}{bold:#}  {}  {public}", found.slug, found.desk))?;
    for stretch in &found.revisions {
        let (revisions, places) = (revisions(stretch), stretch.places.join(", "));
        let until = stretch.until.map_or_else(|| "now".to_owned(), times::shown);
        let since = times::shown(stretch.since);
        output.line(format_args!("  {revisions}  {dim}{since} to {until}  in {places}{dim:#}"))?;
    }
    if found.more {
        output.line(format_args!("  {dim}and more{dim:#}"))?;
    }
    Ok(())
}

fn revisions(stretch: &PhraseStretch) -> String {
    let PhraseStretch { from, to, .. } = stretch;
    if from == to { format!("revision {from}") } else { format!("revisions {from} to {to}") }
}

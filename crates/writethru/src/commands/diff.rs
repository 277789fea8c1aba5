//! `diff`: what changed between two revisions, word by word.

use clap::Args;
use story::{Article, Slug};

use crate::api::{Api, Query};
use crate::commands::when::When;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::say;
use crate::session::Session;
use crate::words::{Words, matters};

/// Options of `diff`.
#[derive(Debug, Args)]
#[command(before_help = "Examples:\n  \
    writethru diff ceasefire                   # the last change\n  \
    writethru diff ceasefire 3..5\n  \
    writethru diff ceasefire rev:-3..          # the last three changes together\n  \
    writethru diff ceasefire --as-of 2026-11-22T14:32:00Z   # the last change by then\n  \
    writethru diff ceasefire ..2 --json        # from nothing to revision 2, as ops")]
pub(crate) struct Diff {
    /// The story: its slug or id
    #[arg(value_name = "STORY")]
    story: Slug,
    /// From which revision to which: A..B, A.., ..B; each N, rev:N or rev:-N
    #[arg(value_name = "A..B", value_parser = range, conflicts_with = "as_of")]
    range: Option<Range>,
    #[command(flatten)]
    when: When,
    /// As readers saw it: only what has been published
    #[arg(long)]
    public: bool,
    /// Print every unchanged word of a changed paragraph
    #[arg(long)]
    whole: bool,
}

/// Two ends; an open one is the story's own end.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Range {
    from: Option<Point>,
    to: Option<Point>,
}

/// A revision as people name it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Point {
    /// By number; 0 stands before the first.
    Number(u64),
    /// So many before the newest.
    Back(u64),
}

impl Point {
    /// Returns the revision as the API takes it.
    fn moment(self) -> String {
        match self {
            Self::Number(number) => number.to_string(),
            Self::Back(back) => format!("rev:-{back}"),
        }
    }
}

/// Reads a range.
fn range(given: &str) -> Result<Range, String> {
    let expected = "two revisions are expected: A..B, A.. or ..B, each N, rev:N or rev:-N";
    let (from, to) = given.split_once("..").ok_or_else(|| expected.to_owned())?;
    let end = |text: &str| match text {
        "" => Ok(None),
        text => point(text).map(Some).ok_or_else(|| format!("{text:?} is no revision: {expected}")),
    };
    Ok(Range { from: end(from)?, to: end(to)? })
}

fn point(text: &str) -> Option<Point> {
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok())?;
    match text.strip_prefix("rev:") {
        Some(text) => match text.strip_prefix('-') {
            Some(back) => digits(back).map(Point::Back),
            None => digits(text).map(Point::Number),
        },
        None => digits(text).map(Point::Number),
    }
}

impl Diff {
    /// Prints the words that changed, or the ops as JSON.
    pub(crate) async fn run(&self, session: &Session) -> Result<Exit, Failure> {
        let api = session.api()?;
        let mut query: Query = vec![("view", self.view().into())];
        if let Some(Range { from, to }) = &self.range {
            query.push(("from", from.map_or_else(|| "0".to_owned(), Point::moment)));
            query.extend(to.map(|to| ("to", to.moment())));
        }
        self.when.ask(&mut query);
        let path = ["v1", "stories", self.story.as_str(), "diff"];
        if session.output.json {
            let answer: serde_json::Value = api.get(&path, &query).await?;
            session.output.json(&answer)?;
            return Ok(Exit::Ok);
        }
        let answer: wire::http::DiffView = api.get(&path, &query).await?;
        let (from, to) = (answer.from.get(), answer.to.get());
        let (before, after) = (self.article(&api, from).await?, self.article(&api, to).await?);
        let words = Words { color: session.output.color(), whole: self.whole };
        let lines = words.difference(&before, &after);
        if lines.is_empty() {
            say(format_args!("{} is the same at revision {from} and {to}", self.story));
            return Ok(Exit::Ok);
        }
        session.output.line(format_args!(
            "{}  {from} → {to}  {}",
            self.story,
            matters(&answer.significance)
        ))?;
        for line in lines {
            session.output.line(line)?;
        }
        Ok(Exit::Ok)
    }

    const fn view(&self) -> &'static str {
        if self.public { "public" } else { "desk" }
    }

    async fn view_of(&self, api: &Api, as_of: &str) -> Result<wire::ArticleView, Failure> {
        let query = vec![("view", self.view().to_owned()), ("as_of", as_of.to_owned())];
        api.get(&["v1", "stories", self.story.as_str()], &query).await
    }

    /// Returns the article at `revision`; the empty one, before the first.
    async fn article(&self, api: &Api, revision: u64) -> Result<Article, Failure> {
        if revision == 0 {
            return Ok(Article::default());
        }
        let view = self.view_of(api, &format!("rev:{revision}")).await?;
        view.to_article().map_err(|error| {
            Failure::new(Exit::Failure, "answer-unreadable", "the server sent an article that is none")
                .because(&error)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(given: &str, from: Option<Point>, to: Option<Point>) {
        assert_eq!(range(given), Ok(Range { from, to }), "{given}");
    }

    #[test]
    fn every_form_of_a_range_is_read() {
        check("3..5", Some(Point::Number(3)), Some(Point::Number(5)));
        check("3..", Some(Point::Number(3)), None);
        check("..5", None, Some(Point::Number(5)));
        check("rev:-3..rev:7", Some(Point::Back(3)), Some(Point::Number(7)));
        check("..", None, None);
    }

    #[test]
    fn what_is_no_range_is_refused() {
        for given in ["3", "a..b", "3...5", "-1..2", "rev:..2", "99999999999999999999999..", "+1..2"] {
            assert!(range(given).is_err(), "{given}");
        }
    }
}

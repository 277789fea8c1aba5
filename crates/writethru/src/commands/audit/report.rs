//! What an audit's answers are printed as: a table, JSON or CSV, page by page.

use clap::Args;
use jiff::Timestamp;
use serde::de::DeserializeOwned;
use serde_json::Value;
use story::Desk;

use crate::api::{Query, typed};
use crate::commands::list::table;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::{Output, say};
use crate::session::Session;
use crate::times;

/// Lines asked for at a time.
const PAGE: usize = 200;

/// What is asked about, and how it is answered.
#[derive(Debug, Args)]
pub(super) struct Asked {
    /// Only at this time or later (RFC 3339)
    #[arg(long, value_name = "TIME", value_parser = times::instant)]
    from: Option<String>,
    /// Only before this time (RFC 3339)
    #[arg(long, value_name = "TIME", value_parser = times::instant)]
    to: Option<String>,
    /// Only this desk's
    #[arg(long, value_name = "DESK")]
    desk: Option<Desk>,
    /// At most this many
    #[arg(long, value_name = "N", default_value_t = 1000, value_parser = clap::value_parser!(u32).range(1..))]
    limit: u32,
    /// Answer in CSV (RFC 4180), with a first line of names
    #[arg(long)]
    csv: bool,
}

/// One cell.
pub(super) enum Cell {
    /// Words.
    Text(String),
    /// A time, if there is one.
    Time(Option<Timestamp>),
}

impl Cell {
    pub(super) fn text(of: &(impl ToString + ?Sized)) -> Self {
        Self::Text(of.to_string())
    }

    pub(super) const fn time(of: Timestamp) -> Self {
        Self::Time(Some(of))
    }

    fn for_people(self) -> String {
        match self {
            Self::Text(text) => text,
            Self::Time(time) => time.map(times::shown).unwrap_or_default(),
        }
    }

    fn for_programs(self) -> String {
        match self {
            Self::Text(text) => text,
            Self::Time(time) => time.map(|time| time.to_string()).unwrap_or_default(),
        }
    }
}

/// A question, and what an answer looks like.
pub(super) struct Report<T> {
    /// The last part of its address.
    pub(super) name: &'static str,
    /// What the columns are called.
    pub(super) columns: &'static [&'static str],
    /// The lines that tell a finding.
    pub(super) lines: fn(&T) -> Vec<Vec<Cell>>,
    /// What is said if there is none.
    pub(super) nothing: &'static str,
}

/// Which part of a list that is told newest first, and how it is printed.
#[derive(Debug, Args)]
pub(super) struct Newest {
    /// Only at this time or later (RFC 3339)
    #[arg(long, value_name = "TIME", value_parser = times::instant)]
    from: Option<String>,
    /// Only before this time (RFC 3339)
    #[arg(long, value_name = "TIME", value_parser = times::instant)]
    to: Option<String>,
    /// At most this many, the newest
    #[arg(long, value_name = "N", default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..))]
    limit: u32,
    /// Answer in CSV (RFC 4180), with a first line of names
    #[arg(long)]
    csv: bool,
}

/// A list that is told newest first, and what a line of it looks like.
pub(super) struct Listing<T> {
    /// The member of an answer that holds the lines.
    pub(super) member: &'static str,
    /// What the columns are called.
    pub(super) columns: &'static [&'static str],
    /// The cells of a line.
    pub(super) line: fn(&T) -> Vec<Cell>,
    /// What is said if there is none.
    pub(super) nothing: &'static str,
}

impl Newest {
    /// Asks at `path` and prints what comes; returns the last page.
    pub(super) async fn ask<T: DeserializeOwned>(
        &self,
        session: &Session,
        path: &[&str],
        listing: &Listing<T>,
    ) -> Result<Value, Failure> {
        let (api, output) = (session.api()?, session.output);
        let mut sheet = Sheet::begin(output, self.csv, listing.columns)?;
        let mut left = usize::try_from(self.limit).unwrap_or(usize::MAX);
        let mut after = None::<String>;
        let page = loop {
            let mut query: Query = vec![("limit", left.min(PAGE).to_string())];
            query.extend(self.from.as_ref().map(|from| ("from", from.clone())));
            query.extend(self.to.as_ref().map(|to| ("to", to.clone())));
            query.extend(after.map(|after| ("after", after)));
            let page: Value = api.get(path, &query).await?;
            let lines = page[listing.member].as_array();
            for line in lines.into_iter().flatten().take(left) {
                let read: T = typed(line)?;
                sheet.add(line, || vec![(listing.line)(&read)])?;
            }
            left = left.saturating_sub(lines.map_or(0, Vec::len));
            after = page["next"].as_str().map(str::to_owned);
            if after.is_none() || left == 0 {
                break page;
            }
        };
        sheet.end(listing.nothing)?;
        if after.is_some() {
            say(format_args!("there are older ones: --limit {}", u64::from(self.limit) * 2));
        }
        Ok(page)
    }
}

/// Lines as they come: JSON and CSV at once, a table at the end.
struct Sheet {
    output: Output,
    csv: bool,
    table: comfy_table::Table,
    listed: usize,
}

impl Sheet {
    fn begin(output: Output, csv: bool, columns: &[&str]) -> Result<Self, Failure> {
        if csv && output.json {
            return Err(Failure::new(Exit::Usage, "usage", "an answer is JSON or CSV, not both"));
        }
        if csv {
            output.line(record(columns.iter().map(|name| name.replace(' ', "_"))))?;
        }
        Ok(Self { output, csv, table: table(columns), listed: 0 })
    }

    /// Adds what the server said, which is told to people in `lines`.
    fn add(&mut self, said: &Value, lines: impl FnOnce() -> Vec<Vec<Cell>>) -> Result<(), Failure> {
        self.listed += 1;
        if self.output.json {
            return self.output.json(said);
        }
        for line in lines() {
            if self.csv {
                self.output.line(record(line.into_iter().map(Cell::for_programs)))?;
            } else {
                self.table.add_row(line.into_iter().map(Cell::for_people));
            }
        }
        Ok(())
    }

    fn end(self, nothing: &str) -> Result<(), Failure> {
        if self.listed == 0 {
            say(nothing);
        } else if !self.output.json && !self.csv {
            self.output.line(self.table.trim_fmt())?;
        }
        Ok(())
    }
}

impl Asked {
    /// Asks, prints every finding, and returns whether `is_grave` holds of any.
    pub(super) async fn ask<T: DeserializeOwned>(
        &self,
        session: &Session,
        report: &Report<T>,
        is_grave: fn(&T) -> bool,
    ) -> Result<Exit, Failure> {
        let api = session.api()?;
        let mut sheet = Sheet::begin(session.output, self.csv, report.columns)?;
        let mut left = usize::try_from(self.limit).unwrap_or(usize::MAX);
        let (mut after, mut grave) = (None::<String>, false);
        loop {
            let query = self.query(left.min(PAGE), after.as_deref());
            let page: Value = api.get(&["v1", "audit", report.name], &query).await?;
            for finding in page["findings"].as_array().into_iter().flatten().take(left) {
                let read: T = typed(finding)?;
                (left, grave) = (left - 1, grave || is_grave(&read));
                sheet.add(finding, || (report.lines)(&read))?;
            }
            // A page looks at so much, and may find nothing there.
            after = page["next"].as_str().map(str::to_owned);
            if after.is_none() || left == 0 {
                break;
            }
        }
        sheet.end(report.nothing)?;
        if after.is_some() {
            say(format_args!("there may be more: --limit {}", u64::from(self.limit) * 2));
        }
        Ok(if grave { Exit::Differs } else { Exit::Ok })
    }

    fn query(&self, limit: usize, after: Option<&str>) -> Query {
        let mut query: Query = vec![("limit", limit.to_string())];
        query.extend(self.from.as_ref().map(|from| ("from", from.clone())));
        query.extend(self.to.as_ref().map(|to| ("to", to.clone())));
        query.extend(self.desk.as_ref().map(|desk| ("desk", desk.to_string())));
        query.extend(after.map(|after| ("after", after.to_owned())));
        query
    }
}

/// Returns one record of CSV (RFC 4180), without its line end.
fn record(cells: impl Iterator<Item = String>) -> String {
    let cell = |cell: String| {
        let needs_quotes = cell.contains(['"', ',', '\n', '\r']);
        if needs_quotes { format!("\"{}\"", cell.replace('"', "\"\"")) } else { cell }
    };
    cells.map(cell).collect::<Vec<_>>().join(",")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cell_with_a_comma_or_a_quotation_mark_is_quoted() {
        let cells = ["plain", "a, b", "say \"no\"", ""].map(str::to_owned);
        assert_eq!(record(cells.into_iter()), r#"plain,"a, b","say ""no""","#);
    }
}

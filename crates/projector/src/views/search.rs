//! Where a phrase stood, in which revisions, and when readers had it.
//!
//! Passages are looked through one after the other, story by story: a page ends when it has read so much,
//! so that no question takes long, however large the house is. What readers could see is told by the
//! revisions: a passage of a draft, or of a revision that was taken from readers, is no answer to them.

use rusqlite::{Connection, Row, params, types::Value};
use story::{Desk, Revision, StoryId, normalise};
use wire::http::{PhrasePage, PhraseStory, PhraseStretch, PhraseTime};

use crate::passages::{folded, place_name};
use crate::views::read::{ROWS_MAX, story_id, time, word};
use crate::views::{View, ViewError, Views};

/// Bytes of text that one page looks through; the story at which they end is read whole.
const SCAN_BYTES_MAX: usize = 32 * 1024 * 1024;
/// Most stretches and times that are listed of one story.
const STRETCHES_MAX: usize = 200;
/// Most places that are named of one stretch.
const PLACES_MAX: usize = 20;

/// Which passages to look through, and for what.
#[derive(Debug, Clone)]
pub struct PhraseFilter {
    /// What to look for, as it was given: case, white space, the shape of quotation marks and the form of
    /// letters with marks do not count.
    pub phrase: String,
    /// Only this story.
    pub story: Option<StoryId>,
    /// Only stories of this desk.
    pub desk: Option<Desk>,
    /// For whose eyes.
    pub view: View,
    /// At most so many stories.
    pub limit: usize,
    /// The [`PhrasePage::next`] of the page before.
    pub after: Option<String>,
}

impl Views {
    /// Returns one page of the stories that contain, or contained, a phrase.
    ///
    /// # Errors
    /// [`ViewError::PageToken`] for a token that no page gave.
    pub async fn phrase(&self, filter: PhraseFilter) -> Result<PhrasePage, ViewError> {
        self.query(move |connection| page(connection, &filter)).await
    }
}

/// A run of revisions, from the first up to and without the last; without an end, to the newest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Run {
    from: u64,
    until: Option<u64>,
}

impl Run {
    fn holds(self, revision: u64) -> bool {
        self.from <= revision && self.until.is_none_or(|until| revision < until)
    }

    fn touches(self, other: Self) -> bool {
        self.until.is_none_or(|until| other.from <= until)
            && other.until.is_none_or(|until| self.from <= until)
    }
}

/// Where a phrase stood, in the working article of a story.
#[derive(Debug, Default)]
struct Found {
    at: Vec<(String, Run)>,
}

impl Found {
    /// Takes in the next passage of the story, in the order of places and revisions.
    fn add(&mut self, place: &str, since: u64, holds: bool) {
        let known = self.at.last_mut().filter(|(known, run)| known == place && run.until.is_none());
        match known {
            Some((_, run)) if !holds => run.until = Some(since),
            None if holds => self.at.push((place.to_owned(), Run { from: since, until: None })),
            _ => {}
        }
    }

    /// Returns the revisions that hold the phrase anywhere, in runs that do not touch, rising.
    fn runs(&self) -> Vec<Run> {
        let mut all: Vec<Run> = self.at.iter().map(|(_, run)| *run).collect();
        all.sort_unstable_by_key(|run| run.from);
        let mut runs: Vec<Run> = Vec::new();
        for run in all {
            match runs.last_mut() {
                Some(last) if last.touches(run) => {
                    last.until = last.until.zip(run.until).map(|(one, other)| one.max(other));
                }
                _ => runs.push(run),
            }
        }
        runs
    }

    fn places(&self, during: Run) -> Vec<String> {
        let mut places: Vec<String> = Vec::new();
        for (place, run) in &self.at {
            let overlaps = during.until.is_none_or(|until| run.from < until)
                && run.until.is_none_or(|until| during.from < until);
            if overlaps && places.last().is_none_or(|last| last != place_name(place)) {
                places.push(place_name(place).to_owned());
            }
        }
        places.truncate(PLACES_MAX);
        places
    }
}

fn page(connection: &Connection, filter: &PhraseFilter) -> Result<PhrasePage, ViewError> {
    let phrase = folded(&normalise(&filter.phrase).0);
    let mut page = PhrasePage::default();
    if phrase.is_empty() {
        return Ok(page);
    }
    let limit = filter.limit.clamp(1, ROWS_MAX);
    let mut statement = connection.prepare_cached(&sql(filter))?;
    let mut rows = statement.query(rusqlite::params_from_iter(bounds(filter)?))?;
    let (mut story, mut found, mut read) = (None, Found::default(), 0);
    loop {
        let row = rows.next()?;
        let next = row.map(|row| story_id(row, 0)).transpose()?;
        if next != story {
            if let Some(story) = story {
                page.stories.extend(told(connection, story, &std::mem::take(&mut found), filter.view)?);
                if next.is_some() && (page.stories.len() >= limit || read >= SCAN_BYTES_MAX) {
                    page.next = Some(story.to_string());
                    return Ok(page);
                }
            }
            story = next;
        }
        let Some(row) = row else { return Ok(page) };
        let text = row.get_ref(3)?.as_str().map_err(rusqlite::Error::from)?;
        read += text.len();
        let place = row.get_ref(1)?.as_str().map_err(rusqlite::Error::from)?;
        found.add(place, row.get(2)?, text.contains(&phrase));
    }
}

fn sql(filter: &PhraseFilter) -> String {
    let public = filter.view == View::Public;
    let story = if filter.story.is_some() { "s.story = ?2" } else { "?2 IS NULL" };
    let desk = match (&filter.desk, public) {
        (None, _) => "?3 IS NULL",
        (Some(_), false) => "s.desk = ?3",
        (Some(_), true) => "s.public_desk = ?3",
    };
    let seen = if public { " AND s.public_revision IS NOT NULL" } else { "" };
    // The order of the loops is that of the answer: stories by id, and the passages of each.
    format!(
        "SELECT p.story, p.place, p.since, p.text FROM stories s CROSS JOIN passages p ON p.story = s.story
         WHERE s.story > ?1 AND {story} AND {desk}{seen} ORDER BY s.story, p.place, p.since"
    )
}

fn bounds(filter: &PhraseFilter) -> Result<[Value; 3], ViewError> {
    let bytes = |story: StoryId| Value::Blob(story.as_bytes().to_vec());
    let after = match &filter.after {
        None => Value::Blob(Vec::new()),
        Some(given) => {
            let story = given.parse::<StoryId>();
            bytes(story.map_err(|_| ViewError::PageToken { given: given.chars().take(80).collect() })?)
        }
    };
    let desk = filter.desk.as_ref().map_or(Value::Null, |desk| Value::Text(desk.to_string()));
    Ok([after, filter.story.map_or(Value::Null, bytes), desk])
}

/// Returns what `view` is told of a story in which something was found, if anything.
fn told(
    connection: &Connection,
    story: StoryId,
    found: &Found,
    view: View,
) -> Result<Option<PhraseStory>, ViewError> {
    let runs = found.runs();
    if runs.is_empty() {
        return Ok(None);
    }
    let mut public = Public::default();
    read_public(connection, story, &runs, view, &mut public)?;
    let revisions = match view {
        View::Desk => stretches(connection, story, &runs, found)?,
        View::Public => public.stretches(found),
    };
    if revisions.is_empty() {
        return Ok(None);
    }
    let mut statement =
        connection.prepare_cached("SELECT slug, desk, public_desk FROM stories WHERE story = ?1")?;
    let (slug, desk) = statement.query_row([story.as_bytes()], |row| {
        let public_desk: Option<String> = row.get(2)?;
        Ok((row.get(0)?, public_desk.filter(|_| view == View::Public).map_or_else(|| row.get(1), Ok)?))
    })?;
    Ok(Some(PhraseStory {
        story,
        slug,
        desk: word::<Desk>(&desk, "stories.desk")?,
        revisions,
        first_public: public.first,
        last_public: public.last.filter(|_| !public.is_now),
        is_public: public.is_now,
        more: runs.len() > STRETCHES_MAX || public.count > STRETCHES_MAX,
        public: public.times,
    }))
}

/// Returns the stretches of the working article that held the phrase, the oldest.
fn stretches(
    connection: &Connection,
    story: StoryId,
    runs: &[Run],
    found: &Found,
) -> Result<Vec<PhraseStretch>, ViewError> {
    let mut recorded =
        connection.prepare_cached("SELECT recorded FROM revisions WHERE story = ?1 AND revision = ?2")?;
    let mut newest = connection.prepare_cached("SELECT max(revision) FROM revisions WHERE story = ?1")?;
    let newest: u64 = newest.query_row([story.as_bytes()], |row| row.get(0))?;
    let mut at = |revision: u64| -> Result<_, ViewError> {
        time(recorded.query_row(params![story.as_bytes(), revision], |row| row.get(0))?)
    };
    let told = runs.iter().take(STRETCHES_MAX).map(|run| {
        Ok(PhraseStretch {
            from: Revision(run.from),
            to: Revision(run.until.map_or(newest, |until| until - 1)),
            since: at(run.from)?,
            until: run.until.map(&mut at).transpose()?,
            places: found.places(*run),
        })
    });
    told.collect()
}

/// When readers had a phrase.
#[derive(Debug, Default)]
struct Public {
    times: Vec<PhraseTime>,
    /// The revisions whose words the times are about: what readers see may be older than the revision.
    contents: Vec<Run>,
    count: usize,
    first: Option<jiff::Timestamp>,
    last: Option<jiff::Timestamp>,
    is_now: bool,
}

impl Public {
    /// Takes in the next public revision, recorded `at`, that shows the words of revision `content`.
    fn add(&mut self, (revision, content): (u64, u64), at: jiff::Timestamp, holds: bool) {
        let is_listed = self.count <= STRETCHES_MAX;
        let last = self.times.last_mut().filter(|_| is_listed);
        match (self.is_now, holds) {
            (false, true) => {
                self.count += 1;
                self.first.get_or_insert(at);
                if self.times.len() < STRETCHES_MAX {
                    let revision = Revision(revision);
                    self.times.push(PhraseTime { from: revision, to: revision, since: at, until: None });
                    self.contents.push(Run { from: content, until: Some(content + 1) });
                }
            }
            (true, true) => {
                if let (Some(last), Some(run)) = (last, self.contents.last_mut()) {
                    last.to = Revision(revision);
                    run.until = Some(run.until.unwrap_or_default().max(content + 1));
                }
            }
            (true, false) => {
                self.last = Some(at);
                if let Some(last) = last {
                    last.until = Some(at);
                }
            }
            (false, false) => {}
        }
        self.is_now = holds;
    }

    /// Returns the times as stretches of public revisions.
    fn stretches(&self, found: &Found) -> Vec<PhraseStretch> {
        let stretch = |(time, run): (&PhraseTime, &Run)| PhraseStretch {
            from: time.from,
            to: time.to,
            since: time.since,
            until: time.until,
            places: found.places(*run),
        };
        self.times.iter().zip(&self.contents).map(stretch).collect()
    }
}

/// Reads which public revisions showed words of `runs`; for readers, of those that they can reach.
fn read_public(
    connection: &Connection,
    story: StoryId,
    runs: &[Run],
    view: View,
    public: &mut Public,
) -> Result<(), ViewError> {
    let mut statement = connection.prepare_cached(
        "SELECT revision, recorded, shows, tombstone IS NULL FROM revisions INDEXED BY revisions_public
         WHERE story = ?1 AND public AND (?2 OR hidden_by IS NULL) ORDER BY revision",
    )?;
    let mut rows = statement.query(params![story.as_bytes(), view == View::Desk])?;
    while let Some(row) = rows.next()? {
        let (revision, content, at) = public_row(row)?;
        let near = runs.partition_point(|run| run.from <= content);
        let holds = row.get::<_, bool>(3)? && near > 0 && runs[near - 1].holds(content);
        public.add((revision, content), at, holds);
    }
    Ok(())
}

fn public_row(row: &Row<'_>) -> Result<(u64, u64, jiff::Timestamp), ViewError> {
    let revision = row.get(0)?;
    Ok((revision, row.get::<_, Option<u64>>(2)?.unwrap_or(revision), time(row.get(1)?)?))
}

//! Where a phrase stood, and when readers had it.

use projector::{PhraseFilter, View};
use registry::Principal;
use story::Desk;
use utoipa::IntoParams;
use wire::http::PhrasePage;
use wire::{Cursor, Problem};

use crate::commands::read::{at_least, limit, view};
use crate::departures::PublicDoor;
use crate::gateway::Gateway;
use crate::limits::{PHRASE_BYTES_MAX, PHRASES_MAX, PHRASES_PAGE};
use crate::parameters::{Parameters, Query, bad_parameter};
use crate::places;
use crate::problems::of_view;

/// What to look for, and where.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct PhraseQuery {
    /// The words, as they follow one another: case, white space and the shape of quotation marks do not
    /// count. At most 1,000 bytes.
    #[param(value_type = Option<String>, example = "at least four")]
    phrase: Option<String>,
    /// Only this story: its id or slug.
    #[param(value_type = Option<String>, example = "ceasefire-talks")]
    story: Option<String>,
    /// Only this desk's stories.
    #[param(value_type = Option<String>, pattern = "^[A-Za-z0-9_-]{1,64}$", example = "world")]
    desk: Option<Desk>,
    /// At most this many stories; 20 if absent.
    #[param(value_type = Option<usize>, minimum = 1, maximum = 100)]
    limit: usize,
    /// `next` of the page before.
    after: Option<String>,
    /// For whose eyes: `public` (only what readers can reach; the default) or `desk`.
    #[param(value_type = Option<String>, example = "public")]
    view: View,
    /// The cursor of a push: waits until the answer includes it.
    #[param(value_type = Option<String>)]
    at_least: Option<Cursor>,
}

impl Query for PhraseQuery {
    const NAMES: &'static [&'static str] = &["phrase", "story", "desk", "limit", "after", "view", "at_least"];

    fn take(from: &mut Parameters) -> Result<Self, Problem> {
        Ok(Self {
            phrase: from.text("phrase"),
            story: from.text("story"),
            desk: from.optional("desk")?,
            limit: limit(from, PHRASES_PAGE, PHRASES_MAX)?,
            after: from.text("after"),
            view: view(from)?,
            at_least: at_least(from)?,
        })
    }
}

impl Gateway {
    /// Returns one page of the stories that contain, or contained, a phrase, as far as `who` may know.
    pub(crate) async fn search(&self, who: &Principal, query: PhraseQuery) -> Result<PhrasePage, Problem> {
        let PhraseQuery { phrase, story, desk, limit, after, view, at_least } = query;
        match &story {
            Some(story) => self.may_read(who, view, story).await?,
            None => self.may_list(who, view, desk.as_ref()).await?,
        }
        let phrase = phrase.filter(|phrase| !phrase.trim().is_empty()).ok_or_else(|| {
            bad_parameter("phrase", "say which words to look for, such as phrase=at%20least%20four")
        })?;
        if phrase.len() > PHRASE_BYTES_MAX {
            let detail = format_args!("it has {} bytes; the limit is {PHRASE_BYTES_MAX}", phrase.len());
            return Err(bad_parameter("phrase", detail));
        }
        self.catch_up(at_least).await?;
        let story = match story {
            Some(story) => Some(self.resolve(&story, view).await?),
            None => None,
        };
        // A page looks through megabytes: only so many at once.
        let _place = places::take(&self.inner.places.searches, "searches").await?;
        let filter = PhraseFilter { phrase, story, desk, view, limit, after };
        let page = self.views().phrase(filter).await.map_err(|failed| of_view(&failed))?;
        for found in &page.stories {
            let newest = found.revisions.last().map(|stretch| stretch.to);
            let doors = (PublicDoor::HttpSearch, PublicDoor::HttpSearch);
            self.leaves_at(doors, view, (found.story, newest)).await?;
        }
        Ok(page)
    }
}

//! A story that someone audits: found only for who may.

use projector::{AsOf, View};
use registry::{Act, Principal};
use story::StoryId;
use wire::{Cursor, Problem};

use super::identity;
use crate::gateway::Gateway;
use crate::problems::{no_story, of_view};

/// A story that the caller may audit.
#[derive(Debug)]
pub(super) struct Audited {
    pub(super) story: StoryId,
    pub(super) slug: String,
}

impl Gateway {
    /// Returns the story that `name` names, if `by` may audit its desk. One that has never been
    /// published is not there for others.
    /// As [`Gateway::audited`], the id alone.
    pub(crate) async fn audited_story(
        &self,
        by: &Principal,
        name: &str,
        at_least: Option<Cursor>,
    ) -> Result<StoryId, Problem> {
        self.audited(by, name, at_least).await.map(|found| found.story)
    }

    pub(super) async fn audited(
        &self,
        by: &Principal,
        name: &str,
        at_least: Option<Cursor>,
    ) -> Result<Audited, Problem> {
        if identity(by).is_none() {
            self.allow(by, Act::Audit, None, None).await?;
        }
        self.catch_up(at_least).await?;
        let story = self.resolve(name, View::Desk).await?;
        let shown = self.views().article(story, AsOf::Latest, View::Desk).await;
        let shown = shown.map_err(|failed| of_view(&failed))?.ok_or_else(|| no_story(name))?;
        let Err(denied) = self.allow(by, Act::Audit, Some(&shown.desk), Some(story)).await else {
            return Ok(Audited { story, slug: shown.slug });
        };
        let public = self.views().resolve(name, View::Public).await.map_err(|failed| of_view(&failed))?;
        Err(if public.is_some() { denied } else { no_story(name) })
    }
}

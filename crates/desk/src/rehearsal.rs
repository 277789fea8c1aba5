//! What a command would do, decided as if it were carried out. Nothing here stores anything, and no
//! answer is a promise: the story may move on before the command comes.

use story::{Desk as DeskName, Event, Kind, Revision, Story, StoryId, decide};
use uuid::Uuid;

use crate::filing::{Aim, Filing, answer, chain, fits, insist, now};
use crate::request::{ActRequest, Answer, Preview, PushError, PushRequest, Step, StoryRef, Target};
use crate::service::Desk;
use crate::slug::{name, slug_wanted};

/// What a command would come to.
#[derive(Debug, Clone)]
pub enum Rehearsal {
    /// Nothing is left to do: it was done before under its key, or it would change nothing.
    Answered(Box<Answer>),
    /// It would make a revision.
    Open(Prospect),
}

/// The revision that a command would make.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Prospect {
    /// The story, if it exists.
    pub story: Option<StoryId>,
    /// The revision that it is at; 0 for a new one.
    pub at: Revision,
    /// The desk that would own the story.
    pub desk: DeskName,
    /// The kind of the update.
    pub kind: Kind,
}

impl Desk {
    /// Returns what `request` would come to, and does nothing.
    ///
    /// # Errors
    /// The same refusals as [`Desk::push`].
    pub async fn rehearse_push(&self, request: PushRequest) -> Result<Rehearsal, PushError> {
        let is_sourced = self.source_of(&request).is_some();
        let is_named = is_sourced || matches!(request.target, Target::Existing(_));
        let slug = (!is_named).then(|| slug_wanted(&request));
        let known = self.known(&request).await?;
        // One whose slug was made of its headline is found by that again, if a key made it.
        let known = known.or_else(|| self.inner.directory.find(slug.as_ref()?));
        let mut filing = request.into_filing();
        if let Some(story) = known.filter(|_| is_sourced) {
            filing.target = Target::Existing(StoryRef::Id(story));
        }
        let aim = Aim { story: known.unwrap_or_else(nobody), slug, reserved: false };
        self.rehearse(known, &aim, filing).await
    }

    /// Returns what `request` would come to, and does nothing.
    ///
    /// # Errors
    /// The same refusals as [`Desk::act`].
    pub async fn rehearse_act(&self, request: ActRequest) -> Result<Rehearsal, PushError> {
        let (aim, filing) = self.aimed(request).await?;
        self.rehearse(Some(aim.story), &aim, filing).await
    }

    pub(crate) async fn rehearse(
        &self,
        known: Option<StoryId>,
        aim: &Aim,
        mut filing: Filing,
    ) -> Result<Rehearsal, PushError> {
        let Some(id) = known else {
            let story = Story::default();
            let events = self.events(&story, aim, &mut filing).await?;
            let first = events.last().expect("a new story has no desk yet: its first filing changes that");
            return Ok(Rehearsal::Open(prospect(None, &story, first)));
        };
        let held = Box::pin(self.inner.stories.hold_newest(id)).await?;
        if let Some(key) = filing.key.clone()
            && let Some(answer) = self.inner.answered(aim, &filing, &key, chain(&held)).await?
        {
            return Ok(Rehearsal::Answered(Box::new(answer)));
        }
        fits(&filing.target, id, chain(&held))?;
        let story = chain(&held).story();
        let events = self.events(story, aim, &mut filing).await?;
        let Some(event) = events.last() else {
            return answer(id, story, chain(&held), &events).map(|same| Rehearsal::Answered(Box::new(same)));
        };
        // A slug may be reserved for a story that is not there yet.
        let id = Some(id).filter(|_| story.revision > Revision::ZERO);
        Ok(Rehearsal::Open(prospect(id, story, event)))
    }

    /// Returns what `request` would do, and does nothing.
    ///
    /// # Errors
    /// The same refusals as [`Desk::push`].
    pub async fn preview(&self, request: PushRequest) -> Result<Preview, PushError> {
        let known = self.known(&request).await?;
        let story = match known {
            Some(id) => {
                let held = Box::pin(self.inner.stories.hold_newest(id)).await?;
                if self.source_of(&request).is_none() {
                    fits(&request.target, id, chain(&held))?;
                }
                chain(&held).story().clone()
            }
            None => Story::default(),
        };
        let aim =
            Aim { story: known.unwrap_or_else(nobody), slug: Some(slug_wanted(&request)), reserved: false };
        let events = self.events(&story, &aim, &mut request.into_filing()).await?;
        let before = story.article.clone();
        let revision = story.revision;
        let kind = events.first().map(|event| event.kind);
        let label = events.first().and_then(|event| event.label);
        let after = events
            .iter()
            .try_fold(story, story::apply)
            .expect("what decide returns, apply accepts: tested as an invariant")
            .article;
        Ok(Preview { story: known, revision, kind, step: Step { before, after, label } })
    }

    /// Decides `filing` against `story` as it is.
    async fn events(&self, story: &Story, aim: &Aim, filing: &mut Filing) -> Result<Vec<Event>, PushError> {
        insist(filing.expected, story.revision)?;
        name(&mut filing.command, aim.slug.as_ref().filter(|_| story.revision == Revision::ZERO));
        let command = self.inner.rebased(aim.story, story, filing).await?;
        Ok(decide(story, &command, now())?)
    }

    /// Returns the story that a push would go to, if it exists.
    async fn known(&self, request: &PushRequest) -> Result<Option<StoryId>, PushError> {
        Ok(match &request.target {
            Target::Existing(story) => {
                let found = self.find_claimed(story).await?;
                Some(found.ok_or_else(|| PushError::NotFound { story: story.to_string() })?)
            }
            Target::BySlug(slug) | Target::New(Some(slug)) => {
                self.source_of(request).or_else(|| self.inner.directory.find(slug))
            }
            Target::New(None) => self.source_of(request),
        })
    }
}

/// Stands for the id of a story that is not there yet; no story has it.
fn nobody() -> StoryId {
    StoryId::new(Uuid::nil())
}

fn prospect(id: Option<StoryId>, story: &Story, event: &Event) -> Prospect {
    Prospect { story: id, at: story.revision, desk: event.desk.clone(), kind: event.kind }
}

//! What stands in an article message in place of an article that is too large for one.

use proof::Hash;
use serde::{Deserialize, Serialize};
use story::{Desk, Revision, StoryId};

use crate::article::ArticleView;
use crate::cloud_event::CloudEvent;
use crate::cursor::Cursor;

/// Where to get an article that is too large for a message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ArticleRef {
    /// The story.
    pub story: StoryId,
    /// Its desk.
    pub desk: Desk,
    /// The revision.
    pub revision: Revision,
    /// Hash of the article as readers may see it.
    pub hash: Hash,
    /// From where to follow the story after this.
    pub cursor: Cursor,
    /// Path of the article at the service.
    pub fetch: String,
}

impl ArticleRef {
    /// Returns the path of a public revision at the service.
    pub fn path(story: StoryId, revision: Revision) -> String {
        format!("/v1/stories/{story}?as_of=rev:{revision}")
    }

    /// Returns the reference to the article that `view` shows.
    pub fn of(view: &ArticleView) -> Self {
        Self {
            story: view.story,
            desk: view.desk.clone(),
            revision: view.revision,
            hash: view.hash,
            cursor: view.cursor,
            fetch: Self::path(view.story, view.revision),
        }
    }
}

/// Data of a message of type [`CloudEvent::ARTICLE`]: the article, or where to get it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum ArticleMessage {
    /// Where to get it: told by its member `fetch`, which no article has.
    Reference(ArticleRef),
    /// The article.
    Whole(Box<ArticleView>),
}

impl CloudEvent<ArticleView> {
    /// Returns the message with a reference in place of the article.
    pub fn into_reference(self) -> CloudEvent<ArticleRef> {
        CloudEvent {
            data: ArticleRef::of(&self.data),
            specversion: self.specversion,
            id: self.id,
            source: self.source,
            event_type: self.event_type,
            subject: self.subject,
            time: self.time,
            datacontenttype: self.datacontenttype,
            dataschema: schema_beside(&self.dataschema),
        }
    }
}

/// Returns the address of the schema of a reference, beside that of an article.
fn schema_beside(article: &str) -> String {
    let folder = article.rsplit_once('/').map_or(article, |(folder, _)| folder);
    format!("{folder}/article-reference.v1.json")
}

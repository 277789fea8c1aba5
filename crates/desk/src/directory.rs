//! Which slug, and which item of a wire, belongs to which story.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use story::{Slug, StoryId};

/// Slugs in use and reserved, and where copy came from. About 100 bytes a story each, for as long
/// as the desk runs.
#[derive(Debug, Default)]
pub(crate) struct Directory {
    slugs: Mutex<HashMap<Slug, StoryId>>,
    sources: Mutex<HashMap<String, StoryId>>,
}

impl Directory {
    pub(crate) fn new(
        slugs: impl IntoIterator<Item = (Slug, StoryId)>,
        sources: impl IntoIterator<Item = (String, StoryId)>,
    ) -> Self {
        let (slugs, sources) = (slugs.into_iter().collect(), sources.into_iter().collect());
        Self { slugs: Mutex::new(slugs), sources: Mutex::new(sources) }
    }

    /// Returns the story that the item `source` has become.
    pub(crate) fn find_source(&self, source: &str) -> Option<StoryId> {
        self.sources.lock().unwrap_or_else(PoisonError::into_inner).get(source).copied()
    }

    /// Takes note that `story` came from the item `source`; the first story keeps it.
    pub(crate) fn came_from(&self, source: String, story: StoryId) {
        self.sources.lock().unwrap_or_else(PoisonError::into_inner).entry(source).or_insert(story);
    }

    pub(crate) fn find(&self, slug: &Slug) -> Option<StoryId> {
        self.lock().get(slug).copied()
    }

    /// Returns the story that has `slug`; gives it to `candidate` if it was free.
    pub(crate) fn find_or_reserve(&self, slug: &Slug, candidate: StoryId) -> StoryId {
        *self.lock().entry(slug.clone()).or_insert(candidate)
    }

    /// Frees `slug` if `story` has it: its first push was refused.
    pub(crate) fn free(&self, slug: &Slug, story: StoryId) {
        let mut slugs = self.lock();
        if slugs.get(slug) == Some(&story) {
            slugs.remove(slug);
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Slug, StoryId>> {
        // No code can panic while it holds the lock, so a poisoned one still holds whole entries.
        self.slugs.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

//! Which slug belongs to which story.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard};

use story::{Slug, StoryId};

/// Slugs in use and reserved. About 100 bytes a story, for as long as the desk runs.
#[derive(Debug, Default)]
pub(crate) struct Directory {
    slugs: Mutex<HashMap<Slug, StoryId>>,
}

impl Directory {
    pub(crate) fn new(slugs: impl IntoIterator<Item = (Slug, StoryId)>) -> Self {
        Self { slugs: Mutex::new(slugs.into_iter().collect()) }
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
        self.slugs.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

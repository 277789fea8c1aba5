//! Requests that end because what they hold may no longer be kept.

use jiff::Timestamp;
use rusqlite::params;
use story::StoryId;

use super::{Request, RequestError, RequestId, RequestState, execute, request, update};
use crate::limits::{REASON_CHARS_MAX, REQUESTS_OPEN_MAX};
use crate::store::Registry;

impl Registry {
    /// Ends every open request about `story` whose payload `is_void`, and erases those payloads; the first
    /// 500 characters of the reason are kept. Returns which they were, the oldest first. Somebody may be
    /// executing one of them: what they have in hand is theirs.
    ///
    /// Costs a look at the payload of every open request about the story.
    ///
    /// # Errors
    /// [`RequestError`]; none has ended then.
    pub async fn void_requests(
        &self,
        story: StoryId,
        is_void: impl Fn(&[u8]) -> bool + Clone + Send + 'static,
        reason: &str,
        now: Timestamp,
    ) -> Result<Vec<RequestId>, RequestError> {
        let reason: String = reason.chars().take(REASON_CHARS_MAX).collect();
        self.write(move |writing| {
            let open: Vec<Request> = writing
                .db
                .prepare_cached(
                    "SELECT * FROM requests WHERE story = ?1 AND state IN ('pending', 'approved')
                     ORDER BY id LIMIT ?2",
                )?
                .query_map(params![story.as_bytes(), REQUESTS_OPEN_MAX], request)?
                .collect::<Result<_, _>>()?;
            let mut ended = Vec::new();
            for request in open {
                let payload = execute::payload(writing.db, request.id)?;
                if !payload.is_some_and(|payload| is_void(&payload)) {
                    continue;
                }
                let id = request.id;
                let (state, reason) = (RequestState::Failed, Some(reason.clone()));
                update(writing, &Request { state, reason, ended: Some(now), ..request })?;
                writing.memory.leases().remove(&id);
                ended.push(id);
            }
            Ok(ended)
        })
        .await
    }
}

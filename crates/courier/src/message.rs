//! What is sent: read from the views when it leaves, so that what was taken from readers does not.

use bytes::Bytes;
use jiff::Timestamp;
use log::Position;
use projector::{Leaving, ViewError, Views};
use serde_json::json;

use crate::deliveries::{Delivery, Subject};
use crate::endpoints::Payload;

/// Type of a test's body, beside those of changes.
const TEST: &str = "io.writethru.webhook.test.v1";

/// A body that may leave, as long as nothing was taken from readers since it was read.
#[derive(Debug)]
pub(crate) struct Message {
    pub(crate) body: Bytes,
    /// What leaves with it, for the audit of an embargo.
    pub(crate) leaving: Option<Leaving>,
    /// [`Views::withdrawals`] when it was read.
    withdrawals: u64,
}

impl Message {
    /// Reads what `delivery` sends; `None` if readers may not see it any more.
    pub(crate) async fn read(
        delivery: &Delivery,
        payload: Payload,
        views: &Views,
    ) -> Result<Option<Self>, ViewError> {
        let Some(subject) = delivery.change else {
            return Ok(Some(Self { body: test(delivery), leaving: None, withdrawals: views.withdrawals() }));
        };
        loop {
            let withdrawals = views.withdrawals();
            let message = Self::of(subject, payload, withdrawals, views).await?;
            // What was read may have been taken from readers since: then it is read again.
            if views.withdrawals() == withdrawals {
                return Ok(message);
            }
        }
    }

    async fn of(
        Subject { position, story, .. }: Subject,
        payload: Payload,
        withdrawals: u64,
        views: &Views,
    ) -> Result<Option<Self>, ViewError> {
        let before = Position(position.0.saturating_sub(1));
        let changes = views.changes_of(story, before, 1).await?;
        let Some(change) = changes.into_iter().find(|change| change.position == position) else {
            return Ok(None);
        };
        let body = match payload {
            Payload::Full => change.event.clone(),
            Payload::Thin => change
                .thin()
                .ok_or_else(|| ViewError::Damaged { place: format!("changes.event at {position}") })?,
        };
        Ok(Some(Self { body, leaving: change.leaving(), withdrawals }))
    }

    /// Returns whether nothing was taken from readers since it was read.
    pub(crate) fn may_leave(&self, views: &Views) -> bool {
        self.withdrawals == views.withdrawals()
    }
}

fn test(delivery: &Delivery) -> Bytes {
    let time: Timestamp = delivery.queued;
    let event = json!({
        "specversion": "1.0", "id": delivery.message, "source": "/writethru/webhooks", "type": TEST,
        "time": time, "datacontenttype": "application/json",
        "data": {"note": "This is a test. It is about no story."},
    });
    event.to_string().into()
}

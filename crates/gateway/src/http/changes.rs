//! The public changes, for readers without NATS.

use axum::extract::{OriginalUri, State};
use axum::http::StatusCode;
use axum::http::header::{HeaderName, LINK};
use axum::response::Response;
use bytes::{BufMut, BytesMut};
use wire::{Change, CloudEvent};

use crate::commands::ChangesQuery;
use crate::gateway::Gateway;
use crate::http::openapi::ChangesProblems;
use crate::http::reply::{Accepted, Asked, JSON, Refused, add, answer, next_page};

/// Where changes are read.
pub(crate) const PATH: &str = "/v1/changes";
/// A list of CloudEvents as their own media type calls it (CloudEvents JSON format 1.0, section 4).
const BATCH: &str = "application/cloudevents-batch+json";
/// From where to go on.
const CURSOR: HeaderName = HeaderName::from_static("writethru-cursor");

/// Changes, each a CloudEvent as it goes out over NATS.
#[derive(utoipa::ToSchema)]
#[expect(dead_code, reason = "it describes the answer, whose bytes are in the views already")]
pub(crate) struct ChangeList(Vec<CloudEvent<Change>>);

/// Gives the public changes behind a cursor, oldest first, waiting for one if asked to.
///
/// Each is the same CloudEvent that goes out over NATS, byte for byte. Go on from the header
/// `Writethru-Cursor`: it is also past changes that the filter left out.
#[utoipa::path(
    get, path = "/v1/changes", tag = "changes", params(ChangesQuery),
    responses(
        (status = 200, description = "Some changes, none if there is none yet",
            content(
                (ChangeList = "application/json"),
                (ChangeList = "application/cloudevents-batch+json"),
            ),
            headers(
                ("Writethru-Cursor" = String, description = "From where to go on"),
                ("Link" = String, description = "`rel=\"next\"`: what to ask next"),
            )),
        ChangesProblems,
    )
)]
pub(crate) async fn changes(
    State(gateway): State<Gateway>,
    OriginalUri(uri): OriginalUri,
    accepted: Accepted,
    Asked(query): Asked<ChangesQuery>,
) -> Result<Response, Refused> {
    let media_type = accepted.best(&[JSON, BATCH])?;
    let changes = gateway.changes(&query).await?;
    let bytes: usize = changes.rows.iter().map(|row| row.event.len() + 1).sum();
    let mut body = BytesMut::with_capacity(bytes + 2);
    body.put_u8(b'[');
    for (index, row) in changes.rows.iter().enumerate() {
        if index > 0 {
            body.put_u8(b',');
        }
        body.extend_from_slice(&row.event);
    }
    body.put_u8(b']');
    let cursor = changes.cursor.to_string();
    let mut response = answer(StatusCode::OK, media_type, body.freeze());
    add(&mut response, LINK, &format!("<{}>; rel=\"next\"", next_page(&uri, "after", &cursor)));
    add(&mut response, CURSOR, &cursor);
    Ok(response)
}

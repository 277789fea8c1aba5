//! Reading stories: lists, articles, histories and differences.

use axum::extract::OriginalUri;
use axum::http::StatusCode;
use axum::http::header::{HeaderMap, LINK};
use axum::response::Response;
use formats::publication::OutFormat;
use projector::View;
use wire::http::{BlameView, DiffView, HistoryPage, StoryList};
use wire::{ArticleView, Problem};

use crate::commands::{BlameQuery, DiffFormat, DiffQuery, HistoryQuery, ListQuery, ShowQuery, Showing};
use crate::http::access::Asker;
use crate::http::openapi::ReadProblems;
use crate::http::reply::{Accepted, Asked, JSON, Named, Refused, add, answer, json, next_page, validated};
use crate::http::{events, memento};

/// Lists stories, last changed first.
#[utoipa::path(
    get, path = "/v1/stories", tag = "stories", params(ListQuery),
    responses(
        (status = 200, description = "One page of stories", body = StoryList, headers(
            ("Link" = Option<String>, description = "`rel=\"next\"`: the next page"),
        )),
        ReadProblems,
    )
)]
pub(crate) async fn list(
    Asker(gateway, who): Asker,
    OriginalUri(uri): OriginalUri,
    accepted: Accepted,
    Asked(query): Asked<ListQuery>,
) -> Result<Response, Refused> {
    accepted.json()?;
    gateway.may_list(&who, query.view, query.desk.as_ref()).await?;
    let page = gateway.list(query).await?;
    let mut response = answer(StatusCode::OK, JSON, json(&page));
    if let Some(next) = &page.next {
        add(&mut response, LINK, &format!("<{}>; rel=\"next\"", next_page(&uri, "after", next)));
    }
    Ok(response)
}

/// Shows a story as it is, or as it was at any moment, in any format that there is.
///
/// Which one is said by `format`, or by `Accept`. Of a story that was taken from them, readers get a
/// tombstone in every format: `canceled` or `withheld`, and no word of it.
#[utoipa::path(
    get, path = "/v1/stories/{story}", tag = "stories",
    params(
        ("story" = String, Path, description = "The story's id or slug", example = "ceasefire-talks"),
        ShowQuery,
        ("If-None-Match" = Option<String>, Header, description = "The `ETag` of an earlier answer"),
    ),
    responses(
        (status = 200, description = "The article",
            content(
                (ArticleView = "application/json"),
                (String = "text/plain"),
                (Object = "application/vnd.iptc.ninjs+json"),
                (String = "application/vnd.iptc.g2.newsitem+xml"),
                (Object = "application/ld+json"),
            ),
            headers(
                ("ETag" = String, description = "The revision and a hash of the answer, another one in each format; `If-Match` takes it"),
                ("Vary" = String, description = "`Accept`: it may decide the format"),
                ("Link" = String, description = "`rel=\"version-history\"`: the history (RFC 5829). For readers also `rel=\"monitor\"`: the story's live stream, from this very answer on, and `original`, `timegate`, `timemap`: its past (RFC 7089)"),
            )),
        (status = 304, description = "The caller has it already"),
        ReadProblems,
    )
)]
pub(crate) async fn show(
    Asker(gateway, who): Asker,
    headers: HeaderMap,
    accepted: Accepted,
    Named(story): Named,
    Asked(query): Asked<ShowQuery>,
) -> Result<Response, Refused> {
    let format = format_of(query.format, &accepted)?;
    let view = query.view;
    gateway.may_read(&who, view, &story).await?;
    let Showing { story, revision, cursor, format, body } = gateway.show(&story, query, format).await?;
    let mut response = validated(revision, format.media_type(), body, view, &headers);
    add(&mut response, LINK, &history_link(&story.to_string()));
    if view == View::Public {
        let stream = events::address(story);
        add(&mut response, LINK, &format!("<{stream}?since={cursor}>; rel=\"monitor\""));
        add(&mut response, LINK, &memento::links(&gateway, story));
    }
    Ok(response)
}

/// Returns the format that was asked for, or that the caller accepts.
pub(crate) fn format_of(asked: Option<OutFormat>, accepted: &Accepted) -> Result<OutFormat, Problem> {
    if let Some(format) = asked {
        accepted.best(&[format.media_type()])?;
        return Ok(format);
    }
    let best = accepted.best(&OutFormat::ALL.map(OutFormat::media_type))?;
    Ok(OutFormat::ALL.into_iter().find(|format| format.media_type() == best).unwrap_or(OutFormat::Json))
}

/// Lists a story's revisions, newest first.
#[utoipa::path(
    get, path = "/v1/stories/{story}/history", tag = "stories",
    params(
        ("story" = String, Path, description = "The story's id or slug", example = "ceasefire-talks"),
        HistoryQuery,
    ),
    responses(
        (status = 200, description = "One page of revisions", body = HistoryPage, headers(
            ("Link" = Option<String>, description = "`rel=\"next\"`: the next page"),
        )),
        ReadProblems,
    )
)]
pub(crate) async fn history(
    Asker(gateway, who): Asker,
    OriginalUri(uri): OriginalUri,
    accepted: Accepted,
    Named(story): Named,
    Asked(query): Asked<HistoryQuery>,
) -> Result<Response, Refused> {
    accepted.json()?;
    gateway.may_read(&who, query.view, &story).await?;
    let page = gateway.history(&story, query).await?;
    let mut response = answer(StatusCode::OK, JSON, json(&page));
    if let Some(next) = &page.next {
        add(&mut response, LINK, &format!("<{}>; rel=\"next\"", next_page(&uri, "after", next)));
    }
    Ok(response)
}

/// Gives the difference of two revisions: exact ops, a JSON Patch, or words for people.
#[utoipa::path(
    get, path = "/v1/stories/{story}/diff", tag = "stories",
    params(
        ("story" = String, Path, description = "The story's id or slug", example = "ceasefire-talks"),
        DiffQuery,
        ("If-None-Match" = Option<String>, Header, description = "The `ETag` of an earlier answer"),
    ),
    responses(
        (status = 200, description = "The difference",
            content(
                (DiffView = "application/json"),
                (Vec<Object> = "application/json-patch+json"),
                (String = "text/plain"),
            ),
            headers(
                ("ETag" = String, description = "The later revision and a hash of the answer"),
                ("Link" = String, description = "`rel=\"version-history\"`: the history (RFC 5829)"),
            )),
        (status = 304, description = "The caller has it already"),
        ReadProblems,
    )
)]
pub(crate) async fn diff(
    Asker(gateway, who): Asker,
    headers: HeaderMap,
    accepted: Accepted,
    Named(story): Named,
    Asked(query): Asked<DiffQuery>,
) -> Result<Response, Refused> {
    let format = if let Some(format) = query.format {
        accepted.best(&[format.media_type()])?;
        format
    } else {
        let formats = [DiffFormat::Ops, DiffFormat::JsonPatch, DiffFormat::Text];
        let best = accepted.best(&formats.map(DiffFormat::media_type))?;
        formats.into_iter().find(|format| format.media_type() == best).unwrap_or(DiffFormat::Ops)
    };
    let view = query.view;
    gateway.may_read(&who, view, &story).await?;
    let difference = gateway.difference(&story, query).await?;
    let body = match format {
        DiffFormat::Ops => json(&difference.view),
        DiffFormat::JsonPatch => json(&difference.json_patch()),
        DiffFormat::Text => difference.text().into_bytes(),
    };
    let mut response = validated(difference.view.to, format.media_type(), body, view, &headers);
    add(&mut response, LINK, &history_link(&difference.view.story.to_string()));
    Ok(response)
}

/// Returns the header that leads from a story to its history (RFC 5829).
pub(crate) fn history_link(story: &str) -> String {
    format!("</v1/stories/{story}/history>; rel=\"version-history\"")
}

/// Says who wrote what of a story: for each stretch of its texts the revision that its words first came
/// with, who filed that, when and why.
///
/// A word keeps its first author for as long as it stands, wherever it is moved, and gets that author back
/// when it returns after it was taken out: a revert makes nobody an author. For readers only public
/// revisions count.
#[utoipa::path(
    get, path = "/v1/stories/{story}/blame", tag = "stories",
    params(
        ("story" = String, Path, description = "The story's id or slug", example = "ceasefire-talks"),
        BlameQuery,
    ),
    responses((status = 200, description = "Who wrote what", body = BlameView), ReadProblems)
)]
pub(crate) async fn blame(
    Asker(gateway, who): Asker,
    accepted: Accepted,
    Named(story): Named,
    Asked(query): Asked<BlameQuery>,
) -> Result<Response, Refused> {
    accepted.json()?;
    gateway.may_read(&who, query.view, &story).await?;
    let blame = Box::pin(gateway.blame(&story, query)).await?;
    Ok(answer(StatusCode::OK, JSON, json(&blame)))
}

//! The description of the API (OpenAPI 3.1), made from the very routes that are served.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use axum::http::StatusCode;
use axum::response::Response;
use bytes::Bytes;
use utoipa::openapi::example::ExampleBuilder;
use utoipa::openapi::info::{InfoBuilder, LicenseBuilder};
use utoipa::openapi::schema::Type;
use utoipa::openapi::tag::TagBuilder;
use utoipa::openapi::{ContentBuilder, ObjectBuilder, OpenApi, OpenApiBuilder, Ref, RefOr, ResponseBuilder};
use utoipa::{IntoResponses, ToSchema};
use wire::{Problem, ProblemKind};

use crate::http::reply::{Accepted, Asked, JSON, Refused, answer};
use crate::parameters::Nothing;

static DOCUMENT: LazyLock<Bytes> = LazyLock::new(|| {
    let document = crate::http::document();
    Bytes::from(serde_json::to_vec_pretty(&document).expect("the document is made of texts and lists"))
});

/// Describes this API.
#[utoipa::path(
    get, path = "/openapi.json", tag = "service",
    responses((status = 200, description = "This document (OpenAPI 3.1)", body = Object), PlainProblems)
)]
pub(crate) async fn document(
    accepted: Accepted,
    Asked(Nothing): Asked<Nothing>,
) -> Result<Response, Refused> {
    accepted.json()?;
    Ok(answer(StatusCode::OK, JSON, DOCUMENT.clone()))
}

/// Returns the document without its routes.
pub(crate) fn frame() -> OpenApi {
    let tag = |name: &str, what: &str| TagBuilder::new().name(name).description(Some(what)).build();
    let info = InfoBuilder::new()
        .title("Writethru")
        .version(env!("CARGO_PKG_VERSION"))
        .description(Some(
            "Updates to breaking stories: filed as copy, kept as events, read as articles, histories and exact changes. Every refusal is a problem (RFC 9457) that says what, where and what to do next.",
        ))
        .license(Some(LicenseBuilder::new().name("Apache-2.0").identifier(Some("Apache-2.0")).build()))
        .build();
    let mut schemas = Vec::new();
    Problem::schemas(&mut schemas);
    schemas.push((Problem::name().into_owned(), <Problem as utoipa::PartialSchema>::schema()));
    let components = utoipa::openapi::ComponentsBuilder::new().schemas_from_iter(schemas).build();
    OpenApiBuilder::new()
        .info(info)
        .components(Some(components))
        .tags(Some([
            tag("stories", "Filing copy and reading stories"),
            tag("changes", "Following what readers see"),
            tag("feeds", "Feeds for readers' programs: Atom, RSS, JSON Feed"),
            tag("access", "Who may do what: actors, keys, denials, second persons, audits"),
            tag("transparency", "The log over every envelope, as static files, and receipts from it"),
            tag("webhooks", "Changes posted to other services, as Standard Webhooks wants them"),
            tag("service", "The service itself"),
        ]))
        .build()
}

macro_rules! problem_responses {
    ($($(#[$doc:meta])* $name:ident = [$($kind:ident),+ $(,)?];)+) => {$(
        $(#[$doc])*
        pub(crate) struct $name;

        impl IntoResponses for $name {
            fn responses() -> BTreeMap<String, RefOr<utoipa::openapi::Response>> {
                responses(&[$(ProblemKind::$kind),+])
            }
        }
    )+};
}

problem_responses! {
    /// What any address may answer.
    PlainProblems = [BadRequest, TooLarge, NotAcceptable, Unavailable, Internal];
    /// What a schema may be answered with.
    SchemaProblems = [BadRequest, TooLarge, NoSuchAddress, NotAcceptable, Unavailable, Internal];
    /// What a read of the changes may answer.
    ChangesProblems = [BadRequest, TooLarge, NotAcceptable, CursorGone, Unavailable, Internal];
    /// What a stream of all changes may answer.
    StreamProblems = [
        BadRequest, TooLarge, Unauthorized, Forbidden, NotAcceptable, CursorGone, Unavailable, Internal,
    ];
    /// What a read may answer.
    ReadProblems = [
        BadRequest, TooLarge, Unauthorized, Forbidden, NotFound, RevisionNotFound, NotAcceptable, CursorGone,
        Unavailable, Internal,
    ];
    /// What copy for a new story may be answered with.
    NewProblems = [
        BadCopy, BadRequest, Unauthorized, Forbidden, NotAcceptable, Conflict, PreconditionFailed, TooLarge,
        UnsupportedMediaType, Refused, Unavailable, OutcomeUnknown, Internal,
    ];
    /// What copy for a story may be answered with.
    PushProblems = [
        BadCopy, BadRequest, Unauthorized, Forbidden, NotFound, NotAcceptable, Conflict, PreconditionFailed,
        TooLarge, UnsupportedMediaType, Refused, Unavailable, OutcomeUnknown, Internal,
    ];
    /// What a redaction may be answered with.
    RedactProblems = [
        BadRequest, Unauthorized, Forbidden, NotFound, NotAcceptable, Conflict, PreconditionFailed, TooLarge,
        UnsupportedMediaType, Refused, Held, IdempotencyKeyReused, Unavailable, OutcomeUnknown, Internal,
    ];
    /// What a hold may be answered with.
    HoldProblems = [
        BadRequest, TooLarge, Unauthorized, Forbidden, NotFound, NotAcceptable, UnsupportedMediaType, Refused,
        Unavailable, OutcomeUnknown, Internal,
    ];
    /// What a rebuild may be answered with.
    RebuildProblems = [
        BadRequest, TooLarge, Unauthorized, Forbidden, NotAcceptable, Refused, Unavailable, Internal,
    ];
    /// What a read of the registry may answer.
    RegistryReadProblems = [
        BadRequest, TooLarge, Unauthorized, Forbidden, NotRegistered, NotAcceptable, Unavailable, Internal,
    ];
    /// What a change of the registry may be answered with.
    RegistryProblems = [
        BadRequest, TooLarge, Unauthorized, Forbidden, NotRegistered, NotAcceptable, UnsupportedMediaType,
        Refused, Unavailable, OutcomeUnknown, Internal,
    ];
    /// What an approval may be answered with.
    ApprovalProblems = [
        BadCopy, BadRequest, TooLarge, Unauthorized, Forbidden, NotRegistered, NotFound, NotAcceptable,
        Conflict, PreconditionFailed, Refused, Held, Unavailable, OutcomeUnknown, Internal,
    ];
    /// What an audit of a story may answer.
    AuditProblems = [
        BadRequest, TooLarge, Unauthorized, Forbidden, NotFound, NotAcceptable, CursorGone, Unavailable,
        Internal,
    ];
    /// What an audit of the house may answer.
    QuestionProblems = [
        BadRequest, TooLarge, Unauthorized, Forbidden, NotAcceptable, CursorGone, Unavailable, Internal,
    ];
    /// What a file of the transparency log may be answered with.
    FileProblems = [BadRequest, TooLarge, NoSuchFile, NotAcceptable, Unavailable, Internal];
    /// What a receipt may be answered with.
    ReceiptProblems = [
        BadRequest, TooLarge, Unauthorized, Forbidden, NotFound, RevisionNotFound, NoSuchFile, NotAcceptable,
        CursorGone, Unavailable, Internal,
    ];
    /// What a change of a webhook may be answered with.
    WebhookProblems = [
        BadRequest, TooLarge, Unauthorized, Forbidden, NotRegistered, NotAcceptable, CursorGone,
        UnsupportedMediaType, Refused, Unavailable, OutcomeUnknown, Internal,
    ];
    /// What a read of webhooks may answer.
    WebhookReadProblems = [
        BadRequest, TooLarge, Unauthorized, Forbidden, NotRegistered, NotAcceptable, Refused, Unavailable,
        Internal,
    ];
    /// What readiness may be answered with.
    Unready = [BadRequest, TooLarge, NotAcceptable, Unavailable, Internal];
}

/// What a command is answered that needs a second person.
#[derive(utoipa::IntoResponses)]
#[expect(dead_code, reason = "it describes an answer that is made elsewhere")]
#[response(
    status = 202,
    description = "Nothing is done yet: it waits for a second person",
    headers(("Location" = String, description = "The request"))
)]
pub(crate) struct NeedsSecond(#[to_schema] wire::http::Waiting);

/// What a feed may answer. It is refused to people, with a page.
pub(crate) struct FeedAnswers;

impl IntoResponses for FeedAnswers {
    fn responses() -> BTreeMap<String, RefOr<utoipa::openapi::Response>> {
        let answers: [(&str, &str, &[&str]); 5] = [
            ("200", "The feed", &["application/atom+xml", "application/rss+xml", "application/feed+json"]),
            ("304", "What the caller has is the newest", &[]),
            ("404", "There is nothing here that is public", &["text/html"]),
            ("500", "The service failed", &["text/html"]),
            ("503", "Too busy for the moment", &["text/html"]),
        ];
        let answer = |(status, what, media_types): (&str, &str, &[&str])| {
            let described = ResponseBuilder::new().description(what);
            let described = media_types.iter().fold(described, |described, media_type| {
                let shape = if media_type.ends_with("json") { Type::Object } else { Type::String };
                let schema = ObjectBuilder::new().schema_type(shape).build();
                described.content(*media_type, ContentBuilder::new().schema(Some(schema)).build())
            });
            (status.to_owned(), described.build().into())
        };
        answers.into_iter().map(answer).collect()
    }
}

/// Returns a response for each status of `kinds`, with an example of each kind.
fn responses(kinds: &[ProblemKind]) -> BTreeMap<String, RefOr<utoipa::openapi::Response>> {
    let mut by_status: BTreeMap<u16, Vec<ProblemKind>> = BTreeMap::new();
    for kind in kinds {
        by_status.entry(kind.status()).or_default().push(*kind);
    }
    by_status.into_iter().map(|(status, kinds)| (status.to_string(), response(&kinds).into())).collect()
}

fn response(kinds: &[ProblemKind]) -> utoipa::openapi::Response {
    let titles: Vec<_> = kinds.iter().map(|kind| kind.title()).collect();
    let examples = kinds.iter().map(|kind| {
        let problem = Problem::new(*kind, kind.title());
        let value = serde_json::to_value(problem).expect("a problem is texts and numbers");
        (kind.name(), ExampleBuilder::new().summary(kind.title()).value(Some(value)).build())
    });
    let schema = Ref::from_schema_name(Problem::name());
    let content = ContentBuilder::new().schema(Some(schema)).examples_from_iter(examples).build();
    ResponseBuilder::new().description(titles.join("; or: ")).content(Problem::MEDIA_TYPE, content).build()
}

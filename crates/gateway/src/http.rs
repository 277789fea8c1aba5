//! The edge over HTTP: the routes, and what surrounds every one of them.

mod access;
pub(crate) mod acts;
mod asyncapi;
mod changes;
mod connections;
mod contracts;
mod edge;
mod events;
mod filing;
mod memento;
mod openapi;
mod operator;
mod pages;
mod redactions;
mod registry;
mod reply;
mod search;
mod stories;
mod transparency;

use std::future::IntoFuture;
use std::sync::Arc;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::http::Method;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;
use tower_http::catch_panic::CatchPanicLayer;
use tracing::{info, warn};
use utoipa::openapi::OpenApi;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::gateway::Gateway;
use crate::limits::{CONNECTIONS_MAX, DRAIN_TIME_MAX};
use crate::stream::{Line, Outlet};
use connections::Bounded;
pub use pages::feed_paths;

/// How often what was measured is folded.
const TIDY_PERIOD: std::time::Duration = std::time::Duration::from_secs(5);

/// Why serving ended before it was asked to.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// The listener failed: bind again.
    #[error("cannot accept connections")]
    Accept(#[source] std::io::Error),
}

impl Gateway {
    /// Returns the routes, each with everything around it: places, time limits, request ids, spans,
    /// measures, and problems for what goes wrong.
    pub fn router(&self) -> Router {
        let (routes, _) = routes().split_for_parts();
        let edge = axum::middleware::from_fn_with_state(self.clone(), edge::surround);
        routes
            .merge(pages::routes())
            .fallback(edge::no_such_address)
            .method_not_allowed_fallback(edge::method_not_allowed)
            // The one route with a body bounds it itself, by what it is for.
            .layer(DefaultBodyLimit::disable())
            .layer(CatchPanicLayer::custom(edge::panicked))
            .layer(edge)
            .with_state(self.clone())
    }

    /// Serves HTTP on `listener` until `shutdown`; then takes no more connections and gives the
    /// requests at work [`DRAIN_TIME_MAX`] to end.
    ///
    /// # Errors
    /// [`ServeError`]; every request that was answered is done.
    pub async fn serve(&self, listener: TcpListener, shutdown: CancellationToken) -> Result<(), ServeError> {
        let closing = self.inner.closing.clone();
        let line = Line { views: self.views().clone(), closing: closing.clone() };
        let listener = Bounded::new(listener, CONNECTIONS_MAX, line);
        let hub = Arc::clone(&self.inner.hub).run(self.views().clone(), closing.clone());
        let _hub = AbortOnDropHandle::new(tokio::spawn(hub));
        let begun = shutdown.clone();
        let drain = async move {
            begun.cancelled().await;
            closing.cancel();
        };
        let serving = axum::serve(listener, self.router().into_make_service_with_connect_info::<Outlet>())
            .with_graceful_shutdown(drain)
            .into_future();
        let overdue = async {
            shutdown.cancelled().await;
            tokio::time::sleep(DRAIN_TIME_MAX).await;
        };
        tokio::select! {
            // Not cancel-safe, and dropped only when the process is to end.
            served = serving => {
                info!("Served every request that was at work");
                served.map_err(ServeError::Accept)
            }
            () = overdue => {
                warn!(drain_ms = DRAIN_TIME_MAX.as_millis(), "Cut off requests that did not end in time");
                Ok(())
            }
            never = self.tidy() => match never {},
        }
    }

    async fn tidy(&self) -> std::convert::Infallible {
        loop {
            tokio::time::sleep(TIDY_PERIOD).await;
            self.inner.measures.tidy();
        }
    }
}

/// Returns every route that the document describes.
fn routes() -> OpenApiRouter<Gateway> {
    OpenApiRouter::with_openapi(openapi::frame())
        .routes(routes!(stories::list, filing::push_new))
        .routes(routes!(stories::show, filing::push_to))
        .routes(routes!(acts::act))
        .routes(routes!(acts::add))
        .routes(routes!(acts::edit, acts::delete))
        .routes(routes!(acts::pin, acts::unpin))
        .routes(routes!(stories::history))
        .routes(routes!(stories::diff))
        .routes(routes!(stories::blame))
        .routes(routes!(changes::changes))
        .routes(routes!(transparency::checkpoint))
        .routes(routes!(transparency::tile))
        .routes(routes!(transparency::receipt))
        .routes(routes!(events::all))
        .routes(routes!(events::story))
        .routes(routes!(operator::info))
        .routes(routes!(operator::rebuild))
        .routes(routes!(operator::livez))
        .routes(routes!(operator::readyz))
        .routes(routes!(operator::metrics))
        .routes(routes!(openapi::document))
        .routes(routes!(contracts::schema))
        .routes(routes!(contracts::messages))
        .merge(pages::feeds())
        .merge(memento::routes())
        .merge(redactions::routes())
        .merge(search::routes())
        .merge(registry::routes())
}

/// Returns the description of the API (OpenAPI 3.1) that `/openapi.json` gives, without serving it.
pub fn document() -> OpenApi {
    routes().split_for_parts().1
}

/// Returns the method's name, out of few: a label of a measure must not grow with what is sent.
fn method_name(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::POST => "POST",
        Method::HEAD => "HEAD",
        Method::PUT => "PUT",
        Method::DELETE => "DELETE",
        Method::OPTIONS => "OPTIONS",
        Method::PATCH => "PATCH",
        _ => "other",
    }
}

//! The style sheet, the script and the icon of pages, each under a name that its content makes: it can be
//! kept for ever.

use std::sync::LazyLock;

use axum::extract::State;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use wire::{Problem, ProblemKind};

use super::Place;
use super::reply::set;
use crate::gateway::Gateway;
use crate::http::reply::Refused;

/// A file that pages use.
#[derive(Debug)]
pub(super) struct Asset {
    /// Its path.
    pub(super) path: String,
    media_type: &'static str,
    content: &'static str,
}

/// How pages look.
pub(super) static STYLE: LazyLock<Asset> =
    LazyLock::new(|| Asset::new("page", "css", include_str!("../../../assets/page.css")));
/// What makes a story's page live.
pub(super) static SCRIPT: LazyLock<Asset> =
    LazyLock::new(|| Asset::new("live", "js", include_str!("../../../assets/live.js")));
/// What stands in a browser's tab.
pub(super) static ICON: LazyLock<Asset> =
    LazyLock::new(|| Asset::new("icon", "svg", include_str!("../../../assets/icon.svg")));

impl Asset {
    fn new(name: &str, ending: &str, content: &'static str) -> Self {
        let media_type = match ending {
            "css" => "text/css; charset=utf-8",
            "js" => "text/javascript; charset=utf-8",
            _ => "image/svg+xml",
        };
        let hash = proof::envelope_hash(content.as_bytes()).to_base64url();
        Self { path: format!("/assets/{name}-{}.{ending}", &hash[..16]), media_type, content }
    }
}

/// Gives a file that pages use.
pub(super) async fn asset(State(_): State<Gateway>, Place(file): Place<String>) -> Result<Response, Refused> {
    let named = |asset: &&Asset| asset.path.strip_prefix("/assets/") == Some(file.as_str());
    let all: [&Asset; 3] = [&STYLE, &SCRIPT, &ICON];
    let none = || Refused(Problem::new(ProblemKind::NoSuchAddress, "there is no such file"));
    let asset = all.into_iter().find(named).ok_or_else(none)?;
    let mut response = asset.content.into_response();
    set(&mut response, CONTENT_TYPE, asset.media_type);
    set(&mut response, CACHE_CONTROL, "public, max-age=31536000, immutable");
    Ok(response)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_script_is_small_and_the_style_is_not_large() {
        assert!(SCRIPT.content.len() < 4 * 1024, "{} bytes", SCRIPT.content.len());
        assert!(STYLE.content.len() < 16 * 1024, "{} bytes", STYLE.content.len());
    }

    #[test]
    fn another_content_has_another_name() {
        let (one, other) = (Asset::new("page", "css", "a"), Asset::new("page", "css", "b"));
        assert_ne!(one.path, other.path);
        assert_eq!(one.path, Asset::new("page", "css", "a").path);
    }
}

//! No message on NATS makes a replica panic, whatever its article is.
#![no_main]

use libfuzzer_sys::fuzz_target;
use story::{Article, Revision};
use wire::{ArticleView, Change, CloudEvent};

fuzz_target!(|given: (&[u8], &[u8])| {
    let (message, article) = given;
    let base = serde_json::from_slice::<ArticleView>(article).ok().and_then(|view| view.to_article().ok());
    if let Ok(event) = serde_json::from_slice::<CloudEvent<Change>>(message) {
        // Refusing is right; only a panic is not.
        let _ = event.data.apply_to(&base.unwrap_or_else(Article::default), Revision(event.data.from.get()));
    }
    let _ = serde_json::from_slice::<Vec<story::diff::Op>>(message)
        .map(|ops| story::diff::apply(&Article::default(), &ops));
});

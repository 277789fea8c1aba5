//! Slugs of new stories: as asked for, or made of the headline.

use story::{Command, CommandKey, Field, Slug, Text};

use crate::filing::own_command;
use crate::request::{PushRequest, Target};

/// Longest slug made from a headline, in bytes.
const MADE_SLUG_BYTES_MAX: usize = 48;

/// Gives `command` the slug that a new story gets; a present story keeps its own.
pub(crate) fn name(command: &mut Command, slug: Option<&Slug>) {
    let Command::Push(push) = command else { return };
    push.copy.given.retain(|field| *field != Field::Slug);
    if let Some(slug) = slug {
        push.copy.given.push(Field::Slug);
        push.copy.fields.set(Field::Slug, Text::uncut(slug.as_str()));
    }
}

pub(crate) fn slug_wanted(request: &PushRequest) -> Slug {
    match &request.target {
        Target::BySlug(slug) | Target::New(Some(slug)) => slug.clone(),
        Target::New(None) | Target::Existing(_) => {
            made_slug(request.push.copy.fields.get(Field::Headline).as_str(), request.command.as_ref())
        }
    }
}

/// Returns a slug made of the headline's first words and, so that it is new, of eight more digits.
/// They come from the idempotency key, if there is one: a repeated filing finds its story.
fn made_slug(headline: &str, command: Option<&CommandKey>) -> Slug {
    let mut slug = String::new();
    for word in headline.split(|character: char| !character.is_ascii_alphanumeric()) {
        if word.is_empty() {
            continue;
        }
        if slug.len() + 1 + word.len() > MADE_SLUG_BYTES_MAX {
            break;
        }
        if !slug.is_empty() {
            slug.push('-');
        }
        slug.push_str(&word.to_ascii_lowercase());
    }
    let key = command.cloned().unwrap_or_else(own_command);
    let tail = proof::envelope_hash(key.as_str().as_bytes()).to_string();
    let tail = &tail[tail.len() - 8..];
    let slug = if slug.is_empty() { format!("story-{tail}") } else { format!("{slug}-{tail}") };
    slug.parse().expect("letters, digits and hyphens, at most 57 of them")
}

//! A bundle of evidence: a zip file that proves what it says, down to its last byte.

use std::fs;
use std::path::Path;

use evidence::Verified;
use proof::policy::Policy;
use serde_json::json;

use super::{unread, wrong};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::{Output, progress, say};

/// How a zip file begins.
const MAGIC: &[u8] = b"PK";

/// Returns whether the file at `path` is meant to be a bundle.
pub(super) fn is_one(path: &Path) -> bool {
    let named = path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("zip"));
    named || fs::read(path).is_ok_and(|bytes| bytes.starts_with(MAGIC))
}

/// Proves the bundle at `path`.
pub(super) fn prove(path: &Path, policy: Option<&Policy>) -> Result<Verified, Failure> {
    let name = path.display().to_string();
    let bytes = fs::read(path).map_err(|error| unread(&name, &error))?;
    let bar = progress(0, "verifying");
    let verified = evidence::verify(&bytes, policy, |done, total| {
        bar.set_length(total);
        bar.set_position(done);
    });
    bar.finish_and_clear();
    verified.map_err(|fault| wrong(format!("{name} does not prove what it says")).why(fault.to_string()))
}

/// Prints what was proved.
pub(super) fn tell(proved: &Verified, is_trusted: bool, output: Output) -> Result<Exit, Failure> {
    let witnesses: Vec<&str> = proved.endorsed.witnesses.iter().map(|(name, _)| name.as_str()).collect();
    let revisions: u64 = proved.stories.iter().map(|(_, revisions)| revisions).sum();
    if !is_trusted {
        say(
            "note: the key was taken from the bundle itself: compare it with the log's, or name that with --key",
        );
    }
    if output.json {
        let stories: Vec<_> =
            proved.stories.iter().map(|(story, count)| json!({"story": story, "revisions": count})).collect();
        output.json(&json!({
            "verified": true, "what": "bundle", "level": proved.level.as_str(), "origin": proved.origin,
            "size": proved.size, "root": proved.root, "key": proved.key.to_string(), "key_given": is_trusted,
            "witnesses": witnesses, "stories": stories, "values": proved.told, "left_out": proved.left_out,
        }))?;
        return Ok(Exit::Ok);
    }
    output.line(format_args!("log: {}, {} entries, root {}", proved.origin, proved.size, proved.root))?;
    output.line(format_args!("signed with {}; cosigned by {} witnesses", proved.key, witnesses.len()))?;
    output.line(format_args!(
        "{} stories, {revisions} revisions, each in the log and in its chain; level {}: {} values told, {} not",
        proved.stories.len(),
        proved.level,
        proved.told,
        proved.left_out
    ))?;
    output.line("every byte of the file follows from what is proved")?;
    output.line("verified")?;
    Ok(Exit::Ok)
}

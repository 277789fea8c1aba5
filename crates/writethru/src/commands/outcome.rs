//! What became of a story: how every command that changes one answers.

use serde_json::{Value, json};
use story::Revision;
use wire::http::{Pushed, RecallStatus, Waiting};

use crate::api::{Api, Query, Reply, typed};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::{Output, say};
use crate::times;
use crate::words::matters;

/// Prints what became of a story, or that the command waits for a second person.
pub(crate) async fn report(api: &Api, reply: Reply<Value>, output: Output) -> Result<Exit, Failure> {
    let mut answer = match reply {
        Reply::Waits(waiting) => return waits(&waiting, output).map(|()| Exit::Ok),
        Reply::Done(answer) => answer,
    };
    let pushed: Pushed = typed(&answer)?;
    let voids = voided(api, &pushed).await;
    for warning in &pushed.warnings {
        say(format_args!("note: {warning}"));
    }
    if let Some(base) = pushed.rebased
        && !output.json
    {
        say(format_args!(
            "note: rebased: the copy was made from revision {base}; what came since is kept beside it"
        ));
    }
    if output.json {
        if let (Some(voids), Some(members)) = (voids, answer.as_object_mut()) {
            members.insert("voids".into(), json!(voids));
        }
        return output.json(&answer).map(|()| Exit::Ok);
    }
    let block = answer.get("block").and_then(Value::as_str).map(|block| format!("  entry {block}"));
    output.line(format_args!(
        "{}  revision {}  {}{}",
        pushed.slug,
        pushed.revision,
        became(&pushed),
        block.unwrap_or_default()
    ))?;
    if let Some(voids) = voids.filter(|voids| !voids.is_empty()) {
        let voids: Vec<String> = voids.iter().map(ToString::to_string).collect();
        output.line(format_args!(
            "voided: revision {} (who has them: writethru recall status {})",
            voids.join(", "),
            pushed.slug
        ))?;
    }
    Ok(Exit::Ok)
}

/// Prints that a command waits for a second person.
pub(crate) fn waits(waiting: &Waiting, output: Output) -> Result<(), Failure> {
    if output.json {
        return output.json(waiting);
    }
    let Waiting { request, act, expires, .. } = waiting;
    let expires = times::shown(*expires);
    output.line(format_args!("request {request}  {act} needs a second person: nothing is done yet"))?;
    say(format_args!(
        "next: `writethru approve {request}` by someone else, until {expires}   (or `writethru refuse {request}`)"
    ));
    Ok(())
}

/// Returns what happened, and where the story stands after it.
fn became(pushed: &Pushed) -> String {
    if pushed.repeated {
        return "done before under this key; nothing was added".to_owned();
    }
    if !pushed.changed {
        return "nothing has changed".to_owned();
    }
    let until = pushed.until.map(times::shown);
    let stands = match (pushed.status, until) {
        (story::Status::Usable, _) => pushed.significance.as_ref().map_or("usable".to_owned(), matters),
        (story::Status::Embargoed, Some(until)) => format!("embargoed until {until}"),
        (story::Status::Scheduled, Some(until)) => format!("goes out at {until}"),
        (story::Status::Withheld, Some(until)) => format!("withheld, not public; its embargo ends {until}"),
        (status, _) => format!("{status}, not public"),
    };
    format!("{} · {stands}", pushed.kind)
}

/// Returns the revisions that the update called back; `None` if it calls nothing back, or nobody
/// says.
async fn voided(api: &Api, pushed: &Pushed) -> Option<Vec<Revision>> {
    if !pushed.changed || !pushed.kind.recalls() {
        return None;
    }
    let story = pushed.story.to_string();
    // The act is done whether or not this is answered.
    let recalls: RecallStatus = api.get(&["v1", "stories", &story, "recalls"], &Query::new()).await.ok()?;
    recalls.recalls.into_iter().find(|recall| recall.revision == pushed.revision).map(|recall| recall.voids)
}

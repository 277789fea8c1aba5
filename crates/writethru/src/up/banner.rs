//! What `up` says to people: where it is and what to try next.

use crate::discovery::Run;
use crate::output::say;
use crate::session::Session;

const DEFAULT_DATA: &str = "./writethru-data";

/// Says that the service is ready.
pub(super) fn ready(run: &Run, session: &Session) {
    let bold = anstyle::Style::new().bold();
    let nats = run.nats.as_deref().unwrap_or("none (changes wait in the log)");
    say(format_args!("{bold}writethru {} is ready{bold:#}", run.version));
    say(format_args!("  http  {}", run.http));
    say(format_args!("  nats  {nats}"));
    say(format_args!("  data  {}", session.settings.data.display()));
    say("");
    say("in another terminal:");
    let flag = data_flag(session);
    say(format_args!("  writethru{flag} watch"));
    say(format_args!(
        "  printf 'Storm nears coast\\n\\nThree ships are overdue.\\n' | writethru{flag} push - --slug storm --desk world"
    ));
    say(format_args!(
        "  printf 'Storm nears coast\\n\\nFour ships are overdue.\\n' | writethru{flag} push - --slug storm"
    ));
    say("Ctrl-C stops it in order.");
    say("");
}

/// Says what to try with the story that the demo has left.
pub(super) fn after_demo(session: &Session) {
    let flag = data_flag(session);
    let slug = super::demo::SLUG;
    say("");
    say("that was the whole storm, as a subscriber saw it. It is all still there; in another terminal:");
    say(format_args!("  writethru{flag} log {slug}                     # every revision"));
    say(format_args!("  writethru{flag} show {slug} --as-of rev:3      # what readers saw then"));
    say(format_args!(
        "  writethru{flag} diff {slug} 20..40             # twenty advisories in one difference"
    ));
    say(format_args!("  writethru{flag} check                          # verify every hash"));
    say("the service goes on; Ctrl-C stops it.");
}

/// Returns what other commands need to find the data dir.
fn data_flag(session: &Session) -> String {
    let data = session.settings.data.display().to_string();
    if data == DEFAULT_DATA { String::new() } else { format!(" --data {data}") }
}

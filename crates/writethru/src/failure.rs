//! What a command says when it fails: what happened, why, and the next step.

use std::io::{self, Write};

use serde_json::{Map, Value, json};

use crate::exit::Exit;

/// A command's failure, ready to be shown to a person or a program.
#[derive(Debug)]
pub(crate) struct Failure(Box<Said>);

#[derive(Debug)]
struct Said {
    exit: Exit,
    name: &'static str,
    what: String,
    why: Option<String>,
    next: Option<String>,
    /// The server's problem object, if the failure is the server's answer.
    problem: Option<Map<String, Value>>,
}

impl Failure {
    /// Returns a failure named `name` (the last part of its problem type) in which `what` happened.
    pub(crate) fn new(exit: Exit, name: &'static str, what: impl Into<String>) -> Self {
        Self(Box::new(Said { exit, name, what: what.into(), why: None, next: None, problem: None }))
    }

    /// Adds the reason.
    #[must_use]
    pub(crate) fn why(mut self, why: impl Into<String>) -> Self {
        self.0.why = Some(why.into());
        self
    }

    /// Adds an error and its sources as the reason.
    #[must_use]
    pub(crate) fn because(self, error: &(dyn std::error::Error + 'static)) -> Self {
        let reason = chain(error);
        self.why(reason)
    }

    /// Adds what to do about it.
    #[must_use]
    pub(crate) fn next(mut self, next: impl Into<String>) -> Self {
        self.0.next = Some(next.into());
        self
    }

    /// Adds a remark to the reason.
    #[must_use]
    pub(crate) fn beside(mut self, remark: impl std::fmt::Display) -> Self {
        self.0.why = Some(match self.0.why.take() {
            Some(why) => format!("{why} ({remark})"),
            None => remark.to_string(),
        });
        self
    }

    /// Says where it happened, such as a file and a line.
    #[must_use]
    pub(crate) fn at(mut self, place: impl std::fmt::Display) -> Self {
        self.0.what = format!("{place}: {}", self.0.what);
        if let Some(problem) = &mut self.0.problem {
            problem.insert("input".into(), json!(place.to_string()));
        }
        self
    }

    /// Adds the problem object that the server sent; a program gets it whole.
    #[must_use]
    pub(crate) fn problem(mut self, problem: Map<String, Value>) -> Self {
        self.0.problem = Some(problem);
        self
    }

    /// Returns the problem object that the server sent, if the failure is its answer.
    pub(crate) fn answer(&self) -> Option<&Map<String, Value>> {
        self.0.problem.as_ref()
    }

    /// Returns the failure of writing to stdout. A closed pipe is no failure: the reader has seen
    /// enough.
    pub(crate) fn output(error: &io::Error) -> Self {
        if error.kind() == io::ErrorKind::BrokenPipe {
            return Self::new(Exit::Ok, "pipe-closed", "");
        }
        Self::new(Exit::Failure, "output", "cannot write the answer").because(error)
    }

    /// Returns how the process should end.
    pub(crate) fn exit(&self) -> Exit {
        self.0.exit
    }

    /// Returns what happened.
    pub(crate) fn what(&self) -> &str {
        &self.0.what
    }

    /// Returns the failure as a problem object (RFC 9457) with `next` and `exit` beside it.
    pub(crate) fn to_json(&self) -> Value {
        let mut object = self.0.problem.clone().unwrap_or_else(|| {
            let mut local = Map::new();
            local.insert("type".into(), json!(format!("/problems/{}", self.0.name)));
            local.insert("title".into(), json!(self.0.what));
            if let Some(why) = &self.0.why {
                local.insert("detail".into(), json!(why));
            }
            local
        });
        if let Some(next) = &self.0.next {
            object.insert("next".into(), json!(next));
        }
        object.insert("exit".into(), json!(self.0.exit.code()));
        Value::Object(object)
    }

    /// Writes the failure to stderr: three labelled lines, or one JSON line.
    pub(crate) fn report(&self, json: bool) {
        if self.0.exit == Exit::Ok {
            return;
        }
        let mut stderr = anstream::stderr().lock();
        // Nothing can be done about a closed stderr: the exit code still tells.
        let _ = if json { writeln!(stderr, "{}", self.to_json()) } else { self.write_text(&mut stderr) };
    }

    fn write_text(&self, out: &mut impl Write) -> io::Result<()> {
        let (red, dim, reset) = (
            anstyle::AnsiColor::Red.on_default().effects(anstyle::Effects::BOLD),
            anstyle::Style::new().dimmed(),
            anstyle::Reset,
        );
        writeln!(out, "{red}error:{reset} {}", self.0.what)?;
        if let Some(why) = &self.0.why {
            writeln!(out, "  {dim}why:{reset}  {why}")?;
        }
        if let Some(next) = &self.0.next {
            writeln!(out, "  {dim}next:{reset} {next}")?;
        }
        Ok(())
    }
}

/// Returns an error and its sources in one line, outermost first.
pub(crate) fn chain(error: &(dyn std::error::Error + 'static)) -> String {
    let mut line = error.to_string();
    let mut source = error.source();
    while let Some(inner) = source {
        let text = inner.to_string();
        if !line.ends_with(&text) {
            line.push_str(": ");
            line.push_str(&text);
        }
        source = inner.source();
    }
    line
}

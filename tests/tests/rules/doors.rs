//! The doors by which commands come in: HTTP, the command line, NATS. Each is asked as its users ask it.

use std::path::PathBuf;
use std::process::Output;

use async_nats::HeaderMap;
use reqwest::Method;
use serde_json::{Value, json};
use writethru_tests::api::{Answer, Api};
use writethru_tests::{PATIENCE, writethru};

use crate::commands::{Asked, DESK, asked, mended};
use crate::expected::Cell;

/// A way in.
#[derive(Debug, Clone)]
pub(crate) enum Door {
    Http(Api),
    Cli(CommandLine),
    Nats(async_nats::Client),
}

/// What the command line needs: a server's address, and a folder that is nobody's data dir.
#[derive(Debug, Clone)]
pub(crate) struct CommandLine {
    pub(crate) url: String,
    pub(crate) folder: PathBuf,
}

/// What a door answered.
#[derive(Debug, Clone)]
pub(crate) enum Said {
    Yes(Value),
    /// A problem (RFC 9457).
    No(Value),
}

impl Door {
    /// Returns what a denial calls the door that it came by.
    pub(crate) const fn name(&self) -> &'static str {
        match self {
            // The command line is a client of the API.
            Self::Http(_) | Self::Cli(_) => "http",
            Self::Nats(_) => "nats",
        }
    }

    /// Asks for what the cell says with `key`; what is not as the door promises is an error.
    pub(crate) async fn ask(&self, cell: &Cell, key: Option<&str>) -> Result<Said, String> {
        match self {
            Self::Http(api) => http(&api.with(key), cell).await,
            Self::Cli(cli) => {
                let (cli, cell, key) = (cli.clone(), cell.clone(), key.map(str::to_owned));
                let ran = tokio::task::spawn_blocking(move || cli.run(&cell, key.as_deref())).await;
                ran.map_err(|panicked| panicked.to_string())?
            }
            Self::Nats(client) => nats(client, cell, key).await,
        }
    }
}

/// Returns whether the cell's story is still to be made.
fn is_new(cell: &Cell) -> bool {
    cell.status == "new"
}

async fn http(api: &Api, cell: &Cell) -> Result<Said, String> {
    let slug = &cell.slug;
    let answer = match asked(&cell.command) {
        Asked::Push(parameters) => {
            let query: Vec<String> = parameters
                .iter()
                .map(|(name, value)| format!("{name}={}", value.replace(' ', "%20")))
                .collect();
            let query = query.join("&");
            let path = if is_new(cell) {
                format!("/v1/stories?slug={slug}&desk={DESK}&{query}")
            } else {
                format!("/v1/stories/{slug}?{query}")
            };
            api.post(path.trim_end_matches(['&', '?']), &mended()).await
        }
        Asked::Entry => {
            let body = Some(("text/plain", b"New entry.".to_vec()));
            api.send(Method::POST, &format!("/v1/stories/{slug}/entries"), body).await
        }
        Asked::Act(act, body) => api.act(slug, act, &body).await,
    };
    of_http(&answer)
}

/// Reads an answer of HTTP, holding it against what RFC 9457 and RFC 9110 ask for.
pub(crate) fn of_http(answer: &Answer) -> Result<Said, String> {
    let json: Value = serde_json::from_slice(&answer.body).map_err(|_| format!("no JSON: {answer:?}"))?;
    if (200..300).contains(&answer.status) {
        return Ok(Said::Yes(json));
    }
    if answer.header("content-type") != "application/problem+json" || json["status"] != answer.status {
        return Err(format!("no problem: {answer:?}"));
    }
    if (answer.status == 401) != (answer.header("www-authenticate") == "Bearer") {
        return Err(format!("a 401 says how to sign in, nothing else does: {answer:?}"));
    }
    Ok(Said::No(json))
}

impl CommandLine {
    fn run(&self, cell: &Cell, key: Option<&str>) -> Result<Said, String> {
        let arguments = self.arguments(cell);
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        let mut command = writethru(&self.folder.join("nobody"), &arguments);
        command.args(["--json", "--url", &self.url]);
        if let Some(key) = key {
            command.env("WRITETHRU_KEY", key);
        }
        let Output { status, stdout, stderr } = command.output().map_err(|error| error.to_string())?;
        let (stdout, stderr) = (String::from_utf8_lossy(&stdout), String::from_utf8_lossy(&stderr));
        let said = || format!("{arguments:?} ended with {status}: {stdout}{stderr}");
        if key.is_some_and(|key| stdout.contains(key) || stderr.contains(key)) {
            return Err(format!("{arguments:?} shows the key"));
        }
        if status.success() {
            return serde_json::from_str(&stdout).map(Said::Yes).map_err(|_| said());
        }
        let problem: Value =
            stderr.lines().last().and_then(|line| serde_json::from_str(line).ok()).ok_or_else(said)?;
        let code = match problem["status"].as_u64() {
            Some(401 | 403) => 77,
            Some(404) => 1,
            Some(422) => 65,
            _ => return Err(said()),
        };
        if status.code() != Some(code) || problem["exit"] != code || !stdout.is_empty() {
            return Err(said());
        }
        Ok(Said::No(problem))
    }

    fn arguments(&self, cell: &Cell) -> Vec<String> {
        let slug = cell.slug.clone();
        let words = |words: &[&str]| words.iter().map(|&word| word.to_owned()).collect::<Vec<_>>();
        match asked(&cell.command) {
            Asked::Push(parameters) => {
                let mut all = words(&["push", "copy.json"]);
                all[1] = self.folder.join("copy.json").display().to_string();
                if is_new(cell) {
                    all.extend(words(&["--slug", &slug, "--desk", DESK]));
                } else {
                    all.extend(words(&["--story", &slug]));
                }
                for (name, value) in parameters {
                    all.push(format!("--{}", name.replace('_', "-")));
                    all.extend((name != "draft").then(|| value.to_owned()));
                }
                all
            }
            Asked::Entry => words(&["entry", "add", &slug, "--text", "New entry."]),
            Asked::Act("lift", _) => words(&["embargo", &slug, "--lift"]),
            Asked::Act(act, body) => {
                let mut all = words(&[act, &slug]);
                let at = if act == "embargo" { "--until" } else { "--at" };
                for (name, flag) in [("reason", "--reason"), ("at", at)] {
                    all.extend(body[name].as_str().into_iter().flat_map(|value| words(&[flag, value])));
                }
                all.extend((body["draft"] == true).then(|| "--draft".to_owned()));
                all
            }
        }
    }
}

async fn nats(client: &async_nats::Client, cell: &Cell, key: Option<&str>) -> Result<Said, String> {
    let slug = &cell.slug;
    let (verb, body) = match asked(&cell.command) {
        Asked::Push(parameters) => {
            let mut query: serde_json::Map<String, Value> = parameters
                .into_iter()
                .map(|(name, value)| {
                    (name.to_owned(), if value == "true" { json!(true) } else { json!(value) })
                })
                .collect();
            if is_new(cell) {
                query.extend([("slug".to_owned(), json!(slug)), ("desk".to_owned(), json!(DESK))]);
            } else {
                query.insert("story".to_owned(), json!(slug));
            }
            ("push", json!({"query": query, "body": mended()}))
        }
        Asked::Entry => ("entry", json!({"query": {"story": slug, "step": "add"}, "body": "New entry."})),
        Asked::Act(act, body) => ("act", json!({"query": {"story": slug, "act": act}, "body": body})),
    };
    let mut headers = HeaderMap::new();
    if let Some(key) = key {
        headers.insert("Authorization", format!("Bearer {key}"));
    }
    let request = client.request_with_headers(format!("wt.v1.desk.{verb}"), headers, body.to_string().into());
    let message = tokio::time::timeout(PATIENCE, request)
        .await
        .map_err(|_| "no answer".to_owned())?
        .map_err(|error| error.to_string())?;
    let json: Value = serde_json::from_slice(&message.payload).map_err(|error| error.to_string())?;
    let code = message.headers.as_ref().and_then(|headers| headers.get("Nats-Service-Error-Code"));
    match code.map(|code| code.as_str().to_owned()) {
        None => Ok(Said::Yes(json)),
        Some(code) if json["status"].as_u64() == code.parse().ok() => Ok(Said::No(json)),
        Some(code) => Err(format!("the header says {code}: {json}")),
    }
}

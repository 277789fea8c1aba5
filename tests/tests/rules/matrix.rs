//! Every status, every command, everybody: what the documents say is what happens, by every door.
//!
//! Each cell gets a story of its own. What must not change is looked at before and after.

use std::collections::BTreeMap;
use std::process::Stdio;
use std::sync::Arc;

use futures::StreamExt;
use serde_json::Value;
use tempfile::TempDir;
use writethru_tests::Service;
use writethru_tests::api::{Answer, Api};
use writethru_tests::people::{NO_KEY, People};

use crate::commands::{Stands, bring, mended, stands};
use crate::doors::{CommandLine, Door, Said, of_http};
use crate::expected::{Cell, Expected, Tables};

/// Cells at work at once.
const AT_ONCE: usize = 16;
/// Failures that are shown; the others are counted.
const SHOWN_MAX: usize = 12;

/// A running service, everybody who tries, and what the documents say.
struct House {
    service: Service,
    owner: Api,
    public: Api,
    people: People,
    tables: Tables,
    folder: TempDir,
}

/// What a denied cell must have left behind: who, which act, about which story, by which door.
type Trace = (Option<String>, String, Option<String>, &'static str);

impl House {
    async fn open(options: &[&str]) -> Self {
        let folder = tempfile::tempdir().expect("a temp dir");
        let service = Service::start_with(&folder.path().join("data"), options, Stdio::null());
        let public = Api::public(&service.http);
        let owner = public.with(Some(&service.owner_key()));
        let tables = Tables::read();
        let grants: Vec<String> = tables.everybody().into_iter().filter(|who| who != NO_KEY).collect();
        let people = People::hire(&owner, &grants).await;
        Self { service, owner, public, people, tables, folder }
    }

    /// Tries the cell by `door`; returns what a denial must have left behind.
    async fn check(&self, cell: &Cell, door: &Door) -> Result<Option<Trace>, String> {
        let before = bring(&self.owner, &cell.slug, &cell.status).await;
        let seen_before = self.seen(cell).await;
        let said = door.ask(cell, self.people.key(&cell.who)).await?;
        let after = stands(&self.owner, &cell.slug).await;
        let seen_after = self.seen(cell).await;
        let expected = self.tables.expected(cell);
        if let Expected::Done { status, told } = &expected {
            let Said::Yes(pushed) = said else { return Err(format!("it is allowed: {said:?}")) };
            let after = after.ok_or("it is nowhere")?;
            let revision = before.map_or(0, |before| before.revision) + 1;
            let now = (after.revision, after.status.as_str(), after.told);
            same("where it stands", &now, &(revision, status.as_str(), *told))?;
            same(
                "what is answered",
                &(&pushed["status"], &pushed["revision"]),
                &(&status.clone().into(), &revision.into()),
            )?;
            if !told {
                return same("what readers see", &shape(&seen_after), &shape(&seen_before)).map(|()| None);
            }
            return readers_see(&seen_after, status, revision).map(|()| None);
        }
        same("where it stands", &after, &before)?;
        same("what readers see", &shape(&seen_after), &shape(&seen_before))?;
        let Said::No(problem) = said else { return Err(format!("it is {expected:?}: {said:?}")) };
        self.check_problem(cell, &expected, &problem).await?;
        Ok(trace(cell, &expected, before.as_ref(), door))
    }

    async fn seen(&self, cell: &Cell) -> Answer {
        self.public.get(&format!("/v1/stories/{}", cell.slug)).await
    }

    /// Says whether the problem is the one that was expected, and says enough.
    async fn check_problem(&self, cell: &Cell, expected: &Expected, problem: &Value) -> Result<(), String> {
        let (status, name) = match expected {
            Expected::Refused => (422, "refused"),
            Expected::Missing | Expected::Hidden { .. } => (404, "not-found"),
            Expected::Unknown { .. } => (401, "unauthorized"),
            Expected::Forbidden { .. } | Expected::Done { .. } => (403, "forbidden"),
        };
        let is = (&problem["status"], &problem["type"]);
        same(&format!("the problem {problem}"), &is, &(&status.into(), &format!("/problems/{name}").into()))?;
        let says = |member: &str| problem[member].as_str().is_some_and(|text| !text.is_empty());
        if !says("detail") || !says("next") {
            return Err(format!("it does not say why, or what to do: {problem}"));
        }
        match expected {
            Expected::Refused if problem["reason"] != "status-forbids" => {
                Err(format!("the reason: {problem}"))
            }
            Expected::Refused if !problem["detail"].as_str().is_some_and(|text| text.contains(": ")) => {
                Err(format!("it does not name the next step: {problem}"))
            }
            Expected::Unknown { act } | Expected::Forbidden { act } => {
                let roles = self.tables.access.columns.iter();
                let roles = roles.filter(|role| self.tables.access.cell(act, role) == "yes");
                same("who could", &problem["roles"], &roles.map(String::as_str).collect::<Vec<_>>().into())?;
                same("the act", &problem["act"], &(*act).into())
            }
            Expected::Hidden { .. } => {
                // The same question about a story that is not there, by HTTP: no word may differ.
                let nowhere = Cell { slug: format!("{}-x", cell.slug), ..cell.clone() };
                let nobody =
                    Door::Http(self.public.clone()).ask(&nowhere, self.people.key(&cell.who)).await?;
                let Said::No(nobody) = nobody else { return Err("it made a story".to_owned()) };
                let mut nobody = nobody;
                if problem.get("exit").is_some() {
                    nobody["exit"] = problem["exit"].clone();
                }
                same("the answer", &told_of(problem, &cell.slug), &told_of(&nobody, &nowhere.slug))
            }
            _ => Ok(()),
        }
    }

    /// Tries every cell; panics with what went wrong, then holds the denials against what was expected.
    async fn try_all(self, cells: Vec<(Cell, Door)>) -> Self {
        let house = Arc::new(self);
        let tried = futures::stream::iter(cells).map(|(cell, door)| {
            let house = Arc::clone(&house);
            tokio::spawn(async move {
                house.check(&cell, &door).await.map_err(|wrong| format!("{} {cell}: {wrong}", door.name()))
            })
        });
        let tried: Vec<_> = tried.buffer_unordered(AT_ONCE).collect().await;
        let (mut traces, mut wrong) = (BTreeMap::<Trace, usize>::new(), Vec::new());
        for outcome in tried {
            match outcome.expect("no cell panics") {
                Ok(trace) => trace.into_iter().for_each(|trace| *traces.entry(trace).or_default() += 1),
                Err(failed) => wrong.push(failed),
            }
        }
        let (count, shown) =
            (wrong.len(), wrong.iter().take(SHOWN_MAX).cloned().collect::<Vec<_>>().join("\n"));
        assert!(wrong.is_empty(), "{count} cells are not as the documents say:\n{shown}");
        house.check_denials(&traces).await;
        Arc::into_inner(house).expect("every cell has been tried")
    }

    async fn check_denials(&self, expected: &BTreeMap<Trace, usize>) {
        let mut found = BTreeMap::<Trace, usize>::new();
        let mut next = String::new();
        loop {
            let page = self.owner.get(&format!("/v1/denials?limit=500{next}")).await.done();
            assert_eq!(page["not_kept"], 0);
            for denial in page["denials"].as_array().expect("a list") {
                let text = |member: &str| denial[member].as_str().map(str::to_owned);
                let door = if denial["door"] == "nats" { "nats" } else { "http" };
                let act = text("act").expect("an act");
                *found.entry((text("actor"), act, text("story"), door)).or_default() += 1;
            }
            match page["next"].as_str() {
                Some(after) => next = format!("&after={after}"),
                None => break,
            }
        }
        for (trace, count) in expected {
            // Of what nobody may know of, a second denial is of the story that is not there.
            assert!(
                found.get(trace) >= Some(count),
                "{count} denials {trace:?}, found {:?}",
                found.get(trace)
            );
        }
        let strange: Vec<_> = found.keys().filter(|(_, _, story, _)| story.is_some()).collect();
        let strange: Vec<_> = strange.into_iter().filter(|trace| !expected.contains_key(*trace)).collect();
        assert!(strange.is_empty(), "nobody was denied that: {strange:?}");
    }
}

/// Returns what a denied cell leaves behind.
fn trace(cell: &Cell, expected: &Expected, before: Option<&Stands>, door: &Door) -> Option<Trace> {
    let story = before.map(|before| before.story.clone());
    match expected {
        Expected::Unknown { act } => Some((None, (*act).to_owned(), None, door.name())),
        Expected::Forbidden { act } | Expected::Hidden { act } => {
            Some((Some(People::id(&cell.who)), (*act).to_owned(), story, door.name()))
        }
        _ => None,
    }
}

/// Returns what a problem says, without what is of the one request, and with the story called STORY.
fn told_of(problem: &Value, slug: &str) -> String {
    let mut problem = problem.clone();
    let members = problem.as_object_mut().expect("a problem is an object");
    let by_command_line = members.contains_key("exit");
    for own in ["request", "exit", "instance"] {
        members.remove(own);
    }
    if by_command_line {
        // It names the next command, and knows nothing of the story.
        members.insert("next".to_owned(), "".into());
    }
    problem.to_string().replace(slug, "STORY")
}

/// Returns what of an answer does not depend on when it was asked.
fn shape(answer: &Answer) -> (u16, String, String) {
    let body = match of_http(answer) {
        Ok(Said::No(problem)) => told_of(&problem, ""),
        _ => answer.text(),
    };
    (answer.status, answer.header("etag").to_owned(), body)
}

/// Says whether readers see what `status` lets them see.
fn readers_see(seen: &Answer, status: &str, revision: u64) -> Result<(), String> {
    if seen.status != 200 {
        return Err(format!("readers see nothing: {}", seen.text()));
    }
    let article = seen.json();
    same(
        "the public status",
        &(&article["status"], &article["revision"]),
        &(&status.into(), &revision.into()),
    )?;
    let words = ["were late", "wer late", "Talks"].iter().any(|word| seen.text().contains(word));
    if words == (status == "usable") {
        return Ok(());
    }
    Err(format!("words of a {status} story: {}", seen.text()))
}

fn same<T: PartialEq + std::fmt::Debug>(what: &str, is: &T, wanted: &T) -> Result<(), String> {
    if is == wanted { Ok(()) } else { Err(format!("{what} is {is:?}, expected {wanted:?}")) }
}

fn cell(tables: &Tables, at: (usize, usize), who: &str, door: &str) -> Cell {
    let command = tables.lifecycle.rows().nth(at.0).expect("a row").to_owned();
    let status = tables.lifecycle.columns[at.1].clone();
    let slug = format!("{door}-{}-{status}-{}", at.0, who.replace(['@', ' '], "-"));
    Cell { status, command, who: who.to_owned(), slug }
}

fn pairs(tables: &Tables) -> impl Iterator<Item = (usize, usize)> {
    let (rows, columns) = (tables.lifecycle.rows().count(), tables.lifecycle.columns.len());
    (0..rows).flat_map(move |row| (0..columns).map(move |column| (row, column)))
}

#[tokio::test(flavor = "multi_thread")]
async fn every_status_takes_every_command_of_everybody_as_the_documents_say() {
    let house = House::open(&["--no-nats"]).await;
    let door = Door::Http(house.public.clone());
    let everybody = house.tables.everybody();
    let cells = pairs(&house.tables)
        .flat_map(|at| everybody.iter().map(move |who| (at, who)))
        .map(|(at, who)| (cell(&house.tables, at, who, "http"), door.clone()))
        .collect();
    house.try_all(cells).await.service.stop();
}

#[tokio::test(flavor = "multi_thread")]
async fn the_command_line_and_nats_are_as_strict_as_http() {
    let house = House::open(&[]).await;
    let folder = house.folder.path().to_owned();
    std::fs::write(folder.join("copy.json"), mended().to_string()).expect("written");
    let command_line = Door::Cli(CommandLine { url: house.service.http.clone(), folder });
    let seed = std::fs::read_to_string(house.service.data.join("nats-editor.nkey")).expect("a seed");
    let editor = async_nats::ConnectOptions::with_nkey(seed.trim().to_owned())
        .custom_inbox_prefix("_INBOX_editor")
        .connect(&house.service.nats)
        .await
        .expect("an editor is let in");
    let doors = [("cli", command_line), ("nats", Door::Nats(editor))];
    let everybody = house.tables.everybody();
    // Who tries moves on by one from status to status: every command meets everybody.
    let cells = pairs(&house.tables)
        .flat_map(|at| doors.iter().map(move |door| (at, door)))
        .map(|(at, (name, door))| {
            let who = &everybody[(at.0 + at.1) % everybody.len()];
            (cell(&house.tables, at, who, name), door.clone())
        })
        .collect();
    house.try_all(cells).await.service.stop();
}

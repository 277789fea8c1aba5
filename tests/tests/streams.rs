//! Live streams followed by the tools that people have: curl, Node's fetch, Python's standard library.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

use serde_json::{Value, json};
use tempfile::TempDir;
use writethru_tests::Service;
use writethru_tests::api::Api;

/// Reads a stream as the standard says (WHATWG HTML, 9.2) and prints an event a line.
const NODE: &str = r"
const [url, last] = process.argv.slice(1);
const response = await fetch(url, {headers: last ? {'Last-Event-ID': last} : {}});
if (!response.ok) throw new Error(`${response.status}`);
let waiting = '', event = {name: 'message', data: []}, id = null;
for await (const text of response.body.pipeThrough(new TextDecoderStream())) {
  const lines = (waiting + text).split('\n');
  waiting = lines.pop();
  for (const line of lines) {
    if (line === '') {
      if (event.data.length) console.log(JSON.stringify({event: event.name, id, data: JSON.parse(event.data.join('\n'))}));
      event = {name: 'message', data: []};
      continue;
    }
    const [, field, value] = line.match(/^([^:]*)(?:: ?(.*))?$/);
    if (field === 'event') event.name = value;
    if (field === 'data') event.data.push(value ?? '');
    if (field === 'id') id = value;
  }
}
";

/// The same in Python, whose standard library knows HTTP and JSON.
const PYTHON: &str = r#"
import json, sys, urllib.request
url, last = sys.argv[1], sys.argv[2] if len(sys.argv) > 2 else None
opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
request = urllib.request.Request(url, headers={"Last-Event-ID": last} if last else {})
name, data, last_id = "message", [], None
with opener.open(request) as response:
    assert response.headers["Content-Type"] == "text/event-stream", response.headers
    for line in response:
        field, _, value = line.decode().rstrip("\n").partition(":")
        value = value.removeprefix(" ")
        if not field and not value and line == b"\n":
            if data:
                print(json.dumps({"event": name, "id": last_id, "data": json.loads("\n".join(data))}), flush=True)
            name, data = "message", []
        elif field == "event": name = value
        elif field == "data": data.append(value)
        elif field == "id": last_id = value
"#;

/// A tool that follows a stream and prints it, a JSON object a line.
#[derive(Clone, Copy)]
enum Tool {
    /// `curl -N`, which reads JSON lines.
    Lines,
    /// `curl -N`, which prints server-sent events as they are.
    Events,
    Node,
    Python,
}

impl Tool {
    fn command(self, url: &str, last: Option<&str>) -> Command {
        let script = |program: &str, arguments: &[&str]| {
            let mut command = Command::new(program);
            command.args(arguments).arg(url).args(last);
            command
        };
        match self {
            Self::Node => script("node", &["--input-type=module", "-e", NODE]),
            Self::Python => script("python3", &["-c", PYTHON]),
            Self::Lines | Self::Events => {
                let mut command = Command::new("curl");
                command.args(["-N", "-s", "-S", "--fail", "--noproxy", "*", url]);
                if let Some(last) = last {
                    command.args(["-H", &format!("Last-Event-ID: {last}")]);
                }
                if matches!(self, Self::Lines) {
                    command.args(["-H", "Accept: application/x-ndjson"]);
                }
                command
            }
        }
    }

    /// Starts it; says so if it is not there.
    fn start(self, url: &str, last: Option<&str>) -> Result<Following, String> {
        let mut command = self.command(url, last);
        match command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn() {
            Ok(mut child) => {
                let lines = BufReader::new(child.stdout.take().expect("stdout is piped"));
                Ok(Following { tool: self, child, lines })
            }
            Err(error) => {
                let name = command.get_program().display().to_string();
                Err(format!("there is no {name} here ({error}): nothing is followed with it"))
            }
        }
    }
}

/// A tool at work.
struct Following {
    tool: Tool,
    child: Child,
    lines: BufReader<std::process::ChildStdout>,
}

/// One event: its name, its id, its data.
#[derive(Debug, Clone, PartialEq)]
struct Event(String, Option<String>, Value);

impl Following {
    fn line(&mut self) -> Option<String> {
        let mut line = String::new();
        (self.lines.read_line(&mut line).expect("it prints text") > 0).then_some(line)
    }

    /// Returns the next event; `None` once the tool has ended, well.
    fn event(&mut self) -> Option<Event> {
        if matches!(self.tool, Tool::Events) {
            return self.block();
        }
        let Some(line) = self.line() else {
            assert!(self.child.wait().expect("it is our child").success());
            return None;
        };
        let object: Value = serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error}: {line}"));
        let name = object["event"].as_str().expect("a name").replace("message", "change");
        let id = object["id"].as_str().filter(|_| name != "closing").map(str::to_owned);
        Some(Event(name, id, object["data"].clone()))
    }

    fn block(&mut self) -> Option<Event> {
        let mut event = Event("change".to_owned(), None, Value::Null);
        while let Some(line) = self.line() {
            match line.trim_end_matches('\n').split_once(": ") {
                Some(("event", name)) => name.clone_into(&mut event.0),
                Some(("id", id)) => event.1 = Some(id.to_owned()),
                Some(("data", data)) => event.2 = serde_json::from_str(data).expect("JSON"),
                None if event.2 != Value::Null => return Some(event),
                _ => {}
            }
        }
        assert!(self.child.wait().expect("it is our child").success());
        None
    }
}

/// Follows everything with `tool` over a restart of the service, as somebody would who notes the last id.
/// Says so if the tool is not there.
fn follow(tool: Tool) -> Result<(), String> {
    let folder = tempfile::tempdir().expect("a temp dir");
    let start =
        |folder: &TempDir| Service::start_with(&folder.path().join("data"), &["--no-nats"], Stdio::null());
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let file = |service: &Service, number: u64| {
        let api = Api::public(&service.http).with(Some(&service.owner_key()));
        let copy =
            json!({"headline": "Ferry", "blocks": [{"text": format!("{number} people were on board.")}]});
        runtime.block_on(api.post("/v1/stories?slug=ferry&desk=world", &copy)).done();
    };
    let (mut seen, mut last, mut filed) = (Vec::new(), None::<String>, 0);
    for _ in 0..2 {
        let service = start(&folder);
        let url = format!("{}/v1/events?since=earliest", service.http);
        let mut following = tool.start(&url, last.as_deref())?;
        for _ in 0..3 {
            filed += 1;
            file(&service, filed);
            while seen.last() != Some(&filed) {
                let Event(name, id, data) = following.event().expect("the stream goes on");
                last = id.or(last);
                if name == "change" {
                    seen.push(data["data"]["to"].as_u64().expect("a revision"));
                }
            }
        }
        let ending = std::thread::spawn(|| service.stop());
        let rest: Vec<_> =
            std::iter::from_fn(|| following.event()).filter(|event| event.0 != "up-to-date").collect();
        ending.join().expect("the service ends");
        assert_eq!(
            (rest.len(), rest[0].0.as_str(), &rest[0].2["reason"]),
            (1, "closing", &json!("shutdown"))
        );
        // What comes while nobody follows.
        let service = start(&folder);
        filed += 1;
        file(&service, filed);
        service.stop();
    }
    assert_eq!(seen, (1..=7).collect::<Vec<_>>());
    Ok(())
}

#[test]
fn curl_follows_json_lines_over_a_restart() {
    if let Err(missing) = follow(Tool::Lines) {
        eprintln!("{missing}");
    }
}

#[test]
fn curl_follows_server_sent_events_over_a_restart() {
    if let Err(missing) = follow(Tool::Events) {
        eprintln!("{missing}");
    }
}

#[test]
fn nodes_fetch_follows_server_sent_events_over_a_restart() {
    if let Err(missing) = follow(Tool::Node) {
        eprintln!("{missing}");
    }
}

#[test]
fn pythons_standard_library_follows_server_sent_events_over_a_restart() {
    if let Err(missing) = follow(Tool::Python) {
        eprintln!("{missing}");
    }
}

#[test]
fn every_reader_of_the_benchmark_gets_every_change() {
    let folder = tempfile::tempdir().expect("a temp dir");
    let mut bench =
        writethru_tests::writethru(folder.path(), &["bench", "--streams", "3", "--for", "10ms", "--json"]);
    let said = bench.arg("--dir").arg(folder.path()).output().expect("the binary runs");
    assert!(said.status.success(), "{}", String::from_utf8_lossy(&said.stderr));
    let report: Value = serde_json::from_slice(&said.stdout).expect("JSON");
    let run = &report["runs"][0];
    let (changes, receipts) = (run["changes"].as_u64(), run["push_to_receipt"]["count"].as_u64());
    assert!(changes.is_some_and(|changes| changes > 0), "{report}");
    assert_eq!(receipts, changes.map(|changes| changes * 3), "{report}");
}

#[test]
fn the_benchmark_of_history_reads_what_it_says() {
    let folder = tempfile::tempdir().expect("a temp dir");
    let mut bench = writethru_tests::writethru(folder.path(), &["bench", "--history", "20", "--json"]);
    let said = bench.arg("--dir").arg(folder.path()).output().expect("the binary runs");
    assert!(said.status.success(), "{}", String::from_utf8_lossy(&said.stderr));
    let report: Value = serde_json::from_slice(&said.stdout).expect("JSON");
    assert_eq!(report["revisions"], 20, "{report}");
    assert!(report["words"].as_u64().is_some_and(|words| words > 10_000), "{report}");
    for bytes in ["revision_bytes", "blame_bytes"] {
        assert!(report[bytes].as_u64().is_some_and(|bytes| bytes > 10_000), "{report}");
    }
}

//! Every snippet of the guide is run, in the order of its page, and says what the page says that it says.
//!
//! Blocks are told by the word behind their fence. `sh`, `python`, `js` and `rust` are run to their end;
//! `follow` behind it leaves one running; `browser` runs it in a page. A `text` block is what the one before
//! has printed, line by line, `…` standing for anything; `text follow` is what the one that runs prints.

use std::io::{BufRead, BufReader};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, sync_channel};
use std::time::Instant;

use writethru_tests::tools::{found, packages, python};
use writethru_tests::{PATIENCE, Service, binary};

/// A fenced block: the words behind its fence, and its lines.
struct Block {
    words: Vec<String>,
    text: String,
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn page(name: &str) -> String {
    std::fs::read_to_string(root().join("docs/guide").join(name)).expect("the page is there")
}

fn blocks(page: &str) -> Vec<Block> {
    let mut blocks = Vec::new();
    let mut open: Option<Block> = None;
    for line in page.lines() {
        match (line.strip_prefix("```"), open.take()) {
            (Some(words), None) => {
                let words = words.split(' ').map(str::to_owned).collect();
                open = Some(Block { words, text: String::new() });
            }
            (Some(_), Some(block)) => blocks.push(block),
            (None, Some(block)) => open = Some(Block { text: block.text + line + "\n", ..block }),
            (None, None) => {}
        }
    }
    assert!(open.is_none(), "a block is not closed");
    blocks
}

/// Returns whether `line` is what `wanted` says, in which `…` stands for anything.
fn says(line: &str, wanted: &str) -> bool {
    let Some((first, rest)) = wanted.split_once('…') else { return line == wanted };
    let (between, last) = rest.rsplit_once('…').unwrap_or(("", rest));
    let Some(line) = line.strip_prefix(first).and_then(|line| line.strip_suffix(last)) else { return false };
    let mut line = Some(line);
    for part in between.split('…') {
        line = line.and_then(|line| line.split_once(part)).map(|(_, line)| line);
    }
    line.is_some() || between.is_empty()
}

/// A snippet that runs on: dropping it ends it, with everything that it has started.
struct Following {
    child: Child,
    lines: Receiver<String>,
}

impl Following {
    fn begin(mut command: Command) -> Self {
        let mut child = command.stdout(Stdio::piped()).process_group(0).spawn().expect("it runs");
        let output = BufReader::new(child.stdout.take().expect("piped"));
        let (told, lines) = sync_channel(1_000);
        std::thread::spawn(move || {
            for line in output.lines().map_while(Result::ok) {
                if told.send(line).is_err() {
                    return;
                }
            }
        });
        Self { child, lines }
    }

    /// Reads on until every line of `expected` has come, in order.
    #[track_caller]
    fn says(&self, page: &str, expected: &str) {
        let until = Instant::now() + PATIENCE;
        let mut seen = Vec::new();
        for wanted in expected.lines() {
            loop {
                let left = until.saturating_duration_since(Instant::now());
                let line = self.lines.recv_timeout(left);
                let line =
                    line.unwrap_or_else(|_| panic!("{page}: {wanted:?} does not come after {seen:#?}"));
                if says(&line, wanted) {
                    break;
                }
                seen.push(line);
            }
        }
    }
}

impl Drop for Following {
    fn drop(&mut self) {
        // One that has ended by itself takes no signal, and needs none.
        let _ = rustix::process::kill_process_group(
            rustix::process::Pid::from_child(&self.child),
            rustix::process::Signal::KILL,
        );
        let _ = self.child.wait();
    }
}

/// What runs the snippets of one page.
struct Guide {
    service: Service,
    folder: tempfile::TempDir,
    /// What was run, and what was not, and why.
    ran: usize,
    missing: Vec<String>,
}

impl Guide {
    /// Returns a guide over a service that has the story of the guide, if it is `told` already.
    fn open(is_told: bool) -> Self {
        let folder = tempfile::tempdir().expect("a temp dir");
        let guide = Self {
            service: Service::start(&folder.path().join("data")),
            folder,
            ran: 0,
            missing: Vec::new(),
        };
        if is_told {
            for missing in [12, 14] {
                let push = format!(
                    "printf 'Ferry aground\\n\\nAt least {missing} people are missing.\\n' | writethru push - --slug ferry --desk world"
                );
                Self::end(guide.shell(&push));
            }
        }
        guide
    }

    /// Returns `text` with the addresses of this service.
    fn here(&self, text: &str) -> String {
        text.replace("http://127.0.0.1:8080", &self.service.http)
            .replace("nats://127.0.0.1:4222", &self.service.nats)
    }

    fn shell(&self, script: &str) -> Command {
        let folder = binary().parent().expect("a folder").display().to_string();
        let mut command = Command::new("sh");
        command.args([
            "-ec",
            &format!("PATH={folder}:$PATH; {}", self.here(script).replace("curl ", "curl --noproxy '*' ")),
        ]);
        command
            .current_dir(self.folder.path())
            .env("WRITETHRU_DATA", &self.service.data)
            .stdin(Stdio::null());
        command
    }

    /// Runs a command to its end and returns what it prints.
    #[track_caller]
    fn end(mut command: Command) -> String {
        let output = command.output().expect("it runs");
        let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        assert!(output.status.success(), "{command:?} ended with {}: {out}{err}", output.status);
        out.into_owned()
    }

    /// Returns how `block` is run, or what is missing for it; `expected` is what it is to print.
    fn command(&self, block: &Block, expected: &str) -> Result<Command, String> {
        let words: Vec<&str> = block.words.iter().map(String::as_str).collect();
        match words[..] {
            ["sh", "nats"] if found("nats").is_none() => Err("there is no `nats` on the path".to_owned()),
            ["sh", ..] => Ok(self.shell(&block.text)),
            ["python"] => {
                let mut command = Command::new(python("nats")?);
                command.args(["-c", &self.here(&block.text)]);
                Ok(command)
            }
            ["js"] => {
                let mut command = Command::new("node");
                command
                    .current_dir(packages("contracts", &["@nats-io/jetstream", "@nats-io/transport-node"])?);
                command.args(["--input-type=module", "-e", &self.here(&block.text)]);
                Ok(command)
            }
            ["js", "browser"] => {
                let mut command = Command::new("node");
                command.arg("snippet.js").current_dir(packages("browser", &["playwright-core"])?);
                let chromium = found("chromium").ok_or("there is no chromium on the path")?;
                let last = expected.lines().last().expect("it prints something");
                command
                    .env("CHROMIUM", chromium)
                    .env("BASE", &self.service.http)
                    .env("CODE", &block.text)
                    .env("LAST", last);
                Ok(command)
            }
            ["rust"] => Ok(self.example(&block.text)),
            _ => panic!("nobody runs a block of {words:?}"),
        }
    }

    /// Returns the example of the client whose text is `text`, to be run until the story's third revision.
    fn example(&self, text: &str) -> Command {
        let source =
            std::fs::read_to_string(root().join("crates/client/examples/follow.rs")).expect("it is there");
        let shown: Vec<&str> = source.lines().filter(|line| !line.starts_with("#![expect")).collect();
        assert_eq!(shown.join("\n").trim(), text.trim(), "the example is not what the guide shows");
        let built = binary().with_file_name("examples").join("follow");
        assert!(
            built.exists(),
            "{} is missing: run `cargo build -p writethru-client --examples` first",
            built.display()
        );
        let mut command = Command::new(built);
        command.args([&self.service.nats, "3"]);
        command
    }
}

/// Runs every snippet of the page `name`.
#[expect(clippy::print_stderr, reason = "what is not run is said aloud")]
fn run(name: &str, is_told: bool) {
    let mut guide = Guide::open(is_told);
    let blocks = blocks(&page(name));
    let (mut following, mut printed): (Option<Following>, Option<String>) = (None, None);
    for (index, block) in blocks.iter().enumerate() {
        let words: Vec<&str> = block.words.iter().map(String::as_str).collect();
        let expected =
            blocks.get(index + 1).filter(|next| next.words == ["text"]).map_or("", |next| next.text.as_str());
        match words[..] {
            // It runs already.
            ["sh"] if block.text == "writethru up\n" => {}
            ["text", "follow"] => following.as_ref().expect("something runs").says(name, &block.text),
            ["text"] => {
                let Some(printed) = &printed else { continue };
                let mut lines = printed.lines();
                for wanted in guide.here(&block.text).lines() {
                    assert!(
                        lines.any(|line| says(line, wanted)),
                        "{name}: {wanted:?} is not in its place in:\n{printed}"
                    );
                }
            }
            ["json", schema] => {
                assert!(wire::schema::Schema::named(schema).is_some(), "{name}: there is no {schema}");
                let parsed = wire::Acknowledgement::parse(block.text.as_bytes());
                parsed.unwrap_or_else(|error| panic!("{name}: {error}: {}", block.text));
            }
            ["sh", "follow"] => {
                following = Some(Following::begin(guide.shell(&format!("exec {}", block.text))));
            }
            _ => match guide.command(block, expected) {
                Ok(command) => {
                    printed = Some(Guide::end(command));
                    guide.ran += 1;
                }
                Err(missing) => {
                    printed = None;
                    guide.missing.push(missing);
                }
            },
        }
    }
    drop(following);
    for missing in &guide.missing {
        eprintln!("NOT RUN: a snippet of {name}, because {missing}");
    }
    assert!(guide.ran > 0, "{name}: nothing was run");
    guide.service.stop();
}

#[test]
fn a_story_is_followed_from_each_tool_as_the_guide_says() {
    run("follow.md", false);
}

#[test]
fn the_recipes_for_nats_work_with_its_stock_clients() {
    run("nats.md", true);
}

#[test]
fn a_cursor_does_what_the_guide_says() {
    run("cursors.md", true);
}

#[test]
fn the_loop_of_the_guide_ends_with_the_hash_of_the_service() {
    run("delivery.md", true);
}

#[test]
fn what_is_read_is_verified_as_the_guide_says() {
    run("verify.md", true);
}

#[test]
fn a_kill_is_told_as_the_guide_says() {
    run("recalls.md", true);
}

#[test]
fn a_message_leads_to_its_schema_as_the_guide_says() {
    run("contracts.md", true);
}

#[test]
fn every_page_of_the_guide_is_in_its_summary_and_run_here() {
    let summary = page("SUMMARY.md");
    let this = include_str!("guide.rs");
    for entry in std::fs::read_dir(root().join("docs/guide")).expect("the guide") {
        let name = entry.expect("an entry").file_name().into_string().expect("UTF-8");
        if name != "SUMMARY.md" {
            assert!(summary.contains(&format!("]({name})")), "{name} is not in the summary");
            assert!(this.contains(&format!("run(\"{name}\"")), "{name} is run by no test");
        }
    }
}

#[test]
fn a_wanted_line_fits_what_it_says_and_nothing_else() {
    for (line, wanted, fits) in [
        ("abc", "abc", true),
        ("abc", "ab", false),
        ("abc", "a…", true),
        ("abc", "…c", true),
        ("abc", "a…b", false),
        ("xabc", "a…", false),
        ("", "…", true),
        ("abcabc", "a…b…c", true),
        ("abc", "a…x…c", false),
        ("aba", "ab…ba", false),
    ] {
        assert_eq!(says(line, wanted), fits, "{line} {wanted}");
    }
}

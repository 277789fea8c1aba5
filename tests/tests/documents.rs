//! What the documents say is run.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use writethru_tests::{Service, binary, harvey};

/// Commands that do not end by themselves; other tests run them.
const LASTING: [&str; 3] = ["writethru up", "writethru watch", "writethru serve"];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").canonicalize().expect("the project's root")
}

fn documents() -> Vec<(String, String)> {
    let mut paths = vec![root().join("README.md"), root().join("CONTRIBUTING.md")];
    paths.extend(
        std::fs::read_dir(root().join("docs")).expect("docs").map(|entry| entry.expect("an entry").path()),
    );
    paths
        .into_iter()
        .filter(|path| path.extension().is_some_and(|extension| extension == "md"))
        .map(|path| (path.display().to_string(), std::fs::read_to_string(&path).expect("UTF-8")))
        .collect()
}

/// Every command line of ours in `text`: lines of shell blocks, and words between backticks.
fn commands(text: &str) -> Vec<String> {
    let mut commands = Vec::new();
    let mut shell = false;
    for line in text.lines() {
        if line.starts_with("```") {
            shell = line == "```sh";
        } else if shell {
            if line.contains("writethru ") && !line.starts_with("sqlite3") {
                commands.push(line.to_owned());
            }
        } else {
            commands.extend(
                line.split('`')
                    .skip(1)
                    .step_by(2)
                    .filter(|code| code.starts_with("writethru "))
                    .map(str::to_owned),
            );
        }
    }
    commands
}

#[test]
fn every_command_in_the_documents_runs() {
    let folder = tempfile::tempdir().expect("a temp dir");
    let data = folder.path().join("data");
    let service = Service::start(&data);
    std::fs::write(folder.path().join("story.md"), "# Talks resume\n\nDelegates met on Monday.\n")
        .expect("written");
    std::fs::write(folder.path().join("storm.txt"), "Harvey forms\n\nWinds reach 40 mph.\n")
        .expect("written");
    std::fs::copy(harvey(), folder.path().join("storm.jsonl")).expect("copied");
    for revision in 1..=6 {
        let copy = format!("# Talks resume\n\nDay {revision}.\n");
        std::fs::write(folder.path().join("talks.md"), copy).expect("written");
        let file = folder.path().join("talks.md");
        service.run(&["push", file.to_str().expect("UTF-8"), "--slug", "ceasefire", "--desk", "world"]);
    }
    let copy = folder.path().join("talks.md");
    let copy = copy.to_str().expect("UTF-8");
    for slug in ["rumour", "final"] {
        service.run(&["push", copy, "--slug", slug, "--desk", "world"]);
    }
    service.run(&["push", copy, "--slug", "budget", "--desk", "world", "--draft"]);
    let bin = binary();
    let folders = format!("PATH={}:$PATH; ", bin.parent().expect("a folder").display());
    let mut ran = 0;
    for (document, text) in documents() {
        for command in commands(&text) {
            let lasting = LASTING.iter().any(|lasting| command.starts_with(lasting));
            if lasting || command.contains("writethru bench") || command.contains("--data DIR") {
                continue;
            }
            let output = Command::new("sh")
                .args(["-c", &format!("{folders}{command}")])
                .current_dir(folder.path())
                .env("WRITETHRU_DATA", &data)
                .stdin(Stdio::null())
                .output()
                .expect("sh runs");
            let said = String::from_utf8_lossy(&output.stderr);
            assert!(output.status.success(), "{document}: `{command}` ended with {}: {said}", output.status);
            ran += 1;
        }
    }
    assert!(ran > 10, "only {ran} commands were found in the documents");
    service.stop();
}

#[test]
fn every_test_that_a_document_names_exists() {
    let mut sources = String::new();
    collect(&root().join("crates"), &mut sources);
    collect(&root().join("tests"), &mut sources);
    let architecture = std::fs::read_to_string(root().join("docs/ARCHITECTURE.md")).expect("UTF-8");
    let invariants = architecture.split("## Invariants").nth(1).expect("the invariants");
    let named: BTreeSet<&str> = invariants
        .split('`')
        .skip(1)
        .step_by(2)
        .filter(|name| {
            name.matches('_').count() > 2 && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
        })
        .collect();
    assert!(named.len() > 10, "{named:?}");
    for name in named {
        assert!(
            sources.contains(&format!("fn {name}")) || sources.contains(&format!("        {name}")),
            "no test is called {name}"
        );
    }
}

fn collect(folder: &Path, sources: &mut String) {
    for entry in std::fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            collect(&path, sources);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            sources.push_str(&std::fs::read_to_string(&path).expect("UTF-8"));
        }
    }
}

#[test]
fn the_pure_crates_depend_on_nothing_that_acts() {
    for pure in ["story", "proof", "wire", "formats", "evidence"] {
        let output = Command::new(env!("CARGO"))
            .args([
                "tree",
                "--offline",
                "--edges",
                "normal",
                "--prefix",
                "none",
                "-p",
                &format!("writethru-{pure}"),
            ])
            .current_dir(root())
            .output()
            .expect("cargo runs");
        let tree = String::from_utf8(output.stdout).expect("UTF-8");
        assert!(output.status.success() && tree.lines().count() > 3, "{tree}");
        for acting in ["tokio ", "rusqlite ", "async-nats ", "axum ", "getrandom ", "reqwest "] {
            assert!(
                !tree.lines().any(|line| line.starts_with(acting)),
                "{pure} depends on {acting}:\n{tree}"
            );
        }
    }
}

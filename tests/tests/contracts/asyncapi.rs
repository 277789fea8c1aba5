//! The description of messages, judged by the parser of the AsyncAPI project.

use std::process::{Command, Stdio};

use writethru_tests::Service;
use writethru_tests::tools::packages;

#[test]
fn the_description_of_messages_is_valid_to_the_parser_of_asyncapi() {
    let folder = match packages("contracts", &["@asyncapi/parser"]) {
        Ok(folder) => folder,
        Err(missing) => {
            eprintln!("NOT RUN: the description of messages was parsed by nobody, because {missing}");
            return;
        }
    };
    let data = tempfile::tempdir().expect("a temp dir");
    let service = Service::start_with(data.path(), &["--no-nats"], Stdio::null());
    let mut node = Command::new("node");
    node.args(["--test", "asyncapi.test.js"]).current_dir(&folder).env("BASE", &service.http);
    let output = node.output().expect("node runs");
    service.stop();
    let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{out}{err}");
}

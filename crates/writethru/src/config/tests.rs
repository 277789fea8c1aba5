//! What wins, what is refused, and what the refusal says.

use super::*;

fn flags(given: &[(Key, &str)], config: Option<&Path>) -> Flags {
    Flags {
        values: given.iter().map(|(key, value)| (*key, (*value).to_owned())).collect(),
        config: config.map(Path::to_owned),
    }
}

fn with_file(text: &str) -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("writethru.toml");
    std::fs::write(&path, text).unwrap();
    (folder, path)
}

#[track_caller]
fn check_refused(text: &str, expected: &str) {
    let (_folder, path) = with_file(text);
    let failure = Settings::resolve(&flags(&[], Some(&path)), &|_| None).unwrap_err();
    let shown = failure.to_json().to_string();
    assert_eq!(failure.exit(), Exit::Usage, "{shown}");
    assert!(shown.contains(expected), "{expected:?} is not in {shown}");
}

#[test]
fn flags_win_over_environment_over_file_over_defaults() {
    let (_folder, path) =
        with_file("http = \"127.0.0.1:3\"\nlog = \"debug\"\nnats_url = \"nats://file:4222\"\n");
    let environment = |name: &str| match name {
        "WRITETHRU_HTTP" => Some("127.0.0.1:2".to_owned()),
        "WRITETHRU_LOG" => Some("info".to_owned()),
        _ => None,
    };
    let settings =
        Settings::resolve(&flags(&[(Key::Http, "127.0.0.1:1")], Some(&path)), &environment).unwrap();
    assert_eq!(settings.http.port(), 1);
    assert_eq!(settings.log.as_deref(), Some("info"));
    assert_eq!(settings.nats, NatsChoice::Url("nats://file:4222".into()));
    assert_eq!(settings.data, PathBuf::from("./writethru-data"));
    assert_eq!(settings.sources[&Key::Http].1, Origin::Flag);
    assert_eq!(settings.sources[&Key::Log].1, Origin::Environment("WRITETHRU_LOG"));
    assert_eq!(settings.sources[&Key::NatsUrl].1, Origin::File(path, 3));
    assert_eq!(settings.sources[&Key::Data].1, Origin::Default);
}

#[test]
fn the_data_dirs_own_file_is_read_and_may_not_move_the_data_dir() {
    let (folder, _path) = with_file("http = \"127.0.0.1:9\"\n");
    let data = folder.path().to_str().unwrap().to_owned();
    let settings = Settings::resolve(&flags(&[(Key::Data, &data)], None), &|_| None).unwrap();
    assert_eq!(settings.http.port(), 9);
    std::fs::write(data_dir_file(folder.path()), "data = \"elsewhere\"\n").unwrap();
    let failure = Settings::resolve(&flags(&[(Key::Data, &data)], None), &|_| None).unwrap_err();
    assert!(failure.what().contains("data cannot be set"), "{failure:?}");
}

#[test]
fn an_unknown_key_is_refused_with_the_one_that_was_meant() {
    check_refused("\nhtpp = \"127.0.0.1:1\"\n", "did you mean http?");
    check_refused("\nhtpp = \"127.0.0.1:1\"\n", ":2: unknown key");
    check_refused("zebra = true\n", "the keys are data, url");
}

#[test]
fn a_value_that_makes_no_sense_is_refused_with_what_is_allowed() {
    check_refused("http = 8080\n", "a string or true/false is expected");
    check_refused("http = \"8080\"\n", "an address and a port");
    check_refused("no_nats = \"perhaps\"\n", "true or false");
    check_refused("url = \"ftp://x\"\n", "an http:// URL");
    check_refused("log_format = \"xml\"\n", "text or json");
    check_refused("http = \n", "this is not TOML");
    check_refused("public_url = \"https://news.example/?a=1\"\n", "without a query");
    check_refused("public_url = \"news.example\"\n", "an address such as");
    check_refused("provider = \" \"\n", "1 to 200 characters");
}

#[test]
fn the_template_is_a_legal_file_that_sets_nothing() {
    let (_folder, path) = with_file(&template());
    let settings = Settings::resolve(&flags(&[], Some(&path)), &|_| None).unwrap();
    assert!(settings.sources.values().all(|(_, origin)| *origin == Origin::Default));
}

#[test]
fn every_line_of_the_template_is_legal_when_it_is_used() {
    let used: String = template()
        .lines()
        .map(|line| match line.strip_prefix("# ") {
            Some(setting) if setting.contains(" = ") => format!("{setting}\n"),
            _ => String::new(),
        })
        .collect();
    let (_folder, path) = with_file(&used);
    let settings = Settings::resolve(&flags(&[], Some(&path)), &|_| None).unwrap();
    assert_eq!(settings.sources.len(), Key::ALL.len());
}

#[test]
fn the_key_of_the_environment_is_taken_and_is_in_no_source() {
    let environment = |name: &str| (name == "WRITETHRU_KEY").then(|| "wt_0a_S3cret".to_owned());
    let settings = Settings::resolve(&flags(&[], None), &environment).unwrap();
    assert!(settings.key.is_some());
    assert!(!format!("{settings:?}").contains("S3cret"), "{settings:?}");
}

fn witness(algorithm: proof::note::Algorithm) -> String {
    let key = proof::note::SignerKey::from_seed("w.example/1".parse().unwrap(), algorithm, &[3; 32]).unwrap();
    let key = key.verifier();
    format!("[notary]\nwitnesses = [{{ name = \"w\", key = \"{key}\", url = \"http://w.example/1\" }}]\n")
}

#[test]
fn witnesses_are_read_from_the_file() {
    let text = witness(proof::note::Algorithm::Cosignature) + "name = \"news.example\"\nkey = \"/run/k\"\n";
    let (_folder, path) = with_file(&text);
    let notary = Settings::resolve(&flags(&[], Some(&path)), &|_| None).unwrap().notary;
    assert_eq!(notary.name.as_deref(), Some("news.example"));
    assert_eq!(notary.key.as_deref(), Some(Path::new("/run/k")));
    assert_eq!(notary.witnesses.len(), 1);
    assert_eq!(notary.witnesses[0].url, "http://w.example/1");
}

#[test]
fn a_notary_that_makes_no_sense_is_refused_with_what_is_allowed() {
    check_refused("notary = true\n", "is a table");
    check_refused("[notary]\nnames = \"a\"\n", "name, key and witnesses are known");
    check_refused("[notary]\nkey = 1\n", "path of a file");
    check_refused("[notary]\nname = \"two words\"\n", "white space");
    check_refused("[notary]\nwitnesses = [{ name = \"w\" }]\n", "has no key");
    check_refused(&witness(proof::note::Algorithm::Ed25519), "type 0x04");
    check_refused(
        &witness(proof::note::Algorithm::Cosignature).replace("http:", "https:"),
        "http:// address",
    );
}

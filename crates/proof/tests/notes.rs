//! Signed notes, keys and checkpoints, against values that others published.

mod shelf;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ed25519_dalek::Signer as _;
use proof::Hash;
use proof::checkpoint::{Checkpoint, CheckpointError, SignedCheckpoint};
use proof::note::{
    Algorithm, KeyError, NOTE_BYTES_MAX, Note, NoteError, SIGNATURES_MAX, SignerKey, VerifierKey, VerifyError,
};
use proof::tree::{SIZE_MAX, empty_root};
use proptest::prelude::*;
use shelf::{ORIGIN, key, log_key, witness_key};
use writethru_proof as proof;

/// Key and note of the tests of Go's golang.org/x/mod/sumdb/note.
const GO_SECRET: &str = "PRIVATE+KEY+PeterNeumann+c74f20a3+AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz";
const GO_KEY: &str = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW";
const GO_NOTE: &str = "If you think cryptography is the answer to your problem,\n\
    then you don't know what your problem is.\n\n\
    — PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n";

/// Key and note of c2sp.org/signed-note.
const C2SP_KEY: &str = "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k";
const C2SP_NOTE: &str = "This is an example message.\n\n\
    — example.com/foo Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Ztg1ERYNZXsYjOBH3mFXmRKuwHjG1Yu72IneyaQM=\n";

/// A checkpoint of a public Certificate Transparency log of 23 May 2026, with a signature of a kind
/// that is not read here, the log's own, and those of four public witnesses.
const PUBLIC: &str = "arche2025h1.staging.ct.transparency.dev\n\
    1432088532\n\
    U7WM79jrzyhGZ5/GUBTpM7NzwdyfFx61t3RovgcC4Ro=\n\n\
    — arche2025h1.staging.ct.transparency.dev zTM8sQAAAZ5W0WdjBAMARjBEAiBjW5IQf9pvsYLfQFX6hoGREPMHbdQ3urbllzalApkptQIgIpwtEroeW2BXaHAI4kJXFbon5Ch9MNL5zRNZ55lvGt0=\n\
    — arche2025h1.staging.ct.transparency.dev ui8GwCF1+kWqZrxGdhj4aX3gcw7XUlXQQabg/27lefwhUkzbC3NygNI75MdhL1bfTW9g8Ei59RA23oHP7Ry1k3ZFWwQ=\n\
    — transparency.dev/DEV:witness-little-garden 2AQqhwAAAABqEiEgzgFIqqhbUoDwjMWE6UP8nd8/KYTzwZ2rhIgcqoXHAwVkjZr4AscylP3v7sEodkRAErumC2q44vdgJY096st5BQ==\n\
    — witness1.smartit.nu/witness1 pIyCDwAAAABqEiEghIp82KWebrw7/oHQwlTAm3g2RKS4+eebl8eO0WH+/iEcxZ75W3u5hNI7TOQtmJbqmNWVuE0tgh0XwzdZsDsUAQ==\n\
    — remora.n621.de 2net5wAAAABqEiEgPlfF3V06o0Y+fHM+J5J9s27wgxxcOVSpZ/2g/KSiXCg9DEZI+aVCIobWX9sXTynk5XeU/zZ0WBxtqB0DrAWfBw==\n\
    — witness.stagemole.eu Z/euoAAAAABqEiEgw0i+7g2ENfDAWHmtRzCfKTHSDwYDJA2NmKeGi9Y8FtEyOUvVr+AJmIY/2TUFucgKi7lI7cUiOvKFYe/TmN9DAg==\n";
const PUBLIC_KEYS: [&str; 5] = [
    "arche2025h1.staging.ct.transparency.dev+ba2f06c0+AU0vHmlGCS/PdN8b2OaGmKprLI8HKM+dJ472xgFYh15f",
    "transparency.dev/DEV:witness-little-garden+d8042a87+BCtusOxINQNUTN5Oj8HObRkh2yHf/MwYaGX4CPdiVEPM",
    "witness1.smartit.nu/witness1+a48c820f+BPSFWg9G6KPiO7QPryYO5Xq4oYJJ+kAvLKLSimDhoxMO",
    "remora.n621.de+da77ade7+BOvN63jn/bLvkieywe8R6UYAtVtNbZpXh34x7onlmtw2",
    "witness.stagemole.eu+67f7aea0+BEqSG3yu9YrmcM3BHvQYTxwFj3uSWakQepafafpUqklv",
];

fn verifier(text: &str) -> VerifierKey {
    text.parse().expect("a key")
}

#[track_caller]
fn check_signed(note: &str, vkey: &str) {
    let read = Note::parse(note.as_bytes()).expect("a note");
    assert_eq!(read.to_text(), note);
    let key = verifier(vkey);
    assert_eq!(key.to_string(), vkey);
    assert_eq!(read.verify(std::slice::from_ref(&key)).expect("verifies").len(), 1);
    let other = Note::parse(note.replacen("is", "was", 1).as_bytes()).expect("a note");
    assert_eq!(other.verify(&[key]), Err(VerifyError::False { name: read.signatures()[0].name().clone() }));
}

#[test]
fn notes_that_others_signed_verify() {
    check_signed(GO_NOTE, GO_KEY);
    check_signed(C2SP_NOTE, C2SP_KEY);
}

#[test]
fn signing_makes_the_bytes_that_go_makes() {
    let key = SignerKey::from_secret_text(GO_SECRET).expect("a key");
    assert_eq!(key.to_secret_text(), GO_SECRET);
    assert_eq!(key.verifier().to_string(), GO_KEY);
    let text = GO_NOTE.split_once("\n\n").expect("a text").0;
    let mut note = Note::new(format!("{text}\n")).expect("a note");
    note.add(key.sign(note.text(), 0)).expect("room");
    assert_eq!(note.to_text(), GO_NOTE);
}

#[test]
fn a_public_checkpoint_and_its_cosignatures_verify() {
    let signed = SignedCheckpoint::parse(PUBLIC.as_bytes()).expect("a checkpoint");
    assert_eq!(signed.to_text(), PUBLIC);
    assert_eq!(signed.checkpoint().size(), 1_432_088_532);
    let keys = PUBLIC_KEYS.map(verifier);
    for (key, text) in keys.iter().zip(PUBLIC_KEYS) {
        assert_eq!(key.to_string(), text);
    }
    let verified = signed.note().verify(&keys).expect("verifies");
    let times: Vec<Option<u64>> = verified.iter().map(|verified| verified.time).collect();
    assert_eq!(times, [None, Some(0x6a12_2120), Some(0x6a12_2120), Some(0x6a12_2120), Some(0x6a12_2120)]);
    // Another size, and not one of the five is true any more.
    let other = SignedCheckpoint::parse(PUBLIC.replace("532\n", "533\n").as_bytes()).expect("a checkpoint");
    for key in keys {
        assert!(other.note().verify(&[key]).is_err());
    }
}

#[test]
fn a_key_in_another_form_is_none() {
    for (vkey, error) in [
        ("", KeyError::Layout),
        ("example.com/foo", KeyError::Layout),
        ("example.com/foo+530d903a", KeyError::Layout),
        ("example.com/foo+530d903b+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k", KeyError::Id),
        ("example.com/foo+530D903A+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k", KeyError::Id),
        ("example.com/fop+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k", KeyError::Id),
        ("+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k", KeyError::Name),
        ("a b+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k", KeyError::Name),
        ("a\u{a0}b+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k", KeyError::Name),
        ("a+530d903a+BukyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k", KeyError::Kind { kind: 6 }),
        ("a+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3Q==", KeyError::Key),
        ("a+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2", KeyError::Layout),
        ("a+530d903a+", KeyError::Layout),
    ] {
        assert_eq!(vkey.parse::<VerifierKey>(), Err(error), "{vkey}");
    }
    assert_eq!(SignerKey::from_secret_text(GO_KEY).map(|_| ()), Err(KeyError::Layout));
    let changed = GO_SECRET.replace("c74f20a3", "c74f20a4");
    assert_eq!(SignerKey::from_secret_text(&changed).map(|_| ()), Err(KeyError::Id));
}

#[test]
fn a_key_that_signs_anything_is_refused() {
    // The neutral element of the curve: with it, one signature fits many texts.
    let mut neutral = [0; 32];
    neutral[0] = 1;
    let made = VerifierKey::new(ORIGIN.parse().expect("a name"), Algorithm::Ed25519, &neutral);
    assert_eq!(made, Err(KeyError::Key));
}

#[test]
fn a_secret_key_is_printed_only_when_asked_for() {
    let printed = format!("{:?}", SignerKey::from_secret_text(GO_SECRET).expect("a key"));
    assert_eq!(printed, format!("SignerKey({GO_KEY}, secret)"));
}

#[test]
fn text_in_another_form_is_no_note() {
    let line = GO_NOTE.rsplit_once("\n\n").expect("signatures").1;
    for (note, error) in [
        (String::new(), NoteError::Layout),
        ("text\n".to_owned(), NoteError::Layout),
        (format!("text\n{line}"), NoteError::Layout),
        ("text\n\n".to_owned(), NoteError::Layout),
        (format!("text\n\n{}", line.trim_end()), NoteError::Layout),
        (format!("text\n\n{line}\n"), NoteError::Layout),
        (format!("text\n\n{line}more\n"), NoteError::Signature { line: 2 }),
        (format!("text\n\n{}", line.replace('—', "-")), NoteError::Signature { line: 1 }),
        (format!("text\n\n{}", line.replace("— ", "—")), NoteError::Signature { line: 1 }),
        (format!("text\n\n{}", line.replace(" x0", "  x0")), NoteError::Signature { line: 1 }),
        (format!("text\n\n{}", line.replace("AM=", "AN=")), NoteError::Signature { line: 1 }),
        (format!("text\n\n{}", line.replace("AM=", "AM")), NoteError::Signature { line: 1 }),
        (format!("text\n\n{}", line.replace("Peter", "Peter+")), NoteError::Signature { line: 1 }),
        // A key id and no signature.
        ("text\n\n— short x08gow==\n".to_owned(), NoteError::Signature { line: 1 }),
        (format!("te\rxt\n\n{line}"), NoteError::Characters),
        (format!("te\0xt\n\n{line}"), NoteError::Characters),
        (format!("{}\n\n{line}", "t".repeat(NOTE_BYTES_MAX)), NoteError::TooLong),
        (format!("text\n\n{}", line.repeat(SIGNATURES_MAX + 1)), NoteError::TooLong),
    ] {
        let short: String = note.chars().take(80).collect();
        assert_eq!(Note::parse(note.as_bytes()), Err(error), "{short}");
    }
    assert_eq!(Note::parse(b"\xff\n\n"), Err(NoteError::Characters));
    assert_eq!(Note::new("no newline".to_owned()), Err(NoteError::Layout));
}

#[test]
fn a_text_may_have_blank_lines_of_its_own() {
    let mut note = Note::new("one\n\n\ntwo\n".to_owned()).expect("a note");
    note.add(log_key().sign(note.text(), 0)).expect("room");
    let read = Note::parse(note.to_text().as_bytes()).expect("a note");
    assert_eq!(read, note);
    assert_eq!(read.text(), "one\n\n\ntwo\n");
}

#[test]
fn one_false_signature_of_a_known_key_rejects_the_whole_note() {
    let (log, witness) = (log_key(), witness_key(1));
    let mut note = Note::new("a text\n".to_owned()).expect("a note");
    note.add(log.sign("a text\n", 0)).expect("room");
    note.add(witness.sign("another text\n", 7)).expect("room");
    let false_one = VerifyError::False { name: witness.verifier().name().clone() };
    let both = [log.verifier().clone(), witness.verifier().clone()];
    assert_eq!(note.verify(&both), Err(false_one));
    assert_eq!(note.verify(&both[..1]).expect("verifies").len(), 1);
    assert_eq!(note.verify(&[]), Err(VerifyError::Unknown));
    // Of the same name, but another key: its signature is not there.
    assert_eq!(
        note.verify(&[key(ORIGIN, Algorithm::Ed25519, 2).verifier().clone()]),
        Err(VerifyError::Unknown)
    );
}

#[test]
fn a_key_signs_a_note_once_and_the_later_time_counts() {
    let witness = witness_key(1);
    let mut note = Note::new("a text\n".to_owned()).expect("a note");
    for time in [7, 9, 8] {
        note.add(witness.sign("a text\n", time)).expect("room");
    }
    assert_eq!(note.signatures().len(), 1);
    let twice = format!("{}{}", note.to_text(), witness.sign("a text\n", 5).to_line());
    let twice = Note::parse(twice.as_bytes()).expect("a note");
    let verified = twice.verify(&[witness.verifier().clone()]).expect("verifies");
    assert_eq!(verified.len(), 1);
    assert_eq!(verified[0].time, Some(8));
}

#[test]
fn a_cosignature_is_bound_to_its_time_and_its_kind() {
    let witness = witness_key(1);
    let line = witness.sign("a text\n", 1_790_000_000).to_line();
    let verify = |line: &str, key: &SignerKey| {
        let note = Note::parse(format!("a text\n\n{line}").as_bytes()).expect("a note");
        note.verify(&[key.verifier().clone()])
    };
    assert_eq!(verify(&line, &witness).expect("verifies")[0].time, Some(1_790_000_000));
    let plain = key("witness1.example/w", Algorithm::Ed25519, 101);
    assert_eq!(plain.verifier().public_bytes(), witness.verifier().public_bytes());
    assert_ne!(plain.verifier().id(), witness.verifier().id());
    assert_eq!(verify(&line, &plain), Err(VerifyError::Unknown));
    // The last time there is, and the first that there is not.
    let latest = witness.sign("a text\n", u64::MAX).to_line();
    assert_eq!(verify(&latest, &witness).expect("verifies")[0].time, Some(i64::MAX as u64));
}

#[test]
fn a_cosignature_of_a_time_that_there_is_not_is_false() {
    let (witness, secret) = (witness_key(1), ed25519_dalek::SigningKey::from_bytes(&[101; 32]));
    for (time, sound) in [(i64::MAX as u64, true), (1 << 63, false), (u64::MAX, false)] {
        let signature = secret.sign(format!("cosignature/v1\ntime {time}\na text\n").as_bytes());
        let body = [&witness.verifier().id().0[..], &time.to_be_bytes(), &signature.to_bytes()].concat();
        let line = format!("— witness1.example/w {}\n", STANDARD.encode(body));
        let note = Note::parse(format!("a text\n\n{line}").as_bytes()).expect("a note");
        assert_eq!(note.verify(&[witness.verifier().clone()]).is_ok(), sound, "{time}");
    }
}

#[test]
fn a_note_has_room_for_64_signatures() {
    let mut note = Note::new("a text\n".to_owned()).expect("a note");
    for number in 0..SIGNATURES_MAX {
        let name = format!("witness{number}.example");
        note.add(key(&name, Algorithm::Cosignature, 1).sign("a text\n", 1)).expect("room");
    }
    let full = note.clone();
    assert_eq!(note.add(log_key().sign("a text\n", 0)), Err(NoteError::TooLong));
    assert_eq!(note, full);
    assert_eq!(Note::parse(note.to_text().as_bytes()), Ok(full));
}

#[track_caller]
fn check_refused(text: &str, error: &CheckpointError) {
    assert_eq!(Checkpoint::parse(text).as_ref(), Err(error), "{text}");
}

#[test]
fn text_in_another_form_is_no_checkpoint() {
    let root = "U7WM79jrzyhGZ5/GUBTpM7NzwdyfFx61t3RovgcC4Ro=";
    let good = format!("{ORIGIN}\n5\n{root}\n");
    assert_eq!(Checkpoint::parse(&good).expect("a checkpoint").to_text(), good);
    let extended = format!("{good}more\nand more\n");
    let read = Checkpoint::parse(&extended).expect("a checkpoint");
    assert_eq!((read.extensions().len(), read.to_text()), (2, extended));
    check_refused("", &CheckpointError::Layout);
    check_refused(&good[..good.len() - 1], &CheckpointError::Layout);
    check_refused(&format!("{good}\n"), &CheckpointError::Layout);
    check_refused(&format!("{good}more\n\nmore\n"), &CheckpointError::Layout);
    check_refused(&format!("\n5\n{root}\n"), &CheckpointError::Layout);
    check_refused(&format!("{ORIGIN}\n5\n"), &CheckpointError::Layout);
    check_refused(&good.replace("log\n", "log\r\n"), &CheckpointError::Layout);
    for size in ["05", "+5", " 5", "5 ", "-5", "0x5", "٥", "4611686018427387905", "99999999999999999999"] {
        check_refused(&good.replace("\n5\n", &format!("\n{size}\n")), &CheckpointError::Size);
    }
    for root in ["U7WM", "U7WM79jrzyhGZ5/GUBTpM7NzwdyfFx61t3RovgcC4Rp=", &"A".repeat(44), &"A".repeat(43)] {
        check_refused(&format!("{ORIGIN}\n5\n{root}\n"), &CheckpointError::Root);
    }
    check_refused(&format!("{ORIGIN}\n0\n{root}\n"), &CheckpointError::EmptyRoot);
    check_refused(&format!("{}\n5\n{root}\n", "o".repeat(20_000)), &CheckpointError::Layout);
}

#[test]
fn only_what_a_checkpoint_can_say_can_be_built() {
    let root = Hash([5; 32]);
    assert!(Checkpoint::new(ORIGIN, SIZE_MAX, root).is_ok());
    assert!(Checkpoint::new(ORIGIN, 0, empty_root()).is_ok());
    assert_eq!(Checkpoint::new(ORIGIN, SIZE_MAX + 1, root), Err(CheckpointError::Size));
    assert_eq!(Checkpoint::new(ORIGIN, 0, root), Err(CheckpointError::EmptyRoot));
    assert_eq!(Checkpoint::new("", 1, root), Err(CheckpointError::Layout));
    assert_eq!(Checkpoint::new("two\nlines", 1, root), Err(CheckpointError::Layout));
    assert_eq!(
        Checkpoint::new("a\n7\nU7WM79jrzyhGZ5/GUBTpM7NzwdyfFx61t3RovgcC4Ro=", 1, root),
        Err(CheckpointError::Layout)
    );
}

#[test]
fn no_byte_of_a_signed_checkpoint_can_be_changed() {
    let log = log_key();
    let signed = Checkpoint::new(ORIGIN, 70_000, Hash([5; 32])).expect("a checkpoint").sign(&log);
    let keys = [log.verifier().clone()];
    assert!(signed.note().verify(&keys).is_ok());
    shelf::spoil(signed.to_text().as_bytes(), |place, bytes| {
        let spoiled = SignedCheckpoint::parse(bytes);
        assert!(spoiled.is_err() || spoiled.is_ok_and(|note| note.note().verify(&keys).is_err()), "{place}");
    });
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn keys_read_back(seed in any::<[u8; 32]>(), name in "[^\\s+\\x00-\\x1f]{1,60}", witness in any::<bool>()) {
        let algorithm = if witness { Algorithm::Cosignature } else { Algorithm::Ed25519 };
        let key = SignerKey::from_seed(name.parse().expect("a name"), algorithm, &seed).expect("a key");
        let read = SignerKey::from_secret_text(&key.to_secret_text()).expect("reads back");
        prop_assert_eq!(read.verifier(), key.verifier());
        prop_assert_eq!(&key.verifier().to_string().parse::<VerifierKey>().expect("reads back"), key.verifier());
    }
}

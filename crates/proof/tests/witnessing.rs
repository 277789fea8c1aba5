//! A log and a witness: requests, judgements and answers.

mod shelf;

use std::fmt::Write as _;

use proof::Hash;
use proof::checkpoint::{Checkpoint, SignedCheckpoint};
use proof::note::{NoteError, VerifierKey, VerifyError};
use proof::policy::Policy;
use proof::tree::PathError;
use proof::witness::{AddCheckpoint, Answer, AnswerError, Refusal, RequestError};
use shelf::{ORIGIN, Shelf, consistency, log_key, log_of, root, witness_key, witnesses};
use writethru_proof as proof;

fn checkpoint(shelf: &Shelf, size: u64) -> Checkpoint {
    Checkpoint::new(ORIGIN, size, root(shelf, size)).expect("a checkpoint")
}

fn request(shelf: &Shelf, old: u64, new: u64) -> AddCheckpoint {
    let signed = checkpoint(shelf, new).sign(&log_key());
    AddCheckpoint::new(old, consistency(shelf, old, new), signed).expect("a request")
}

fn known() -> Vec<VerifierKey> {
    vec![log_key().verifier().clone()]
}

#[test]
fn a_request_is_written_as_the_specification_has_it() {
    let (_, shelf) = log_of(8);
    let request = request(&shelf, 6, 8);
    let text = request.to_text();
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines[0], "old 6");
    assert!(lines[1..4].iter().all(|line| line.len() == 44));
    assert_eq!(lines[4..7], ["", ORIGIN, "8"]);
    assert_eq!(AddCheckpoint::parse(text.as_bytes()), Ok(request));
}

#[test]
fn a_witness_cosigns_growth_and_the_log_keeps_what_verifies() {
    let (_, shelf) = log_of(900);
    let mut last = None;
    let policy = Policy::new(known()[0].clone(), witnesses(1), 1).expect("a policy");
    for (old, new) in [(0, 0), (0, 1), (1, 256), (256, 257), (257, 900), (900, 900)] {
        let request = request(&shelf, old, new);
        let read = AddCheckpoint::parse(request.to_text().as_bytes()).expect("a request");
        assert_eq!(read.judge(&known(), last.as_ref()), Ok(()), "{old} to {new}");
        let line = witness_key(0).sign(read.checkpoint().note().text(), 5).to_line();
        last = Some(read.checkpoint().checkpoint().clone());

        let Ok(Answer::Cosigned(signatures)) = Answer::parse(200, line.as_bytes()) else {
            panic!("{line} is an answer");
        };
        let mut cosigned = request.checkpoint().clone();
        for signature in signatures {
            cosigned.add(signature).expect("room");
        }
        assert!(policy.verify(&cosigned).is_ok());
    }
}

#[test]
fn a_witness_refuses_with_the_status_of_the_specification() {
    let (_, shelf) = log_of(900);
    let last = checkpoint(&shelf, 300);
    let judge = |request: &AddCheckpoint, last: &Checkpoint| {
        let refused = request.judge(&known(), Some(last)).expect_err("refused");
        let status = refused.status();
        (refused, status)
    };
    let good = request(&shelf, 300, 900);
    assert_eq!(good.judge(&known(), Some(&last)), Ok(()));
    assert_eq!(good.judge(&[], Some(&last)), Err(Refusal::UnknownLog));
    assert_eq!(Refusal::UnknownLog.status(), 404);

    let stale = judge(&request(&shelf, 200, 900), &last);
    assert_eq!(stale, (Refusal::Known { size: 300 }, 409));
    assert_eq!(good.judge(&known(), None), Err(Refusal::Known { size: 0 }));

    let shrunk = AddCheckpoint::new(300, Vec::new(), checkpoint(&shelf, 200).sign(&log_key()));
    assert_eq!(judge(&shrunk.expect("a request"), &last), (Refusal::Shrunk, 400));

    let unsigned = checkpoint(&shelf, 900).sign(&witness_key(3));
    let unsigned = AddCheckpoint::new(300, consistency(&shelf, 300, 900), unsigned).expect("a request");
    assert_eq!(judge(&unsigned, &last), (Refusal::Untrusted { source: VerifyError::Unknown }, 403));
}

#[test]
fn a_witness_never_cosigns_two_histories() {
    let (_, shelf) = log_of(900);
    let last = checkpoint(&shelf, 300);
    let inconsistent = |request: AddCheckpoint| {
        let refused = request.judge(&known(), Some(&last)).expect_err("refused");
        assert_eq!(refused.status(), 422, "{refused:?}");
        refused
    };
    let forked = Checkpoint::new(ORIGIN, 900, Hash([9; 32])).expect("a checkpoint").sign(&log_key());
    let path = consistency(&shelf, 300, 900);
    let forked = AddCheckpoint::new(300, path, forked).expect("a request");
    assert_eq!(inconsistent(forked), Refusal::Inconsistent { source: PathError::Root });

    // The same size again, with another root; and with a path where there is none.
    let other = Checkpoint::new(ORIGIN, 300, Hash([9; 32])).expect("a checkpoint").sign(&log_key());
    let other = AddCheckpoint::new(300, Vec::new(), other).expect("a request");
    assert_eq!(inconsistent(other), Refusal::Inconsistent { source: PathError::Root });
    let padded = AddCheckpoint::new(300, vec![Hash([0; 32])], last.clone().sign(&log_key()));
    let padded = padded.expect("a request");
    assert_eq!(inconsistent(padded), Refusal::Inconsistent { source: PathError::Length });
}

#[test]
fn a_request_in_another_form_is_none() {
    let (_, shelf) = log_of(8);
    let good = request(&shelf, 6, 8).to_text();
    for text in [
        String::new(),
        good.replace("old 6", "old 06"),
        good.replace("old 6", "Old 6"),
        good.replace("old 6", "old  6"),
        good.replace("old 6\n", ""),
        good.replace("old 6", "old -1"),
        good.replace("old 6\n", &format!("old 6\n{}", format!("{}=\n", "A".repeat(43)).repeat(61))),
        good.replacen("\n\n", "\n\n\n", 1),
        format!("{good}\n"),
    ] {
        assert!(AddCheckpoint::parse(text.as_bytes()).is_err(), "{text}");
    }
    assert_eq!(AddCheckpoint::parse(&vec![b'o'; 300_000]), Err(RequestError::TooLong));
    let signed: SignedCheckpoint = checkpoint(&shelf, 8).sign(&log_key());
    let long = AddCheckpoint::new(6, vec![Hash([0; 32]); 64], signed);
    assert_eq!(long, Err(RequestError::Layout));
}

#[test]
fn answers_mean_what_their_status_says() {
    let mut lines = String::new();
    for number in 0..3 {
        write!(lines, "{}", witness_key(number).sign("a text\n", 5).to_line()).expect("writes");
    }
    assert!(matches!(Answer::parse(200, lines.as_bytes()), Ok(Answer::Cosigned(held)) if held.len() == 3));
    for body in ["", "\n", "yes\n", lines.trim_end(), &format!("{lines}\n")] {
        assert!(matches!(Answer::parse(200, body.as_bytes()), Err(AnswerError::Signatures { .. })), "{body}");
    }
    let long = lines.repeat(2_000);
    let too_long = AnswerError::Signatures { source: NoteError::TooLong };
    assert_eq!(Answer::parse(200, long.as_bytes()), Err(too_long));
    assert_eq!(Answer::parse(409, b"42\n"), Ok(Answer::Known { size: 42 }));
    for body in [&b"42"[..], b"042\n", b"\n", b"42\n\n", b"\xff\n", b"18446744073709551615\n"] {
        assert_eq!(Answer::parse(409, body), Err(AnswerError::Size));
    }
    for (status, answer) in [
        (400, Answer::Malformed),
        (403, Answer::Untrusted),
        (404, Answer::UnknownLog),
        (422, Answer::Inconsistent),
        (503, Answer::Unavailable { status: 503 }),
        (302, Answer::Unavailable { status: 302 }),
    ] {
        assert_eq!(Answer::parse(status, b"whatever"), Ok(answer));
    }
}

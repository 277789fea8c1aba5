//! Receipts, and the policies that say whom to believe.

mod shelf;

use std::fmt::Write as _;

use proof::checkpoint::{Checkpoint, CheckpointError, SignedCheckpoint};
use proof::note::VerifyError;
use proof::policy::{EndorsementError, Policy, PolicyError, PolicyFault};
use proof::receipt::{EXTRA_BYTES_MAX, ProofError, RECEIPT_BYTES_MAX, Receipt, ReceiptError};
use proof::tree::{PathError, entry_hash};
use proof::{Hash, note::Algorithm};
use shelf::{ORIGIN, Shelf, envelope, inclusion, key, log_key, log_of, root, witness_key, witnesses};
use writethru_proof as proof;

/// Returns the head of the log at `size`, cosigned by the witnesses 0 up to `cosigned`.
fn head(shelf: &Shelf, size: u64, cosigned: u8) -> SignedCheckpoint {
    let checkpoint = Checkpoint::new(ORIGIN, size, root(shelf, size)).expect("a checkpoint");
    let mut signed = checkpoint.sign(&log_key());
    for number in 0..cosigned {
        let line = witness_key(number).sign(signed.note().text(), 1_790_000_000 + u64::from(number));
        signed.add(line).expect("room");
    }
    signed
}

fn receipt(shelf: &Shelf, index: u64, size: u64, cosigned: u8) -> Receipt {
    let path = inclusion(shelf, index, size);
    let leaf = entry_hash(&envelope(index));
    Receipt::new(&leaf, index, path, head(shelf, size, cosigned)).expect("a receipt")
}

fn policy(known: u8, needed: usize) -> Policy {
    Policy::new(log_key().verifier().clone(), witnesses(known), needed).expect("a policy")
}

#[test]
fn a_receipt_is_written_as_the_specification_has_it() {
    let (_, shelf) = log_of(2);
    let written = receipt(&shelf, 1, 2, 1).with_extra(b"extra".to_vec()).expect("a receipt");
    let text = written.to_text();
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines[..3], ["c2sp.org/tlog-proof@v1", "extra ZXh0cmE=", "index 1"]);
    assert_eq!((lines[3].len(), lines[4], lines[5], lines[6]), (44, "", ORIGIN, "2"));
    assert_eq!(lines[8], "");
    assert!(lines[9].starts_with("— wire.example/writethru/log "));
    assert!(lines[10].starts_with("— witness0.example/w "));
    assert_eq!(Receipt::parse(text.as_bytes()), Ok(written.clone()));
    assert_eq!(written.extra(), b"extra");
}

#[test]
fn a_receipt_proves_its_entry_and_no_other() {
    let (_, shelf) = log_of(1_000);
    for (index, size) in [(0, 1), (0, 1_000), (999, 1_000), (300, 700)] {
        let written = receipt(&shelf, index, size, 2);
        let read = Receipt::parse(written.to_text().as_bytes()).expect("a receipt");
        assert_eq!(read, written);
        let vouched = read.verify(&entry_hash(&envelope(index)), &policy(3, 2)).expect("proved");
        assert_eq!(vouched.log, *log_key().verifier());
        assert_eq!(vouched.witnesses.len(), 2);
        assert_eq!(vouched.witnesses[1].1, 1_790_000_001);
        let other = read.verify(&entry_hash(&envelope(index + 1)), &policy(3, 2));
        assert_eq!(other, Err(ProofError::Path { source: PathError::Root }));
    }
}

#[test]
fn a_receipt_is_not_written_over_damaged_hashes() {
    let (_, shelf) = log_of(100);
    let (leaf, mut path) = (entry_hash(&envelope(7)), inclusion(&shelf, 7, 100));
    path[3].0[0] ^= 1;
    assert_eq!(Receipt::new(&leaf, 7, path, head(&shelf, 100, 0)), Err(PathError::Root));
}

#[test]
fn no_byte_of_a_receipt_can_be_changed() {
    let (_, shelf) = log_of(600);
    let written = receipt(&shelf, 259, 600, 2);
    let (leaf, policy) = (entry_hash(&envelope(259)), policy(2, 2));
    assert!(written.verify(&leaf, &policy).is_ok());
    shelf::spoil(written.to_text().as_bytes(), |place, bytes| {
        let spoiled = Receipt::parse(bytes);
        assert!(
            spoiled.is_err() || spoiled.is_ok_and(|read| read.verify(&leaf, &policy).is_err()),
            "{place}"
        );
    });
}

#[test]
fn a_receipt_of_a_million_entries_is_below_1_500_bytes() {
    let head = Checkpoint::new(ORIGIN, 1_000_000, Hash([5; 32])).expect("a checkpoint").sign(&log_key());
    let path = 20 * 45;
    let bytes = "c2sp.org/tlog-proof@v1\nindex 999999\n\n".len() + path + head.to_text().len();
    assert!(bytes < 1_500, "{bytes}");
}

#[test]
fn text_in_another_form_is_no_receipt() {
    let (_, shelf) = log_of(5);
    let good = receipt(&shelf, 2, 5, 0).to_text();
    for (text, error) in [
        (String::new(), ReceiptError::Header),
        (good.replace("@v1", "@v2"), ReceiptError::Header),
        (format!("\n{good}"), ReceiptError::Header),
        (good.replace("@v1\n", "@v1\r\n"), ReceiptError::Header),
        (good.replace("index 2", "index 02"), ReceiptError::Layout),
        (good.replace("index 2", "index  2"), ReceiptError::Layout),
        (good.replace("index 2", "Index 2"), ReceiptError::Layout),
        (good.replace("index 2\n", ""), ReceiptError::Layout),
        (good.replace("index 2", "extra \nindex 2"), ReceiptError::Layout),
        (good.replace("index 2", "extra\nindex 2"), ReceiptError::Layout),
        (good.replace("index 2", "extra AB==\nindex 2"), ReceiptError::Layout),
        (good.replace("index 2", "extra AA==\nextra AA==\nindex 2"), ReceiptError::Layout),
        (good.replace("index 2\n", "index 2\nextra AA==\n"), ReceiptError::Layout),
        (good.replace("index 2\n", "index 2\nAAAA\n"), ReceiptError::Layout),
        (
            good.replace("index 2\n", &format!("index 2\n{}", format!("{}=\n", "A".repeat(43)).repeat(64))),
            ReceiptError::Layout,
        ),
        (good.replacen("\n\n", "\n", 1), ReceiptError::Layout),
        (
            good.replace("index 2", &format!("extra {}\nindex 2", "AAAA".repeat(EXTRA_BYTES_MAX / 3 + 1))),
            ReceiptError::TooLong,
        ),
        ("c".repeat(RECEIPT_BYTES_MAX + 1), ReceiptError::TooLong),
        (
            good.replace(&format!("{ORIGIN}\n5"), &format!("{ORIGIN}\n05")),
            ReceiptError::Checkpoint { source: CheckpointError::Size },
        ),
    ] {
        let start: String = text.chars().take(60).collect();
        assert_eq!(Receipt::parse(text.as_bytes()), Err(error), "{start}");
    }
    let extra = vec![0; EXTRA_BYTES_MAX + 1];
    assert_eq!(receipt(&shelf, 2, 5, 0).with_extra(extra), Err(ReceiptError::TooLong));
}

#[test]
fn too_few_witnesses_or_an_unknown_log_are_not_believed() {
    let (_, shelf) = log_of(9);
    let cosigned = head(&shelf, 9, 1);
    assert!(policy(3, 1).verify(&cosigned).is_ok());
    assert!(policy(3, 0).verify(&cosigned).is_ok());
    assert_eq!(policy(3, 2).verify(&cosigned), Err(EndorsementError::Quorum { cosigned: 1 }));
    // A witness that is not known counts for nothing.
    assert!(policy(0, 0).verify(&cosigned).expect("believed").witnesses.is_empty());
    let elsewhere = key("other.example/log", Algorithm::Ed25519, 1).verifier().clone();
    let other = Policy::new(elsewhere, Vec::new(), 0).expect("a policy");
    assert_eq!(other.verify(&cosigned), Err(EndorsementError::Origin { origin: ORIGIN.to_owned() }));
    let another = key(ORIGIN, Algorithm::Ed25519, 9).verifier().clone();
    let other = Policy::new(another, Vec::new(), 0).expect("a policy");
    assert_eq!(other.verify(&cosigned), Err(EndorsementError::Log { source: VerifyError::Unknown }));
}

#[test]
fn a_false_cosignature_is_not_passed_over() {
    let (_, shelf) = log_of(9);
    let mut cosigned = head(&shelf, 9, 1);
    cosigned.add(witness_key(1).sign("something else\n", 5)).expect("room");
    let name = witness_key(1).verifier().name().clone();
    let expected = EndorsementError::Witness { source: VerifyError::False { name } };
    assert_eq!(policy(2, 1).verify(&cosigned), Err(expected));
    assert!(policy(1, 1).verify(&cosigned).is_ok());
}

/// The example of c2sp.org/tlog-policy, with keys.
fn example() -> String {
    let mut text = format!("# A comment\n\nlog {} https://wire.example/\n", log_key().verifier());
    for (number, name) in ["X1", "X2", "X3", "Y1", "Y2", "Y3"].into_iter().enumerate() {
        let key = witness_key(u8::try_from(number).expect("small"));
        writeln!(text, "  witness\t{name} {}", key.verifier()).expect("writes");
    }
    text.push_str("group X-witnesses 2 X1 X2 X3\ngroup Y-witnesses any Y1 Y2 Y3\n");
    text.push_str("group X-and-Y all X-witnesses Y-witnesses\nquorum X-and-Y\n");
    text
}

#[test]
fn a_quorum_of_groups_counts_as_the_specification_says() {
    let (_, shelf) = log_of(9);
    let policy = Policy::parse(example().as_bytes()).expect("a policy");
    assert_eq!(policy.witnesses().count(), 6);
    for (cosigners, enough) in [
        (&[][..], false),
        (&[0, 1], false),
        (&[0, 3], false),
        (&[0, 1, 3], true),
        (&[1, 2, 5], true),
        (&[3, 4, 5], false),
    ] {
        let mut signed = head(&shelf, 9, 0);
        for number in cosigners {
            signed.add(witness_key(*number).sign(signed.note().text(), 5)).expect("room");
        }
        assert_eq!(policy.verify(&signed).is_ok(), enough, "{cosigners:?}");
    }
}

#[track_caller]
fn check_refused(text: &str, line: usize, fault: PolicyFault) {
    assert_eq!(Policy::parse(text.as_bytes()), Err(PolicyError { line, source: fault }), "{text}");
}

#[test]
fn a_policy_that_says_nothing_clear_is_refused_by_line() {
    let (log, one, two) = (log_key(), witness_key(1), witness_key(2));
    let (log, one, two) = (log.verifier(), one.verifier(), two.verifier());
    check_refused("", 0, PolicyFault::Quorum);
    check_refused("quorum none\nquorum none\n", 2, PolicyFault::Quorum);
    check_refused("quorum someone\n", 1, PolicyFault::Unknown);
    check_refused("quorum\n", 1, PolicyFault::Line);
    check_refused("quorums none\n", 1, PolicyFault::Line);
    check_refused("\nlog\n", 2, PolicyFault::Line);
    check_refused(&format!("log {log} url more\n"), 1, PolicyFault::Line);
    check_refused(&format!("log {one}\n"), 1, PolicyFault::Algorithm);
    check_refused(&format!("witness W {log}\n"), 1, PolicyFault::Algorithm);
    check_refused(&format!("log {log}\nlog {log}\n"), 2, PolicyFault::Twice);
    check_refused(&format!("witness W {one}\nwitness V {one}\n"), 2, PolicyFault::Twice);
    check_refused(&format!("witness none {one}\n"), 1, PolicyFault::Name);
    check_refused(&format!("witness W {one}\nwitness W {two}\n"), 2, PolicyFault::Name);
    check_refused(&format!("witness W {one}\ngroup W any W\n"), 2, PolicyFault::Name);
    check_refused(&format!("witness W {one}\ngroup G any W V\n"), 2, PolicyFault::Unknown);
    check_refused(&format!("witness W {one}\ngroup G any W W\n"), 2, PolicyFault::Shared);
    check_refused(&format!("witness W {one}\ngroup G any W\ngroup H any W\n"), 3, PolicyFault::Shared);
    check_refused(&format!("witness W {one}\ngroup G 2 W\n"), 2, PolicyFault::Threshold);
    check_refused(&format!("witness W {one}\ngroup G 0 W\n"), 2, PolicyFault::Threshold);
    check_refused(&format!("witness W {one}\ngroup G 01 W\n"), 2, PolicyFault::Threshold);
    check_refused("group G any\n", 1, PolicyFault::Threshold);
    check_refused("group G any none\n", 1, PolicyFault::Unknown);
    check_refused("quorum none\r\n", 0, PolicyFault::Characters);
    check_refused(&" ".repeat(70_000), 0, PolicyFault::Characters);
    let odd = Policy::new(log.clone(), vec![one.clone()], 2);
    assert_eq!(odd, Err(PolicyFault::Threshold));
}

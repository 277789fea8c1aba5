//! Every decoder, given anything at all: no panic, and nothing is read that would not be written.

use proof::checkpoint::{Checkpoint, SignedCheckpoint};
use proof::entry::Entry;
use proof::note::{Note, SignerKey, VerifierKey};
use proof::policy::Policy;
use proof::receipt::Receipt;
use proof::tile::{Bundle, Edge, FilePath, Tile, TileHashes, bundle_entries};
use proof::tree::{Frontier, Plan};
use proof::witness::{AddCheckpoint, Answer};
use proptest::prelude::*;
use writethru_proof as proof;

/// Reads `bytes` with every decoder of text and checks that what was read prints as it was.
fn read_everything(bytes: &[u8]) {
    if let Ok(note) = Note::parse(bytes) {
        assert_eq!(note.to_text().as_bytes(), bytes);
    }
    if let Ok(signed) = SignedCheckpoint::parse(bytes) {
        assert_eq!(signed.to_text().as_bytes(), bytes);
    }
    if let Ok(receipt) = Receipt::parse(bytes) {
        assert_eq!(receipt.to_text().as_bytes(), bytes);
    }
    if let Ok(request) = AddCheckpoint::parse(bytes) {
        assert_eq!(request.to_text().as_bytes(), bytes);
    }
    if let Ok(frontier) = Frontier::from_bytes(bytes) {
        assert_eq!(frontier.to_bytes(), bytes);
    }
    if let Ok(entry) = Entry::from_bytes(bytes) {
        assert_eq!(entry.as_bytes(), bytes);
        entry.form();
    }
    let _ = Policy::parse(bytes);
    for status in [200, 409, 500] {
        let _ = Answer::parse(status, bytes);
    }
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    if let Ok(checkpoint) = Checkpoint::parse(text) {
        assert_eq!(checkpoint.to_text(), text);
    }
    if let Ok(key) = text.parse::<VerifierKey>() {
        assert_eq!(key.to_string(), text);
    }
    if let Ok(key) = SignerKey::from_secret_text(text) {
        assert_eq!(key.to_secret_text(), text);
    }
    if let Ok(path) = text.parse::<FilePath>() {
        assert_eq!(path.to_string(), text);
    }
}

/// Texts that are nearly right.
fn nearly() -> impl Strategy<Value = String> {
    let hash = "[A-Za-z0-9+/]{42}[AEIMQUYcgkosw048]=";
    let size = "0|[1-9][0-9]{0,18}|0[0-9]";
    let signature = "— [a-z./]{1,9} [A-Za-z0-9+/]{4,8}(==?)?\n";
    let head = format!("[a-z./ ]{{0,9}}\n({size})\n({hash})\n([a-z]{{0,4}}\n){{0,2}}");
    let note = format!("{head}\n({signature}){{0,3}}");
    prop_oneof![
        prop::string::string_regex(&note).expect("a pattern"),
        prop::string::string_regex(&format!(
            "c2sp.org/tlog-proof@v1\n(extra [A-D]{{0,5}}=?\n)?index ({size})\n({hash}\n){{0,3}}\n{note}"
        ))
        .expect("a pattern"),
        prop::string::string_regex(&format!("old ({size})\n({hash}\n){{0,3}}\n{note}")).expect("a pattern"),
        prop::string::string_regex("tile/([0-9]{1,2}|entries)/(x[0-9]{3}/){0,7}[0-9]{2,4}(\\.p/[0-9]{1,3})?")
            .expect("a pattern"),
        prop::string::string_regex("(group|quorum|witness|log|#)?( [A-C]| any| all| 1| 2){0,4}\n")
            .expect("a pattern"),
    ]
}

proptest! {
    #[test]
    fn nothing_makes_a_decoder_panic(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        read_everything(&bytes);
    }

    #[test]
    fn nothing_that_is_nearly_right_is_read_in_two_forms(text in nearly()) {
        read_everything(text.as_bytes());
    }

    #[test]
    fn a_changed_receipt_is_read_as_it_stands_or_not_at_all(place in any::<prop::sample::Index>(), byte in any::<u8>()) {
        let mut bytes = RECEIPT.as_bytes().to_vec();
        let place = place.index(bytes.len());
        bytes[place] = byte;
        read_everything(&bytes);
    }

    #[test]
    fn no_bytes_are_more_than_the_tile_or_bundle_asked_for(
        index in any::<u64>(), level in any::<u8>(), width in 0_u16..300, size in any::<u64>(),
        bytes in prop::collection::vec(any::<u8>(), 0..200),
    ) {
        if let Some(tile) = Tile::new(level % 9, index >> (index % 64), width) {
            let path = FilePath::Tile(tile);
            prop_assert_eq!(path.to_string().parse(), Ok(path));
            if let Ok(read) = TileHashes::from_bytes(tile, &bytes) {
                prop_assert_eq!(read.hashes().len(), usize::from(width));
            }
        }
        if let Some(bundle) = Bundle::new(index, width).or(Bundle::new(0, width % 5 + 1))
            && let Ok(entries) = bundle_entries(bundle, &bytes)
        {
            let written: Vec<u8> = entries.iter().flat_map(|entry| {
                let length = u16::try_from(entry.len()).expect("an entry");
                [&length.to_be_bytes()[..], entry].concat()
            }).collect();
            prop_assert_eq!(written, bytes.clone());
        }
        if let Ok(plan) = Plan::inclusion(index, size) {
            prop_assert!(plan.hashes(std::slice::from_ref(&bytes)).is_err());
        }
        let files = Edge::files(size);
        prop_assert!(files.len() <= 9);
        let _ = Edge::resume(size, &proof::Hash([1; 32]), &[bytes]);
    }
}

#[test]
fn the_receipt_that_is_changed_here_is_one() {
    read_everything(RECEIPT.as_bytes());
    assert!(Receipt::parse(RECEIPT.as_bytes()).is_ok());
}

const RECEIPT: &str = "c2sp.org/tlog-proof@v1\nextra AAAA\nindex 5\n\
    U7WM79jrzyhGZ5/GUBTpM7NzwdyfFx61t3RovgcC4Ro=\n\n\
    wire.example/log\n9\nU7WM79jrzyhGZ5/GUBTpM7NzwdyfFx61t3RovgcC4Ro=\n\n\
    — wire.example/log ui8GwCF1+kWqZrxGdhj4aX3gcw7XUlXQQabg/27lefwhUkzbC3NygNI75MdhL1bfTW9g8Ei59RA23oHP7Ry1k3ZFWwQ=\n";

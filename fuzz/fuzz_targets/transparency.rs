//! No file of a transparency log, whoever wrote it, makes a reader panic or is read in two forms.
#![no_main]

use libfuzzer_sys::fuzz_target;
use proof::checkpoint::SignedCheckpoint;
use proof::entry::Entry;
use proof::note::{Note, VerifierKey};
use proof::policy::Policy;
use proof::receipt::Receipt;
use proof::tile::{Bundle, FilePath, Tile, TileHashes, bundle_entries};
use proof::tree::Frontier;
use proof::witness::{AddCheckpoint, Answer};

fuzz_target!(|given: &[u8]| {
    // Refusing is right; only a panic, or a second form, is not.
    if let Ok(note) = Note::parse(given) {
        assert_eq!(note.to_text().as_bytes(), given);
    }
    if let Ok(signed) = SignedCheckpoint::parse(given) {
        assert_eq!(signed.to_text().as_bytes(), given);
    }
    if let Ok(receipt) = Receipt::parse(given) {
        assert_eq!(receipt.to_text().as_bytes(), given);
        if let Ok(policy) = Policy::parse(b"quorum none\n") {
            assert!(receipt.verify(&proof::Hash([0; 32]), &policy).is_err());
        }
    }
    if let Ok(request) = AddCheckpoint::parse(given) {
        assert_eq!(request.to_text().as_bytes(), given);
        assert!(request.judge(&[], None).is_err());
    }
    if let Ok(frontier) = Frontier::from_bytes(given) {
        assert_eq!(frontier.to_bytes(), given);
        let _ = frontier.root();
    }
    if let Ok(entry) = Entry::from_bytes(given) {
        let _ = entry.form();
    }
    let _ = Policy::parse(given);
    let _ = (Answer::parse(200, given), Answer::parse(409, given));
    if let Some((width, bytes)) = given.split_first() {
        if let Some(tile) = Tile::new(0, 0, u16::from(*width)) {
            let _ = TileHashes::from_bytes(tile, bytes);
        }
        if let Some(bundle) = Bundle::new(0, u16::from(*width)) {
            let _ = bundle_entries(bundle, bytes);
        }
    }
    let Ok(text) = std::str::from_utf8(given) else { return };
    if let Ok(key) = text.parse::<VerifierKey>() {
        assert_eq!(key.to_string(), text);
    }
    if let Ok(path) = text.parse::<FilePath>() {
        assert_eq!(path.to_string(), text);
    }
});

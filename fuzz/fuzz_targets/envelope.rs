//! No record in the log makes a reader panic.
#![no_main]

use libfuzzer_sys::fuzz_target;
use story::StoryId;
use wire::{Chain, Disclosures, Header};

fuzz_target!(|given: (&[u8], &[u8])| {
    let (envelope, disclosures) = given;
    // Refusing is right; only a panic is not.
    let _ = Chain::new(StoryId::from_bytes([7; 16])).open(envelope, disclosures);
    let _ = Header::parse(envelope);
    if let Ok(parsed) = Disclosures::parse(disclosures) {
        assert_eq!(parsed.to_bytes(), disclosures, "one form only");
    }
});

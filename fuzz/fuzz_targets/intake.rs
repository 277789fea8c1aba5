//! No bytes that anyone sends make intake panic, and what it takes in is in normal form.
#![no_main]

use libfuzzer_sys::fuzz_target;
use story::normalise;

fuzz_target!(|given: &[u8]| {
    if let Ok(intake) = formats::read(given, None) {
        for block in intake.copy.blocks.iter().flatten() {
            assert_eq!(normalise(block.text.as_str()).0, block.text.as_str(), "normalising twice changes nothing");
        }
    }
    let mut history = formats::History::new();
    for line in given.split(|byte| *byte == b'\n') {
        if history.read(line).is_err() {
            break;
        }
    }
});

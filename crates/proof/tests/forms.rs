//! Digests as text: one form each way, and nothing else is read.

use proof::{Commitment, Hash, HashError, Salt, Seed};
use proptest::prelude::*;
use writethru_proof as proof;

proptest! {
    #[test]
    fn a_hash_reads_back_from_either_form(bytes in any::<[u8; 32]>()) {
        let hash = Hash(bytes);
        prop_assert_eq!(hash.to_string().parse(), Ok(hash));
        prop_assert_eq!(Hash::from_base64url(&hash.to_base64url()), Ok(hash));
        let commitment = Commitment(bytes);
        prop_assert_eq!(Commitment::from_base64url(&commitment.to_base64url()), Ok(commitment));
        let json = serde_json::to_string(&hash).expect("a hash is a string");
        prop_assert_eq!(serde_json::from_str::<Hash>(&json).expect("reads back"), hash);
    }

    #[test]
    fn text_that_is_read_is_the_form_itself(text in "(sha256:)?[0-9a-fA-F]{0,66}|[A-Za-z0-9_=+/-]{42,44}") {
        if let Ok(hash) = text.parse::<Hash>() {
            prop_assert_eq!(hash.to_string(), text.as_str());
        }
        if let Ok(hash) = Hash::from_base64url(&text) {
            prop_assert_eq!(hash.to_base64url(), text);
        }
    }
}

#[test]
fn a_last_character_with_unused_bits_set_is_refused() {
    let zero = Hash([0; 32]).to_base64url();
    assert_eq!(zero.len(), 43);
    let other = format!("{}B", &zero[..42]);
    assert_eq!(Hash::from_base64url(&other), Err(HashError::Base64Url));
    assert_eq!("sha256:É".parse::<Hash>(), Err(HashError::Hex));
}

#[test]
fn secrets_are_not_printed() {
    let printed = format!("{:?} {:?}", Seed([0x5a; 32]), Salt([0x5a; 32]));
    assert_eq!(printed, "Seed(secret) Salt(secret)");
}

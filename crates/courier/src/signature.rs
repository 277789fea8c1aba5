//! Secrets and signatures (Standard Webhooks 1.0, "Signature scheme", `v1`).

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, Mac};
use jiff::Timestamp;
use rand::Rng;
use sha2::Sha256;

/// What every secret begins with as text.
const PREFIX: &str = "whsec_";
/// Bytes of a new secret; the standard wants 24 to 64.
const BYTES: usize = 32;

/// What an endpoint and the courier share. `Debug` never shows it.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(pub(crate) Vec<u8>);

impl Secret {
    /// Makes a secret from the thread's generator, which is fit for secrets and seeded by the system.
    pub(crate) fn random() -> Self {
        let mut bytes = vec![0; BYTES];
        rand::rng().fill_bytes(&mut bytes);
        Self(bytes)
    }

    /// Returns the secret as text: `whsec_` and base64. Whoever calls this shows it to the endpoint's owner
    /// and to nobody else.
    pub fn expose(&self) -> String {
        format!("{PREFIX}{}", STANDARD.encode(&self.0))
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(not shown)")
    }
}

/// Returns the value of `webhook-signature`: one signature with each of `secrets`, spaces between.
pub fn sign(secrets: &[Secret], id: &str, at: Timestamp, body: &[u8]) -> String {
    let head = format!("{id}.{}.", at.as_second());
    let one = |secret: &Secret| {
        let mut mac = Hmac::<Sha256>::new_from_slice(&secret.0).expect("HMAC takes keys of every length");
        mac.update(head.as_bytes());
        mac.update(body);
        format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes()))
    };
    secrets.iter().map(one).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of the standard's own libraries.
    #[test]
    fn the_signature_of_the_standards_example_is_the_same() {
        let secret = Secret(STANDARD.decode("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").expect("base64"));
        let at = Timestamp::from_second(1_614_265_330).expect("a time");
        let signed = sign(&[secret], "msg_p5jXN8AQM9LWM0D4loKWxJek", at, br#"{"test": 2432232314}"#);
        assert_eq!(signed, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    }

    #[test]
    fn each_secret_signs_and_none_is_shown() {
        let (old, new) = (Secret::random(), Secret::random());
        let signed = sign(&[new.clone(), old.clone()], "msg_1", Timestamp::UNIX_EPOCH, b"{}");
        let signed: Vec<_> = signed.split(' ').collect();
        let alone =
            |secret: &Secret| sign(std::slice::from_ref(secret), "msg_1", Timestamp::UNIX_EPOCH, b"{}");
        assert_eq!(signed, [alone(&new), alone(&old)]);
        assert!(new.expose().starts_with("whsec_") && new != old);
        assert_eq!(format!("{new:?}"), "Secret(not shown)");
    }
}

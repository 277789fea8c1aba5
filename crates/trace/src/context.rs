//! A `traceparent`: read, checked, written.

use std::fmt;
use std::str::FromStr;

/// Length of a `traceparent` of version 00.
const LENGTH: usize = 55;

/// Which trace something belongs to, and which step of it comes before (W3C Trace Context, level 1).
/// Neither id is all zeros.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct TraceContext {
    trace: [u8; 16],
    parent: [u8; 8],
    flags: u8,
}

/// It is no `traceparent`: whoever got it begins a trace of its own, or none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("no traceparent such as 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01")]
pub struct Malformed;

impl TraceContext {
    /// Returns the context of these ids; `None` if one of them is all zeros.
    pub fn new(trace: [u8; 16], parent: [u8; 8], flags: u8) -> Option<Self> {
        (trace != [0; 16] && parent != [0; 8]).then_some(Self { trace, parent, flags })
    }

    /// Returns the context that a header says, if it is one; anything else is as no header.
    pub fn of_header(value: Option<&str>) -> Option<Self> {
        value.and_then(|value| value.parse().ok())
    }

    /// Returns the trace's id, as it is shown: 32 hexadecimal digits.
    pub fn trace_id(&self) -> String {
        format!("{:032x}", u128::from_be_bytes(self.trace))
    }

    #[cfg(feature = "otel")]
    pub(crate) const fn parts(&self) -> ([u8; 16], [u8; 8], u8) {
        (self.trace, self.parent, self.flags)
    }
}

impl FromStr for TraceContext {
    type Err = Malformed;

    /// Reads version 00, and of a later one what version 00 has of it.
    fn from_str(given: &str) -> Result<Self, Malformed> {
        let bytes = given.as_bytes();
        let (head, rest) = bytes.split_at_checked(LENGTH).ok_or(Malformed)?;
        let [version] = hex(&head[..2]).ok_or(Malformed)?;
        let is_whole = match version {
            0 => rest.is_empty(),
            0xff => false,
            _ => rest.first().is_none_or(|next| *next == b'-'),
        };
        if !is_whole || [2, 35, 52].iter().any(|at| head[*at] != b'-') {
            return Err(Malformed);
        }
        let (trace, parent) = (hex(&head[3..35]), hex(&head[36..52]));
        let [flags] = hex(&head[53..]).ok_or(Malformed)?;
        Self::new(trace.ok_or(Malformed)?, parent.ok_or(Malformed)?, flags).ok_or(Malformed)
    }
}

impl fmt::Display for TraceContext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { trace, parent, flags } = self;
        write!(f, "00-{:032x}-{:016x}-{flags:02x}", u128::from_be_bytes(*trace), u64::from_be_bytes(*parent))
    }
}

/// Returns the bytes that lower-case digits say, if there are just as many.
fn hex<const BYTES: usize>(digits: &[u8]) -> Option<[u8; BYTES]> {
    let value = |digit: u8| match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        _ => None,
    };
    let mut bytes = [0; BYTES];
    if digits.len() != 2 * BYTES {
        return None;
    }
    for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
        *byte = value(pair[0])? << 4 | value(pair[1])?;
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    const GIVEN: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

    #[test]
    fn a_context_is_written_as_it_was_read() {
        let context: TraceContext = GIVEN.parse().unwrap();
        assert_eq!(context.to_string(), GIVEN);
        assert_eq!(context.trace_id(), &GIVEN[3..35]);
    }

    #[test]
    fn of_a_later_version_only_what_is_known_is_taken() {
        let later = format!("cc{}-what-comes-then", &GIVEN[2..]);
        assert_eq!(later.parse::<TraceContext>().unwrap().to_string(), GIVEN);
    }

    #[test]
    fn what_is_no_context_is_refused() {
        let long = format!("{GIVEN}-00");
        let run_on = format!("cc{}00", &GIVEN[2..]);
        let forbidden = format!("ff{}", &GIVEN[2..]);
        for given in [
            "",
            "00",
            &GIVEN[..54],
            &long,
            &run_on,
            &forbidden,
            &GIVEN.to_uppercase(),
            &GIVEN.replace('-', "_"),
            &GIVEN.replace('4', "g"),
            "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01",
            "00-4bf92f3577b34da6a3ce929d0e0e473\u{e9}-00f067aa0ba902b7-01",
        ] {
            assert_eq!(given.parse::<TraceContext>(), Err(Malformed), "{given:?}");
        }
    }
}

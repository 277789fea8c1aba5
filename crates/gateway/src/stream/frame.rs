//! How a stream is written: server-sent events (WHATWG HTML, 9.2) or one JSON object a line.

use bytes::{BufMut, Bytes, BytesMut};
use wire::Cursor;

/// Which of the two.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Framing {
    /// Server-sent events.
    Sse,
    /// One JSON object a line.
    Ndjson,
}

/// What the service says beside changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Control {
    /// The article as it stands: forget what was before.
    Snapshot,
    /// Everything so far has been sent.
    UpToDate,
    /// What was sent may be other now: begin again.
    MustRefetch,
    /// The stream ends here: come again.
    Closing,
}

impl Control {
    const fn name(self) -> &'static str {
        match self {
            Self::Snapshot => "snapshot",
            Self::UpToDate => "up-to-date",
            Self::MustRefetch => "must-refetch",
            Self::Closing => "closing",
        }
    }
}

impl Framing {
    /// How many there are.
    pub(crate) const COUNT: usize = 2;

    /// Returns its media type.
    pub(crate) const fn media_type(self) -> &'static str {
        match self {
            Self::Sse => "text/event-stream",
            Self::Ndjson => "application/x-ndjson",
        }
    }

    /// Returns its name in measures.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Sse => "sse",
            Self::Ndjson => "ndjson",
        }
    }

    /// Returns what begins a stream: after how long a reader whose connection breaks comes again.
    pub(crate) fn beginning(self, retry_ms: u64) -> Option<Bytes> {
        (self == Self::Sse).then(|| format!("retry: {retry_ms}\n\n").into())
    }

    /// Returns what says that the stream is alive, and nothing else.
    pub(crate) const fn heartbeat(self) -> Bytes {
        match self {
            Self::Sse => Bytes::from_static(b": \n\n"),
            Self::Ndjson => Bytes::from_static(b"{\"event\":\"heartbeat\",\"id\":null,\"data\":null}\n"),
        }
    }

    /// Returns a change, which is `data`: JSON on one line. It has no name, so that a browser hands it
    /// to `onmessage`.
    pub(crate) fn change(self, at: Cursor, data: &[u8]) -> Bytes {
        self.framed(None, Some(at), data)
    }

    /// Returns `control` with `data`: JSON on one line.
    pub(crate) fn control(self, control: Control, at: Option<Cursor>, data: &[u8]) -> Bytes {
        self.framed(Some(control.name()), at, data)
    }

    fn framed(self, name: Option<&str>, at: Option<Cursor>, data: &[u8]) -> Bytes {
        debug_assert!(!data.contains(&b'\n'), "JSON on one line");
        let mut frame = BytesMut::with_capacity(data.len() + 128);
        let at = at.map(|at| at.to_string());
        match self {
            Self::Sse => {
                for (field, value) in [("event: ", name), ("id: ", at.as_deref())] {
                    let Some(value) = value else { continue };
                    frame.put_slice(field.as_bytes());
                    frame.put_slice(value.as_bytes());
                    frame.put_u8(b'\n');
                }
                frame.put_slice(b"data: ");
                frame.put_slice(data);
                frame.put_slice(b"\n\n");
            }
            Self::Ndjson => {
                let name = name.unwrap_or("change");
                let at = at.map_or_else(|| "null".to_owned(), |at| format!("\"{at}\""));
                frame.put_slice(format!("{{\"event\":\"{name}\",\"id\":{at},\"data\":").as_bytes());
                frame.put_slice(data);
                frame.put_slice(b"}\n");
            }
        }
        frame.freeze()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_and_a_control_event_are_written_as_each_form_wants_them() {
        let at = Cursor { epoch: 7, position: 9 };
        let text = |frame: Bytes| String::from_utf8(frame.to_vec()).expect("UTF-8");
        let id = "0000000000000007-0000000000000009";
        assert_eq!(text(Framing::Sse.change(at, b"{}")), format!("id: {id}\ndata: {{}}\n\n"));
        assert_eq!(
            text(Framing::Ndjson.change(at, b"{}")),
            format!("{{\"event\":\"change\",\"id\":\"{id}\",\"data\":{{}}}}\n")
        );
        assert_eq!(text(Framing::Sse.control(Control::Closing, None, b"{}")), "event: closing\ndata: {}\n\n");
        let line = text(Framing::Ndjson.control(Control::UpToDate, None, b"{}"));
        let line: serde_json::Value = serde_json::from_str(&line).expect("JSON");
        assert_eq!((&line["event"], &line["id"]), (&"up-to-date".into(), &serde_json::Value::Null));
        let alive = text(Framing::Ndjson.heartbeat());
        assert!(serde_json::from_str::<serde_json::Value>(&alive).is_ok(), "{alive}");
    }
}

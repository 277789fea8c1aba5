//! Reads envelopes.

//! Writes envelopes.

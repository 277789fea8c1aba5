//! Measurements of this machine. (Being built.)

//! What every back end must do, as tests that any back end runs.

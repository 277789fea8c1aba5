//! The binary as people and scripts use it: its command line, its exit codes, its life.

mod access;
mod acts;
mod backup;
mod bad_input;
mod exit_codes;
mod filing;
mod formats;
mod harness;
mod lifecycle;
mod over_nats;
mod past;
mod second_person;
mod two_editors;

//! The newsroom's rules, judged from outside: the built binary, a real NATS server, strangers' programs.

#[cfg(target_os = "linux")]
mod clocks;
mod commands;
mod doors;
mod embargo;
mod expected;
mod matrix;
mod recall;
mod redaction;
mod stranger;
mod writers;

//! The newsroom's rules, judged from outside: the built binary, a real NATS server, strangers' programs.

mod commands;
mod doors;
mod expected;
mod matrix;

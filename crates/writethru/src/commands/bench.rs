//! `bench`: measures this machine.

use clap::Args;

use crate::bench;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::session::Session;

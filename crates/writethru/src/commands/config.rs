//! `config`: what is configured, where it came from, and a file to start from.

use clap::{Args, Subcommand};
use serde_json::{Map, Value, json};

use crate::config::{Flags, Key, Origin, Settings, template};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::{Output, write_bytes};

/// Options of `config`.
#[derive(Debug, Args)]
#[command(before_help = "Examples:\n  \
    writethru config show --origin             # every value and where it came from\n  \
    writethru config check --config writethru.toml\n  \
    writethru config template > writethru.toml")]
pub(crate) struct Config {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Print every value; a key is never among them
    #[command(before_help = "Examples:\n  writethru config show --origin")]
    Show {
        /// Say where each value came from
        #[arg(long)]
        origin: bool,
    },
    /// Check the configuration and say nothing if it is fine
    #[command(before_help = "Examples:\n  writethru config check --config writethru.toml")]
    Check,
    /// Print a file in which everything is explained
    #[command(before_help = "Examples:\n  writethru config template > writethru.toml")]
    Template,
}

impl Config {
    /// Answers about the configuration.
    pub(crate) fn run(&self, flags: &Flags, output: Output) -> Result<Exit, Failure> {
        match self.what {
            What::Template => write_bytes(template().as_bytes())?,
            What::Check => {
                Settings::load(flags)?;
            }
            What::Show { origin } => show(&Settings::load(flags)?, origin, output)?,
        }
        Ok(Exit::Ok)
    }
}

fn show(settings: &Settings, origin: bool, output: Output) -> Result<(), Failure> {
    if output.json {
        let mut object = Map::new();
        for key in Key::ALL {
            let entry = settings.sources.get(&key);
            let value = entry.map_or(Value::Null, |(value, _)| json!(value));
            let from = entry.map_or(&Origin::Default, |(_, from)| from).to_string();
            object.insert(key.name().into(), json!({"value": value, "origin": from}));
        }
        return output.json(&object);
    }
    for key in Key::ALL {
        let (line, from) = match settings.sources.get(&key) {
            Some((value, from)) => (format!("{} = {value:?}", key.name()), from),
            None => (format!("# {} is not set", key.name()), &Origin::Default),
        };
        if origin {
            output.line(format_args!("{line:<48} # {from}"))?;
        } else {
            output.line(line)?;
        }
    }
    Ok(())
}

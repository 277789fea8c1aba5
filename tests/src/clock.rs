//! A clock on the wall that a test sets while the service runs: forward, and back.

use std::path::{Path, PathBuf};
use std::process::Command;

/// The clock of the services that are started with [`WallClock::environment`]; it stands right at first.
#[derive(Debug)]
pub struct WallClock {
    library: PathBuf,
    setting: PathBuf,
}

impl WallClock {
    /// Builds one in `folder`, with the C compiler that SQLite was built with.
    pub fn build(folder: &Path) -> Self {
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/clock.c");
        let (library, setting) = (folder.join("clock.so"), folder.join("clock"));
        let mut compiler = Command::new("cc");
        compiler.args(["-shared", "-fPIC", "-O1", "-Wall", "-Werror", "-o"]).arg(&library).arg(source);
        let built = compiler.status().expect("there is a C compiler");
        assert!(built.success(), "the clock does not compile: {built}");
        let clock = Self { library, setting };
        clock.set(0);
        clock
    }

    /// Sets it so many seconds ahead of the right time, or behind it.
    pub fn set(&self, seconds: i64) {
        let new = self.setting.with_extension("new");
        std::fs::write(&new, seconds.to_string()).expect("the temp dir is writable");
        // Whole at once: it is read all the time.
        std::fs::rename(new, &self.setting).expect("the temp dir is writable");
    }

    /// Returns what a program needs in its environment to go by it.
    pub fn environment(&self) -> [(&'static str, &Path); 2] {
        [("LD_PRELOAD", &self.library), ("WT_CLOCK", &self.setting)]
    }
}

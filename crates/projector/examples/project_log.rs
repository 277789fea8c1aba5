//! Projects the log of a data dir into new views beside those that are there, and says how long it
//! took and whether both are equal. The data dir is left as it was.
//!
//! `cargo run --release -p writethru-projector --example project_log -- DATA_DIR`

use std::error::Error;
use std::io::Write;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Instant;

use log::{Epoch, EventLog, Options};
use writethru_projector::{Progress, compare};

type Answer<T> = Result<T, Box<dyn Error>>;

#[tokio::main]
async fn main() -> Answer<()> {
    let directory = PathBuf::from(std::env::args_os().nth(1).ok_or("name a data dir")?);
    let options = Options { new_epoch: Epoch(0), create: false, read_only: true };
    let log = EventLog::open(&directory.join("log.db"), options).await?;
    let records = log.head().0;
    let began = (Instant::now(), processor_seconds());
    let projected = Arc::new(Mutex::new((0.0, 0.0)));
    let noted = Arc::clone(&projected);
    let progress = Progress::new(move |reached, _| {
        if let Ok(mut noted) = noted.lock()
            && reached.0 == records
        {
            *noted = (began.0.elapsed().as_secs_f64(), processor_seconds() - began.1);
        }
    });
    let compared = compare(&log, &directory.join("views.db"), progress).await?;
    let (elapsed_s, processor_s) = *projected.lock().map_err(|_| "the measurement broke")?;
    let count = u32::try_from(records).map(f64::from)?;
    writeln!(
        std::io::stdout(),
        "{records} records, {:.0} a second, {:.1} us of processor each, views equal: {}",
        count / elapsed_s,
        processor_s * 1e6 / count,
        compared.is_equal(),
    )?;
    log.close().await;
    Ok(())
}

/// Returns the processor time of this process so far, where the system says.
fn processor_seconds() -> f64 {
    const TICKS_A_SECOND: f64 = 100.0;
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let behind_name = stat.rsplit(')').next().unwrap_or_default();
    let ticks = behind_name.split_whitespace().skip(11).take(2).filter_map(|field| field.parse::<f64>().ok());
    ticks.sum::<f64>() / TICKS_A_SECOND
}

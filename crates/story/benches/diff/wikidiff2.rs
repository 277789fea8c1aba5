//! `MediaWiki`'s wikidiff2 on the same texts, where PHP has it (Debian: php-cli, php-wikidiff2).
//!
//! It lives in PHP, so it is timed there, in one process, by PHP's own clock: the start of the
//! process and the reading of the texts are not counted.

use std::io::Write;
use std::process::{Command, Stdio};

/// Reads `{"old","new"}` and prints the median of many runs in microseconds, and the bytes of the
/// answer.
const SCRIPT: &str = r#"
if (!function_exists('wikidiff2_inline_json_diff')) { fwrite(STDERR, "no wikidiff2\n"); exit(1); }
$texts = json_decode(stream_get_contents(STDIN), true);
$times = [];
for ($round = 0; $round < 300; $round++) {
    $began = hrtime(true);
    $answer = wikidiff2_inline_json_diff($texts['old'], $texts['new'], 2);
    $times[] = hrtime(true) - $began;
}
sort($times);
printf("%.1f %d\n", $times[150] / 1000, strlen($answer));
"#;

/// Returns how long it takes in microseconds and how many bytes it answers with; `None` where it is
/// not installed.
pub(crate) fn measure(old: &str, new: &str) -> Option<(f64, usize)> {
    let mut php = Command::new("php")
        .args(["-r", SCRIPT])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .ok()?;
    let texts = serde_json::json!({ "old": old, "new": new }).to_string();
    php.stdin.take()?.write_all(texts.as_bytes()).ok()?;
    let answer = php.wait_with_output().ok().filter(|output| output.status.success())?.stdout;
    let answer = String::from_utf8(answer).ok()?;
    let (micros, bytes) = answer.trim().split_once(' ')?;
    Some((micros.parse().ok()?, bytes.parse().ok()?))
}

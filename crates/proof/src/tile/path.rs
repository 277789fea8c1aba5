//! Where the files of a log are served: `tile/<L>/<N>[.p/<W>]` and `tile/entries/<N>[.p/<W>]`.

use std::fmt;
use std::str::FromStr;

use super::{Bundle, FULL_WIDTH, Tile};
use crate::lines::decimal;

/// The longest path: no index has more than 19 digits.
const PATH_CHARS_MAX: usize = 64;

/// Which file of a log, and with it its path below the log's address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum FilePath {
    /// A tile of hashes.
    Tile(Tile),
    /// A bundle of entries.
    Entries(Bundle),
}

/// A path at which no file of a log is: answer that nothing is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("no tile has this path: see c2sp.org/tlog-tiles")]
pub struct PathError;

impl fmt::Display for FilePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (index, width) = match self {
            Self::Tile(tile) => {
                write!(f, "tile/{}/", tile.level())?;
                (tile.index(), tile.width())
            }
            Self::Entries(bundle) => {
                f.write_str("tile/entries/")?;
                (bundle.index(), bundle.width())
            }
        };
        let mut above = 1;
        while index / above >= 1000 {
            above *= 1000;
        }
        while above > 1 {
            write!(f, "x{:03}/", index / above % 1000)?;
            above /= 1000;
        }
        write!(f, "{:03}", index % 1000)?;
        if width < FULL_WIDTH {
            write!(f, ".p/{width}")?;
        }
        Ok(())
    }
}

impl FromStr for FilePath {
    type Err = PathError;

    /// Returns the file that has this path, exactly as it is printed.
    fn from_str(path: &str) -> Result<Self, PathError> {
        parse(path).filter(|file| file.to_string() == path).ok_or(PathError)
    }
}

/// Returns the file that is meant, if one is; the caller sees to it that it was said in its form.
fn parse(path: &str) -> Option<FilePath> {
    if path.len() > PATH_CHARS_MAX {
        return None;
    }
    let (level, rest) = path.strip_prefix("tile/")?.split_once('/')?;
    let (index, width) = match rest.split_once(".p/") {
        Some((index, width)) => (index, decimal(width, u64::from(FULL_WIDTH) - 1)?),
        None => (rest, u64::from(FULL_WIDTH)),
    };
    let mut number = 0_u64;
    for element in index.split('/') {
        let digits = element.strip_prefix('x').unwrap_or(element).as_bytes();
        for digit in digits {
            let digit = digit.checked_sub(b'0').filter(|digit| *digit < 10)?;
            number = number.checked_mul(10)?.checked_add(u64::from(digit))?;
        }
    }
    let width = u16::try_from(width).ok()?;
    if level == "entries" {
        return Bundle::new(number, width).map(FilePath::Entries);
    }
    let level = u8::try_from(decimal(level, u64::from(u8::MAX))?).ok()?;
    Tile::new(level, number, width).map(FilePath::Tile)
}

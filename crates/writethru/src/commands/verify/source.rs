//! Where a log's files are read from: a folder, or an address.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::time::Duration;

use proof::audit::LogReader;
use proof::note::NOTE_BYTES_MAX;
use proof::tile::{BUNDLE_BYTES_MAX, Bundle, FULL_WIDTH, FilePath, Tile, bundle_prefix};
use proof::tree::TileReader;
use reqwest::{Client, StatusCode, Url};
use tokio::runtime::Handle;

use crate::exit::Exit;
use crate::failure::Failure;

/// How long one file may take.
const FILE_TIMEOUT: Duration = Duration::from_secs(30);

/// The files of a log in a folder.
#[derive(Debug)]
pub(super) struct Folder {
    root: PathBuf,
}

impl Folder {
    pub(super) fn new(root: &Path) -> Self {
        Self { root: root.to_owned() }
    }

    pub(super) fn checkpoint(&self) -> io::Result<Vec<u8>> {
        self.read("checkpoint", NOTE_BYTES_MAX)
    }

    fn read(&self, path: &str, bytes_max: usize) -> io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        File::open(self.root.join(path))?.take(bytes_max as u64 + 1).read_to_end(&mut bytes)?;
        bounded(bytes, bytes_max)
    }
}

impl TileReader for Folder {
    type Error = io::Error;

    fn tile(&self, tile: Tile) -> io::Result<Vec<u8>> {
        either(FilePath::Tile(tile), |path| self.read(path, usize::from(FULL_WIDTH) * 32))
    }
}

impl LogReader for Folder {
    fn bundle(&self, bundle: Bundle) -> io::Result<Vec<u8>> {
        let bytes = either(FilePath::Entries(bundle), |path| self.read(path, BUNDLE_BYTES_MAX))?;
        Ok(prefix(bundle, bytes))
    }
}

/// The files of a log at an address. For a thread of its own: it blocks.
#[derive(Debug)]
pub(super) struct Remote {
    base: Url,
    client: Client,
    handle: Handle,
}

impl Remote {
    /// Returns the log at `address`.
    ///
    /// # Errors
    /// It is no address, or not one that can be asked.
    pub(super) fn new(address: &str, handle: Handle) -> Result<Self, Failure> {
        let unusable = |why: String| {
            Failure::new(Exit::Usage, "address", format!("{address} cannot be asked"))
                .why(why)
                .next("name an address such as http://127.0.0.1:8080/log; fetch one of https with another tool, into a folder")
        };
        let base = Url::parse(&format!("{}/", address.trim_end_matches('/')));
        let base = base.map_err(|error| unusable(error.to_string()))?;
        if base.scheme() != "http" {
            return Err(unusable("only http is spoken here".to_owned()));
        }
        let client = Client::builder().timeout(FILE_TIMEOUT).no_proxy().build();
        Ok(Self { base, client: client.map_err(|error| unusable(error.to_string()))?, handle })
    }

    pub(super) fn checkpoint(&self) -> io::Result<Vec<u8>> {
        self.read("checkpoint", NOTE_BYTES_MAX)
    }

    fn read(&self, path: &str, bytes_max: usize) -> io::Result<Vec<u8>> {
        let url = self.base.join(path).map_err(io::Error::other)?;
        self.handle.block_on(async {
            let mut answer = self.client.get(url).send().await.map_err(io::Error::other)?;
            match answer.status() {
                StatusCode::OK => {}
                StatusCode::NOT_FOUND | StatusCode::GONE => return Err(io::ErrorKind::NotFound.into()),
                status => return Err(io::Error::other(format!("the server answers {status}"))),
            }
            let mut bytes = Vec::new();
            while let Some(chunk) = answer.chunk().await.map_err(io::Error::other)? {
                bytes.extend_from_slice(&chunk);
                if bytes.len() > bytes_max {
                    break;
                }
            }
            bounded(bytes, bytes_max)
        })
    }
}

impl TileReader for Remote {
    type Error = io::Error;

    fn tile(&self, tile: Tile) -> io::Result<Vec<u8>> {
        either(FilePath::Tile(tile), |path| self.read(path, usize::from(FULL_WIDTH) * 32))
    }
}

impl LogReader for Remote {
    fn bundle(&self, bundle: Bundle) -> io::Result<Vec<u8>> {
        let bytes = either(FilePath::Entries(bundle), |path| self.read(path, BUNDLE_BYTES_MAX))?;
        Ok(prefix(bundle, bytes))
    }
}

/// Reads a file, or the full version of it where a partial one is gone (c2sp.org/tlog-tiles).
fn either(path: FilePath, read: impl Fn(&str) -> io::Result<Vec<u8>>) -> io::Result<Vec<u8>> {
    let full = match path {
        FilePath::Tile(tile) => Tile::new(tile.level(), tile.index(), FULL_WIDTH).map(FilePath::Tile),
        FilePath::Entries(bundle) => Bundle::new(bundle.index(), FULL_WIDTH).map(FilePath::Entries),
    };
    match (read(&path.to_string()), full) {
        (Err(error), Some(full)) if error.kind() == io::ErrorKind::NotFound && full != path => {
            // Where neither is there, the one that was asked for is missing.
            read(&full.to_string())
                .map_err(|other| if other.kind() == io::ErrorKind::NotFound { error } else { other })
        }
        (read, _) => read,
    }
}

/// Returns the bytes of `bundle` from those of the full one that was read in its place. What was read as
/// asked for goes on as it is: bytes behind its end are for the audit to find.
fn prefix(bundle: Bundle, bytes: Vec<u8>) -> Vec<u8> {
    let full = Bundle::new(bundle.index(), FULL_WIDTH).filter(|full| bundle_prefix(*full, &bytes).is_ok());
    match bundle_prefix(bundle, &bytes) {
        Ok(prefix) if full.is_some() && bundle.width() < FULL_WIDTH => prefix.to_vec(),
        _ => bytes,
    }
}

fn bounded(bytes: Vec<u8>, bytes_max: usize) -> io::Result<Vec<u8>> {
    if bytes.len() > bytes_max {
        return Err(io::Error::new(io::ErrorKind::InvalidData, "longer than any such file"));
    }
    Ok(bytes)
}

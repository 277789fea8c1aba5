//! A disk with a page cache: what was written is seen at once, and is on the disk once it was synced.
//!
//! The real files are the page cache. Beside them this keeps what the disk would hold, and every change
//! that was not synced; a power cut keeps some of those, as the dice say, whole or torn. A new name
//! and a name that was taken away are on the disk once the folder was synced, which SQLite does with the first
//! sync of a journal. It simulates no disk that lies about a sync.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::dice::Dice;
use crate::plan::{Effect, Fault, Operation};
use crate::vfs;

/// Bytes that a disk writes whole.
const SECTOR: usize = 512;

/// What a call is told to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// All of it.
    Go,
    /// Nothing; it fails.
    Fail,
    /// The first bytes of it; then it fails.
    Short(usize),
    /// Nothing; the disk is full.
    Full,
}

/// How a life of the process ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// By itself.
    Closed,
    /// By kill -9: the page cache stays.
    Killed,
    /// With the power: what was not synced is at stake.
    PowerCut,
}

/// How often what was done to the log, by effect.
pub type Counts = BTreeMap<(Operation, Effect), u64>;

#[derive(Debug, Clone)]
enum Change {
    Write { offset: usize, bytes: Vec<u8> },
    Cut { len: usize },
}

#[derive(Debug, Default, Clone)]
struct Image {
    durable: Vec<u8>,
    unsynced: Vec<Change>,
    /// Whether the folder on the disk has the name.
    named: bool,
}

#[derive(Debug)]
struct State {
    images: BTreeMap<String, Image>,
    /// What the disk still has under names that were taken away.
    gone: BTreeMap<String, Image>,
    faults: Vec<Fault>,
    full: bool,
    ended: Option<End>,
    /// Files that an earlier life opened do nothing any more.
    life: u64,
    counts: Counts,
}

/// The disk under one folder.
#[derive(Debug)]
pub struct Disk {
    folder: PathBuf,
    state: Mutex<State>,
}

impl Disk {
    /// Puts a disk under every file that SQLite opens in `folder` from now on, until it is dropped.
    ///
    /// # Errors
    /// If the folder is not there.
    pub fn under(folder: &Path) -> std::io::Result<Arc<Self>> {
        let folder = folder.canonicalize()?;
        let state = State {
            images: BTreeMap::new(),
            gone: BTreeMap::new(),
            faults: Vec::new(),
            full: false,
            ended: None,
            life: 0,
            counts: Counts::new(),
        };
        let disk = Arc::new(Self { folder, state: Mutex::new(state) });
        vfs::install(&disk);
        Ok(disk)
    }

    /// Returns the folder.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Adds what will go wrong, counted from the next call on.
    pub fn plan(&self, fault: Fault) {
        self.state().faults.push(fault);
    }

    /// Ends everything that went wrong and everything planned; returns whether something was planned or
    /// wrong still.
    pub fn mend(&self) -> bool {
        let mut state = self.state();
        let wrong = state.full || !state.faults.is_empty();
        state.full = false;
        state.faults.clear();
        wrong
    }

    /// Ends the life of the process now, unless a fault did it before.
    pub fn end(&self, end: End) {
        let mut state = self.state();
        state.ended.get_or_insert(end);
    }

    /// Returns how this life ended, if it did.
    pub fn ended(&self) -> Option<End> {
        self.state().ended
    }

    /// Returns what was done so far.
    pub fn counts(&self) -> Counts {
        self.state().counts.clone()
    }

    /// Gives the next life what this one left: everything after a kill, what the disk holds after a power
    /// cut. Nothing is planned any more.
    ///
    /// # Errors
    /// If the real files cannot be written.
    pub fn restart(&self, dice: &mut Dice) -> std::io::Result<()> {
        let mut state = self.state();
        state.life += 1;
        state.full = false;
        state.faults.clear();
        if state.ended.take() == Some(End::PowerCut) {
            return state.lose_power(&self.folder, dice);
        }
        Ok(())
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A file is opened: returns the life that it belongs to, or nothing if it is over.
    pub(crate) fn open(&self, name: &str) -> Option<u64> {
        let mut state = self.state();
        if state.ended.is_some() {
            return None;
        }
        let path = self.folder.join(name);
        if !path.exists() {
            // Somebody else may have taken the file away.
            if let Some(old) = state.images.insert(name.to_owned(), Image::default())
                && old.named
            {
                state.gone.insert(name.to_owned(), old);
            }
        } else if !state.images.contains_key(name) {
            let durable = std::fs::read(&path).unwrap_or_default();
            state.images.insert(name.to_owned(), Image { durable, unsynced: Vec::new(), named: true });
        }
        Some(state.life)
    }

    pub(crate) fn read(&self, life: u64) -> Verdict {
        match self.state().meet(life, Operation::Read) {
            Met::Nothing => Verdict::Go,
            Met::Over | Met::Effect(_) => Verdict::Fail,
        }
    }

    pub(crate) fn write(&self, (name, life): (&str, u64), offset: usize, bytes: &[u8]) -> Verdict {
        let mut state = self.state();
        let met = state.meet(life, Operation::Write);
        let full = state.full && offset + bytes.len() > state.image(name).len();
        let (verdict, written) = match met {
            Met::Over => return Verdict::Fail,
            // The write was on its way: a power cut may tear it, a kill lets it be done or not.
            Met::Effect(Effect::PowerCut) => (Verdict::Fail, bytes.len()),
            Met::Effect(Effect::Short) => (Verdict::Short(bytes.len() / 2), bytes.len() / 2),
            Met::Effect(_) => (Verdict::Fail, 0),
            Met::Nothing if full => (Verdict::Full, 0),
            Met::Nothing => (Verdict::Go, bytes.len()),
        };
        if written > 0 {
            let change = Change::Write { offset, bytes: bytes[..written].to_vec() };
            state.image(name).unsynced.push(change);
        }
        verdict
    }

    pub(crate) fn cut(&self, (name, life): (&str, u64), len: usize) -> Verdict {
        let mut state = self.state();
        let met = state.meet(life, Operation::Truncate);
        if matches!(met, Met::Nothing | Met::Effect(Effect::PowerCut)) {
            state.image(name).unsynced.push(Change::Cut { len });
        }
        if matches!(met, Met::Nothing) { Verdict::Go } else { Verdict::Fail }
    }

    /// A file is synced, and with it the folder if `names` says so.
    pub(crate) fn sync(&self, (name, life): (&str, u64), names: bool) -> Verdict {
        let mut state = self.state();
        match state.meet(life, Operation::Sync) {
            Met::Nothing => {
                state.image(name).settle();
                if names {
                    state.gone.clear();
                    state.images.values_mut().for_each(|image| image.named = true);
                }
                Verdict::Go
            }
            Met::Effect(Effect::Forget) => {
                state.image(name).unsynced.clear();
                Verdict::Fail
            }
            Met::Over | Met::Effect(_) => Verdict::Fail,
        }
    }

    pub(crate) fn delete(&self, name: &str) -> Verdict {
        let mut state = self.state();
        if state.ended.is_some() {
            return Verdict::Fail;
        }
        if let Some(old) = state.images.remove(name)
            && old.named
        {
            state.gone.insert(name.to_owned(), old);
        }
        Verdict::Go
    }
}

/// What a call meets.
enum Met {
    Nothing,
    Effect(Effect),
    /// Its process is no more.
    Over,
}

impl State {
    /// Counts a call and returns what it meets.
    fn meet(&mut self, life: u64, operation: Operation) -> Met {
        if self.ended.is_some() || life != self.life {
            return Met::Over;
        }
        let mut met = None;
        for fault in self.faults.iter_mut().filter(|fault| fault.operation == operation) {
            if fault.after > 0 {
                fault.after -= 1;
            } else if met.is_none() && fault.times > 0 {
                fault.times -= 1;
                met = Some(fault.effect);
            }
        }
        self.faults.retain(|fault| fault.times > 0);
        let Some(effect) = met else { return Met::Nothing };
        *self.counts.entry((operation, effect)).or_default() += 1;
        match effect {
            Effect::Kill => self.ended = Some(End::Killed),
            Effect::PowerCut => self.ended = Some(End::PowerCut),
            Effect::Full => {
                self.full = true;
                return Met::Nothing;
            }
            Effect::Fail | Effect::Short | Effect::Forget => {}
        }
        Met::Effect(effect)
    }

    fn image(&mut self, name: &str) -> &mut Image {
        self.images.entry(name.to_owned()).or_default()
    }

    /// Makes the real files what the disk holds.
    fn lose_power(&mut self, folder: &Path, dice: &mut Dice) -> std::io::Result<()> {
        let gone = std::mem::take(&mut self.gone);
        let mut left = std::mem::take(&mut self.images);
        for (name, image) in &mut left {
            if !image.named && dice.once_in(2) {
                *image = gone.get(name).cloned().unwrap_or_default();
            } else {
                image.named = true;
            }
        }
        for (name, image) in gone {
            if !left.contains_key(&name) && dice.once_in(2) {
                left.insert(name, image);
            }
        }
        left.retain(|_, image| image.named);
        for entry in std::fs::read_dir(folder)? {
            let entry = entry?;
            let name = entry.file_name().to_string_lossy().into_owned();
            if !name.as_bytes().ends_with(b".lock") && !left.contains_key(&name) {
                std::fs::remove_file(entry.path())?;
            }
        }
        for (name, mut image) in left {
            image.tear(dice);
            std::fs::write(folder.join(&name), &image.durable)?;
            self.images.insert(name, image);
        }
        Ok(())
    }
}

impl Image {
    /// Returns how long the file is in the page cache.
    fn len(&self) -> usize {
        self.unsynced.iter().fold(self.durable.len(), |len, change| match change {
            Change::Write { offset, bytes } => len.max(offset + bytes.len()),
            Change::Cut { len: cut } => len.min(*cut),
        })
    }

    /// Puts every change on the disk.
    fn settle(&mut self) {
        for change in std::mem::take(&mut self.unsynced) {
            self.apply(change);
        }
    }

    fn apply(&mut self, change: Change) {
        match change {
            Change::Write { offset, bytes } => {
                let end = offset + bytes.len();
                if self.durable.len() < end {
                    self.durable.resize(end, 0);
                }
                self.durable[offset..end].copy_from_slice(&bytes);
            }
            Change::Cut { len } => self.durable.truncate(len),
        }
    }

    /// Puts on the disk what a power cut lets through: nothing, all, a beginning, or any of it; and tears
    /// one write: its first sectors, or its first bytes where a sector itself is torn.
    fn tear(&mut self, dice: &mut Dice) {
        let changes = std::mem::take(&mut self.unsynced);
        let way = dice.below(4);
        let upto = dice.size(changes.len() + 1);
        let torn = dice.size(changes.len() + 1);
        for (at, change) in changes.into_iter().enumerate() {
            let kept = match way {
                0 => false,
                1 => true,
                2 => at < upto,
                _ => dice.once_in(2),
            };
            match change {
                Change::Write { offset, mut bytes } if at == torn => {
                    let half = dice.size(bytes.len() + 1);
                    bytes.truncate(if dice.once_in(4) { half } else { half / SECTOR * SECTOR });
                    self.apply(Change::Write { offset, bytes });
                }
                change if kept => self.apply(change),
                _ => {}
            }
        }
    }
}

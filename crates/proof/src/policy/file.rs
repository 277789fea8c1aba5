//! Reading a policy from its file, and what a policy may hold.

use super::{Member, Policy};
use crate::lines::decimal;
use crate::note::{Algorithm, KeyError, VerifierKey};

/// The most logs, witnesses and groups, of each.
const KIND_MAX: usize = 64;

/// The longest file in bytes.
const FILE_BYTES_MAX: usize = 64 * 1024;

/// A file that says nothing clear about whom to believe: correct the line.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line} of the policy cannot be used")]
pub struct PolicyError {
    /// Which line, from 1; 0 of the file as a whole.
    pub line: usize,
    /// What is wrong with it.
    pub source: PolicyFault,
}

/// What is wrong with a policy.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PolicyFault {
    /// Too long, or with control characters.
    #[error("a policy is at most 65,536 bytes, in lines, without other control characters than tabs")]
    Characters,
    /// Another word than those that begin a line, or too few or too many after it.
    #[error("a line is `log`, `witness`, `group` or `quorum` and what belongs to it")]
    Line,
    /// A key that cannot be used here.
    #[error("the key cannot be used")]
    Key {
        /// Why not.
        source: KeyError,
    },
    /// A log's key of the kind that witnesses have, or the other way round.
    #[error("a log signs with type 0x01, a witness with type 0x04")]
    Algorithm,
    /// The same public key again.
    #[error("the same key is listed twice")]
    Twice,
    /// A name that is taken, or `none`.
    #[error("the name is taken")]
    Name,
    /// A name that no line before has defined.
    #[error("no line before names this member")]
    Unknown,
    /// A member that is in a group already.
    #[error("a member belongs to one group")]
    Shared,
    /// A threshold of nothing, or of more than there are.
    #[error("a group needs from 1 to all of its members")]
    Threshold,
    /// More than are read.
    #[error("a policy has at most 64 logs, 64 witnesses and 64 groups")]
    TooMany,
    /// No quorum, or a second one.
    #[error("a policy has one quorum line")]
    Quorum,
}

/// The names that lines of a file have defined, and what they may still be used for.
#[derive(Default)]
struct Names<'a> {
    /// The name of each member, and whether a group has it.
    taken: Vec<(&'a [u8], bool)>,
    quorum: bool,
}

impl Policy {
    /// Returns the policy that the file `bytes` says.
    ///
    /// # Errors
    /// [`PolicyError`] with the first line that cannot be used.
    pub fn parse(bytes: &[u8]) -> Result<Self, PolicyError> {
        let control = |byte: &u8| (*byte < b' ' && *byte != b'\t' && *byte != b'\n') || *byte == 0x7f;
        if bytes.len() > FILE_BYTES_MAX || bytes.iter().any(control) {
            return Err(PolicyError { line: 0, source: PolicyFault::Characters });
        }
        let (mut policy, mut names) = (Self::empty(), Names::default());
        for (place, line) in bytes.split(|byte| *byte == b'\n').enumerate() {
            let words = line.split(|byte| matches!(byte, b' ' | b'\t')).filter(|word| !word.is_empty());
            let words: Vec<&[u8]> = words.collect();
            let read = policy.read_line(&words, &mut names);
            read.map_err(|source| PolicyError { line: place + 1, source })?;
        }
        if names.quorum { Ok(policy) } else { Err(PolicyError { line: 0, source: PolicyFault::Quorum }) }
    }

    pub(super) fn empty() -> Self {
        let (logs, witnesses, urls) = (Vec::new(), Vec::new(), Vec::new());
        Self { logs, witnesses, urls, members: Vec::new(), quorum: None }
    }

    pub(super) fn add_log(&mut self, key: VerifierKey) -> Result<(), PolicyFault> {
        check_key(&key, Algorithm::Ed25519, &self.logs)?;
        self.logs.push(key);
        Ok(())
    }

    pub(super) fn add_witness(&mut self, key: VerifierKey, url: Option<String>) -> Result<(), PolicyFault> {
        check_key(&key, Algorithm::Cosignature, &self.witnesses)?;
        self.members.push(Member::Witness(self.witnesses.len()));
        self.witnesses.push(key);
        self.urls.push(url);
        Ok(())
    }

    /// Adds a group of members that are there and returns its place.
    pub(super) fn add_group(&mut self, needed: usize, of: Vec<usize>) -> Result<usize, PolicyFault> {
        if needed == 0 || needed > of.len() {
            return Err(PolicyFault::Threshold);
        }
        if self.members.len() - self.witnesses.len() == KIND_MAX {
            return Err(PolicyFault::TooMany);
        }
        self.members.push(Member::Group { needed, of });
        Ok(self.members.len() - 1)
    }

    fn read_line<'a>(&mut self, words: &[&'a [u8]], names: &mut Names<'a>) -> Result<(), PolicyFault> {
        match words {
            [] => Ok(()),
            [first, ..] if first.starts_with(b"#") => Ok(()),
            [b"log", key] => self.add_log(parse_key(key)?),
            [b"log", key, url] => {
                parse_url(url)?;
                self.add_log(parse_key(key)?)
            }
            [b"witness", name, key, url @ ..] if url.len() <= 1 => {
                let url = url.first().map(|url| parse_url(url)).transpose()?;
                names.define(name)?;
                self.add_witness(parse_key(key)?, url)
            }
            [b"group", name, needed, members @ ..] => {
                let needed = match *needed {
                    b"any" => 1,
                    b"all" => members.len(),
                    number => parse_needed(number)?,
                };
                let of = members.iter().map(|member| names.join(member)).collect::<Result<_, _>>()?;
                names.define(name)?;
                self.add_group(needed, of).map(|_| ())
            }
            [b"quorum", name] if !names.quorum => {
                names.quorum = true;
                self.quorum = if *name == b"none" { None } else { Some(names.find(name)?) };
                Ok(())
            }
            [b"quorum", _] => Err(PolicyFault::Quorum),
            _ => Err(PolicyFault::Line),
        }
    }
}

impl<'a> Names<'a> {
    fn define(&mut self, name: &'a [u8]) -> Result<(), PolicyFault> {
        if name == b"none" || self.find(name).is_ok() {
            return Err(PolicyFault::Name);
        }
        self.taken.push((name, false));
        Ok(())
    }

    fn find(&self, name: &[u8]) -> Result<usize, PolicyFault> {
        self.taken.iter().position(|(taken, _)| *taken == name).ok_or(PolicyFault::Unknown)
    }

    /// Returns the place of a member that now belongs to a group.
    fn join(&mut self, name: &[u8]) -> Result<usize, PolicyFault> {
        let place = self.find(name)?;
        if std::mem::replace(&mut self.taken[place].1, true) {
            return Err(PolicyFault::Shared);
        }
        Ok(place)
    }
}

fn check_key(key: &VerifierKey, algorithm: Algorithm, known: &[VerifierKey]) -> Result<(), PolicyFault> {
    if key.algorithm() != algorithm {
        return Err(PolicyFault::Algorithm);
    }
    if known.iter().any(|known| known.public_bytes() == key.public_bytes()) {
        return Err(PolicyFault::Twice);
    }
    if known.len() == KIND_MAX { Err(PolicyFault::TooMany) } else { Ok(()) }
}

fn parse_key(word: &[u8]) -> Result<VerifierKey, PolicyFault> {
    let text = std::str::from_utf8(word).map_err(|_| PolicyFault::Key { source: KeyError::Layout })?;
    text.parse().map_err(|source| PolicyFault::Key { source })
}

fn parse_url(word: &[u8]) -> Result<String, PolicyFault> {
    std::str::from_utf8(word).map(str::to_owned).map_err(|_| PolicyFault::Characters)
}

fn parse_needed(word: &[u8]) -> Result<usize, PolicyFault> {
    let number = std::str::from_utf8(word).ok().and_then(|text| decimal(text, KIND_MAX as u64 * 2));
    number.and_then(|number| usize::try_from(number).ok()).ok_or(PolicyFault::Threshold)
}

//! Sets of revisions, as runs: most stories have few.

use std::fmt;

use crate::identity::Revision;

/// A set of revisions of one story, in order. It costs memory by its runs, not by its revisions.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Revisions {
    /// First and last of each run; runs rise and never touch.
    runs: Vec<(u64, u64)>,
}

impl Revisions {
    /// Returns the set of nothing but `revision`.
    pub fn of(revision: Revision) -> Self {
        Self { runs: vec![(revision.get(), revision.get())] }
    }

    /// Adds a revision behind all that are in the set; one that is not behind them changes nothing.
    pub fn push(&mut self, revision: Revision) {
        let revision = revision.get();
        match self.runs.last_mut() {
            Some((_, last)) if *last >= revision => {}
            Some((_, last)) if *last + 1 == revision => *last = revision,
            _ => self.runs.push((revision, revision)),
        }
    }

    /// Returns whether there are none.
    pub fn is_empty(&self) -> bool {
        self.runs.is_empty()
    }

    /// Returns whether `revision` is one of them.
    pub fn contains(&self, revision: Revision) -> bool {
        let revision = revision.get();
        let at = self.runs.partition_point(|(_, last)| *last < revision);
        self.runs.get(at).is_some_and(|(first, _)| *first <= revision)
    }

    /// Returns the first and last revision of each run.
    pub fn runs(&self) -> impl ExactSizeIterator<Item = (Revision, Revision)> + '_ {
        self.runs.iter().map(|(first, last)| (Revision(*first), Revision(*last)))
    }

    /// Returns every revision, in order.
    pub fn iter(&self) -> impl Iterator<Item = Revision> + '_ {
        self.runs.iter().flat_map(|(first, last)| (*first..=*last).map(Revision))
    }
}

impl fmt::Display for Revisions {
    /// Writes them as people do: `1-4, 6`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, (first, last)) in self.runs.iter().enumerate() {
            f.write_str(if index == 0 { "" } else { ", " })?;
            if first == last { write!(f, "{first}")? } else { write!(f, "{first}-{last}")? }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::Revisions;
    use crate::identity::Revision;

    #[test]
    fn revisions_side_by_side_are_one_run() {
        let mut set = Revisions::of(Revision(1));
        for revision in [2, 3, 6, 6, 5, 7] {
            set.push(Revision(revision));
        }
        assert_eq!(set.runs().len(), 2);
        assert_eq!(set.to_string(), "1-3, 6-7");
        let all: Vec<u64> = set.iter().map(Revision::get).collect();
        assert_eq!(all, [1, 2, 3, 6, 7]);
        for revision in 0..10 {
            assert_eq!(set.contains(Revision(revision)), all.contains(&revision), "{revision}");
        }
    }
}

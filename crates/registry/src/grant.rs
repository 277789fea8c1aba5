//! How far a role or a key reaches: grants, and the scopes and desks that narrow a key.
//!
//! A grant gives; scopes and desks only ever take away.

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use story::{Desk, IdentityError};

use crate::access::{Act, ActSet, Role};
use crate::limits::DESKS_MAX;
use crate::words::{illegal, text_in_json};

/// The sign for every desk, and for every act.
const EVERY: &str = "*";
/// What `read` stands for among scopes.
const READ: ActSet = ActSet::of(&[Act::ReadPublic, Act::ReadDesk]);

/// A role on one desk or on every desk: `editor@world`, `legal@*`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Grant {
    /// The role.
    pub role: Role,
    /// The desk; `None` is every desk, those that are yet to come as well.
    pub desk: Option<Desk>,
}

impl Grant {
    /// Returns `role` on `desk`.
    pub const fn on(role: Role, desk: Desk) -> Self {
        Self { role, desk: Some(desk) }
    }

    /// Returns `role` on every desk.
    pub const fn everywhere(role: Role) -> Self {
        Self { role, desk: None }
    }

    /// Returns whether the grant allows `act` on `desk`; no desk means the house as a whole, which
    /// only a grant on every desk reaches.
    pub fn allows(&self, act: Act, desk: Option<&Desk>) -> bool {
        self.role.acts().contains(act) && (self.desk.is_none() || self.desk.as_ref() == desk)
    }
}

impl fmt::Display for Grant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}@{}", self.role, self.desk.as_ref().map_or(EVERY, Desk::as_str))
    }
}

impl FromStr for Grant {
    type Err = IdentityError;

    fn from_str(given: &str) -> Result<Self, Self::Err> {
        let (role, desk) = given.split_once('@').ok_or_else(|| {
            illegal("grant", given, "role@desk or role@* for every desk, such as editor@world")
        })?;
        let desk = if desk == EVERY { None } else { Some(desk.parse()?) };
        Ok(Self { role: role.parse()?, desk })
    }
}

text_in_json!(Grant);

/// Which acts a key is for. As text: `*`, or acts between spaces or commas; `read` stands for
/// `read-public read-desk`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Scopes(Option<ActSet>);

impl Scopes {
    /// Whatever the key's actor may do.
    pub const ALL: Self = Self(None);
    /// Reading, and nothing else.
    pub const READ: Self = Self(Some(READ));

    /// Returns the scopes that leave `acts` at most.
    ///
    /// # Errors
    /// There are none: such a key would be for nothing.
    pub fn only(acts: ActSet) -> Result<Self, IdentityError> {
        if acts.is_empty() {
            return Err(illegal("list of scopes", "", "*, read, or acts with commas between"));
        }
        Ok(Self(Some(acts)))
    }

    /// Returns whether the scopes leave `act`.
    pub fn leave(self, act: Act) -> bool {
        self.0.is_none_or(|acts| acts.contains(act))
    }
}

impl fmt::Display for Scopes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            None => f.write_str(EVERY),
            Some(acts) => list(f, acts.iter()),
        }
    }
}

impl FromStr for Scopes {
    type Err = IdentityError;

    fn from_str(given: &str) -> Result<Self, Self::Err> {
        if given == EVERY {
            return Ok(Self::ALL);
        }
        let mut acts = ActSet::default();
        for word in items(given) {
            acts = acts.union(if word == "read" { READ } else { ActSet::of(&[word.parse()?]) });
        }
        Self::only(acts)
    }
}

text_in_json!(Scopes);

/// Which desks a key is for. As text: `*`, or desks between spaces or commas.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Desks(Option<Arc<[Desk]>>);

impl Desks {
    /// Whatever the grants of the key's actor reach.
    pub const ALL: Self = Self(None);

    /// Returns the desks `desks`, and never the house as a whole.
    ///
    /// # Errors
    /// There are none, or more than [`DESKS_MAX`].
    pub fn only(desks: impl IntoIterator<Item = Desk>) -> Result<Self, IdentityError> {
        let desks: BTreeSet<Desk> = desks.into_iter().collect();
        if desks.is_empty() || desks.len() > DESKS_MAX {
            let given = format!("{} desks", desks.len());
            return Err(illegal("list of desks", &given, "*, or 1 to 200 desks with commas between"));
        }
        Ok(Self(Some(desks.into_iter().collect())))
    }

    /// Returns the desks that the key is for; none if it is for all.
    pub fn named(&self) -> &[Desk] {
        self.0.as_deref().unwrap_or_default()
    }

    /// Returns whether the key may be used on `desk`, or on the house as a whole if there is none.
    pub fn leave(&self, desk: Option<&Desk>) -> bool {
        self.0.as_ref().is_none_or(|desks| desk.is_some_and(|desk| desks.contains(desk)))
    }
}

impl fmt::Display for Desks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            None => f.write_str(EVERY),
            Some(desks) => list(f, desks.iter()),
        }
    }
}

impl FromStr for Desks {
    type Err = IdentityError;

    fn from_str(given: &str) -> Result<Self, Self::Err> {
        if given == EVERY {
            return Ok(Self::ALL);
        }
        Self::only(items(given).map(Desk::from_str).collect::<Result<Vec<_>, _>>()?)
    }
}

text_in_json!(Desks);

fn items(given: &str) -> impl Iterator<Item = &str> {
    given.split([' ', ',']).filter(|item| !item.is_empty())
}

fn list(f: &mut fmt::Formatter<'_>, items: impl Iterator<Item = impl fmt::Display>) -> fmt::Result {
    for (place, item) in items.enumerate() {
        if place > 0 {
            f.write_str(" ")?;
        }
        item.fmt(f)?;
    }
    Ok(())
}

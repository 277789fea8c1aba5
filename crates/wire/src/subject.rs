//! NATS subjects and stream names.
//!
//! A subject is made from newtypes whose characters are legal in one token, so no text from outside
//! can widen a subscription or reach another subject.

use std::fmt;

use serde::{Deserialize, Serialize};
use story::{ActorId, Desk, Kind, Level, StoryId};

/// JetStream stream that keeps every public change for catch-up.
pub const WT_CHANGES: &str = "WT_CHANGES";
/// JetStream stream that keeps the latest public article of each story.
pub const WT_ARTICLES: &str = "WT_ARTICLES";

/// JetStream stream that keeps every recall, for subscribers that were away.
pub const WT_RECALLS: &str = "WT_RECALLS";
/// JetStream stream that keeps acknowledgements until the service has stored them.
pub const WT_ACKS: &str = "WT_ACKS";

/// A legal NATS subject of ours, or a filter over our subjects.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Subject(String);

/// What a desk's NATS service answers to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum DeskVerb {
    /// File copy.
    Push,
    /// Act on a story.
    Act,
    /// Change an entry of a live blog.
    Entry,
    /// Take words out of a story's record.
    Redact,
    /// One article.
    Show,
    /// A page of stories.
    List,
    /// A story's revisions.
    History,
    /// The difference of two revisions.
    Diff,
    /// What waits for a second person.
    Requests,
    /// A second person says yes.
    Approve,
    /// A second person says no.
    Refuse,
    /// What the service is.
    Info,
}

impl DeskVerb {
    /// Every one.
    pub const ALL: [Self; 12] = [
        Self::Push,
        Self::Act,
        Self::Entry,
        Self::Redact,
        Self::Show,
        Self::List,
        Self::History,
        Self::Diff,
        Self::Requests,
        Self::Approve,
        Self::Refuse,
        Self::Info,
    ];

    /// Returns the last token of its subject.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Push => "push",
            Self::Act => "act",
            Self::Entry => "entry",
            Self::Redact => "redact",
            Self::Show => "show",
            Self::List => "list",
            Self::History => "history",
            Self::Diff => "diff",
            Self::Requests => "requests",
            Self::Approve => "approve",
            Self::Refuse => "refuse",
            Self::Info => "info",
        }
    }
}

impl Subject {
    /// Every change: the subjects of [`WT_CHANGES`].
    pub const CHANGES: &'static str = "wt.v1.change.>";
    /// Every article: the subjects of [`WT_ARTICLES`].
    pub const ARTICLES: &'static str = "wt.v1.article.>";
    /// Every recall: the subjects of [`WT_RECALLS`].
    pub const RECALLS: &'static str = "wt.v1.recall.>";
    /// Every acknowledgement: the subjects of [`WT_ACKS`].
    pub const ACKS: &'static str = "wt.v1.ack.*";
    /// Signed tree heads.
    pub const CHECKPOINT: &'static str = "wt.v1.checkpoint";
    /// Every request to a desk; in no stream.
    pub const DESK: &'static str = "wt.v1.desk.>";

    /// Returns the subject of a public change.
    pub fn change(desk: &Desk, kind: Kind, level: Level, story: StoryId) -> Self {
        Self(format!("wt.v1.change.{desk}.{kind}.{level}.{story}"))
    }

    /// Returns the subject that holds a story's latest public article.
    pub fn article(desk: &Desk, story: StoryId) -> Self {
        Self(format!("wt.v1.article.{desk}.{story}"))
    }

    /// Returns the subject of a story's recalls.
    pub fn recall(desk: &Desk, story: StoryId) -> Self {
        Self(format!("wt.v1.recall.{desk}.{story}"))
    }

    /// Returns the subject on which `subscriber` acknowledges recalls.
    pub fn ack(subscriber: &ActorId) -> Self {
        Self(format!("wt.v1.ack.{subscriber}"))
    }

    /// Returns the subscriber whose acknowledgements `subject` carries; `None` if it is no such
    /// subject.
    pub fn subscriber_of_ack(subject: &str) -> Option<ActorId> {
        subject.strip_prefix("wt.v1.ack.")?.parse().ok()
    }

    /// Returns the filter for every change of one story, whatever its desk, kind and level.
    pub fn changes_of(story: StoryId) -> Self {
        Self(format!("wt.v1.change.*.*.*.{story}"))
    }

    /// Returns the filter for the recalls of one desk, or of all.
    pub fn recalls_of(desk: Option<&Desk>) -> Self {
        Self(format!("wt.v1.recall.{}.*", token(desk)))
    }

    /// Returns the filter for one story's recalls, whatever desk it is on.
    pub fn recalls_of_story(story: StoryId) -> Self {
        Self(format!("wt.v1.recall.*.{story}"))
    }

    /// Returns the subject of signed tree heads.
    pub fn checkpoint() -> Self {
        Self(Self::CHECKPOINT.to_owned())
    }

    /// Returns the subject of a request to the desk.
    pub fn desk(verb: DeskVerb) -> Self {
        Self(format!("wt.v1.desk.{}", verb.as_str()))
    }

    /// Returns the filter for the articles of one desk, or of all.
    pub fn articles_of(desk: Option<&Desk>) -> Self {
        Self(format!("wt.v1.article.{}.*", token(desk)))
    }

    /// Returns the filter for one story's article, whatever desk it is on.
    pub fn article_of(story: StoryId) -> Self {
        Self(format!("wt.v1.article.*.{story}"))
    }

    /// Returns the subject as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl From<Subject> for String {
    fn from(subject: Subject) -> Self {
        subject.0
    }
}

/// Which changes a subscriber wants; what is `None` is not filtered by.
///
/// Filtered by kind or level it is a notification feed: a change's `from` may skip. A replica
/// filters by desk or story only.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ChangeFilter {
    /// One desk's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub desk: Option<Desk>,
    /// One kind.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<Kind>,
    /// One level, not the ones above it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub level: Option<Level>,
    /// One story's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub story: Option<StoryId>,
}

impl ChangeFilter {
    /// Returns the filter as a NATS subject with wildcards.
    pub fn subject(&self) -> Subject {
        let Self { desk, kind, level, story } = self;
        let (desk, kind) = (token(desk.as_ref()), token(kind.as_ref()));
        Subject(format!("wt.v1.change.{desk}.{kind}.{}.{}", token(level.as_ref()), token(story.as_ref())))
    }

    /// Returns whether a change of this desk, kind, level and story passes: the same answer that
    /// NATS gives for [`ChangeFilter::subject`].
    pub fn passes(&self, desk: &Desk, kind: Kind, level: Level, story: StoryId) -> bool {
        self.desk.as_ref().is_none_or(|wanted| wanted == desk)
            && self.kind.is_none_or(|wanted| wanted == kind)
            && self.level.is_none_or(|wanted| wanted == level)
            && self.story.is_none_or(|wanted| wanted == story)
    }

    /// Returns whether the changes that pass are a whole sequence, so that a replica may use it.
    pub fn keeps_whole_stories(&self) -> bool {
        self.kind.is_none() && self.level.is_none()
    }
}

fn token(wanted: Option<&impl fmt::Display>) -> String {
    wanted.map_or_else(|| "*".to_owned(), ToString::to_string)
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    /// Returns whether NATS passes `subject` through `filter`.
    fn nats_passes(filter: &str, subject: &str) -> bool {
        let (filter, subject): (Vec<_>, Vec<_>) = (filter.split('.').collect(), subject.split('.').collect());
        let open = filter.last() == Some(&">") && subject.len() >= filter.len();
        let fixed = if open { filter.len() - 1 } else { filter.len() };
        (open || filter.len() == subject.len())
            && filter[..fixed].iter().zip(&subject).all(|(wanted, token)| *wanted == "*" || wanted == token)
    }

    #[test]
    fn a_filter_passes_what_nats_passes() {
        let desks: [Desk; 2] = ["world", "sport"].map(|desk| desk.parse().expect("a desk"));
        let stories = [1, 2].map(|number| StoryId::new(Uuid::from_u128(number)));
        let some = |number: usize, bit: usize| number & bit != 0;
        for number in 0..16 {
            let filter = ChangeFilter {
                desk: some(number, 1).then(|| desks[0].clone()),
                kind: some(number, 2).then_some(Kind::Correction),
                level: some(number, 4).then_some(Level::Minor),
                story: some(number, 8).then_some(stories[0]),
            };
            assert_eq!(filter.keeps_whole_stories(), !some(number, 2) && !some(number, 4));
            for (desk, story) in desks.iter().zip(stories) {
                for kind in Kind::ALL {
                    for level in Level::ALL {
                        let subject = Subject::change(desk, *kind, *level, story);
                        let passes = filter.passes(desk, *kind, *level, story);
                        assert_eq!(
                            nats_passes(filter.subject().as_str(), subject.as_str()),
                            passes,
                            "{subject}"
                        );
                        assert!(nats_passes(Subject::CHANGES, subject.as_str()));
                    }
                }
            }
        }
    }

    #[test]
    fn recalls_and_acknowledgements_go_to_their_streams_and_back() {
        let (desk, story): (Desk, _) = ("world".parse().expect("a desk"), StoryId::new(Uuid::from_u128(1)));
        let recall = Subject::recall(&desk, story);
        for filter in [
            Subject::RECALLS,
            Subject::recalls_of(None).as_str(),
            Subject::recalls_of(Some(&desk)).as_str(),
            Subject::recalls_of_story(story).as_str(),
        ] {
            assert!(nats_passes(filter, recall.as_str()), "{filter}");
        }
        let change = Subject::change(&desk, Kind::Kill, Level::Substantive, story);
        assert!(nats_passes(Subject::changes_of(story).as_str(), change.as_str()));
        let subscriber: ActorId = "partner-7".parse().expect("a subscriber");
        let ack = Subject::ack(&subscriber);
        assert!(nats_passes(Subject::ACKS, ack.as_str()));
        assert_eq!(Subject::subscriber_of_ack(ack.as_str()), Some(subscriber));
        for other in ["wt.v1.ack.", "wt.v1.ack.a.b", "wt.v1.ack.*", "wt.v1.recall.world.x"] {
            assert_eq!(Subject::subscriber_of_ack(other), None, "{other}");
        }
    }

    #[test]
    fn no_stream_takes_requests_or_acknowledgements() {
        let (desk, story) = ("world".parse().expect("a desk"), StoryId::new(Uuid::from_u128(1)));
        let article = Subject::article(&desk, story);
        assert!(nats_passes(Subject::ARTICLES, article.as_str()));
        assert!(nats_passes(Subject::articles_of(Some(&desk)).as_str(), article.as_str()));
        assert!(nats_passes(Subject::article_of(story).as_str(), article.as_str()));
        let subscriber = "syndication-1".parse().expect("a subscriber");
        let mut others =
            vec![Subject::ack(&subscriber), Subject::checkpoint(), Subject::recall(&desk, story)];
        others.extend(DeskVerb::ALL.map(Subject::desk));
        for other in others {
            assert!(!nats_passes(Subject::CHANGES, other.as_str()), "{other}");
            assert!(!nats_passes(Subject::ARTICLES, other.as_str()), "{other}");
        }
    }
}

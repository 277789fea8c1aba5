//! A desk for tests: copy in one line, filed the way a push files it.

use jiff::Timestamp;
use writethru_story::{
    Article, BlockId, BlockKind, Command, Copy, CopyBlock, CopyBuilder, Field, GivenBlock, Overlap, Push,
    Release, Story, Text, apply, decide, merge,
};

/// Returns copy of a headline and these paragraphs, as a system that keeps no ids sends it.
pub(crate) fn copy(paragraphs: &[&str]) -> Copy {
    let mut copy = CopyBuilder::new();
    copy.body();
    for text in paragraphs {
        copy.block(GivenBlock::plain(BlockKind::Paragraph, text)).expect("a paragraph");
    }
    copy.finish().0
}

/// Returns the story that these paragraphs begin.
pub(crate) fn story(paragraphs: &[&str]) -> Story {
    let mut first = copy(paragraphs);
    for (field, text) in [(Field::Slug, "talks"), (Field::Headline, "Talks resume")] {
        first.given.push(field);
        first.fields.set(field, Text::uncut(text));
    }
    filed(&Story::default(), first)
}

/// Returns `story` after `copy` was pushed.
#[track_caller]
pub(crate) fn filed(story: &Story, copy: Copy) -> Story {
    let push = Push {
        desk: Some("world".parse().expect("a desk")),
        kind: None,
        copy,
        release: Release::Draft,
        note: Text::default(),
        correction: None,
        label: None,
        occurred: None,
        rebased: None,
    };
    let events = decide(story, &Command::Push(Box::new(push)), Timestamp::UNIX_EPOCH).expect("it is legal");
    events.iter().try_fold(story.clone(), apply).expect("decide writes legal events")
}

/// Returns the whole of `article` as the copy of a system that keeps ids.
pub(crate) fn copy_of(article: &Article) -> Copy {
    let blocks = article.blocks.iter().map(|block| CopyBlock {
        id: Some(block.id.clone()),
        kind: block.kind,
        text: Text::uncut(block.text.as_str()),
        marks: block.marks.clone(),
    });
    let (fields, given) = (article.fields.clone(), Field::ALL.to_vec());
    Copy { fields, given, blocks: Some(blocks.collect()) }
}

/// Returns `copy` without ids.
pub(crate) fn anonymous(mut copy: Copy) -> Copy {
    for block in copy.blocks.iter_mut().flatten() {
        block.id = None;
    }
    copy
}

/// Returns what comes of `mine`, made from `base`, on top of `theirs`.
pub(crate) fn rebased(base: &Story, theirs: &Story, mine: &Copy) -> Result<Story, Box<Overlap>> {
    merge(&base.article, &theirs.article, mine).map(|copy| filed(theirs, copy))
}

/// Returns the words of every block.
pub(crate) fn words(article: &Article) -> Vec<&str> {
    article.blocks.iter().map(|block| block.text.as_str()).collect()
}

/// Returns the `number`th id that a story mints.
pub(crate) fn id(number: u64) -> BlockId {
    BlockId::minted(number)
}

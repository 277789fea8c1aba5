//! Any article becomes any other exactly, and splices never cut a grapheme.
#![no_main]

use libfuzzer_sys::fuzz_target;
use story::diff::{apply, diff};
use story::{Article, BlockKind, CopyBlock, Text, carry_ids};

fn blocks(texts: &[&str]) -> Vec<CopyBlock> {
    let block = |text: &&str| CopyBlock {
        id: None,
        kind: BlockKind::Paragraph,
        text: Text::uncut(*text),
        marks: [].into(),
    };
    texts.iter().map(block).collect()
}

fuzz_target!(|given: (Vec<&str>, Vec<&str>)| {
    let (old, new) = given;
    let (old, minted) = carry_ids(&[], &blocks(&old), 0);
    let (new, _) = carry_ids(&old, &blocks(&new), minted);
    let before = Article { blocks: old, ..Article::default() };
    let after = Article { blocks: new, ..Article::default() };
    let difference = diff(&before, &after);
    assert_eq!(apply(&before, &difference.ops).as_ref(), Ok(&after));
    assert_eq!(diff(&before, &after), difference, "the same two articles, the same ops");
});

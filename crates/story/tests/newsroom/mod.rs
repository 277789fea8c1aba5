//! Articles for tests, in one line each.

use std::sync::Arc;

use writethru_story::{Article, Block, BlockId, BlockKind, Field, Text};

/// Returns an article with these paragraphs, each given as `id: text`.
pub fn article(headline: &str, paragraphs: &[(&str, &str)]) -> Article {
    let mut article = Article::default();
    article.fields.set(Field::Headline, Text::uncut(headline));
    article.blocks = paragraphs.iter().map(|(id, text)| paragraph(id, text)).collect();
    article
}

/// Returns a paragraph.
pub fn paragraph(id: &str, text: &str) -> Arc<Block> {
    let id: BlockId = id.parse().expect("a test's id is legal");
    Arc::new(Block { id, kind: BlockKind::Paragraph, text: Text::uncut(text), marks: Arc::default() })
}

use writethru_story::diff::{BlockValue, Diff, FieldChange, Op};
/// Stand-in until the real one is merged.
pub fn diff(before: &Article, after: &Article) -> Diff {
    let mut ops = Vec::new();
    for b in &before.blocks {
        if after.block(&b.id).is_none() {
            ops.push(Op::Delete { block: b.id.clone() });
        }
    }
    // moved: not in the longest ascending run
    let kept: Vec<(usize, BlockId)> =
        after.blocks.iter().filter_map(|b| before.block(&b.id).map(|(i, _)| (i, b.id.clone()))).collect();
    let n = kept.len();
    let mut best = vec![1usize; n];
    let mut prev = vec![usize::MAX; n];
    for i in 0..n {
        for j in 0..i {
            if kept[j].0 < kept[i].0 && best[j] + 1 > best[i] {
                best[i] = best[j] + 1;
                prev[i] = j;
            }
        }
    }
    let mut stay = std::collections::HashSet::new();
    if n > 0 {
        let mut at = (0..n).max_by_key(|i| best[*i]).unwrap();
        loop {
            stay.insert(at);
            if prev[at] == usize::MAX {
                break;
            }
            at = prev[at];
        }
    }
    let moved: std::collections::HashSet<BlockId> =
        (0..n).filter(|i| !stay.contains(i)).map(|i| kept[i].1.clone()).collect();
    let mut last: Option<BlockId> = None;
    for b in &after.blocks {
        if before.block(&b.id).is_none() {
            ops.push(Op::Insert {
                block: b.id.clone(),
                after: last.clone(),
                value: BlockValue { kind: b.kind, text: b.text.as_str().into(), marks: b.marks.clone() },
            });
        } else if moved.contains(&b.id) {
            ops.push(Op::Move { block: b.id.clone(), after: last.clone() });
        }
        last = Some(b.id.clone());
    }
    for b in &after.blocks {
        if let Some((_, o)) = before.block(&b.id) {
            if **o != **b {
                ops.push(Op::Edit { block: b.id.clone(), kind: None, splices: vec![], marks: None });
            }
        }
    }
    for f in Field::ALL {
        if !before.fields.same(&after.fields, f) {
            ops.push(Op::Set { field: f, change: FieldChange::Value(None) });
        }
    }
    Diff { ops, observations: vec![] }
}

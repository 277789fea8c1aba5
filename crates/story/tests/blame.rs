//! Who wrote what: a word keeps its first author, also when it goes and comes back.

use std::sync::Arc;

use proptest::prelude::*;
use writethru_story::blame::REMEMBERED_MAX;
use writethru_story::{Article, Blame, Block, BlockId, BlockKind, Field, Place, Revision, Text};

fn article(headline: &str, blocks: &[(&str, &[&str])]) -> Article {
    let mut article = Article::default();
    article.fields.set(Field::Headline, Text::uncut(headline));
    article.blocks = blocks
        .iter()
        .map(|(id, sentences)| {
            let text = Text::from_values(sentences.iter().map(|sentence| Some(*sentence)));
            let id: BlockId = id.parse().expect("an id");
            Arc::new(Block { id, kind: BlockKind::Paragraph, text, marks: Arc::default() })
        })
        .collect();
    article
}

fn blame(articles: &[Article]) -> Blame {
    let mut blame = Blame::new();
    for (revision, article) in (1..).zip(articles) {
        blame.advance(article, Revision(revision));
    }
    blame
}

/// Returns the spans of a block as `revision:text`, bars between them.
fn shown(blame: &Blame, block: &str) -> String {
    let place = Place::Block(block.parse().expect("an id"));
    let spans = blame.spans(&place);
    spans.iter().map(|span| format!("{}:{}", span.revision, span.text)).collect::<Vec<_>>().join("|")
}

const FIRST: &str = "Police hold a man. ";
const SECOND: &str = "Ten people were hurt. ";

#[test]
fn a_word_that_changes_has_a_new_author_and_the_others_keep_theirs() {
    let blame = blame(&[
        article("Fire", &[("b1", &[FIRST, SECOND])]),
        article("Fire", &[("b1", &[FIRST, "Twelve people were hurt. "])]),
        article("Fire", &[("b1", &[FIRST, "Twelve people were badly hurt. "])]),
    ]);
    assert_eq!(shown(&blame, "b1"), "1:Police hold a man. |2:Twelve|1: people were |3:badly |1:hurt. ");
    assert_eq!(blame.revisions(), [1, 2, 3].map(Revision));
}

#[test]
fn a_revert_gives_everything_back_to_who_wrote_it() {
    let original = article("Fire", &[("b1", &[FIRST, SECOND]), ("b2", &["The road is shut. "])]);
    let vandal = article("Nothing", &[("b1", &["All is well. "])]);
    let once = blame(&[original.clone(), vandal.clone(), original.clone()]);
    assert_eq!(shown(&once, "b1"), format!("1:{FIRST}{SECOND}"));
    assert_eq!(shown(&once, "b2"), "1:The road is shut. ");
    assert_eq!(once.spans(&Place::Field(Field::Headline))[0].revision, Revision(1));
    let twice = blame(&[original.clone(), vandal.clone(), original.clone(), vandal, original]);
    assert_eq!(shown(&twice, "b1"), format!("1:{FIRST}{SECOND}"));
}

#[test]
fn a_sentence_that_moves_or_is_merged_keeps_its_author() {
    let blame = blame(&[
        article("Fire", &[("b1", &[FIRST]), ("b2", &[SECOND])]),
        article("Fire", &[("b2", &[SECOND]), ("b1", &[FIRST, "It is out. "])]),
        article("Fire", &[("b1", &[FIRST, "It is out. ", SECOND])]),
    ]);
    assert_eq!(shown(&blame, "b1"), format!("1:{FIRST}|2:It is out. |1:{SECOND}"));
}

#[test]
fn one_sentence_that_stands_twice_has_two_authors() {
    let blame = blame(&[
        article("Fire", &[("b1", &[FIRST])]),
        article("Fire", &[("b1", &[FIRST]), ("b2", &[FIRST])]),
    ]);
    assert_eq!((shown(&blame, "b1"), shown(&blame, "b2")), (format!("1:{FIRST}"), format!("2:{FIRST}")));
}

#[test]
fn erased_words_are_not_found_again_by_their_mark() {
    let erased = |id: &str| {
        let text = Text::from_values([Some(FIRST), None]);
        Arc::new(Block {
            id: id.parse().expect("an id"),
            kind: BlockKind::Paragraph,
            text,
            marks: Arc::default(),
        })
    };
    let mut one = article("Fire", &[]);
    one.blocks = vec![erased("b1")];
    let mut other = article("Fire", &[]);
    other.blocks = vec![erased("b2")];
    let blame = blame(&[one, other]);
    assert_eq!(shown(&blame, "b2"), format!("1:{FIRST}|2:{}", Text::REDACTION_MARK));
}

#[test]
fn what_was_taken_out_is_remembered_up_to_a_limit() {
    let mut articles = vec![article("Fire", &[("b1", &[FIRST])])];
    let sentences: Vec<String> = (0..REMEMBERED_MAX).map(|number| format!("Line {number}. ")).collect();
    for page in sentences.chunks(1_024) {
        let page: Vec<&str> = page.iter().map(String::as_str).collect();
        articles.push(article("Fire", &[("b2", &page)]));
    }
    articles.push(article("Fire", &[("b2", &["The end. "])]));
    let last = articles.len() as u64 + 1;
    articles.push(article("Fire", &[("b1", &[FIRST]), ("b2", &["Line 9. "])]));
    let blame = blame(&articles);
    assert_eq!(shown(&blame, "b1"), format!("{last}:{FIRST}"), "the oldest is forgotten");
    assert_eq!(shown(&blame, "b2"), "2:Line 9. ", "the others are not");
}

fn sentence() -> impl Strategy<Value = String> {
    prop::collection::vec(prop_oneof!["[a-d]{1,3}", "[0-9]{1,2}", "é|👩‍👩‍👧"], 1..6)
        .prop_map(|words| words.join(" ") + ". ")
}

fn articles() -> impl Strategy<Value = Vec<Vec<(u8, Vec<String>)>>> {
    let block = (0..5_u8, prop::collection::vec(sentence(), 1..4));
    prop::collection::vec(prop::collection::vec(block, 0..4), 1..8)
}

fn built(blocks: &[(u8, Vec<String>)]) -> Article {
    let mut seen = std::collections::HashSet::new();
    let blocks: Vec<(String, Vec<&str>)> = blocks
        .iter()
        .filter(|(id, _)| seen.insert(*id))
        .map(|(id, sentences)| (format!("b{id}"), sentences.iter().map(String::as_str).collect()))
        .collect();
    let blocks: Vec<(&str, &[&str])> =
        blocks.iter().map(|(id, texts)| (id.as_str(), texts.as_slice())).collect();
    article("Fire", &blocks)
}

proptest! {
    #[test]
    fn spans_join_to_the_text_and_a_revert_gives_every_author_back(history in articles(), to in any::<prop::sample::Index>()) {
        let articles: Vec<Article> = history.iter().map(|blocks| built(blocks)).collect();
        let mut known = Vec::new();
        let mut growing = Blame::new();
        for (revision, article) in (1..).zip(&articles) {
            growing.advance(article, Revision(revision));
            for block in &article.blocks {
                let spans = growing.spans(&Place::Block(block.id.clone()));
                let text: String = spans.iter().map(|span| span.text).collect();
                prop_assert_eq!(&text, block.text.as_str());
                prop_assert!(spans.iter().all(|span| (1..=revision).contains(&span.revision.get())));
                prop_assert!(spans.windows(2).all(|pair| pair[0].revision != pair[1].revision));
            }
            known.push(growing.revisions());
        }
        // Back to an earlier one: nobody wrote anything new.
        let to = to.index(articles.len());
        let next = articles.len() as u64 + 1;
        growing.advance(&articles[to], Revision(next));
        prop_assert!(!growing.revisions().contains(&Revision(next)), "{:?}", growing.revisions());
    }
}

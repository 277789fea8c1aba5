//! Every digest against values that `vectors.py` computed on its own.

use proof::{
    Commitment, FieldItems, Hash, MarkParts, Salt, Seed, article_hash, block_hash, commit, envelope_hash,
    leaf_hash, state_hash,
};
use serde::Deserialize;
use writethru_proof as proof;

#[derive(Deserialize)]
struct Vectors {
    salts: Vec<SaltVector>,
    commitments: Vec<CommitmentVector>,
    leaves: Vec<LeafVector>,
    states: Vec<StateVector>,
    blocks: Vec<BlockVector>,
    articles: Vec<ArticleVector>,
    envelope: EnvelopeVector,
}

#[derive(Deserialize)]
struct SaltVector {
    seed: String,
    index: u32,
    salt: String,
}

#[derive(Deserialize)]
struct CommitmentVector {
    salt: String,
    value: String,
    commitment: String,
}

#[derive(Deserialize)]
struct LeafVector {
    path: String,
    commitments: Vec<String>,
    hash: String,
}

#[derive(Deserialize)]
struct StateVector {
    leaves: Vec<String>,
    hash: String,
}

#[derive(Deserialize)]
struct BlockVector {
    block: Block,
    hash: String,
}

#[derive(Deserialize)]
struct Block {
    id: String,
    kind: String,
    text: String,
    marks: Vec<Mark>,
}

#[derive(Deserialize)]
struct Mark {
    start: u64,
    end: u64,
    kind: String,
    href: String,
}

#[derive(Deserialize)]
struct ArticleVector {
    fields: Vec<Field>,
    blocks: Vec<String>,
    hash: Hash,
}

#[derive(Deserialize)]
struct Field {
    name: String,
    items: Vec<String>,
}

#[derive(Deserialize)]
struct EnvelopeVector {
    bytes: String,
    hash: String,
}

fn vectors() -> Vectors {
    serde_json::from_str(include_str!("vectors.json")).expect("vectors.json is what vectors.py writes")
}

fn commitments(texts: &[String]) -> Vec<Commitment> {
    texts.iter().map(|text| Commitment::from_base64url(text).expect("a commitment")).collect()
}

fn hashes(texts: &[String]) -> Vec<Hash> {
    texts.iter().map(|text| Hash::from_base64url(text).expect("a hash")).collect()
}

#[test]
fn salts_come_from_the_seed_by_rfc_5869() {
    for vector in vectors().salts {
        let seed = Seed::from_base64url(&vector.seed).expect("a seed");
        let salt = Salt::from_base64url(&vector.salt).expect("a salt");
        assert!(seed.salt(vector.index) == salt, "seed {} index {}", vector.seed, vector.index);
        assert!(seed.salts().at(vector.index) == salt);
    }
}

#[test]
fn a_commitment_is_over_salt_length_and_value() {
    for vector in vectors().commitments {
        let salt = Salt::from_base64url(&vector.salt).expect("a salt");
        let commitment = commit(&salt, vector.value.as_bytes());
        assert_eq!(commitment.to_base64url(), vector.commitment, "{:?}", vector.value);
    }
}

#[test]
fn a_state_is_over_its_leaves_in_order() {
    let vectors = vectors();
    for vector in vectors.leaves {
        let leaf = leaf_hash(&vector.path, &commitments(&vector.commitments));
        assert_eq!(leaf.to_base64url(), vector.hash, "{}", vector.path);
    }
    for vector in vectors.states {
        assert_eq!(state_hash(hashes(&vector.leaves).iter()).to_base64url(), vector.hash);
    }
}

#[test]
fn an_article_is_over_fields_and_blocks() {
    let vectors = vectors();
    for BlockVector { block, hash } in vectors.blocks {
        let marks = block.marks.iter().map(|mark| MarkParts {
            start: mark.start,
            end: mark.end,
            kind: &mark.kind,
            href: &mark.href,
        });
        assert_eq!(block_hash(&block.id, &block.kind, &block.text, marks).to_base64url(), hash);
    }
    for vector in vectors.articles {
        let fields: Vec<FieldItems<'_>> = vector
            .fields
            .iter()
            .map(|field| FieldItems {
                name: &field.name,
                items: field.items.iter().map(String::as_str).collect(),
            })
            .collect();
        assert_eq!(article_hash(&fields, hashes(&vector.blocks).iter()), vector.hash);
    }
}

#[test]
fn an_envelope_is_hashed_as_it_is_stored() {
    let EnvelopeVector { bytes, hash } = vectors().envelope;
    assert_eq!(envelope_hash(bytes.as_bytes()).to_string(), hash);
}

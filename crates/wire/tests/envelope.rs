//! The envelope's promises, over random histories.

mod history;

use std::collections::HashSet;

use history::{Entry, Step, plan, seal_all, stamp, story_id, time};
use proptest::prelude::*;
use proptest::sample::Index;
use story::{ActNotice, Event, Field, Kind, Redaction, RedactionKind, Text, ValueId};
use wire::{Chain, Disclosures, Header, Masks, OpenError, SealError, article_hash, recordable, redaction_of};
use writethru_wire as wire;

fn sealed(plan: &[Step]) -> (Chain, Vec<Entry>) {
    let mut chain = Chain::new(story_id());
    let entries = seal_all(&mut chain, plan);
    (chain, entries)
}

/// Opens all of `records`; the chain after them, or the first refusal and the record's place.
fn opened<'a>(records: impl IntoIterator<Item = (&'a [u8], &'a [u8])>) -> Result<Chain, (usize, OpenError)> {
    let mut chain = Chain::new(story_id());
    for (place, (envelope, disclosures)) in records.into_iter().enumerate() {
        let before = format!("{chain:?}");
        if let Err(error) = chain.open(envelope, disclosures) {
            assert_eq!(before, format!("{chain:?}"), "a refused record changed the chain");
            return Err((place, error));
        }
    }
    Ok(chain)
}

fn redaction(kind: RedactionKind, values: &[ValueId]) -> Redaction {
    Redaction { kind, basis: "court:2026/17".parse().expect("a basis"), values: values.into() }
}

fn parts(entries: &[Entry]) -> impl Iterator<Item = (&[u8], &[u8])> {
    entries.iter().map(|entry| (&entry.record.envelope[..], &entry.record.disclosures[..]))
}

/// Everything that can be seen of a chain's story, cuts and erasures included.
fn seen(chain: &Chain) -> String {
    format!("{:?} {:?} {}", chain.story(), chain.prev(), chain.state())
}

/// Computes the state from the article alone, without what the chain keeps.
fn state_from_scratch(chain: &Chain) -> proof::Hash {
    let article = &chain.story().article;
    let mut leaves = Vec::new();
    for field in Field::ALL.into_iter().filter(|field| !article.fields.get(*field).is_empty()) {
        leaves.push(proof::leaf_hash(&format!("field/{field}"), chain.field_commitments(field)));
    }
    for block in &article.blocks {
        let path = format!("block/{}/{}", block.id, block.kind.as_str());
        leaves.push(proof::leaf_hash(&path, chain.block_commitments(&block.id)));
        if let Some(marks) = chain.marks_commitment(&block.id) {
            leaves.push(proof::leaf_hash(&format!("block/{}/marks", block.id), &[marks]));
        }
    }
    proof::state_hash(leaves.iter())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 192, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_was_sealed_opens_to_the_same_event_and_state(plan in plan()) {
        let (writer, entries) = sealed(&plan);
        let mut reader = Chain::new(story_id());
        for entry in &entries {
            let opened = reader.open(&entry.record.envelope, &entry.record.disclosures).expect("opens");
            prop_assert_eq!(format!("{:?}", opened.event), format!("{:?}", entry.event));
            prop_assert_eq!(opened.hash, entry.record.hash);
            prop_assert_eq!(Header::parse(&entry.record.envelope).expect("parses"), opened.header);
            let disclosed = Disclosures::parse(&entry.record.disclosures).expect("parses");
            prop_assert_eq!(disclosed.to_bytes(), &entry.record.disclosures[..]);
            let commitments: Vec<_> = disclosed.commitments().into_iter().flatten().collect();
            prop_assert_eq!(commitments, opened.values);
            prop_assert_eq!(reader.state(), state_from_scratch(&reader));
        }
        prop_assert_eq!(seen(&writer), seen(&reader));
    }

    #[test]
    fn an_envelope_is_canonical_json(plan in plan()) {
        for entry in sealed(&plan).1 {
            for bytes in [&entry.record.envelope, &entry.record.disclosures] {
                let value: serde_json::Value = serde_json::from_slice(bytes).expect("JSON");
                prop_assert_eq!(serde_json_canonicalizer::to_vec(&value).expect("canonical"), &bytes[..]);
            }
        }
    }

    #[test]
    fn a_flipped_bit_is_noticed(plan in plan(), which in any::<Index>(), at in any::<Index>(), bit in 0..8_u8, in_words in any::<bool>()) {
        let (writer, entries) = sealed(&plan);
        let place = which.index(entries.len());
        let mut records: Vec<(Vec<u8>, Vec<u8>)> =
            parts(&entries).map(|(envelope, disclosures)| (envelope.to_vec(), disclosures.to_vec())).collect();
        let bytes = if in_words { &mut records[place].1 } else { &mut records[place].0 };
        let byte = at.index(bytes.len());
        bytes[byte] ^= 1 << bit;
        match opened(records.iter().map(|(envelope, disclosures)| (&envelope[..], &disclosures[..]))) {
            Err((refused, _)) if in_words => prop_assert_eq!(refused, place),
            Err((refused, _)) => prop_assert!(refused == place || refused == place + 1, "{} {}", refused, place),
            Ok(chain) => {
                // Nothing follows the last envelope: whoever keeps its hash notices.
                prop_assert!(!in_words && place + 1 == entries.len());
                prop_assert_ne!(chain.prev(), writer.prev());
            }
        }
    }

    #[test]
    fn erasing_changes_no_hash_and_the_story_goes_on(
        first in plan(),
        second in plan(),
        third in plan(),
        erased in prop::collection::vec((any::<Index>(), any::<Index>()), 1..6),
    ) {
        let (mut writer, mut entries) = sealed(&first);
        entries.extend(seal_all(&mut writer, &second));
        let mut changed = HashSet::new();
        for (record, value) in erased {
            let place = record.index(entries.len());
            let disclosures = Disclosures::parse(&entries[place].record.disclosures).expect("parses");
            if disclosures.count() == 0 {
                continue;
            }
            let index = value.index(disclosures.count());
            let left = disclosures.erase(&[index]).expect("there is such a value");
            prop_assert_eq!(left.value(index), None);
            entries[place].record.disclosures = left.to_bytes().into();
            changed.insert(place);
        }
        let mut reader = opened(parts(&entries)).expect("opens");
        prop_assert_eq!((reader.prev(), reader.state()), (writer.prev(), writer.state()));
        // The desk goes on from what is left, and a later reader comes to the same story.
        entries.extend(seal_all(&mut reader, &third));
        let again = opened(parts(&entries)).expect("opens");
        prop_assert_eq!(seen(&reader), seen(&again));
        prop_assert_eq!(article_hash(&reader.story().article), article_hash(&again.story().article));
        prop_assert_eq!(again.state(), state_from_scratch(&again));
    }

    #[test]
    fn a_masked_value_reads_as_one_that_is_erased(
        first in plan(),
        second in plan(),
        masked in prop::collection::vec((any::<Index>(), any::<Index>()), 1..6),
    ) {
        let (_, mut entries) = sealed(&first);
        let (mut erased, mut values) = (entries.clone(), Vec::new());
        for (record, value) in masked {
            let place = record.index(entries.len());
            let disclosures = Disclosures::parse(&erased[place].record.disclosures).expect("parses");
            let known: Vec<_> = disclosures.commitments().into_iter().enumerate().collect();
            if let Some((index, Some(commitment))) = known.get(value.index(known.len().max(1))) {
                values.push(ValueId(commitment.0));
                erased[place].record.disclosures = disclosures.erase(&[*index]).expect("is there").to_bytes().into();
            }
        }
        let mut masks = Masks::default();
        masks.add(&redaction(RedactionKind::Withdraw, &values));
        let mut reader = Chain::masked(story_id(), masks);
        for (envelope, disclosures) in parts(&entries) {
            reader.open(envelope, disclosures).expect("opens");
        }
        prop_assert_eq!(seen(&reader), seen(&opened(parts(&erased)).expect("opens")));
        // What the desk writes on top reads the same with the words behind the masks and without them.
        let later = seal_all(&mut reader, &second);
        entries.extend(later.iter().cloned());
        erased.extend(later);
        let mut again = Chain::masked(story_id(), reader.masks().clone());
        for (envelope, disclosures) in parts(&entries) {
            again.open(envelope, disclosures).expect("opens");
        }
        prop_assert_eq!(seen(&again), seen(&opened(parts(&erased)).expect("opens")));
    }

    #[test]
    fn no_bytes_make_a_reader_panic(bytes in prop::collection::vec(any::<u8>(), 0..200), text in "[{}\\[\\]\":,a-z0-9\\\\]{0,80}") {
        for bytes in [&bytes[..], text.as_bytes()] {
            prop_assert!(Header::parse(bytes).is_err());
            prop_assert!(Chain::new(story_id()).open(bytes, bytes).is_err());
            if let Ok(read) = Disclosures::parse(bytes) {
                prop_assert_eq!(read.to_bytes(), bytes);
            }
        }
    }

    #[test]
    fn damaged_records_are_refused_or_read_as_they_stand(
        plan in plan(),
        cut in any::<(Index, Index)>(),
        put in prop::collection::vec(any::<u8>(), 0..6),
    ) {
        let (_, entries) = sealed(&plan);
        for (envelope, disclosures) in parts(&entries) {
            for bytes in [envelope, disclosures] {
                let mut damaged = bytes.to_vec();
                let (one, other) = (cut.0.index(damaged.len()), cut.1.index(damaged.len()));
                damaged.splice(one.min(other)..one.max(other), put.iter().copied());
                if let Ok(read) = Disclosures::parse(&damaged) {
                    prop_assert_eq!(read.to_bytes(), &damaged[..]);
                }
                let _ = Header::parse(&damaged);
                let _ = Chain::new(story_id()).open(&damaged, disclosures);
                let _ = Chain::new(story_id()).open(envelope, &damaged);
            }
        }
    }
}

fn one_step(acts: Vec<history::Act>) -> Step {
    Step { acts, public: true, note: None, corrects: false }
}

fn paragraph(sentences: &[&str]) -> history::Content {
    let sentences = sentences.iter().map(|text| (*text).to_owned()).collect();
    history::Content { kind: story::BlockKind::Paragraph, sentences, marked: false }
}

#[test]
fn a_sentence_that_stays_or_moves_keeps_its_commitment() {
    let mut chain = Chain::new(story_id());
    let body = paragraph(&["One. ", "Two. ", "Three."]);
    seal_all(&mut chain, &[one_step(vec![history::Act::Insert(1, body)])]);
    let [block_1, block_2] = ["b1", "b2"].map(|id| id.parse().expect("a block id"));
    let before = chain.block_commitments(&block_2).to_vec();
    // "Two." leaves the second block for the first; "Three." changes its place.
    let acts = vec![
        history::Act::Edit(0, paragraph(&["Rain fell. ", "Two. "])),
        history::Act::Edit(1, paragraph(&["Three.", "One. ", "New. "])),
    ];
    let entries = seal_all(&mut chain, &[one_step(acts)]);
    let (first, second) = (chain.block_commitments(&block_1), chain.block_commitments(&block_2));
    assert_eq!((first[1], second[0], second[1]), (before[1], before[2], before[0]));
    let disclosed = Disclosures::parse(&entries[0].record.disclosures).expect("parses");
    assert_eq!((disclosed.count(), disclosed.value(0)), (1, Some("New. ")));
}

#[test]
fn a_redaction_names_its_values_in_the_envelope_and_nothing_else_changes() {
    let (mut chain, entries) =
        sealed(&[one_step(vec![history::Act::Insert(0, paragraph(&["One. ", "Two. "]))])]);
    let values: Vec<ValueId> =
        Disclosures::parse(&entries[0].record.disclosures).expect("parses").commitments()[..2]
            .iter()
            .map(|value| ValueId(value.expect("is there").0))
            .collect();
    let said = redaction(RedactionKind::Erase, &values);
    let (state, story) = (chain.state(), chain.story().clone());
    let event = Event {
        revision: story.revision.next(),
        kind: Kind::Redaction,
        public: story.published.is_some(),
        recorded: time(story.revision.get() + 1),
        note: Text::default(),
        act: Some(ActNotice { reason: Text::uncut("An order."), approver: None }),
        redaction: Some(said.clone()),
        operations: Vec::new(),
        ..entries.last().expect("one").event.clone()
    };
    let record = chain.seal(&event, &stamp(99)).expect("seals");
    assert_eq!(chain.state(), state, "the state is made of commitments, which stay");
    assert_eq!(redaction_of(&record.envelope).expect("reads"), Some(said));
    assert_eq!(redaction_of(&entries[0].record.envelope).expect("reads"), None);
    let masks = Masks::of([&entries[0].record.envelope[..], &record.envelope]).expect("reads");
    let mut reader = Chain::masked(story_id(), masks);
    for (envelope, disclosures) in parts(&entries).chain([(&record.envelope[..], &record.disclosures[..])]) {
        reader.open(envelope, disclosures).expect("opens");
    }
    assert!(reader.story().article.blocks[0].text.as_str().starts_with(Text::REDACTION_MARK));
    assert_eq!((reader.state(), reader.prev()), (chain.state(), chain.prev()));
}

#[test]
fn an_envelope_holds_no_word_of_the_story() {
    let mut event = history::event(&story::Story::default(), &one_step(vec![]));
    let mut number = 0;
    let mut canary = || {
        number += 1;
        Text::uncut(format!("canary{number:03}"))
    };
    event.operations.retain(|operation| !matches!(operation, story::Operation::Set { .. }));
    for operation in &mut event.operations {
        if let story::Operation::Insert { block, .. } = operation {
            let href = Some(format!("https://{}.example/", canary().as_str()));
            let mark = story::Mark { start: 0, end: 3, kind: story::MarkKind::A, href };
            let marks = [mark].into();
            *block = std::sync::Arc::new(story::Block { text: canary(), marks, ..(**block).clone() });
        }
    }
    for field in Field::ALL {
        event.operations.push(story::Operation::Set { field, text: canary() });
    }
    let mut chain = Chain::new(story_id());
    let mut records = vec![chain.seal(&event, &stamp(1)).expect("seals")];
    let mut corrects = history::event(chain.story(), &one_step(vec![]));
    corrects.operations.clear();
    let approver: story::ActorId = "chief".parse().expect("an actor");
    let notice = story::CorrectionNotice { what: canary(), place: canary(), approver: approver.clone() };
    (corrects.kind, corrects.note) = (story::Kind::Correction, canary());
    (corrects.public, corrects.correction) = (true, Some(notice));
    records.push(chain.seal(&corrects, &stamp(2)).expect("seals"));
    let mut kills = history::event(chain.story(), &one_step(vec![]));
    kills.operations.clear();
    (kills.kind, kills.status, kills.public) = (story::Kind::Kill, story::Status::Killed, true);
    kills.act = Some(story::ActNotice { reason: canary(), approver: Some(approver) });
    records.push(chain.seal(&kills, &stamp(3)).expect("seals"));
    let joined = |part: fn(&wire::SealedRecord) -> &[u8]| {
        String::from_utf8(records.iter().flat_map(part).copied().collect()).expect("UTF-8")
    };
    let envelope = joined(|record| &record.envelope);
    let disclosures = joined(|record| &record.disclosures);
    assert!(!envelope.to_lowercase().contains("canary"), "{envelope}");
    for canary in 1..=number {
        assert!(disclosures.contains(&format!("canary{canary:03}")), "canary {canary}");
    }
}

#[test]
fn times_that_a_record_cannot_hold_are_refused() {
    let chain = Chain::new(story_id());
    let refused = |change: &dyn Fn(&mut story::Event)| {
        let mut event = history::event(chain.story(), &one_step(vec![]));
        change(&mut event);
        chain.clone().seal(&event, &stamp(1)).err()
    };
    let fine = time(1) + jiff::SignedDuration::from_nanos(1);
    assert_eq!(refused(&|event| event.recorded = fine), Some(SealError::Recorded { recorded: fine }));
    assert_eq!(recordable(fine), time(1));
    let early: jiff::Timestamp = "-000001-01-01T00:00:00Z".parse().expect("a time");
    assert_eq!(refused(&|event| event.recorded = early), Some(SealError::Recorded { recorded: early }));
    for occurred in
        ["yesterday", "2026-11-22", "2026-11-22T09:30:00", "2026-11-22T09:30:00+02:00[Africa/Cairo]"]
    {
        assert_eq!(
            refused(&|event| event.occurred = Some(occurred.into())),
            Some(SealError::Occurred),
            "{occurred}"
        );
    }
    assert_eq!(refused(&|event| event.occurred = Some("2026-11-22t09:30:00.5z".into())), None);
}

#[test]
fn a_record_out_of_its_place_is_refused_by_name() {
    let (_, entries) = sealed(&[one_step(vec![]), one_step(vec![]), one_step(vec![])]);
    let records: Vec<_> = parts(&entries).collect();
    let mut chain = Chain::new(story_id());
    assert!(matches!(chain.open(records[1].0, records[1].1), Err(OpenError::Revision { .. })));
    let other = story::StoryId::new(uuid::Uuid::from_u128(1));
    assert!(matches!(Chain::new(other).open(records[0].0, records[0].1), Err(OpenError::Story { .. })));
    chain.open(records[0].0, records[0].1).expect("opens");
    assert!(matches!(chain.open(records[1].0, records[0].1), Err(OpenError::Values { .. })));
    let text = std::str::from_utf8(records[1].0).expect("UTF-8");
    let later = text.replace("\"v\":1}", "\"v\":2}");
    assert_eq!(chain.open(later.as_bytes(), records[1].1).err(), Some(OpenError::Version { found: 2 }));
    let unknown = text.replace("\"v\":1}", "\"v\":1,\"w\":1}");
    assert!(matches!(chain.open(unknown.as_bytes(), records[1].1), Err(OpenError::Envelope(_))));
    let spaced = text.replace("\"v\":1}", "\"v\": 1}");
    assert!(matches!(chain.open(spaced.as_bytes(), records[1].1), Err(OpenError::Envelope(_))));
    let prev = text.find("\"prev\":\"").expect("has a prev") + 8;
    let other = if &text[prev..=prev] == "A" { "B" } else { "A" };
    let unchained = format!("{}{other}{}", &text[..prev], &text[prev + 1..]);
    assert!(matches!(chain.open(unchained.as_bytes(), records[1].1), Err(OpenError::Prev { .. })));
    chain.open(records[1].0, records[1].1).expect("opens");
}

/// Returns the only record of a story with `change` made to its envelope's JSON.
fn forged(change: impl Fn(&mut serde_json::Value)) -> Result<Chain, OpenError> {
    let (_, entries) = sealed(&[one_step(vec![])]);
    let record = &entries[0].record;
    let mut json = serde_json::from_slice(&record.envelope).expect("JSON");
    change(&mut json);
    let envelope = serde_json_canonicalizer::to_vec(&json).expect("canonical");
    opened([(&envelope[..], &record.disclosures[..])]).map_err(|(_, error)| error)
}

#[test]
fn a_forged_envelope_is_refused_for_what_is_forged() {
    assert!(forged(|_| ()).is_ok());
    let other = proof::Hash([1; 32]).to_base64url();
    let state = forged(|json| json["state"] = other.clone().into());
    assert!(matches!(state, Err(OpenError::State { .. })), "{state:?}");
    let value = forged(|json| json["operations"][0]["values"][0] = other.clone().into());
    assert!(matches!(value, Err(OpenError::Value { index: 0 })), "{value:?}");
    let marks = forged(|json| json["operations"][0]["marks"] = json["operations"][0]["values"][0].clone());
    assert!(matches!(marks, Err(OpenError::Value { index: 1 })), "{marks:?}");
    let kind = forged(|json| json["kind"] = "kill".into());
    assert!(matches!(kind, Err(OpenError::Illegal(_))), "{kind:?}");
    let twice = forged(|json| {
        let operation = json["operations"][0].clone();
        json["operations"].as_array_mut().expect("a list").insert(0, operation);
    });
    assert!(matches!(twice, Err(OpenError::Value { index: 1 })), "{twice:?}");
    for (member, value) in
        [("note", serde_json::json!([])), ("revision", serde_json::json!(1.5)), ("type", "told".into())]
    {
        let damaged = forged(|json| json[member] = value.clone());
        assert!(matches!(damaged, Err(OpenError::Envelope(_))), "{member}: {damaged:?}");
    }
}

#[test]
fn a_value_is_kept_once_however_often_it_is_named() {
    let (mut chain, entries) = sealed(&[one_step(vec![])]);
    let mut reader = opened(parts(&entries)).expect("opens");
    let edit = history::Act::Edit(0, paragraph(&["Rain fell. ", "It stopped."]));
    let record = &seal_all(&mut chain, &[one_step(vec![edit])])[0].record;
    let mut json: serde_json::Value = serde_json::from_slice(&record.envelope).expect("JSON");
    let values = json["operations"][0]["values"].as_array_mut().expect("a list");
    values.insert(0, values[0].clone());
    let envelope = serde_json_canonicalizer::to_vec(&json).expect("canonical");
    assert_eq!(reader.open(&envelope, &record.disclosures).err(), Some(OpenError::Value { index: 0 }));
}

#[test]
fn erasing_what_is_not_there_erases_nothing() {
    let (_, entries) = sealed(&[one_step(vec![])]);
    let disclosures = Disclosures::parse(&entries[0].record.disclosures).expect("parses");
    let count = disclosures.count();
    assert_eq!(disclosures.erase(&[0, count]), Err(wire::DisclosuresError::NoValue { index: count, count }));
    let all: Vec<usize> = (0..count).collect();
    let left = disclosures.erase(&all).expect("erases");
    assert_eq!(left.erase(&all), Ok(left.clone()), "erasing again changes nothing");
    let chain = opened([(&entries[0].record.envelope[..], &left.to_bytes()[..])]).expect("opens");
    assert_eq!(chain.story().article.headline(), Text::REDACTION_MARK);
}

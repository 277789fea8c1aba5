//! Pairs of sentences with the level that a desk would give the change, and the rule it would name.

mod newsroom;

use newsroom::article;
use writethru_story::Level::{self, Minor, Notable, Substantive};
use writethru_story::diff::diff;
use writethru_story::significance::{Code, assess};

/// Before, after, level, and a code that must be among the reasons.
type Pair = (&'static str, &'static str, Level, Code);

#[track_caller]
fn check(pairs: &[Pair]) {
    let mut wrong = Vec::new();
    for (old, new, level, code) in pairs {
        let before = article("Talks go on", &[("a", "The talks went on for a while."), ("b", old)]);
        let after = article("Talks go on", &[("a", "The talks went on for a while."), ("b", new)]);
        let found = assess(&before, &after, &diff(&before, &after), None);
        let codes: Vec<Code> = found.reasons.iter().map(|reason| reason.code).collect();
        if found.level != *level || !codes.contains(code) {
            wrong.push(format!(
                "{old}\n{new}\n  wanted {level:?} {code:?}, found {:?} {codes:?}",
                found.level
            ));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn form_is_minor() {
    check(&[
        ("He said \"we won\" and left.", "He said “we won” and left.", Minor, Code::Typographic),
        ("The centre-left party's win.", "The centre-left party’s win.", Minor, Code::Typographic),
        ("The vote - a close one - is over.", "The vote – a close one – is over.", Minor, Code::Typographic),
        (
            "However the talks failed to start",
            "However, the talks failed to start.",
            Minor,
            Code::Typographic,
        ),
        ("They waited... and waited.", "They waited… and waited.", Minor, Code::Typographic),
        ("the talks resumed in Cairo.", "The talks resumed in Cairo.", Minor, Code::Typographic),
        ("The goverment fell.", "The government fell.", Minor, Code::Spelling),
        ("The comittee met in secret.", "The committee met in secret.", Minor, Code::Spelling),
        ("They left teh building.", "They left the building.", Minor, Code::Spelling),
        ("An independant review began.", "An independent review began.", Minor, Code::Spelling),
        (
            "A seperate goverment inquiry began.",
            "A separate government inquiry began.",
            Minor,
            Code::Spelling,
        ),
        ("An adviser to the king left.", "An advisor to the king left.", Minor, Code::Variant),
        ("The labour ministry organised it.", "The labor ministry organized it.", Minor, Code::Variant),
        ("Some 1,200 people fled.", "Some 1200 people fled.", Minor, Code::Variant),
        ("Some four people fled.", "Some 4 people fled.", Minor, Code::Variant),
        ("It cost 3.5 million dollars.", "It cost 3,500,000 dollars.", Minor, Code::Variant),
        ("It rose 5 percent on the day.", "It rose 5% on the day.", Minor, Code::Variant),
        ("It began on Nov. 19 in Cairo.", "It began on November 19 in Cairo.", Minor, Code::Variant),
        ("The U.S. left the talks.", "The US left the talks.", Minor, Code::Variant),
        ("It isn't over, she said.", "It is not over, she said.", Minor, Code::Variant),
        ("They can't leave.", "They cannot leave.", Minor, Code::Variant),
        ("The multi-national force left.", "The multinational force left.", Minor, Code::Variant),
        ("It begins at 8 p.m. local time.", "It begins at 8pm local time.", Minor, Code::Variant),
        ("A vote , held today, failed.", "A vote, held today, failed.", Minor, Code::Typographic),
    ]);
}

#[test]
fn numbers_are_substantive() {
    check(&[
        ("At least 4 people died.", "At least 5 people died.", Substantive, Code::Number),
        ("Police found multiple bodies.", "Police found at least four bodies.", Substantive, Code::Number),
        ("Four people died.", "Fourteen people died.", Substantive, Code::Number),
        ("A dozen people died.", "Two dozen people died.", Substantive, Code::Number),
        ("Some 1,200 fled.", "Some 12,000 fled.", Substantive, Code::Number),
        ("It fell 3.5%.", "It fell 35%.", Substantive, Code::Number),
        ("It fell 5 percent.", "It fell 5 points.", Substantive, Code::Number),
        ("It cost $5 million.", "It cost £5 million.", Substantive, Code::Number),
        ("It cost $5 million.", "It cost $5 billion.", Substantive, Code::Number),
        ("Winds of 35 mph hit.", "Winds of 35 km/h hit.", Substantive, Code::Number),
        ("The vote is on Monday.", "The vote is on Tuesday.", Substantive, Code::Number),
        ("The vote is in May.", "The vote is in June.", Substantive, Code::Number),
        ("The first hostage is free.", "The third hostage is free.", Substantive, Code::Number),
        ("It began at 8 p.m. there.", "It began at 8 a.m. there.", Substantive, Code::Number),
        ("It began at 20:00 there.", "It began at 20:30 there.", Substantive, Code::Number),
        ("It was 5 degrees.", "It was -5 degrees.", Substantive, Code::Number),
        ("Twenty-three died.", "Twenty-four died.", Substantive, Code::Number),
        ("He left yesterday.", "He left today.", Substantive, Code::Number),
        ("Three died, ten were hurt.", "Ten died, three were hurt.", Substantive, Code::Number),
        ("They met three times.", "They met there times.", Substantive, Code::Number),
        ("The H5N1 virus spread.", "The H5N2 virus spread.", Substantive, Code::Number),
        ("One of them died.", "None of them died.", Substantive, Code::Number),
    ]);
}

#[test]
fn names_are_never_minor() {
    check(&[
        ("The minister met Ann Smith.", "The minister met Ann Smyth.", Substantive, Code::Name),
        ("Troops entered Iraq at dawn.", "Troops entered Iran at dawn.", Substantive, Code::Name),
        ("Iraq said it would vote.", "Iran said it would vote.", Substantive, Code::Name),
        ("Smith beat Jones in Ohio.", "Jones beat Smith in Ohio.", Substantive, Code::Name),
        ("He met Smith in Ohio.", "He met President Smith in Ohio.", Notable, Code::Name),
        ("He flew to Korea.", "He flew to South Korea.", Substantive, Code::Name),
        ("The president of Mexico left.", "The President of Mexico left.", Notable, Code::Name),
        ("He met Jose Diaz.", "He met José Diaz.", Notable, Code::Name),
        ("They polish the silver.", "They Polish the silver.", Notable, Code::Name),
        ("He told us to go.", "He told US to go.", Notable, Code::Name),
        ("Ann Smith left the room.", "Anna Smith left the room.", Substantive, Code::Name),
        ("The storm hit Houston.", "The storm hit Houston and Dallas.", Substantive, Code::Name),
    ]);
}

#[test]
fn denial_doubt_and_quotation_are_substantive() {
    check(&[
        ("He was now in charge.", "He was not in charge.", Substantive, Code::Negation),
        ("He did take part.", "He didn’t take part.", Substantive, Code::Negation),
        ("The act was lawful.", "The act was unlawful.", Substantive, Code::Negation),
        ("They left with water.", "They left without water.", Substantive, Code::Negation),
        ("She denied the charge.", "She faced the charge.", Substantive, Code::Negation),
        ("The law may change.", "The law will change.", Substantive, Code::Modality),
        ("The killer fled.", "The alleged killer fled.", Substantive, Code::Modality),
        ("He reportedly fled.", "He fled.", Substantive, Code::Modality),
        ("Nearly all were saved.", "All were saved.", Substantive, Code::Modality),
        ("She said \"we lost\" and left.", "She said \"we won\" and left.", Substantive, Code::Quote),
        ("She said we lost and left.", "She said \"we lost\" and left.", Substantive, Code::Quote),
        ("She called it ‘a loss’ then.", "She called it ‘a win’ then.", Substantive, Code::Quote),
        (
            "“We will go,” he said. “We promise.”",
            "“We will go,” he said. “We hope.”",
            Substantive,
            Code::Quote,
        ),
        ("He said: “We recieved it.”", "He said: “We received it.”", Substantive, Code::Quote),
    ]);
}

#[test]
fn other_words_are_notable() {
    check(&[
        ("Six skilled workers left.", "Six killed workers left.", Notable, Code::Wording),
        ("Six skilled workers left.", "Six tired workers left.", Notable, Code::Wording),
        ("The united front held.", "The untied front held.", Notable, Code::Wording),
        ("The trial was long.", "The trail was long.", Notable, Code::Wording),
        ("The official left.", "The officials left.", Notable, Code::Wording),
        ("They re-signed the deal.", "They resigned the deal.", Notable, Code::Wording),
        ("Is it over?", "Is it over!", Notable, Code::Wording),
        ("A calm day 🙂 ended.", "A calm day 🙁 ended.", Notable, Code::Wording),
        (
            "The crowd, police said, was calm.",
            "The crowd, officials said, was calm.",
            Notable,
            Code::Attribution,
        ),
        ("The crowd was calm, she said.", "The crowd was calm, she claimed.", Notable, Code::Attribution),
        ("The dog bit the man.", "The man bit the dog.", Notable, Code::Wording),
        ("The talks ended.", "The talks ended. The mood was good.", Notable, Code::Added),
        ("The talks ended. The mood was good.", "The talks ended.", Notable, Code::Removed),
        ("The talks ended.", "The talks ended. Ten people were hurt.", Substantive, Code::Added),
        ("The talks ended. He left Cairo.", "He left Cairo. The talks ended.", Notable, Code::Move),
    ]);
}

#[test]
fn capitals_hide_names_but_no_numbers() {
    check(&[
        (
            "HARVEY MOVING SLOWLY NORTH OF TEXAS",
            "HARVEY MOVING SLOWLY SOUTH OF TEXAS",
            Notable,
            Code::Wording,
        ),
        ("HARVEY NEARS COAST OF IRAQ TODAY", "HARVEY NEARS COAST OF IRAN TODAY", Notable, Code::Wording),
        ("WINDS NEAR SEVEN MILES OFF COAST", "WINDS NEAR EIGHT MILES OFF COAST", Substantive, Code::Number),
        (
            "THE STORM WILL REACH THE TEXAS COAST",
            "THE STORM MAY REACH THE TEXAS COAST",
            Substantive,
            Code::Modality,
        ),
        (
            "Storm Nears Northern Coast Of Texas",
            "Storm Leaves Northern Coast Of Texas",
            Notable,
            Code::Wording,
        ),
        ("LOCATION...13.1N 55.1W", "LOCATION...13.2N 55.1W", Substantive, Code::Number),
    ]);
}

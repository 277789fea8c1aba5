//! What a service answers a replica of one story, connection after connection, and what the replica tells.

use serde::Serialize;
use serde_json::{Value, json};
use wire::{ArticleView, Change, ChangeBody, CloudEvent, Cursor, Recall};
use writethru_wire as wire;

use crate::outcome;
use crate::stories::{Telling, Told, ferry};

/// One replica's life.
#[derive(Serialize)]
pub(crate) struct Life {
    name: &'static str,
    connections: Vec<Connection>,
    /// What the replica tells of, in order.
    updates: Vec<Tidings>,
    /// The article at the end.
    current: ArticleView,
    /// From where it would go on.
    cursor: Cursor,
}

/// One connection: what the replica must ask, and what it is answered.
#[derive(Serialize)]
struct Connection {
    last_event_id: Option<Cursor>,
    status: u16,
    body: String,
}

/// One update: `reset` says why the article was taken as a whole.
#[derive(Debug, Serialize, PartialEq)]
struct Tidings {
    from: Option<u64>,
    revision: u64,
    reset: Option<&'static str>,
    /// The revisions that are called back, if the change is a recall.
    recalled: Option<Vec<u64>>,
}

/// What the service says on one connection.
#[derive(Clone)]
enum Said {
    Article(Box<ArticleView>),
    Change(Value),
    UpToDate(Cursor),
    MustRefetch,
    Closing,
    /// Text that is sent as it is.
    Text(&'static str),
}

impl Said {
    fn change(told: &Told) -> Self {
        Self::Change(json!(CloudEvent::changed(told.change.clone())))
    }

    /// Returns it as the service writes it.
    fn text(&self) -> String {
        match self {
            Self::Article(view) => {
                let data = serde_json::to_string(view).expect("it is JSON");
                format!("event: snapshot\nid: {}\ndata: {data}\n\n", view.cursor)
            }
            Self::Change(event) => {
                format!("id: {}\ndata: {event}\n\n", event["data"]["cursor"].as_str().expect("a cursor"))
            }
            Self::UpToDate(cursor) => {
                format!("event: up-to-date\nid: {cursor}\ndata: {{\"cursor\":\"{cursor}\"}}\n\n")
            }
            Self::MustRefetch => {
                "event: must-refetch\ndata: {\"reason\":\"cursor-gone\",\"snapshot\":\"/v1/stories/ferry\",\"cursor\":null}\n\n".to_owned()
            }
            Self::Closing => "event: closing\ndata: {\"reason\":\"planned\",\"reconnect_ms\":1}\n\n".to_owned(),
            Self::Text(text) => (*text).to_owned(),
        }
    }
}

/// A replica as docs/FORMAT.md 5.1 and 5.4 say that one works.
#[derive(Default)]
struct Reader {
    held: Option<ArticleView>,
    cursor: Option<Cursor>,
    reason: Option<&'static str>,
    updates: Vec<Tidings>,
}

impl Reader {
    /// Takes what was said; `false`: the replica leaves the connection.
    fn take(&mut self, said: &Said, after: &dyn Fn(&Change) -> ArticleView) -> bool {
        match said {
            Said::Article(view) => self.take_article(view),
            Said::Change(event) => return self.take_change(event, after),
            Said::UpToDate(cursor) => self.cursor = Some(*cursor),
            Said::MustRefetch => {
                self.reason = Some("gone");
                return false;
            }
            Said::Closing => return false,
            Said::Text(_) => {}
        }
        true
    }

    fn take_article(&mut self, view: &ArticleView) {
        let reason = self.reason.take();
        self.cursor = Some(view.cursor);
        if self.held.as_ref().is_some_and(|held| held.hash == view.hash && held.cursor == view.cursor) {
            return;
        }
        let reset = reason.unwrap_or(if self.held.is_some() { "gone" } else { "start" });
        self.updates.push(Tidings {
            from: None,
            revision: view.revision.get(),
            reset: Some(reset),
            recalled: None,
        });
        self.held = Some(view.clone());
    }

    fn take_change(&mut self, event: &Value, after: &dyn Fn(&Change) -> ArticleView) -> bool {
        self.reason = match outcome(self.held.as_ref(), &event["data"]) {
            "applied" => None,
            "repeated" => return true,
            "refused" => Some("mismatch"),
            reason => Some(reason),
        };
        if self.reason.is_some() {
            return false;
        }
        let change: Change = serde_json::from_value(event["data"].clone()).expect("it was applied");
        let follows = self.held.as_ref().is_some_and(|held| held.revision == change.from);
        self.updates.push(Tidings {
            from: Some(change.from.get()),
            revision: change.to.get(),
            reset: (!follows).then_some(if self.held.is_some() { "hole" } else { "start" }),
            recalled: Recall::of_change(&change)
                .map(|recall| recall.voids.iter().map(|revision| revision.get()).collect()),
        });
        self.cursor = Some(change.cursor);
        self.held = Some(after(&change));
        true
    }
}

/// Returns the life of a replica that is told `connections`; `None` stands for 410.
fn life(name: &'static str, told: &[Told], connections: &[Option<Vec<Said>>]) -> Life {
    let after = |change: &Change| {
        let told =
            told.iter().find(|told| told.change.to == change.to && told.change.target == change.target);
        told.expect("a change that was told").after.clone()
    };
    let (mut reader, mut answered) = (Reader::default(), Vec::new());
    for said in connections {
        let last_event_id = reader.cursor.filter(|_| reader.reason.is_none());
        let Some(said) = said else {
            reader.reason = Some("gone");
            let body = "{\"type\":\"/problems/cursor-gone\",\"title\":\"Gone\",\"status\":410,\"snapshot\":\"/v1/stories/ferry\"}";
            answered.push(Connection { last_event_id, status: 410, body: body.to_owned() });
            continue;
        };
        let body = format!("retry: 1\n\n{}", said.iter().map(Said::text).collect::<String>());
        answered.push(Connection { last_event_id, status: 200, body });
        for said in said {
            if !reader.take(said, &after) {
                break;
            }
        }
    }
    let (current, cursor) = (reader.held.expect("it has begun"), reader.cursor.expect("it has begun"));
    Life { name, connections: answered, updates: reader.updates, current, cursor }
}

/// What a service says of a story.
struct Service<'a>(&'a [Told]);

impl Service<'_> {
    /// Returns how a stream begins without a cursor, at revision `number`.
    fn begin(&self, number: usize) -> Vec<Said> {
        vec![Said::Article(Box::new(self.0[number - 1].after.clone())), self.up_to_date(number)]
    }

    fn changes(&self, first: usize, last: usize) -> Vec<Said> {
        self.0[first - 1..last].iter().map(Said::change).chain([self.up_to_date(last)]).collect()
    }

    fn up_to_date(&self, number: usize) -> Said {
        Said::UpToDate(self.0[number - 1].change.cursor)
    }
}

/// Returns every case.
pub(crate) fn cases() -> Vec<Life> {
    let told = ferry().told;
    [ordered(&told), mended(&told), begun_again(&told)].into_iter().flatten().collect()
}

/// Nothing is lost.
fn ordered(told: &[Told]) -> Vec<Life> {
    let service = Service(told);
    let (begin, changes) = (|number| service.begin(number), |first, last| service.changes(first, last));
    let new = Said::Text("event: something-new\ndata: [1, 2]\n\nstrange: field\n\n");
    vec![
        life("every change, in order", told, &[Some([begin(1), changes(2, 9)].concat())]),
        life(
            "connections that end between changes",
            told,
            &[
                Some([begin(1), changes(2, 3)].concat()),
                Some(vec![]),
                Some(changes(4, 5)),
                Some([vec![Said::Text(": \n\n")], changes(6, 9)].concat()),
            ],
        ),
        life(
            "an end in order, and changes that come twice",
            told,
            &[
                Some(
                    [begin(2), vec![Said::change(&told[2]), Said::Closing, Said::change(&told[3])]].concat(),
                ),
                Some([changes(2, 3), changes(4, 4)].concat()),
            ],
        ),
        life(
            "a connection that ends within an event",
            told,
            &[
                Some(
                    [begin(4), vec![Said::Text("id: 0000000000000007-00000000000000ff\ndata: {\"half")]]
                        .concat(),
                ),
                Some(changes(5, 6)),
            ],
        ),
        life(
            "events that a later release may add",
            told,
            &[Some([begin(1), [vec![new], changes(2, 2)].concat()].concat())],
        ),
    ]
}

/// Something is lost, or wrong.
fn mended(told: &[Told]) -> Vec<Life> {
    let service = Service(told);
    let (begin, changes) = (|number| service.begin(number), |first, last| service.changes(first, last));
    vec![
        life(
            "a change is missing",
            told,
            &[Some([begin(1), changes(3, 4)].concat()), Some([begin(4), changes(5, 5)].concat())],
        ),
        life("a change is missing, and a snapshot comes", told, &[Some([begin(1), changes(7, 9)].concat())]),
        life(
            "a change is not what it promises",
            told,
            &[
                Some([begin(1), vec![Said::Change(forged(&told[1]))]].concat()),
                Some([begin(2), changes(3, 3)].concat()),
            ],
        ),
        life(
            "a change is too large",
            told,
            &[Some([begin(1), vec![Said::Change(large(&told[1]))]].concat()), Some(begin(3))],
        ),
    ]
}

/// The service begins again.
fn begun_again(told: &[Told]) -> Vec<Life> {
    let service = Service(told);
    let (begin, changes) = (|number| service.begin(number), |first, last| service.changes(first, last));
    let mut other = Telling { epoch: 8, ..Telling::new() };
    other.update(&json!({"blocks": [["b1", "Another log, another beginning."]]}));
    let all = [told, &other.told].concat();
    vec![
        life(
            "the cursor is gone at the beginning",
            told,
            &[Some(begin(3)), None, Some([begin(5), changes(6, 6)].concat())],
        ),
        life(
            "the cursor is gone in the middle",
            told,
            &[Some([begin(3), vec![Said::MustRefetch]].concat()), Some([begin(5), changes(6, 6)].concat())],
        ),
        life("another life of the log", &all, &[Some(begin(9)), None, Some(Service(&other.told).begin(1))]),
        life(
            "a snapshot in the middle",
            told,
            &[Some([begin(2), [begin(5), changes(6, 7)].concat()].concat())],
        ),
    ]
}

fn forged(told: &Told) -> Value {
    let mut event = json!(CloudEvent::changed(told.change.clone()));
    event["data"]["ops"][0]["splices"][0][2] = json!("forged");
    event
}

fn large(told: &Told) -> Value {
    let path = format!("/v1/stories/{}?as_of=rev:{}", told.change.story, told.change.to);
    let change = Change { body: ChangeBody::Fetch(path), ..told.change.clone() };
    json!(CloudEvent::changed(change))
}

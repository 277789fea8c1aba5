//! Editors who file without rest, try again until they are told yes, and remember what they were told.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use serde_json::Value;
use story::StoryId;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use writethru_tests::PATIENCE;

/// How long an editor's tool waits for one answer.
const ANSWER: Duration = Duration::from_secs(20);
/// How long it rests before it asks again.
const REST: Duration = Duration::from_millis(20);

/// Where the service is now, and the key to it; nothing while it is down.
pub(crate) type Door = Option<(String, String)>;

/// What was acknowledged: the slug, the story and the revision.
type Acknowledged = Arc<Mutex<Vec<(String, StoryId, u64)>>>;

/// Editors at work, one story each.
pub(crate) struct Load {
    tasks: Vec<JoinHandle<()>>,
    told: CancellationToken,
    acknowledged: Acknowledged,
}

impl Load {
    /// Lets `editors` begin.
    pub(crate) fn begin(editors: usize, door: &watch::Receiver<Door>) -> Self {
        let client = reqwest::Client::builder().timeout(ANSWER).build().expect("a client");
        let (told, acknowledged) = (CancellationToken::new(), Acknowledged::default());
        let begin = |number| {
            let editor =
                Editor { client: client.clone(), door: door.clone(), slug: format!("storm-{number}") };
            let (told, acknowledged) = (told.clone(), Arc::clone(&acknowledged));
            tokio::spawn(async move {
                for update in 1.. {
                    if told.is_cancelled() {
                        return;
                    }
                    let answer = editor.file(update).await;
                    let story = answer["story"].as_str().expect("an id").parse().expect("an id");
                    let revision = answer["revision"].as_u64().expect("a number");
                    acknowledged.lock().expect("whole").push((editor.slug.clone(), story, revision));
                }
            })
        };
        Self { tasks: (0..editors).map(begin).collect(), told, acknowledged }
    }

    /// Returns how many updates were acknowledged by now.
    pub(crate) fn count(&self) -> usize {
        self.acknowledged.lock().expect("whole").len()
    }

    /// Waits until so many more were acknowledged.
    pub(crate) async fn more(&self, count: usize) {
        let wanted = self.count() + count;
        let mut look = tokio::time::interval(Duration::from_millis(10));
        let deadline = Instant::now() + PATIENCE;
        while self.count() < wanted {
            look.tick().await;
            assert!(Instant::now() < deadline, "{} of {wanted} were acknowledged", self.count());
        }
    }

    /// Ends it. Returns each story by its slug, with its last revision; a revision that was acknowledged
    /// twice, or never, is a fault.
    pub(crate) async fn end(self) -> HashMap<String, (StoryId, u64)> {
        self.told.cancel();
        for task in self.tasks {
            task.await.expect("every update was acknowledged");
        }
        let mut stories: HashMap<String, (StoryId, Vec<u64>)> = HashMap::new();
        for (slug, story, revision) in self.acknowledged.lock().expect("whole").drain(..) {
            let (id, revisions) = stories.entry(slug.clone()).or_insert((story, Vec::new()));
            assert_eq!(*id, story, "{slug} is two stories");
            revisions.push(revision);
        }
        let last = stories.into_iter().map(|(slug, (story, revisions))| {
            let last = revisions.len() as u64;
            assert_eq!(revisions, (1..=last).collect::<Vec<_>>(), "{slug}: lost, doubled or out of order");
            (slug, (story, last))
        });
        last.collect()
    }
}

struct Editor {
    client: reqwest::Client,
    door: watch::Receiver<Door>,
    slug: String,
}

impl Editor {
    /// Files an update, with the same key until it is acknowledged.
    async fn file(&self, update: u64) -> Value {
        let deadline = Instant::now() + PATIENCE;
        let text = format!("Storm nears coast\n\n{update} ships are overdue.");
        let mut last = String::new();
        while Instant::now() < deadline {
            match self.ask(update, &text).await {
                Ok(answer) => return answer,
                Err(why) => last = why,
            }
            tokio::time::sleep(REST).await;
        }
        panic!("update {update} of {} was not acknowledged in time: {last}", self.slug);
    }

    async fn ask(&self, update: u64, text: &str) -> Result<Value, String> {
        let Some((http, key)) = self.door.borrow().clone() else { return Err("it is down".to_owned()) };
        let url = format!("{http}/v1/stories?slug={}&desk=world", self.slug);
        let sent = self.client.post(url).bearer_auth(key).header("content-type", "text/plain");
        let sent = sent.header("idempotency-key", format!("{}-{update}", self.slug)).body(text.to_owned());
        let response = sent.send().await.map_err(|error| error.to_string())?;
        let status = response.status();
        let body = response.text().await.map_err(|error| error.to_string())?;
        if status.is_success() {
            return Ok(serde_json::from_str(&body).expect("JSON"));
        }
        assert!(status.is_server_error(), "{status} {body}");
        Err(body)
    }
}

//! `webhook`: changes posted to other services, as Standard Webhooks wants them.

use clap::{Args, Subcommand, ValueEnum};
use reqwest::Method;
use serde_json::{Value, json};
use story::{Desk, Kind, Level, Slug};
use wire::ArticleView;
use wire::http::{
    DeliveryList, DeliveryView, ReplayBody, Replayed, WebhookBody, WebhookFilter, WebhookList, WebhookSecret,
    WebhookView,
};

use crate::api::{Api, Ask, Query, Reply, typed};
use crate::commands::list::table;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::{Output, say};
use crate::session::Session;
use crate::times;

/// Deliveries asked for at a time.
const PAGE_DELIVERIES: usize = 500;

/// Options of `webhook`.
#[derive(Debug, Args)]
#[command(before_help = "Examples:\n  \
    writethru webhook add https://example.com/hook --desk world --min-significance notable\n  \
    writethru webhook list\n  \
    writethru webhook test wh_0123456789abcdef\n  \
    writethru webhook deliveries wh_0123456789abcdef --state given-up\n  \
    writethru webhook replay wh_0123456789abcdef --after earliest")]
pub(crate) struct Webhook {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Add a webhook; its secret is shown once
    Add(Add),
    /// List the webhooks
    List(Listing),
    /// Show a webhook
    Show(One),
    /// Change a webhook, disable it, or enable it again
    Change(Changing),
    /// Remove a webhook, with what waits for it
    Remove(Removal),
    /// Make another secret; the one before signs too for 24 hours
    Rotate(Rotation),
    /// Send a test, which is about no story
    Test(Trial),
    /// List the deliveries, newest first
    Deliveries(Deliveries),
    /// Send one delivery again, or every change of a range
    Replay(Replaying),
}

#[derive(Debug, Args)]
#[command(before_help = "Examples:\n  \
    writethru webhook add https://example.com/hook --desk world --min-significance notable\n  \
    writethru webhook add https://example.com/hook --story ceasefire --thin --since earliest")]
struct Add {
    /// Where changes are posted
    #[arg(value_name = "URL")]
    address: String,
    #[command(flatten)]
    wishes: Wishes,
}

/// What is told, and how.
#[derive(Debug, Args)]
struct Wishes {
    /// What it is, for people
    #[arg(long, value_name = "TEXT")]
    description: Option<String>,
    /// Only of stories on this desk, or that leave it
    #[arg(long)]
    desk: Option<Desk>,
    /// Only of stories with this tag
    #[arg(long)]
    tag: Option<String>,
    /// Only of these kinds, commas between; name kill, takedown, withhold and unpublish to hear of losses
    #[arg(long, value_name = "KIND", value_delimiter = ',')]
    kind: Vec<Kind>,
    /// Only those that matter at least this much: minor, notable or substantive
    #[arg(long, value_name = "LEVEL")]
    min_significance: Option<Level>,
    /// Only those that change the headline
    #[arg(long)]
    headline_only: bool,
    /// Only of this story: its slug or id
    #[arg(long)]
    story: Option<Slug>,
    /// How much of each change is sent: thin is without the words
    #[arg(long, value_enum)]
    payload: Option<Payload>,
    /// As --payload thin
    #[arg(long, conflicts_with = "payload")]
    thin: bool,
    /// What comes behind this is told: a cursor, earliest, or now
    #[arg(long, value_name = "CURSOR")]
    since: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Payload {
    /// As it goes out over NATS
    Full,
    /// Without the words, and with the address of the article
    Thin,
}

#[derive(Debug, Args)]
#[command(before_help = "Examples:\n  \
    writethru webhook list --json")]
struct Listing {}

#[derive(Debug, Args)]
#[command(before_help = "Examples:\n  \
    writethru webhook show wh_0123456789abcdef")]
struct One {
    /// The webhook
    #[arg(value_name = "WEBHOOK")]
    webhook: String,
}

#[derive(Debug, Args)]
#[command(before_help = "Examples:\n  \
    writethru webhook change wh_0123456789abcdef --disable\n  \
    writethru webhook change wh_0123456789abcdef --enable --since now\n  \
    writethru webhook change wh_0123456789abcdef --desk world --kind correction,kill   # the whole filter")]
struct Changing {
    /// The webhook
    #[arg(value_name = "WEBHOOK")]
    webhook: String,
    /// Where changes are posted
    #[arg(long, value_name = "URL")]
    address: Option<String>,
    /// Tell it what comes, and what has come since it was disabled
    #[arg(long)]
    enable: bool,
    /// Tell it nothing until it is enabled again
    #[arg(long, conflicts_with = "enable")]
    disable: bool,
    #[command(flatten)]
    wishes: Wishes,
}

#[derive(Debug, Args)]
#[command(before_help = "Examples:\n  \
    writethru webhook remove wh_0123456789abcdef")]
struct Removal {
    /// The webhook
    #[arg(value_name = "WEBHOOK")]
    webhook: String,
}

#[derive(Debug, Args)]
#[command(before_help = "Examples:\n  \
    writethru webhook rotate wh_0123456789abcdef")]
struct Rotation {
    /// The webhook
    #[arg(value_name = "WEBHOOK")]
    webhook: String,
}

#[derive(Debug, Args)]
#[command(before_help = "Examples:\n  \
    writethru webhook test wh_0123456789abcdef")]
struct Trial {
    /// The webhook
    #[arg(value_name = "WEBHOOK")]
    webhook: String,
}

#[derive(Debug, Args)]
#[command(before_help = "Examples:\n  \
    writethru webhook deliveries wh_0123456789abcdef\n  \
    writethru webhook deliveries wh_0123456789abcdef --state given-up --json")]
struct Deliveries {
    /// The webhook
    #[arg(value_name = "WEBHOOK")]
    webhook: String,
    /// Only in this state
    #[arg(long, value_enum, default_value = "all")]
    state: State,
    /// At most this many; without it: all
    #[arg(long, value_name = "NUMBER")]
    limit: Option<usize>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum State {
    /// Every one
    All,
    /// Those that wait for an attempt
    Waiting,
    /// Those that have arrived
    Delivered,
    /// Those that are tried no more
    GivenUp,
    /// Those that readers may not see any more
    Withdrawn,
}

#[derive(Debug, Args)]
#[command(before_help = "Examples:\n  \
    writethru webhook replay wh_0123456789abcdef --delivery 7\n  \
    writethru webhook replay wh_0123456789abcdef --after earliest\n  \
    writethru webhook replay wh_0123456789abcdef --after 0000000000000007-0000000000000009 --upto now")]
struct Replaying {
    /// The webhook
    #[arg(value_name = "WEBHOOK")]
    webhook: String,
    /// The number of one delivery
    #[arg(long, value_name = "NUMBER", required_unless_present = "after")]
    delivery: Option<u64>,
    /// Every change behind this that the webhook asks for: a cursor, or earliest
    #[arg(long, value_name = "CURSOR", conflicts_with = "delivery")]
    after: Option<String>,
    /// Where the range ends: a cursor; without it: now
    #[arg(long, value_name = "CURSOR", requires = "after")]
    upto: Option<String>,
}

impl Webhook {
    /// Does what is asked about webhooks.
    pub(crate) async fn run(&self, session: &Session) -> Result<Exit, Failure> {
        let (api, output) = (session.api()?, session.output);
        match &self.what {
            What::Add(Add { address, wishes }) => {
                let body = WebhookBody { url: Some(address.clone()), ..wishes.body(&api).await? };
                let added: WebhookView = ask(&api, Method::POST, &[], Some(&json!(body))).await?;
                one(&added, output)
            }
            What::List(Listing {}) => list(&api, output).await,
            What::Show(One { webhook }) => one(&ask(&api, Method::GET, &[webhook], None).await?, output),
            What::Change(changing) => changing.run(&api, output).await,
            What::Remove(Removal { webhook }) => {
                let removed: WebhookView = ask(&api, Method::DELETE, &[webhook], None).await?;
                say(format_args!("removed {webhook}, with what waited for it"));
                if output.json { output.json(&removed) } else { Ok(()) }.map(|()| Exit::Ok)
            }
            What::Rotate(Rotation { webhook }) => {
                let made: WebhookSecret =
                    ask(&api, Method::POST, &[webhook, "secret", "rotate"], None).await?;
                if output.json {
                    return output.json(&made).map(|()| Exit::Ok);
                }
                say(format_args!(
                    "the secret before signs too until {}; this one is shown only now:",
                    times::shown(made.before_until)
                ));
                output.line(&made.secret).map(|()| Exit::Ok)
            }
            What::Test(Trial { webhook }) => {
                let queued: DeliveryView = ask(&api, Method::POST, &[webhook, "test"], None).await?;
                if output.json {
                    return output.json(&queued).map(|()| Exit::Ok);
                }
                output.line(format_args!("delivery {} is queued: {}", queued.delivery, queued.message))?;
                say(format_args!("`writethru webhook deliveries {webhook}` says what comes of it"));
                Ok(Exit::Ok)
            }
            What::Deliveries(deliveries) => deliveries.run(&api, output).await,
            What::Replay(replaying) => replaying.run(&api, output).await,
        }
    }
}

impl Wishes {
    async fn body(&self, api: &Api) -> Result<WebhookBody, Failure> {
        let story = match &self.story {
            Some(story) => {
                let article: ArticleView = api.get(&["v1", "stories", story.as_str()], &Query::new()).await?;
                Some(article.story)
            }
            None => None,
        };
        let filter = WebhookFilter {
            desk: self.desk.clone(),
            tag: self.tag.clone(),
            kinds: self.kind.clone(),
            min_significance: self.min_significance,
            headline_only: self.headline_only,
            story,
        };
        let payload = if self.thin { Some(Payload::Thin) } else { self.payload };
        Ok(WebhookBody {
            url: None,
            description: self.description.clone(),
            filter: (filter != WebhookFilter::default()).then_some(filter),
            payload: payload.map(|payload| if payload == Payload::Thin { "thin" } else { "full" }.to_owned()),
            enabled: None,
            since: self.since.clone(),
        })
    }
}

impl Changing {
    async fn run(&self, api: &Api, output: Output) -> Result<Exit, Failure> {
        let enabled = match (self.enable, self.disable) {
            (true, _) => Some(true),
            (_, true) => Some(false),
            _ => None,
        };
        let body = WebhookBody { url: self.address.clone(), enabled, ..self.wishes.body(api).await? };
        one(&ask(api, Method::PATCH, &[&self.webhook], Some(&json!(body))).await?, output)
    }
}

impl Deliveries {
    async fn run(&self, api: &Api, output: Output) -> Result<Exit, Failure> {
        let mut table =
            table(&["delivery", "what", "state", "attempts", "status", "queued", "next", "error"]);
        let (mut after, mut left): (Option<String>, usize) = (None, self.limit.unwrap_or(usize::MAX));
        let mut count = 0;
        while left > 0 {
            let state =
                self.state.to_possible_value().map_or_else(String::new, |value| value.get_name().into());
            let mut query: Query = vec![("limit", left.min(PAGE_DELIVERIES).to_string()), ("state", state)];
            query.extend(after.take().map(|after| ("after", after)));
            let page: DeliveryList =
                api.get(&["v1", "webhooks", &self.webhook, "deliveries"], &query).await?;
            left -= page.deliveries.len().min(left);
            count += page.deliveries.len();
            for delivery in &page.deliveries {
                if output.json {
                    output.json(delivery)?;
                } else {
                    table.add_row(row(delivery));
                }
            }
            after = page.next;
            if after.is_none() {
                break;
            }
        }
        if count == 0 {
            say("there is no such delivery");
        } else if !output.json {
            output.line(table.trim_fmt())?;
        }
        Ok(Exit::Ok)
    }
}

impl Replaying {
    async fn run(&self, api: &Api, output: Output) -> Result<Exit, Failure> {
        let body = ReplayBody { delivery: self.delivery, after: self.after.clone(), upto: self.upto.clone() };
        let path = [self.webhook.as_str(), "replay"];
        let replayed: Replayed = ask(api, Method::POST, &path, Some(&json!(body))).await?;
        if output.json {
            return output.json(&replayed).map(|()| Exit::Ok);
        }
        output.line(format_args!("{} queued to be sent again", replayed.queued))?;
        if let Some(next) = replayed.next {
            say(format_args!("there is more: go on with --after {next}"));
        }
        Ok(Exit::Ok)
    }
}

/// Asks about webhooks.
async fn ask<T: serde::de::DeserializeOwned>(
    api: &Api,
    method: Method,
    place: &[&str],
    body: Option<&Value>,
) -> Result<T, Failure> {
    let path: Vec<&str> = ["v1", "webhooks"].into_iter().chain(place.iter().copied()).collect();
    let mut ask = Ask::new(method, &path);
    if let Some(body) = body {
        ask = ask.json(body);
    }
    let reply: Reply<Value> = api.ask(ask).await?;
    typed(&reply.done()?)
}

async fn list(api: &Api, output: Output) -> Result<Exit, Failure> {
    let all: WebhookList = api.get(&["v1", "webhooks"], &Query::new()).await?;
    if output.json {
        all.webhooks.iter().try_for_each(|webhook| output.json(webhook))?;
        return Ok(Exit::Ok);
    }
    if all.webhooks.is_empty() {
        say("there is no webhook; `writethru webhook add URL` adds one");
        return Ok(Exit::Ok);
    }
    let mut table = table(&["webhook", "state", "waiting", "payload", "filter", "url"]);
    for webhook in &all.webhooks {
        table.add_row(vec![
            webhook.webhook.clone(),
            webhook.state.clone(),
            webhook.waiting.to_string(),
            webhook.payload.clone(),
            filter(&webhook.filter),
            webhook.url.clone(),
        ]);
    }
    output.line(table.trim_fmt()).map(|()| Exit::Ok)
}

fn one(webhook: &WebhookView, output: Output) -> Result<Exit, Failure> {
    if output.json {
        return output.json(webhook).map(|()| Exit::Ok);
    }
    let WebhookView { webhook: id, url, state, waiting, payload, cursor, .. } = webhook;
    output.line(format_args!("{id}  {state}  {url}"))?;
    output.line(format_args!(
        "  told of {}, {payload}; {waiting} wait; at {cursor}",
        filter(&webhook.filter)
    ))?;
    if let Some(secret) = &webhook.secret {
        say("its secret, which is shown only now:");
        output.line(secret)?;
    }
    Ok(Exit::Ok)
}

/// Returns a filter in a few words.
fn filter(filter: &WebhookFilter) -> String {
    let WebhookFilter { desk, tag, kinds, min_significance, headline_only, story } = filter;
    let kinds: Vec<_> = kinds.iter().map(|kind| kind.as_str()).collect();
    let words: Vec<String> = [
        desk.as_ref().map(|desk| format!("desk {desk}")),
        tag.as_ref().map(|tag| format!("tag {tag}")),
        (!kinds.is_empty()).then(|| kinds.join(",")),
        min_significance.map(|least| format!("{} and above", least.as_str())),
        headline_only.then(|| "headlines".to_owned()),
        story.map(|story| format!("story {story}")),
    ]
    .into_iter()
    .flatten()
    .collect();
    if words.is_empty() { "everything".to_owned() } else { words.join("; ") }
}

fn row(delivery: &DeliveryView) -> Vec<String> {
    let what = match (&delivery.story, &delivery.revision) {
        (Some(story), Some(revision)) => format!("{story}:{revision}"),
        _ => delivery.origin.clone(),
    };
    vec![
        delivery.delivery.to_string(),
        what,
        delivery.state.clone(),
        delivery.attempts.to_string(),
        delivery.status.map_or_else(String::new, |status| status.to_string()),
        times::shown(delivery.queued),
        delivery.due.map_or_else(String::new, times::shown),
        delivery.error.clone().unwrap_or_default(),
    ]
}

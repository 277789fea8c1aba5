//! The two-person rule: one asks, another decides, once; what was approved survives a crash.

use registry::{
    Act, Decision, Guarded, NewRequest, Policy, RequestError, RequestFilter, RequestId, RequestState,
    Verdict, limits,
};
use story::{Kind, Revision};

use crate::{Place, actor, at, story};

const PAYLOAD: &str = "the words that are to be withdrawn";

fn kill(by: &str) -> NewRequest {
    NewRequest {
        actor: actor(by),
        act: Act::Kill,
        story: Some(story(1)),
        desk: Some("world".parse().expect("a desk")),
        command: None,
        seen: Some(Revision(3)),
        payload: PAYLOAD.into(),
        expires: at(100),
    }
}

async fn place() -> Place {
    let place = Place::new().await;
    place.actor("ann", &["editor@*"]).await;
    place.actor("bob", &["editor@*"]).await;
    place
}

impl Place {
    async fn asked(&self) -> RequestId {
        self.registry.request(kill("ann"), at(0)).await.expect("asked").id
    }

    async fn decided(&self, id: RequestId, by: &str, verdict: Verdict) -> Result<Decision, RequestError> {
        self.registry.decide(id, &actor(by), verdict, at(10)).await
    }

    async fn state(&self, id: RequestId) -> RequestState {
        self.registry.find_request(id).await.expect("read").expect("there").state
    }
}

#[tokio::test]
async fn a_request_goes_from_one_person_through_another_to_its_revision() {
    let mut place = place().await;
    let id = place.asked().await;
    let Ok(Decision::Approved { request, payload }) = place.decided(id, "bob", Verdict::Approve).await else {
        panic!("not approved");
    };
    assert_eq!(payload, PAYLOAD.as_bytes());
    assert_eq!((request.state, request.approver), (RequestState::Approved, Some(actor("bob"))));
    let executed = place.registry.executed(id, Revision(7), at(11)).await.expect("executed");
    assert_eq!(executed.revision, Some(Revision(7)));
    let again = place.registry.executed(id, Revision(7), at(12)).await.expect("a repeat is no error");
    assert_eq!(again.ended, Some(at(11)));
    let other = place.registry.executed(id, Revision(8), at(12)).await;
    assert!(matches!(other, Err(RequestError::State { state: RequestState::Executed, .. })));
    place.reopen().await;
    assert_eq!(place.registry.find_request(id).await.expect("read"), Some(executed));
    assert!(!place.holds(PAYLOAD), "the payload is erased");
}

#[tokio::test]
async fn nobody_decides_their_own_request() {
    let place = place().await;
    let id = place.asked().await;
    for verdict in [Verdict::Approve, Verdict::Refuse(None)] {
        let refused = place.decided(id, "ann", verdict).await.expect_err("the same person");
        assert!(matches!(refused, RequestError::SamePerson { .. }), "{refused}");
    }
    assert_eq!(place.state(id).await, RequestState::Pending);
}

#[tokio::test]
async fn only_somebody_who_is_known_decides() {
    let place = place().await;
    let id = place.asked().await;
    let stranger = place.decided(id, "eve", Verdict::Approve).await;
    assert!(matches!(stranger, Err(RequestError::Actor(_))));
    place.registry.deactivate_actor(&actor("bob"), at(1)).await.expect("removed");
    let removed = place.decided(id, "bob", Verdict::Approve).await;
    assert!(matches!(removed, Err(RequestError::Actor(_))));
    let nothing = place.decided(RequestId(99), "bob", Verdict::Approve).await;
    assert!(matches!(nothing, Err(RequestError::Unknown { .. })));
    let asked = place.registry.request(kill("eve"), at(0)).await;
    assert!(matches!(asked, Err(RequestError::Actor(_))));
}

#[tokio::test]
async fn what_a_removed_actor_asked_for_is_refused_and_never_approved() {
    let place = place().await;
    let (one, two) = (place.asked().await, place.asked().await);
    place.registry.deactivate_actor(&actor("ann"), at(1)).await.expect("removed");
    let approved = place.decided(one, "bob", Verdict::Approve).await;
    assert!(matches!(approved, Err(RequestError::AskerRemoved { .. })), "{approved:?}");
    assert_eq!(place.state(one).await, RequestState::Pending);
    place.decided(two, "bob", Verdict::Refuse(None)).await.expect("no is always possible");
}

#[tokio::test]
async fn asked_again_under_its_key_it_is_the_same_request() {
    let place = place().await;
    let keyed = |key: &str| NewRequest { command: Some(key.parse().expect("a key")), ..kill("ann") };
    let first = place.registry.request(keyed("k1"), at(0)).await.expect("asked");
    assert_eq!(first.seen, Some(Revision(3)));
    assert_eq!(place.registry.request(keyed("k1"), at(1)).await.expect("asked again"), first);
    let other = NewRequest { payload: b"something else".to_vec(), ..keyed("k1") };
    let reused = place.registry.request(other, at(1)).await;
    assert!(matches!(reused, Err(RequestError::KeyReused { id }) if id == first.id), "{reused:?}");
    let elsewhere = NewRequest { story: Some(story(2)), ..keyed("k1") };
    let by_another = NewRequest { actor: actor("bob"), ..keyed("k1") };
    for new in [keyed("k2"), elsewhere, by_another, kill("ann")] {
        let other = place.registry.request(new, at(1)).await.expect("asked");
        assert_ne!(other.id, first.id);
    }
    place.decided(first.id, "bob", Verdict::Refuse(None)).await.expect("refused");
    let ended = place.registry.request(keyed("k1"), at(11)).await.expect("known");
    assert_eq!((ended.id, ended.state), (first.id, RequestState::Refused));
    let found = place.registry.asked(&actor("ann"), &"k1".parse().expect("a key"), Some(story(1))).await;
    assert_eq!(found.expect("read"), Some(ended));
}

#[tokio::test]
async fn what_could_not_be_executed_is_given_back_for_another_to_take() {
    let place = place().await;
    let id = place.asked().await;
    assert_eq!(place.registry.payload(id).await.expect("read").as_deref(), Some(PAYLOAD.as_bytes()));
    place.decided(id, "bob", Verdict::Approve).await.expect("approved");
    place.registry.give_back(id);
    place.registry.take_approved(id, at(11)).await.expect("taken");
    place.registry.failed(id, "no", at(12)).await.expect("ended");
    assert_eq!(place.registry.payload(id).await.expect("read"), None);
}

#[tokio::test]
async fn of_many_decisions_one_counts_and_gets_the_payload() {
    let place = place().await;
    let id = place.asked().await;
    let deciders: Vec<_> = (0..8)
        .map(|_| {
            let registry = place.registry.clone();
            tokio::spawn(async move { registry.decide(id, &actor("bob"), Verdict::Approve, at(10)).await })
        })
        .collect();
    let (mut payloads, mut late) = (0, 0);
    for decider in deciders {
        match decider.await.expect("ended") {
            Ok(Decision::Approved { .. }) => payloads += 1,
            Err(RequestError::State { state: RequestState::Approved, .. }) => late += 1,
            other => panic!("{other:?}"),
        }
    }
    assert_eq!((payloads, late), (1, 7));
    let taken = place.registry.take_approved(id, at(11)).await;
    assert!(matches!(taken, Err(RequestError::BeingExecuted { until, .. }) if until == at(70)));
}

#[tokio::test]
async fn what_was_approved_is_executed_after_a_crash() {
    let place = place().await;
    let (done, open) = (place.asked().await, place.asked().await);
    for id in [done, open] {
        place.decided(id, "bob", Verdict::Approve).await.expect("approved");
    }
    place.registry.executed(done, Revision(2), at(11)).await.expect("executed");
    let crashed = place.after_a_crash().await;
    let filter = RequestFilter { state: Some(RequestState::Approved), after: None };
    let left = crashed.registry.requests(filter, 10).await.expect("read");
    assert_eq!(left.iter().map(|request| request.id).collect::<Vec<_>>(), [open]);
    let (_, payload) = crashed.registry.take_approved(open, at(12)).await.expect("taken");
    assert_eq!(payload, PAYLOAD.as_bytes());
    let twice = crashed.registry.take_approved(open, at(13)).await;
    assert!(matches!(twice, Err(RequestError::BeingExecuted { .. })));
    crashed.registry.take_approved(open, at(72)).await.expect("whoever had it has had its time");
    let failed = crashed.registry.failed(open, "the story is killed already", at(73)).await.expect("ended");
    assert_eq!(failed.state, RequestState::Failed);
    assert!(!crashed.holds(PAYLOAD));
}

#[tokio::test]
async fn a_refused_request_ends_and_its_payload_is_erased() {
    let place = place().await;
    let id = place.asked().await;
    assert!(place.holds(PAYLOAD), "or this test would prove nothing");
    let why = format!("it has been confirmed{}", "!".repeat(600));
    let refused = place.decided(id, "bob", Verdict::Refuse(Some(why))).await.expect("refused");
    let Decision::Refused { request } = refused else { panic!("{refused:?}") };
    let kept = request.reason.expect("why");
    assert!(kept.starts_with("it has been confirmed") && kept.len() == limits::REASON_CHARS_MAX);
    assert!(!place.holds(PAYLOAD));
    let late = place.decided(id, "bob", Verdict::Approve).await;
    assert!(matches!(late, Err(RequestError::State { state: RequestState::Refused, .. })));
    let taken = place.registry.take_approved(id, at(11)).await;
    assert!(matches!(taken, Err(RequestError::State { .. })));
    let executed = place.registry.executed(id, Revision(1), at(11)).await;
    assert!(matches!(executed, Err(RequestError::State { .. })));
}

#[tokio::test]
async fn a_request_that_nobody_decides_in_time_expires() {
    let place = place().await;
    let (one, two) = (place.asked().await, place.asked().await);
    let late = place.registry.decide(one, &actor("bob"), Verdict::Approve, at(100)).await;
    assert!(matches!(late, Err(RequestError::Expired)));
    assert_eq!(place.state(one).await, RequestState::Expired);
    assert_eq!(place.state(two).await, RequestState::Expired, "it had no more time than the other");
    assert!(!place.holds(PAYLOAD));
    let again = place.registry.decide(one, &actor("bob"), Verdict::Approve, at(50)).await;
    assert!(matches!(again, Err(RequestError::Expired)), "an end is an end, whatever the clock says");
    assert_eq!(place.registry.expire_requests(at(200)).await.expect("swept"), 0);
    let past = place.registry.request(kill("ann"), at(100)).await;
    assert!(matches!(past, Err(RequestError::Expired)));
}

#[tokio::test]
async fn requests_are_bounded_and_listed_page_by_page() {
    let place = place().await;
    let large = NewRequest { payload: vec![0; limits::PAYLOAD_BYTES_MAX + 1], ..kill("ann") };
    assert!(matches!(place.registry.request(large, at(0)).await, Err(RequestError::TooLarge { .. })));
    let all: Vec<_> = (0..limits::REQUESTS_OPEN_MAX)
        .map(|_| {
            let registry = place.registry.clone();
            tokio::spawn(async move { registry.request(kill("ann"), at(0)).await })
        })
        .collect();
    for one in all {
        one.await.expect("ended").expect("asked");
    }
    let full = place.registry.request(kill("ann"), at(0)).await;
    assert!(matches!(full, Err(RequestError::TooMany { .. })));
    let page = place.registry.requests(RequestFilter::default(), 600).await.expect("read");
    let after = RequestFilter { after: page.last().map(|request| request.id), state: None };
    let rest = place.registry.requests(after, 600).await.expect("read");
    assert_eq!((page.len(), rest.len()), (600, 400));
    let later = NewRequest { expires: at(300), ..kill("ann") };
    place.registry.request(later, at(100)).await.expect("those that have expired take no room");
}

#[tokio::test]
async fn the_policy_is_none_at_first_and_lasts_when_it_is_set() {
    let mut place = Place::new().await;
    assert_eq!(place.registry.policy(), Policy::default());
    assert!(Guarded::ALL.iter().all(|act| !place.registry.policy().needs_second(*act)));
    let policy = Policy::default().with(Guarded::Takedown).with(Guarded::Alert);
    place.registry.set_policy(policy).await.expect("set");
    assert_eq!(place.registry.policy(), policy);
    place.reopen().await;
    assert_eq!(place.registry.policy(), policy);
    assert_eq!(serde_json::to_string(&policy).expect("JSON"), r#"["takedown","alert"]"#);
    assert_eq!(serde_json::from_str::<Policy>(r#"["alert","takedown"]"#).expect("JSON"), policy);
}

#[test]
fn what_is_guarded_is_told_by_act_and_kind() {
    #[track_caller]
    fn check(act: Act, kind: Option<Kind>, guarded: Option<Guarded>) {
        assert_eq!(Guarded::of(act, kind), guarded, "{act} {kind:?}");
    }
    check(Act::Kill, None, Some(Guarded::Kill));
    check(Act::Takedown, Some(Kind::Takedown), Some(Guarded::Takedown));
    check(Act::Correct, Some(Kind::Correction), Some(Guarded::Correction));
    check(Act::File, Some(Kind::Alert), Some(Guarded::Alert));
    check(Act::File, Some(Kind::Correction), Some(Guarded::Correction));
    check(Act::File, Some(Kind::Update), None);
    check(Act::Redact, None, Some(Guarded::Redaction));
    check(Act::Withhold, None, None);
}

#[tokio::test]
async fn requests_about_a_story_can_be_ended_by_what_they_hold() {
    let place = place().await;
    let (first, other) = (place.asked().await, NewRequest { story: Some(story(2)), ..kill("ann") });
    let other = place.registry.request(other, at(0)).await.expect("asked").id;
    let approved = place.asked().await;
    place.decided(approved, "bob", Verdict::Approve).await.expect("decided");
    let void = async |words: &'static [u8]| {
        let holds = move |payload: &[u8]| payload.windows(words.len()).any(|part| part == words);
        place.registry.void_requests(story(1), holds, "it was redacted", at(20)).await.expect("voided")
    };
    assert_eq!(void(b"other words").await, []);
    assert_eq!(void(b"the words").await, [first, approved]);
    for id in [first, approved] {
        let ended = place.registry.find_request(id).await.expect("read").expect("there");
        assert_eq!((ended.state, ended.ended), (RequestState::Failed, Some(at(20))));
        assert_eq!(ended.reason.as_deref(), Some("it was redacted"));
        assert_eq!(place.registry.payload(id).await.expect("read"), None);
    }
    assert_eq!(place.state(other).await, RequestState::Pending);
    assert_eq!(void(b"the words").await, []);
}

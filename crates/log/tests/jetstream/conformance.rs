//! The JetStream back end keeps the contract, on one server and on a cluster.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};

use proptest::prelude::*;
use writethru_log::conformance::Home;
use writethru_log::{EventLog, Replicas};

use crate::model;
use crate::nats::{Alone, Cluster, connect};

/// A log on a server of its own.
struct OneServer(Alone);

impl Home for OneServer {
    async fn open(&self) -> EventLog {
        connect(self.0.server.url(), "0", Replicas::One).await
    }
}

/// A log of its own on the cluster that all tests share which run at this time.
struct OnCluster {
    cluster: Arc<Cluster>,
    name: String,
}

impl OnCluster {
    fn new() -> Self {
        static SHARED: Mutex<Weak<Cluster>> = Mutex::new(Weak::new());
        static LOGS: AtomicUsize = AtomicUsize::new(0);
        let mut shared = SHARED.lock().unwrap_or_else(PoisonError::into_inner);
        let cluster = shared.upgrade().unwrap_or_else(|| Arc::new(Cluster::start()));
        *shared = Arc::downgrade(&cluster);
        Self { cluster, name: LOGS.fetch_add(1, Ordering::Relaxed).to_string() }
    }
}

impl Home for OnCluster {
    async fn open(&self) -> EventLog {
        connect(self.cluster.urls(), &self.name, Replicas::Three).await
    }
}

mod one_server {
    use super::OneServer;
    use crate::nats::Alone;

    writethru_log::conformance_tests!(OneServer(Alone::start()));
}

mod cluster {
    use super::OnCluster;

    writethru_log::conformance_tests!(OnCluster::new());
}

/// Only appends to one story are decided in the order in which they were submitted.
fn one_story() -> impl Strategy<Value = Vec<(u64, u8)>> {
    (0..4_u64, prop::collection::vec(0..12_u8, 1..6))
        .prop_map(|(story, commands)| commands.into_iter().map(|command| (story, command)).collect())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 16, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_log_does_what_a_list_would_do(steps in model::steps(one_story())) {
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("starts");
        runtime.block_on(model::run(&OneServer(Alone::start()), steps));
    }
}

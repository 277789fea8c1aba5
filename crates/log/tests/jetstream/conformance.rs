//! The JetStream back end keeps the contract, on one server and on a cluster.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};

use writethru_log::conformance::Home;
use writethru_log::{EventLog, Replicas};

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

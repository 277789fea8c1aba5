//! The transparency log over HTTP: as a stranger mirrors it, and receipts from it.

use proof::Hash;
use proof::checkpoint::SignedCheckpoint;
use proof::entry::Entry;
use proof::note::SignerKey;
use proof::policy::Policy;
use proof::receipt::Receipt;
use proof::tile::{Bundle, Tile, TileHashes, bundle_entries};

use crate::service::{Service, notary_options};

const CANARY: &str = "Canary words that no reader may see.";

impl Service {
    /// Returns whom to believe about this service's log.
    fn policy(&self) -> Policy {
        let file = notary_options(self.directory()).key;
        let key = SignerKey::from_secret_text(std::fs::read_to_string(file).unwrap().trim_end()).unwrap();
        Policy::new(key.verifier().clone(), Vec::new(), 0).unwrap()
    }
}

#[tokio::test]
async fn anyone_can_mirror_the_log_and_finds_no_word_in_it() {
    let service = Service::start().await;
    service.file("/v1/stories?slug=talks&desk=world", &format!("Talks\n\n{CANARY}")).await;
    service.file("/v1/stories/talks?draft=true", &format!("Talks\n\n{CANARY} More.")).await;
    // The receipt of the last one waits for a head that is over both.
    service.get("/v1/stories/talks/revisions/2/receipt?view=desk").await;
    let stranger = [("authorization", "-")];
    let get = async |address: &str| service.send(reqwest::Method::GET, address, &stranger, "").await;
    let head = get("/log/checkpoint").await;
    assert_eq!(head.header("content-type"), "text/plain; charset=utf-8");
    assert_eq!(head.header("cache-control"), "no-cache");
    let head = SignedCheckpoint::parse(&head.body).unwrap();
    service.policy().verify(&head).unwrap();
    assert_eq!(head.checkpoint().size(), 2);
    let tile = get("/log/tile/0/000.p/2").await;
    assert_eq!(tile.header("content-type"), "application/octet-stream");
    assert!(tile.header("cache-control").contains("immutable"));
    let hashes = TileHashes::from_bytes(Tile::new(0, 0, 2).unwrap(), &tile.body).unwrap();
    assert_eq!(hashes.root(), *head.checkpoint().root());
    let bundle = get("/log/tile/entries/000.p/2").await;
    let entries = bundle_entries(Bundle::new(0, 2).unwrap(), &bundle.body).unwrap();
    for (entry, hash) in entries.iter().zip(hashes.hashes()) {
        assert_eq!(Entry::from_bytes(entry).unwrap().hash(), *hash);
    }
    assert!(!bundle.body.windows(6).any(|window| window == b"Canary"));
    for address in
        ["/log/tile/0/000", "/log/tile/0/000.p/3", "/log/tile/9/000", "/log/tile/0/..%2Fcheckpoint"]
    {
        get(address).await.problem("no-such-file");
    }
    service.stop().await;
}

#[tokio::test]
async fn a_receipt_proves_its_revision_and_no_other() {
    let service = Service::start().await;
    service.file("/v1/stories?slug=talks&desk=world", "Talks\n\nThey met.").await;
    service.file("/v1/stories/talks", "Talks\n\nThey parted.").await;
    let policy = service.policy();
    let whole = |text: &str| Receipt::parse(text.as_bytes()).unwrap();
    let mut seen = Vec::<Hash>::new();
    for revision in [1, 2] {
        let address = format!("/v1/stories/talks/revisions/{revision}/receipt");
        let receipt = service.get(&address).await;
        assert!(receipt.body.len() < 1_500);
        let full = whole(service.get(&format!("{address}?envelope=true")).await.text());
        let leaf = Entry::of_envelope(full.extra()).unwrap().hash();
        whole(receipt.text()).verify(&leaf, &policy).unwrap();
        for other in &seen {
            full.verify(other, &policy).unwrap_err();
        }
        seen.push(leaf);
    }
    service.get("/v1/stories/talks/revisions/3/receipt").await.problem("revision-not-found");
    service.get("/v1/stories/talks/revisions/0/receipt").await.problem("revision-not-found");
    service.get("/v1/stories/other/revisions/1/receipt").await.problem("not-found");
    service.stop().await;
}

#[tokio::test]
async fn a_receipt_tells_no_reader_of_a_draft() {
    let service = Service::start().await;
    service.file("/v1/stories?slug=talks&desk=world&draft=true", &format!("Talks\n\n{CANARY}")).await;
    let address = "/v1/stories/talks/revisions/1/receipt";
    let stranger = [("authorization", "-")];
    service.send(reqwest::Method::GET, address, &stranger, "").await.problem("not-found");
    let desk = format!("{address}?view=desk");
    service.send(reqwest::Method::GET, &desk, &stranger, "").await.problem("unauthorized");
    assert_eq!(service.get(&desk).await.status, 200);
    service.stop().await;
}

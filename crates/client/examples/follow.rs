//! Follows a desk until one of its stories has reached a revision.
#![expect(clippy::print_stdout, reason = "it shows what it follows")]

use client::{Replica, Update};
use futures::StreamExt;
use writethru_client as client;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let url = arguments.next().unwrap_or_else(|| "nats://127.0.0.1:4222".to_owned());
    let last: u64 = arguments.next().map_or(Ok(u64::MAX), |revision| revision.parse())?;
    let mut replica = Replica::builder(&url).desk("world".parse()?).connect().await?;
    while let Some(update) = replica.next().await {
        let (Update::Changed { article, .. } | Update::Reset { article, .. }) = &update else { continue };
        println!("{} is at revision {}: {}", article.slug, article.revision, article.blocks[0].text);
        if article.revision.get() >= last {
            break;
        }
    }
    replica.close().await;
    Ok(())
}

//! Several endpoints, of which one is behind or gone.

use crate::node::Node;
use plimsoll_keeper::chain::node::NodeClient;
use plimsoll_keeper::chain::{At, ChainClient as _, ChainError, ClockControl as _, Tx, H160};
use subxt_signer::sr25519::dev;

/// A time after that of any new chain, in ms since 1970.
const LATER: u64 = 4_000_000_000_000;

/// Seals `count` blocks.
async fn seal(client: &NodeClient, count: u64) {
    for _ in 0..count {
        let now = client.now_ms().await.expect("the node answers");
        let time = now.max(LATER) + 1_000;
        client.set_time(time).await.expect("sealed");
    }
}

async fn alone(node: &Node) -> NodeClient {
    let urls = vec![node.url().to_owned()];
    NodeClient::connect(urls, dev::alice())
        .await
        .expect("the node answers")
}

#[tokio::test(flavor = "multi_thread")]
async fn an_endpoint_that_is_behind_is_not_believed_until_it_has_caught_up() {
    let folders = [(); 2].map(|()| tempfile::tempdir().expect("a folder"));
    let ahead = Node::start(folders[0].path());
    let behind = Node::start(folders[1].path());
    let urls = [&ahead, &behind].map(|node| node.url().to_owned());
    let client = NodeClient::connect(urls.to_vec(), dev::alice())
        .await
        .expect("a node answers");
    seal(&client, 4).await;
    let seen = client.head().await.expect("the first answers").finalized;
    assert_eq!(client.finalized().await, Ok(seen.hash));
    let second = alone(&behind).await;
    let newest = second.head().await.expect("it answers").finalized.number;
    assert!(newest + 1 < seen.number, "{newest} and {}", seen.number);

    // The first node goes away. The other one has less than was final.
    let away = ahead.leave();
    let told = ChainError::Behind {
        url: behind.url().trim_end_matches('/').to_owned(),
        at: newest,
        seen: seen.number,
    };
    assert_eq!(client.head().await, Err(told.clone()));
    assert_eq!(client.finalized().await, Err(told.clone()));
    assert_eq!(client.next_nonce().await, Err(told.clone()));
    let at = At::Block(seen.hash);
    let read = client.read(H160::zero(), Vec::new(), at);
    assert_eq!(read.await, Err(told));

    // One block short is as bad, and none is good.
    seal(&second, seen.number - 1 - newest).await;
    let error = client.head().await.expect_err("one block short");
    assert!(matches!(error, ChainError::Behind { at, .. } if at + 1 == seen.number));
    seal(&second, 1).await;
    let head = client.head().await.expect("it has caught up");
    assert_eq!(head.finalized.number, seen.number);
    drop(away);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dry_run_tells_what_mapping_an_account_ties_up() {
    let folder = tempfile::tempdir().expect("a folder");
    let node = Node::start(folder.path());
    let client = alone(&node).await;
    let run = client.dry_run(&Tx::MapAccount).await.expect("it answers");
    // An item and 52 bytes, at the development runtime's prices.
    assert_eq!(run.deposit, 2_000_000_000 + 52 * 100_000);
}

//! What the `system_` methods about the network answer: this node has none.

use futures::StreamExt;
use plimsoll_runtime::opaque::Block;
use sc_rpc::system::{error::Error, Health, NodeRole, Request, SyncState};
use sc_utils::mpsc::TracingUnboundedReceiver;
use sp_blockchain::HeaderBackend;
use std::sync::Arc;

/// What a request to add or remove a peer is refused with.
const NO_NETWORK: &str = "this development node has no network";

/// Answers requests until the RPC server is gone. An answer that nobody waits for any
/// more is dropped.
pub async fn answer<C: HeaderBackend<Block>>(
    client: Arc<C>,
    mut requests: TracingUnboundedReceiver<Request<Block>>,
) {
    let starting_block = client.info().best_number;
    while let Some(request) = requests.next().await {
        match request {
            Request::Health(reply) => {
                let _ = reply.send(Health {
                    peers: 0,
                    is_syncing: false,
                    should_have_peers: false,
                });
            }
            Request::LocalPeerId(reply) => {
                let _ = reply.send(String::new());
            }
            Request::LocalListenAddresses(reply) | Request::NetworkReservedPeers(reply) => {
                let _ = reply.send(Vec::new());
            }
            Request::Peers(reply) => {
                let _ = reply.send(Vec::new());
            }
            Request::NetworkState(reply) => {
                let _ = reply.send(serde_json::Value::Null);
            }
            Request::NetworkAddReservedPeer(_, reply)
            | Request::NetworkRemoveReservedPeer(_, reply) => {
                let _ = reply.send(Err(Error::MalformattedPeerArg(NO_NETWORK.into())));
            }
            Request::NodeRoles(reply) => {
                let _ = reply.send(vec![NodeRole::Authority]);
            }
            Request::SyncState(reply) => {
                let best = client.info().best_number;
                let _ = reply.send(SyncState {
                    starting_block,
                    current_block: best,
                    highest_block: best,
                });
            }
        }
    }
}

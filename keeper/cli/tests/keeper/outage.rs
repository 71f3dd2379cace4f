//! A node that goes away and comes back.

use crate::programs::PATIENCE;
use crate::stage::{Stage, LOOK};
use crate::until;
use std::time::{Duration, Instant};

/// How long the node is away while the keeper is busy: long enough for it to lose the
/// connection and to fail to make another.
const AWAY: Duration = Duration::from_secs(3);

#[tokio::test(flavor = "multi_thread")]
async fn the_keeper_carries_on_when_its_node_comes_back() {
    let mut stage = Stage::set().await;
    let keeper = stage.start_keeper(None);

    // Away while there is nothing to do: the keeper says so, and goes on.
    stage.bring_work(0).await;
    until!(stage, "epoch 0 attested", stage.attested(0).await);
    let node = stage.node.take().expect("it runs").leave();
    let started = Instant::now();
    while stage.status().chain_up != Some(false) {
        assert!(
            started.elapsed() < PATIENCE,
            "the keeper does not notice\n{}",
            stage.logs()
        );
        tokio::time::sleep(LOOK).await;
    }
    stage.node = Some(node.come_back());
    stage.to_settlement(0).await;
    until!(stage, "epoch 0 settled", stage.settled(0).await);
    stage.to_booking(0).await;
    until!(stage, "epoch 0 paid", stage.paid(0).await);

    // Away soon after there is something to do, a little later each time: whatever was
    // under way is found again.
    for epoch in 1..4 {
        stage.bring_work(epoch).await;
        interrupt(&mut stage, epoch).await;
        until!(
            stage,
            format!("epoch {epoch} attested"),
            stage.attested(epoch).await
        );
        stage.to_settlement(epoch).await;
        interrupt(&mut stage, epoch).await;
        until!(
            stage,
            format!("epoch {epoch} settled"),
            stage.settled(epoch).await
        );
        stage.to_booking(epoch).await;
        interrupt(&mut stage, epoch).await;
        until!(
            stage,
            format!("epoch {epoch} paid"),
            stage.paid(epoch).await
        );
    }
    keeper.stop();
    stage.audit().await;
}

/// The node goes away after `looks` looks, and comes back.
async fn interrupt(stage: &mut Stage, looks: u32) {
    tokio::time::sleep(LOOK * looks).await;
    let node = stage.node.take().expect("it runs").leave();
    tokio::time::sleep(AWAY).await;
    stage.node = Some(node.come_back());
}

//! Two keepers of one contract.

use crate::stage::Stage;
use crate::until;

/// Epochs that are played: in each both keepers begin with the same number in every lane.
const EPOCHS: u32 = 3;

#[tokio::test(flavor = "multi_thread")]
async fn two_keepers_count_every_receipt_exactly_once_and_pay_everybody() {
    let mut stage = Stage::set().await;
    let first = stage.start_keeper(None);
    std::fs::create_dir(stage.path().join("spool-2")).expect("a folder");
    let second = stage.start_second_keeper();
    for epoch in 0..EPOCHS {
        stage.bring_work_to_both(epoch).await;
        until!(
            stage,
            format!("epoch {epoch} attested"),
            stage.attested(epoch).await
        );
        stage.to_settlement(epoch).await;
        until!(
            stage,
            format!("epoch {epoch} settled and raised"),
            stage.settled(epoch).await
        );
        stage.to_booking(epoch).await;
        until!(
            stage,
            format!("epoch {epoch} paid"),
            stage.paid(epoch).await
        );
    }
    first.stop();
    second.stop();
    stage.audit_chain().await;
}

//! Epochs from receipts to payouts, with attesters that fail in turn.

use crate::stage::{Stage, ATTESTERS, EPOCH_MS};
use crate::until;
use crate::workload::{self, gateway, lines, receipt, signed, stranger};
use plimsoll_keeper::receipt::Receipt;

/// Epochs that are played: each attester is down once and refuses once.
const EPOCHS: u32 = 6;

#[tokio::test(flavor = "multi_thread")]
async fn rewards_are_what_the_receipts_are_worth_while_attesters_are_down_or_refuse() {
    let mut stage = Stage::set().await;
    let keeper = stage.start_keeper(None);
    for epoch in 0..EPOCHS {
        let which = epoch as usize / 2 % ATTESTERS;
        let down = epoch % 2 == 0;
        if down {
            stage.attesters[which].take().expect("it runs").kill();
        } else {
            // It does not know the gateway: every receipt is a stranger's.
            stage.start_attester(which, stranger().address()).await;
        }
        stage.bring_work(epoch).await;
        if epoch == 1 {
            bring_poison(&mut stage, epoch);
            bring_late(&mut stage, epoch);
        }
        until!(
            stage,
            format!("epoch {epoch} attested"),
            stage.attested(epoch).await
        );
        stage.start_attester(which, gateway().address()).await;
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

    let status = stage.status();
    assert!(status.running && status.chain_up == Some(true));
    let found: Vec<(&str, u64)> = status
        .receipts
        .quarantined
        .iter()
        .map(|(reason, count)| (&reason[..], *count))
        .collect();
    assert_eq!(
        found,
        [
            ("duplicate_id", 1),
            ("impossible", 1),
            ("unknown_operator", 1),
            ("unknown_signer", 1),
            ("unreadable", 1),
            ("unsigned", 1),
            ("wrong_time", 2),
        ]
    );
    assert_eq!(status.receipts.late, 1);
    assert!(
        status.steps.iter().all(|step| !step.needs_attention),
        "{:?}",
        status.steps
    );
    keeper.stop();
    stage.audit().await;
}

/// Receipts that must not count, in one file with one that must.
fn bring_poison(stage: &mut Stage, epoch: u32) {
    let at = stage.start_of(epoch) + 1_000;
    let good = receipt("good among poison", 2, at);
    let twin = signed(
        Receipt {
            fee: good.fee + 1,
            ..good.clone()
        },
        &gateway(),
    );
    let impossible = Receipt {
        input_tokens: 5,
        cached_input_tokens: 6,
        ..receipt("impossible", 0, at)
    };
    let poison = [
        good.clone(),
        twin,
        signed(impossible, &gateway()),
        receipt("nobody", 77, at),
        receipt("before genesis", 0, stage.start_of(0) - 1),
        receipt("far ahead", 0, at + EPOCH_MS),
        signed(receipt("a stranger's", 0, at), &stranger()),
        Receipt {
            signature: None,
            ..receipt("unsigned", 0, at)
        },
    ];
    stage.spool(&(lines(&poison) + "{\"id\": 7}\n"));
    stage.expect(&[good], epoch);
}

/// A receipt of the epoch before, which takes no more work: it counts in this one.
fn bring_late(stage: &mut Stage, epoch: u32) {
    let late = workload::receipt("late", 1, stage.start_of(epoch) - 1);
    stage.spool(&lines(std::slice::from_ref(&late)));
    stage.expect(&[late], epoch);
}

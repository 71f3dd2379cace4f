//! SIGKILL at every boundary between the keeper's steps, and at those of every kind of
//! transaction.

use crate::programs::{Process, PATIENCE};
use crate::stage::{Stage, LOOK};
use crate::until;
use plimsoll_keeper::steps;
use std::time::Instant;

/// What an epoch goes through.
#[derive(Clone, Copy, Debug)]
enum Phase {
    Work,
    Settlement,
    Payout,
}

/// The transactions after the first one that a keeper sends, which is an attestation.
const LATER: [&str; 4] = ["settle", "raise", "book", "claim_many"];

/// Everywhere to be killed at, one in each epoch.
fn boundaries() -> Vec<String> {
    let later = LATER.iter().flat_map(|kind| {
        let passed = steps::OF_SUBMISSIONS.iter();
        passed.map(move |step| format!("{step}:{kind}"))
    });
    let all = steps::ALL.iter().map(|step| (*step).to_owned());
    all.chain(later).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_at_any_step_and_restarted_the_keeper_counts_every_receipt_exactly_once() {
    assert!(steps::ALL.len() >= 12);
    let boundaries = boundaries();
    let mut stage = Stage::set().await;
    for (epoch, step) in (0..).zip(&boundaries) {
        stage.bring_work(epoch).await;
        let mut victim = Some(stage.start_keeper(Some(step)));
        let mut keeper = None;
        for phase in [Phase::Work, Phase::Settlement, Phase::Payout] {
            match phase {
                Phase::Work => {}
                Phase::Settlement => stage.to_settlement(epoch).await,
                Phase::Payout => stage.to_booking(epoch).await,
            }
            if let Some(running) = victim.take() {
                victim = held(&stage, running, step, epoch, phase).await;
                if victim.is_none() {
                    println!("epoch {epoch}: killed at {step}, {phase:?}");
                    keeper = Some(stage.start_keeper(None));
                }
            }
            until!(
                stage,
                format!("killed at {step}: {phase:?} of epoch {epoch}"),
                done(&stage, epoch, phase).await
            );
        }
        assert!(
            victim.is_none(),
            "the keeper never came to {step}\n{}",
            stage.logs()
        );
        keeper.expect("started after the kill").stop();
    }
    println!(
        "killed at {} steps: {}",
        boundaries.len(),
        boundaries.join(", ")
    );
    stage.audit().await;
}

async fn done(stage: &Stage, epoch: u32, phase: Phase) -> Result<(), String> {
    match phase {
        Phase::Work => stage.attested(epoch).await,
        Phase::Settlement => stage.settled(epoch).await,
        Phase::Payout => stage.paid(epoch).await,
    }
}

/// Waits until the keeper holds at its step, and kills it there. Gives it back if it is
/// through with the phase before.
async fn held(
    stage: &Stage,
    mut keeper: Process,
    step: &str,
    epoch: u32,
    phase: Phase,
) -> Option<Process> {
    let started = Instant::now();
    let words = format!("holding at {step}\n");
    let mut through = false;
    loop {
        if keeper.said().contains(&words) {
            keeper.kill();
            return None;
        }
        // What comes last in a phase is held after the chain shows it: one more look.
        if through {
            return Some(keeper);
        }
        assert!(
            !keeper.ended(),
            "the keeper ended before {step}\n{}",
            stage.logs()
        );
        assert!(
            started.elapsed() < PATIENCE,
            "neither {phase:?} nor {step}\n{}",
            stage.logs()
        );
        if done(stage, epoch, phase).await.is_ok() {
            tokio::time::sleep(LOOK * 15).await;
            through = true;
        }
        tokio::time::sleep(LOOK).await;
    }
}

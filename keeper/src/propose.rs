//! `plimsoll propose`: from exported parameters to an announced change of the contract.
//!
//! ```text
//! the export read -> parameters in force, clock and queue read -> what differs
//!   -> dry-run as the owner -> the call, for whoever signs it
//!                           -> signed, sent, final, and the announcement compared
//! ```
//!
//! Nothing is sent unless the contract would take it, nobody else's announcement would be
//! lost by it, and something would change.

use crate::artifacts::EMISSION_METADATA;
use crate::chain::{At, ChainError, ChainInfo, Limits, H160};
use crate::clock::ChainTime;
use crate::contract::{refusal, ContractError, Emission, Event, EventError, EventTopics};
use crate::deploy::{grouped, lacks_funds};
use crate::hexes;
use crate::submit::{submit_once, SubmitError};
use plimsoll_interface::calls::AnswerError;
use plimsoll_interface::{calls, Announced, Change, ClockView, Error as Refusal, Settings};
use plimsoll_mechanism::params::Params;
use plimsoll_mechanism::Epoch;
use plimsoll_simulator::export::{differences, Difference, Exported};
use serde_json::{json, Value};
use std::fmt;
use time::format_description::BorrowedFormatItem;
use time::macros::format_description;
use time::OffsetDateTime;

/// Version of the format in which a call is written down.
const FORMAT: u32 = 1;

/// Why nothing is proposed.
#[derive(Debug, thiserror::Error)]
pub enum ProposeError {
    /// Nothing would change.
    #[error("nothing to propose: the contract has these parameters already, in epoch {0}")]
    NoChange(Epoch),
    /// The same parameters are announced.
    #[error(
        "nothing to propose: change {id} has these parameters already; it counts from epoch {from}"
    )]
    Announced {
        /// The change.
        id: u32,
        /// The epoch from which it counts.
        from: Epoch,
    },
    /// Other parameters are announced, and would be replaced.
    #[error(
        "change {id} of the parameters is announced and counts from epoch {from} ({}); another one \
         would cancel it. Wait for that epoch, or let the owner cancel it first: {}",
        listed(.differences),
        cancelling(*.id)
    )]
    Pending {
        /// The change.
        id: u32,
        /// The epoch from which it counts.
        from: Epoch,
        /// What it changes.
        differences: Vec<Difference>,
    },
    /// The account is not the one that may announce changes.
    #[error(
        "account {} is not the contract's owner, who alone can announce changes; that is {}. \
         Without --submit the call is prepared for the owner to sign",
        hexes::show(.account),
        hexes::show(.owner)
    )]
    NotOwner {
        /// Whose key was given.
        account: H160,
        /// Who may.
        owner: H160,
    },
    /// The contract would refuse it.
    #[error("the contract would refuse it: {0:?}")]
    Refused(Refusal),
    /// What was sent did something else.
    #[error("the transaction is in block {block}, but {what}; see `plimsoll audit`")]
    Other {
        /// Where.
        block: u64,
        /// What it did.
        what: String,
    },
    /// The contract.
    #[error(transparent)]
    Contract(ContractError),
    /// The chain.
    #[error(transparent)]
    Chain(ChainError),
    /// The contract's events.
    #[error(transparent)]
    Event(#[from] EventError),
    /// Sending.
    #[error(transparent)]
    Submit(SubmitError),
}

impl From<ContractError> for ProposeError {
    fn from(error: ContractError) -> Self {
        match error {
            ContractError::Refused(refusal) => Self::Refused(refusal),
            ContractError::Chain(error) => Self::Chain(error),
            error => Self::Contract(error),
        }
    }
}

impl From<ChainError> for ProposeError {
    fn from(error: ChainError) -> Self {
        ContractError::from(error).into()
    }
}

impl From<SubmitError> for ProposeError {
    fn from(error: SubmitError) -> Self {
        match error {
            SubmitError::Refused(refusal) => Self::Refused(refusal),
            SubmitError::Chain(error) => error.into(),
            error => Self::Submit(error),
        }
    }
}

/// How the owner cancels a change.
fn cancelling(id: u32) -> String {
    format!(
        "message cancel({id}), call data {}",
        hexes::show(calls::cancel(id))
    )
}

fn listed(differences: &[Difference]) -> String {
    let all: Vec<String> = differences.iter().map(ToString::to_string).collect();
    all.join("; ")
}

/// From when a change counts that is announced now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timing {
    /// The first epoch for which it counts.
    pub from: Epoch,
    /// When that begins, in ms since 1970, unless the clock is stopped in between.
    pub begins_ms: u64,
    /// Announced at this time or later, it counts from a later epoch; in ms since 1970.
    pub before_ms: u64,
    /// Whether the clock stands. The times are then the latest ones.
    pub stopped: bool,
}

impl Timing {
    /// For a change that is announced when the contract's clock is as `view` says.
    #[must_use]
    pub fn of(settings: &Settings, view: &ClockView) -> Self {
        let clock = ChainTime::new(settings, view).clock();
        let from = clock.epoch_after(settings.timelock);
        let begins = u64::from(from).saturating_mul(settings.times.epoch.max(1));
        // From the start of the epoch on it is too late even without a timelock.
        let before = begins.saturating_sub(settings.timelock.saturating_sub(1));
        // Wall time at which the clock shows what it shows now.
        let (wall, elapsed) = match view.pause {
            _ if !view.started => (settings.times.genesis, 0),
            Some(pause) if view.stopped => (pause.end, view.elapsed),
            _ => (view.now, view.elapsed),
        };
        let at = |clock: u64| wall.saturating_add(clock).saturating_sub(elapsed);
        Self {
            from,
            begins_ms: at(begins),
            before_ms: at(before),
            stopped: view.stopped,
        }
    }
}

/// A change that the contract would take, ready to be signed by its owner.
#[derive(Clone, Debug)]
pub struct Prepared {
    /// The chain.
    pub chain: ChainInfo,
    /// The contract.
    pub contract: H160,
    /// Who alone can announce changes.
    pub owner: H160,
    /// The parameters, the call data, and the comparison that they are from.
    pub exported: Exported,
    /// The current epoch.
    pub epoch: Epoch,
    /// The parameters in force in it.
    pub in_force: Params,
    /// What would change; at least one.
    pub differences: Vec<Difference>,
    /// Other kinds of changes that are announced and not in force yet.
    pub others: Vec<(u32, Announced)>,
    /// From when it would count if it were announced now.
    pub timing: Timing,
    /// The number that it would get now.
    pub id: u32,
    /// What the call may use, from the dry-run, with its margin; none if the owner's account
    /// has too little of the chain's own token, so that somebody else pays.
    pub limits: Option<Limits>,
}

/// Reads the contract and tries the change as the contract's owner. Nothing is sent.
///
/// # Errors
/// See [`ProposeError`].
pub async fn prepare(emission: &Emission, exported: Exported) -> Result<Prepared, ProposeError> {
    let chain = emission.chain().clone();
    // As of the block on which a transaction would be built.
    let now = emission.at(At::Best);
    let settings = now.settings().await?;
    let clock = now.clock().await?;
    let owner = now.roles().await?.owner;
    let in_force = now.params(clock.epoch).await?;
    let governance = now.governance().await?;
    let mut others = Vec::new();
    for id in governance.waiting {
        // Whatever went meanwhile waits no longer.
        let Some(announced) = now.change(id).await? else {
            continue;
        };
        let Change::Params(pending) = announced.change else {
            others.push((id, announced));
            continue;
        };
        let from = announced.from;
        if pending == exported.params {
            return Err(ProposeError::Announced { id, from });
        }
        return Err(ProposeError::Pending {
            id,
            from,
            differences: differences(&in_force, &pending),
        });
    }
    let differences = differences(&in_force, &exported.params);
    if differences.is_empty() {
        return Err(ProposeError::NoChange(clock.epoch));
    }
    let run = chain
        .dry_run_as(owner, &emission.message(exported.data.clone()))
        .await?;
    let (id, limits) = match run.result {
        Ok(output) => {
            let unread = |reason| ContractError::Answer {
                contract: emission.address(),
                message: "queue",
                reason,
            };
            let id = calls::answer(&output).map_err(|error| match error {
                AnswerError::Refused(error) => ContractError::Refused(error),
                AnswerError::CouldNotReadInput => unread("it could not read the call"),
                AnswerError::Undecodable => unread("the answer cannot be decoded"),
            })?;
            (id, Some(Limits::with_margin(run.weight, run.deposit)))
        }
        // Deposits are charged when the contract is done, so it has not refused.
        Err(failure) if lacks_funds(&failure) => (governance.next_change, None),
        Err(failure) => {
            return Err(match refusal(&failure) {
                Some(error) => ProposeError::Refused(error),
                None => ChainError::from(failure).into(),
            })
        }
    };
    Ok(Prepared {
        chain: chain.info().await?,
        contract: emission.address(),
        owner,
        exported,
        epoch: clock.epoch,
        in_force,
        differences,
        others,
        timing: Timing::of(&settings, &clock),
        id,
        limits,
    })
}

impl Prepared {
    /// The call and all that whoever signs it has to know, as JSON.
    #[must_use]
    pub fn json(&self) -> Value {
        let number = |value: Option<u128>| value.map(|value| value.to_string());
        let changes: Vec<Value> = self
            .differences
            .iter()
            .map(|one| {
                json!({
                    "name": one.argument.name,
                    "before": number(one.before),
                    "after": number(one.after),
                    "unit": one.argument.unit,
                })
            })
            .collect();
        let limits = self.limits.map(|limits| {
            json!({
                "weight_limit": {
                    "ref_time": limits.weight.ref_time,
                    "proof_size": limits.weight.proof_size,
                },
                "storage_deposit_limit": limits.deposit.to_string(),
            })
        });
        json!({
            "format": FORMAT,
            "chain": {
                "genesis": hexes::show(self.chain.genesis),
                "chain_id": hexes::show(self.chain.chain_id),
                "spec_name": self.chain.spec_name,
                "spec_version": self.chain.spec_version,
            },
            "caller": hexes::show(self.owner),
            "call": {
                "pallet": "Revive",
                "function": "call",
                "dest": hexes::show(self.contract),
                "value": "0",
                "limits": limits,
                "data": hexes::show(&self.exported.data),
            },
            "changes": changes,
            "change": self.id,
            "from_epoch": self.timing.from,
            "from_about_ms": self.timing.begins_ms,
            "if_executed_before_ms": self.timing.before_ms,
            "cancel_data": hexes::show(calls::cancel(self.id)),
            "exported_from": self.exported.from,
        })
    }

    /// Refuses a signer that is not the owner, or that the chain does not know.
    async fn check_signer(&self, emission: &Emission) -> Result<(), ProposeError> {
        let chain = emission.chain();
        let account = chain.info().await?.address;
        if account != self.owner {
            let owner = self.owner;
            return Err(ProposeError::NotOwner { account, owner });
        }
        if !chain.mapped().await? {
            return Err(ChainError::Unmapped(hexes::show(account)).into());
        }
        Ok(())
    }
}

impl fmt::Display for Prepared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "the comparison, as the file says; its command makes it again:"
        )?;
        for line in self.exported.from.to_string().lines() {
            writeln!(f, "  {line}")?;
        }
        writeln!(
            f,
            "contract {} on {} (genesis {}), in epoch {}",
            hexes::show(self.contract),
            self.chain.spec_name,
            hexes::show(self.chain.genesis),
            self.epoch
        )?;
        for (id, other) in &self.others {
            let what = match other.change {
                Change::Registrar(_) => "a new registrar",
                Change::Guardian(_) => "a new guardian",
                Change::Attesters(_) => "new attesters",
                Change::Params(_) | Change::Slash { .. } => "another change",
            };
            writeln!(
                f,
                "change {id} ({what}) is announced for epoch {} and stays",
                other.from
            )?;
        }
        writeln!(f, "what changes; everything else stays:")?;
        for difference in &self.differences {
            writeln!(f, "  {difference}")?;
        }
        let Timing {
            from,
            begins_ms,
            before_ms,
            stopped,
        } = self.timing;
        writeln!(
            f,
            "counts from epoch {from}, which begins {} {}, if it is executed before {}{}",
            if stopped { "by" } else { "about" },
            utc(begins_ms),
            utc(before_ms),
            if stopped { " (the clock stands)" } else { "" }
        )?;
        match self.limits {
            Some(limits) => writeln!(
                f,
                "tried as the owner {}: the contract takes it, as change {}; it may use {} ps, \
                 {} bytes of proof and a deposit of {}",
                hexes::show(self.owner),
                self.id,
                grouped(limits.weight.ref_time.into()),
                grouped(limits.weight.proof_size.into()),
                grouped(limits.deposit)
            )?,
            None => writeln!(
                f,
                "tried as the owner {}: the contract takes it, as change {}; that account cannot pay, \
                 so whoever does finds the limits by a dry-run of its own",
                hexes::show(self.owner),
                self.id
            )?,
        }
        write!(
            f,
            "until epoch {from} begins the owner can cancel it: {}",
            cancelling(self.id)
        )
    }
}

/// A time for people, in UTC.
fn utc(ms: u64) -> String {
    const FORMAT: &[BorrowedFormatItem<'_>] =
        format_description!("[year]-[month]-[day] [hour]:[minute]:[second] UTC");
    i64::try_from(ms / 1_000)
        .ok()
        .and_then(|seconds| OffsetDateTime::from_unix_timestamp(seconds).ok())
        .and_then(|time| time.format(FORMAT).ok())
        .unwrap_or_else(|| format!("{ms} ms after 1970"))
}

/// What the owner pays for sending it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Price {
    /// The fee, in base units of the chain's own token.
    pub fee: u128,
    /// The most that is held as storage deposit, in the same.
    pub deposit: u128,
    /// What the account can spend, in the same.
    pub balance: u128,
}

/// What sending it costs. Nothing is sent.
///
/// # Errors
/// [`ProposeError::NotOwner`] if the chain's account is not the owner, and others.
pub async fn price(emission: &Emission, prepared: &Prepared) -> Result<Price, ProposeError> {
    prepared.check_signer(emission).await?;
    let chain = emission.chain();
    let tx = emission.message(prepared.exported.data.clone());
    let run = chain.dry_run(&tx).await?;
    if let Err(failure) = run.result {
        return Err(ChainError::from(failure).into());
    }
    let limits = Limits::with_margin(run.weight, run.deposit);
    let nonce = chain.next_nonce().await?;
    let signed = chain.sign(&tx, limits, nonce).await?;
    Ok(Price {
        fee: chain.fee(&signed).await?,
        deposit: limits.deposit,
        balance: chain.balance().await?,
    })
}

/// A change that is announced in a finalized block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Announcement {
    /// Its number.
    pub id: u32,
    /// The epoch from which it counts.
    pub from: Epoch,
    /// The block.
    pub block: u64,
    /// What was paid in fees, in base units of the chain's own token.
    pub fee: u128,
    /// A change that it replaced: it was announced since the call was prepared.
    pub replaced: Option<u32>,
}

impl fmt::Display for Announcement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "announced in block {} as change {}; it counts from epoch {}",
            self.block, self.id, self.from
        )?;
        if let Some(replaced) = self.replaced {
            writeln!(
                f,
                "warning: change {replaced} was announced in between and is cancelled by it"
            )?;
        }
        write!(
            f,
            "until epoch {} begins the owner can cancel it: {}",
            self.from,
            cancelling(self.id)
        )
    }
}

/// Signs and sends it, waits until it is final, and compares what the contract then says
/// with what was meant.
///
/// # Errors
/// See [`ProposeError`].
pub async fn submit(
    emission: &Emission,
    prepared: &Prepared,
) -> Result<Announcement, ProposeError> {
    prepared.check_signer(emission).await?;
    let tx = emission.message(prepared.exported.data.clone());
    let outcome = submit_once(emission.chain(), "propose", &tx).await?.outcome;
    let block = outcome.block;
    let other = |what: String| ProposeError::Other { block, what };
    let topics = EventTopics::from_metadata(EMISSION_METADATA)?;
    let (mut announced, mut replaced) = (None, None);
    for event in outcome.events {
        if event.contract != emission.address() {
            continue;
        }
        match topics.decode(&event)? {
            Some(Event::ChangeAnnounced(event)) => announced = Some(event),
            Some(Event::ChangeCancelled(event)) => replaced = Some(event.id),
            _ => {}
        }
    }
    let announced = announced.ok_or_else(|| other("the contract announced nothing".into()))?;
    let meant = Change::Params(prepared.exported.params);
    if announced.change != meant {
        return Err(other(format!(
            "the contract announced something else: {:?}",
            announced.change
        )));
    }
    let (id, from) = (announced.id, announced.from);
    let kept = emission.at(At::Finalized).change(id).await?;
    let change = meant;
    if kept != Some(Announced { change, from }) {
        return Err(other(format!("the contract keeps change {id} as {kept:?}")));
    }
    Ok(Announcement {
        id,
        from,
        block,
        fee: outcome.fee,
        replaced,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::tests::TIMES;
    use plimsoll_mechanism::clock::{Clock, Pause, Pauses};

    fn view(pauses: &Pauses, now: u64) -> ClockView {
        let clock = Clock::at(TIMES, pauses, now);
        ClockView {
            now,
            elapsed: clock.elapsed(),
            started: clock.started(),
            epoch: clock.epoch(),
            stopped: clock.stopped(),
            pause: pauses.newest,
            settled_to: 0,
            next_worked: None,
        }
    }

    fn settings(timelock: u64) -> Settings {
        Settings {
            times: TIMES,
            timelock,
            ..crate::batch::tests::settings()
        }
    }

    #[test]
    fn a_change_announced_in_time_counts_from_the_epoch_that_is_told_and_a_late_one_later() {
        let none = Pauses::default();
        for timelock in [0, 1, 99, 100, 101, 250] {
            let settings = settings(timelock);
            for now in 900..1_350 {
                let timing = Timing::of(&settings, &view(&none, now));
                let from = |at| Clock::at(TIMES, &none, at).epoch_after(timelock);
                let context = format!("timelock {timelock}, at {now}: {timing:?}");
                assert_eq!(from(now), timing.from, "{context}");
                assert!(now < timing.before_ms, "{context}");
                assert_eq!(from(timing.before_ms - 1), timing.from, "{context}");
                assert_eq!(from(timing.before_ms), timing.from + 1, "{context}");
                let begun = Clock::at(TIMES, &none, timing.begins_ms);
                assert_eq!(begun.epoch(), timing.from, "{context}");
                assert!(timing.begins_ms >= now.max(TIMES.genesis), "{context}");
                let before = Clock::at(TIMES, &none, timing.begins_ms - 1);
                assert!(
                    !before.started() || before.epoch() < timing.from,
                    "{context}"
                );
            }
        }
    }

    #[test]
    fn while_the_clock_stands_the_times_are_the_latest_ones() {
        let mut pauses = Pauses::default();
        pauses.pause(&TIMES, 1_130).expect("it runs");
        let timing = Timing::of(&settings(150), &view(&pauses, 1_150));
        // 130 ms of clock time have passed, and the pause is over at 1,380.
        assert_eq!(
            pauses.newest,
            Some(Pause {
                start: 1_130,
                end: 1_380
            })
        );
        assert!(timing.stopped);
        assert_eq!((timing.from, timing.begins_ms), (3, 1_380 + 170));
        assert_eq!(timing.before_ms, 1_380 + 21);
    }

    #[test]
    fn times_are_shown_in_utc() {
        assert_eq!(utc(1_772_409_600_999), "2026-03-02 00:00:00 UTC");
        assert_eq!(utc(u64::MAX), format!("{} ms after 1970", u64::MAX));
    }
}

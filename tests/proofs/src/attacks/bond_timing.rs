//! One capital, moved between two identities and in and out of the contract.

use super::{at, Attack, Play, Promise};
use crate::populations::Population;
use crate::world::{divide, permille, permille_of};
use plimsoll_mechanism::bond::{Bond, Lookup};
use plimsoll_mechanism::record::Part;

/// Epochs of the play.
const EPOCHS: usize = 8;

/// `unbonding_epochs`; an epoch is final within the next.
const UNBONDING: u32 = 1;

/// The smallest bond that counts.
const MIN_OPEN_BOND: u128 = 100;

/// Each epoch the capital at hand is deposited for one identity or withdrawn from one, and
/// the work is divided between them. Honest is all of it behind one identity, all the time.
pub struct BondTiming;

/// What one identity has bonded, and what counted in each epoch.
#[derive(Default)]
struct Identity {
    bond: Bond,
    counted: Vec<u128>,
}

impl Identity {
    /// The current epoch's bond, noted while the crate has it at hand.
    fn note(&mut self, now: u32) {
        let counted = match self.bond.at(now) {
            Lookup::Known(amount) => amount,
            Lookup::Archived(_) => 0,
        };
        self.counted
            .push(if counted >= MIN_OPEN_BOND { counted } else { 0 });
    }
}

impl Attack for BondTiming {
    fn name(&self) -> &'static str {
        "bond_timing"
    }

    fn promise(&self) -> Promise {
        // A unit for each epoch in which an identity is below the smallest bond: its work is
        // hidden then (G10).
        Promise::Excluded {
            by: "G9, G19",
            within: EPOCHS as i128,
        }
    }

    fn dials(&self, population: &Population) -> Vec<u64> {
        let who = population.places(|member| !member.vetted).len() as u64;
        if who == 0 {
            return Vec::new();
        }
        let mut dials = vec![who];
        // For each epoch: deposit or withdraw, which identity, how much, and the work.
        for _ in 0..EPOCHS {
            dials.extend([4, 1_001, 1_001]);
        }
        dials
    }

    fn play(&self, population: &Population, dials: &[u64]) -> Play {
        let who = population.places(|member| !member.vetted)[at(dials[0])];
        let whole = population.parts()[who];
        let capital = whole.bond;
        let mut free = capital;
        let mut identities = [Identity::default(), Identity::default()];
        let mut bounds = Ok(());
        let (mut honest, mut deviating) = (0, 0);
        // The honest one bonds in epoch 0 too, and counts from epoch 1.
        for now in 0..EPOCHS {
            let dials = &dials[1 + 3 * now..];
            let epoch = u32::try_from(now).expect("few");
            for identity in &mut identities {
                // Epoch e is final before e + 2 begins.
                free += identity
                    .bond
                    .release(|withdrawn| withdrawn + 2 + UNBONDING <= epoch);
            }
            let identity = &mut identities[at(dials[0] % 2)];
            if dials[0] < 2 {
                let amount = permille(free, dials[1]);
                free -= amount;
                identity
                    .bond
                    .deposit(amount, epoch + 1)
                    .expect("a capital is small");
            } else {
                let amount = permille(identity.bond.bonded(), dials[1]);
                // Refused while three are on their way.
                if let Ok(withdrawal) = identity.bond.withdraw(amount, true, epoch, epoch + 1) {
                    free += withdrawal.free;
                }
            }
            // A reward is booked after all of this, and asks for the bond of its own epoch.
            for identity in &mut identities {
                identity.note(epoch);
            }
            let held: u128 = identities
                .iter()
                .map(|identity| identity.bond.total())
                .sum();
            if held + free != capital {
                bounds = Err(format!("the capital is {capital}, not {}", held + free));
            }

            let mut parts = population.parts();
            let reserve = population.reserve;
            if now > 0 {
                honest += divide(&population.params, reserve, &parts).rewards[who].amount;
            }
            let first = permille_of(whole.work, dials[2]);
            let second = whole.work.checked_sub(&first).expect("the first is a part");
            let fees = permille(whole.fees, dials[2]);
            parts.remove(who);
            let others = parts.len();
            let shares = [(first, fees), (second, whole.fees - fees)];
            for (identity, (work, fees)) in identities.iter().zip(shares) {
                let bond = identity.counted[now];
                // Work of an open operator below the smallest bond is skipped.
                if bond > 0 {
                    parts.push(Part {
                        work,
                        fees,
                        bond,
                        ..whole
                    });
                }
            }
            let after = divide(&population.params, reserve, &parts);
            deviating += after.rewards[others..]
                .iter()
                .map(|reward| reward.amount)
                .sum::<u128>();
        }
        Play::bounded(honest, deviating, bounds)
    }

    fn words(&self, population: &Population, dials: &[u64]) -> String {
        let who = population.places(|member| !member.vetted)[at(dials[0])];
        let moves: Vec<String> = dials[1..]
            .chunks(3)
            .map(|step| {
                let what = ["+a", "+b", "-a", "-b"][at(step[0])];
                format!("{what}{}%", step[1] / 10)
            })
            .collect();
        format!("open operator {who} moves its bond: {}", moves.join(" "))
    }
}

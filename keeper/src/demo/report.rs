//! What the demo prints at the end.

use super::audit::{Check, Expected, Seen, Terms};
use super::figures::{bar, gini, grouped, lorenz, nakamoto, percent, sparkline, tokens};
use super::population::Member;
use plimsoll_mechanism::pools::FRACTION_BITS;
use plimsoll_mechanism::vesting::Vesting;
use serde_json::{json, Value};
use std::fmt::Write as _;

/// Groups of operators by size.
const GROUPS: usize = 10;

/// Width of the longest bar.
const BAR: usize = 24;

/// Everything there is to tell.
pub struct Outcome<'a> {
    /// Seed of everything that was drawn.
    pub seed: u64,
    /// The operators, the largest first.
    pub members: &'a [Member],
    /// What was agreed.
    pub terms: &'a Terms,
    /// What the receipts say.
    pub expected: &'a Expected,
    /// What the chain says.
    pub seen: &'a Seen,
    /// Whether they agree.
    pub checks: &'a [Check],
    /// keccak-256 of all rewards on the chain, in hexadecimal.
    pub digest: &'a str,
    /// Symbol of the token.
    pub symbol: &'a str,
    /// Its decimal places.
    pub decimals: u8,
}

impl Outcome<'_> {
    /// Whether every check passed.
    #[must_use]
    pub fn passed(&self) -> bool {
        self.checks.iter().all(Check::passed)
    }

    /// The report as text.
    #[must_use]
    pub fn text(&self) -> String {
        let mut out = String::new();
        // Writing to a string cannot fail.
        let _ = self.earnings(&mut out);
        let _ = self.notable(&mut out);
        let _ = self.curve(&mut out);
        let _ = self.mechanism(&mut out);
        let _ = self.ledger(&mut out);
        let _ = self.verdict(&mut out);
        out
    }

    /// What each operator got on the chain, in base units.
    fn earned(&self) -> Vec<u128> {
        let mut earned = vec![0; self.members.len()];
        for epoch in self.seen.epochs.iter().flatten() {
            for (sum, preview) in earned.iter_mut().zip(&epoch.previews) {
                *sum += preview.reward;
            }
        }
        earned
    }

    /// How often each operator was capped: raised to its cap.
    fn capped(&self) -> Vec<usize> {
        let mut capped = vec![0; self.members.len()];
        for epoch in self.seen.epochs.iter().flatten() {
            for (count, preview) in capped.iter_mut().zip(&epoch.previews) {
                *count += usize::from(preview.raised);
            }
        }
        capped
    }

    fn tokens(&self, amount: u128) -> String {
        tokens(amount, self.decimals)
    }

    fn earnings(&self, out: &mut String) -> std::fmt::Result {
        let (earned, plain) = (self.earned(), self.expected.plain());
        let stakes: Vec<u128> = self
            .members
            .iter()
            .map(|member| u128::from(member.stake))
            .collect();
        let all: [u128; 3] = [stakes.iter().sum(), plain.iter().sum(), earned.iter().sum()];
        writeln!(
            out,
            "\nWho earned what, in {} (plain: the same budgets paid by work alone)",
            self.symbol
        )?;
        writeln!(
            out,
            "  operators by size    stake   work     plain pay        earned   earned/plain"
        )?;
        let size = self.members.len().div_ceil(GROUPS);
        let ratio = |earned: u128, plain: u128| earned as f64 / plain.max(1) as f64;
        let groups: Vec<_> = (0..self.members.len())
            .step_by(size)
            .map(|from| {
                let group = from..(from + size).min(self.members.len());
                let sum = |values: &[u128]| values[group.clone()].iter().sum::<u128>();
                (group.clone(), sum(&stakes), sum(&plain), sum(&earned))
            })
            .collect();
        let most = groups
            .iter()
            .map(|(_, _, plain, earned)| ratio(*earned, *plain))
            .fold(0.0, f64::max);
        for (group, stake, plain, earned) in groups {
            let times = ratio(earned, plain);
            writeln!(
                out,
                "  {:>3} to {:>3} {:>15} {:>6} {:>13} {:>13}  {:>6.2}x {}",
                group.start + 1,
                group.end,
                percent(stake, all[0]),
                percent(plain, all[1]),
                self.tokens(plain),
                self.tokens(earned),
                times,
                bar(times, most, BAR)
            )?;
        }
        let budgets: u128 = self
            .expected
            .epochs
            .iter()
            .map(|epoch| epoch.allocation.budget())
            .sum();
        writeln!(
            out,
            "  {:<25} {:>6} {:>13} {:>13}  {:>6.2}x",
            "all",
            "",
            self.tokens(all[1]),
            self.tokens(all[2]),
            ratio(all[2], all[1])
        )?;
        writeln!(
            out,
            "  {} of the budgets ({}) went back to the reserve: above every cap, ceiling and uplift",
            percent(budgets - all[2].min(budgets), budgets),
            self.tokens(budgets)
        )
    }

    fn notable(&self, out: &mut String) -> std::fmt::Result {
        let (earned, plain, capped) = (self.earned(), self.expected.plain(), self.capped());
        writeln!(out, "\nSome of them        tier    bond            plain pay        earned  unvested  capped")?;
        let find = |wanted: &dyn Fn(usize) -> bool| (0..self.members.len()).find(|k| wanted(*k));
        let last =
            |wanted: &dyn Fn(usize) -> bool| (0..self.members.len()).rev().find(|k| wanted(*k));
        let vetted = |k: usize| self.members[k].vetted && plain[k] > 0;
        let open = |k: usize| !self.members[k].vetted && plain[k] > 0;
        let thin = |k: usize| open(k) && self.bound_by_bond(k);
        let middle = self.members.len() / 2;
        let chosen = [
            ("largest vetted", find(&vetted)),
            ("largest open", find(&open)),
            ("open, thin bond", find(&thin)),
            ("median vetted", find(&|k| k >= middle && vetted(k))),
            ("median open", find(&|k| k >= middle && open(k))),
            ("smallest vetted", last(&vetted)),
            ("smallest open", last(&open)),
        ];
        for (name, k) in chosen.into_iter().filter_map(|(name, k)| Some((name, k?))) {
            let member = &self.members[k];
            let bond = if member.vetted {
                "-".into()
            } else {
                self.tokens(member.bond)
            };
            writeln!(
                out,
                "  {name:<15} #{:<3} {:<6} {bond:>12} {:>13} {:>13} {:>9} {:>5}/{}",
                k + 1,
                if member.vetted { "vetted" } else { "open" },
                self.tokens(plain[k]),
                self.tokens(earned[k]),
                percent(self.expected.unvested[k], earned[k]),
                capped[k],
                self.terms.epochs
            )?;
        }
        Ok(())
    }

    /// Whether an operator's bond kept it below its part of the open pool in most epochs.
    fn bound_by_bond(&self, operator: usize) -> bool {
        let bound = self
            .expected
            .epochs
            .iter()
            .filter(|epoch| epoch.allocation.rewards[operator].returned > 0)
            .count();
        bound * 2 > self.expected.epochs.len()
    }

    fn curve(&self, out: &mut String) -> std::fmt::Result {
        writeln!(out, "\nLorenz curve: what the poorest have together")?;
        writeln!(out, "  share of operators   10%   20%   30%   40%   50%   60%   70%   80%   90%   Gini  >50% held by")?;
        let stakes: Vec<u128> = self
            .members
            .iter()
            .map(|member| u128::from(member.stake))
            .collect();
        for (name, values) in [
            ("stake", stakes),
            ("plain pay", self.expected.plain()),
            ("earned", self.earned()),
        ] {
            write!(out, "  {name:<17} ")?;
            for share in &lorenz(&values, GROUPS)[..GROUPS - 1] {
                write!(out, " {:>4.1}%", share * 100.0)?;
            }
            writeln!(
                out,
                "  {:.3}  {:>3} operators",
                gini(&values),
                nakamoto(&values)
            )?;
        }
        Ok(())
    }

    fn mechanism(&self, out: &mut String) -> std::fmt::Result {
        let (mut fragment, mut work, mut entitled, mut budgets) = (0_u128, 0_u128, 0_u128, 0_u128);
        let (mut open_raised, mut worked) = (0, 0);
        for epoch in self.seen.epochs.iter().flatten() {
            let view = &epoch.view;
            fragment += view.vetted.fragment + view.open.fragment;
            work += view.vetted.total() + view.open.total();
            entitled +=
                view.division.map_or(0, |division| division.fragment_budget) >> FRACTION_BITS;
            budgets += view.settlement.map_or(0, |settlement| settlement.budget);
            open_raised += usize::from(
                view.settlement
                    .is_some_and(|settlement| settlement.open_raised),
            );
            worked += 1;
        }
        let capped = self.capped();
        let ever = capped.iter().filter(|count| **count > 0).count();
        let open: Vec<bool> = self.members.iter().map(|member| !member.vetted).collect();
        let earned = self.earned();
        let open_earned: u128 = earned
            .iter()
            .zip(&open)
            .filter(|(_, open)| **open)
            .map(|(earned, _)| earned)
            .sum();
        writeln!(out, "\nThe mechanism")?;
        writeln!(
            out,
            "  fragments       {} of the work, entitled to {} of the budgets (floor {}%)",
            percent(fragment, work),
            percent(entitled, budgets),
            f64::from(self.terms.params.fragment_floor) / 10_000.0
        )?;
        writeln!(
            out,
            "                  the first {} work units of each client, operator and epoch",
            grouped(self.terms.fragment_threshold)
        )?;
        writeln!(out, "  capped          {ever} vetted operators, {} times in {worked} epochs, at {}% of a budget each", capped.iter().sum::<usize>(), f64::from(self.terms.params.operator_cap) / 10_000.0)?;
        writeln!(
            out,
            "  open pool       {} of the budgets (ceiling {}%, reached in {open_raised} epochs)",
            percent(open_earned, budgets),
            self.terms.params.open_ceiling / 10_000
        )?;
        let ahead = self.vesting_ahead();
        let rest: u128 = ahead.iter().sum();
        let largest = ahead.iter().copied().max().unwrap_or(0);
        writeln!(
            out,
            "  vesting ahead   {} {} over {} epochs, at most {} in one",
            self.tokens(rest),
            self.symbol,
            ahead.len(),
            self.tokens(largest)
        )?;
        let heights: Vec<f64> = ahead.iter().map(|amount| *amount as f64).collect();
        writeln!(out, "                  {}", sparkline(&heights))
    }

    /// What vests in each epoch to come, in base units, from the contract's views.
    fn vesting_ahead(&self) -> Vec<u128> {
        let Vesting { period_epochs, .. } = self.terms.vesting;
        let now = self.terms.epochs;
        // The newest period that can be booked by now ends within one period and
        // takes the whole length from there.
        let last = u64::from(now) + u64::from(period_epochs) + self.terms.vesting.length();
        let mut ahead: Vec<u128> = (now..u32::try_from(last).unwrap_or(u32::MAX))
            .map(|epoch| {
                let slots = self.seen.operators.iter().flat_map(|view| &view.vesting);
                slots
                    .map(|(period, amount)| {
                        let vested = |epoch| self.terms.vesting.vested(*amount, *period, epoch);
                        vested(epoch + 1) - vested(epoch)
                    })
                    .sum()
            })
            .collect();
        while ahead.last() == Some(&0) {
            ahead.pop();
        }
        ahead
    }

    fn ledger(&self, out: &mut String) -> std::fmt::Result {
        let Some(step) = self.seen.ledgers.last() else {
            return Ok(());
        };
        let ledger = &step.ledger;
        writeln!(
            out,
            "\nThe contract's ledger, in {}, in epoch {} when all epochs before it are paid",
            self.symbol, self.terms.epochs
        )?;
        let rows = [
            ("reserve", ledger.reserve),
            ("inflows to come", ledger.inflows),
            ("pots (dust)", ledger.pots),
            ("unvested", ledger.unvested),
            ("claimable", ledger.claimable),
            ("bonds", ledger.bonds),
        ];
        let right = [
            ("received", self.tokens(ledger.received)),
            ("paid out", self.tokens(ledger.paid)),
            ("owed or kept", self.tokens(ledger.owed())),
            ("token balance", self.tokens(step.balance)),
        ];
        for (line, (name, amount)) in rows.iter().enumerate() {
            write!(out, "  {name:<16} {:>15}", self.tokens(*amount))?;
            match right.get(line) {
                Some((name, amount)) => writeln!(out, "      {name:<14} {amount:>15}")?,
                None => writeln!(out)?,
            }
        }
        Ok(())
    }

    fn verdict(&self, out: &mut String) -> std::fmt::Result {
        writeln!(out, "\nChecks: views and token balances on chain against amounts recomputed from the receipts")?;
        for check in self.checks {
            let verdict = if check.passed() { "passed" } else { "FAILED" };
            writeln!(
                out,
                "  {:<3} {verdict}  {:>7} compared  {}",
                check.id,
                grouped(check.compared as u128),
                check.what
            )?;
            for failure in &check.failures {
                writeln!(out, "        {failure}")?;
            }
            if check.failed > check.failures.len() {
                writeln!(
                    out,
                    "        and {} more",
                    check.failed - check.failures.len()
                )?;
            }
        }
        writeln!(out, "  rewards digest {}", self.digest)
    }

    /// The outcome for programs; amounts are decimal strings in base units.
    #[must_use]
    pub fn json(&self) -> Value {
        let (earned, plain, capped) = (self.earned(), self.expected.plain(), self.capped());
        let operators: Vec<Value> = (0..self.members.len())
            .map(|k| {
                let member = &self.members[k];
                json!({
                    "operator": k,
                    "tier": if member.vetted { "vetted" } else { "open" },
                    "stake": member.stake,
                    "bond": member.bond.to_string(),
                    "plain": plain[k].to_string(),
                    "earned": earned[k].to_string(),
                    "paid": self.seen.paid.get(k).copied().unwrap_or(0).to_string(),
                    "unvested": self.seen.operators.get(k).map_or(0, |view| view.unvested).to_string(),
                    "capped_epochs": capped[k],
                })
            })
            .collect();
        let epochs: Vec<Value> = self
            .seen
            .epochs
            .iter()
            .map(|epoch| {
                let Some(epoch) = epoch else { return Value::Null };
                let rewards: Vec<[String; 2]> = epoch
                    .previews
                    .iter()
                    .map(|preview| [preview.reward.to_string(), preview.liquid.to_string()])
                    .collect();
                json!({
                    "budget": epoch.view.settlement.map_or(0, |settlement| settlement.budget).to_string(),
                    "rewards": rewards,
                })
            })
            .collect();
        let checks: Vec<Value> = self
            .checks
            .iter()
            .map(|check| {
                json!({
                    "id": check.id,
                    "what": check.what,
                    "passed": check.passed(),
                    "compared": check.compared,
                    "failed": check.failed,
                    "failures": check.failures,
                })
            })
            .collect();
        json!({
            "seed": self.seed,
            "symbol": self.symbol,
            "decimals": self.decimals,
            "digest": self.digest,
            "passed": self.passed(),
            "checks": checks,
            "epochs": epochs,
            "operators": operators,
        })
    }
}

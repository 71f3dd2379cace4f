//! Livepeer's lottery.

use super::portion::Portion;
use super::{Design, Epoch, Facts, Pay, Payer};
use crate::random::Rng;
use plimsoll_mechanism::math::mul_div_down;
use rand::Rng as _;

/// Work is paid in tickets that mostly lose.
///
/// ```text
/// face value V    = 100 * cost of redeeming a ticket
/// wins_i          ~ Poisson( E * w_i / (W * V) )      tickets are small and many
/// r_i             = wins_i * (V - cost)
/// expected_i      = E * w_i / W * (V - cost) / V
/// ```
///
/// Budgets go into a purse, as into a sender's deposit, and wins are redeemed out of it, all or
/// each operator's the same share; what it cannot redeem waits for the next epoch. So nobody is
/// paid what is not there, nothing returns, and what is not won is held. The cost of redeeming
/// is the chain's: it is neither paid nor held. `wins_i` has the pro-rata mean, to the precision
/// of an `f64`; `expected_i` is rounded down.
///
/// Source: go-livepeer@176aa41 `pm/recipient.go:198-300` (face value is the cost of redeeming
/// times 100; probability of a win is the value of a job over it) and
/// `cmd/livepeer/starter/starter.go:57-61` (350,000 gas on L1, 1,200,000 on Arbitrum). That a
/// price is raised by 1 % for redeeming changes everybody's pay alike and is left out.
///
/// With `k` wins expected in a month nothing is won with probability `e^-k`, and pay varies with
/// coefficient `1/sqrt(k)`.
///
/// **Splitting**: gains nothing on average. Merging evens out luck, so whoever dislikes risk
/// gains by it (J. Leshno and P. Strack, Cowles 2204R).
#[derive(Clone, Copy, Debug)]
pub struct Livepeer {
    /// Cost of redeeming a ticket, in base units; 0: no lottery, pay is pro rata.
    pub redeem_cost: u128,
    /// Face value of a ticket, as a multiple of that cost; at least 1.
    pub face_multiple: u32,
}

impl Design for Livepeer {
    fn facts(&self) -> Facts {
        Facts {
            id: "livepeer",
            title: "Livepeer's lottery",
            formula: "r = wins * (V - cost), wins ~ Poisson(E * w / (W * V)), V = 100 * cost",
            source: "go-livepeer@176aa41, pm/recipient.go",
        }
    }

    fn start(&self, operators: usize) -> Box<dyn Payer> {
        Box::new(State {
            cost: self.redeem_cost,
            face: self
                .redeem_cost
                .saturating_mul(u128::from(self.face_multiple.max(1))),
            purse: 0,
            waiting: vec![0; operators],
        })
    }
}

struct State {
    /// Cost of redeeming a ticket, in base units.
    cost: u128,
    /// Face value of a ticket, in base units.
    face: u128,
    /// What is there to redeem tickets with, in base units.
    purse: u128,
    /// Winning tickets not yet redeemed, by operator.
    waiting: Vec<u64>,
}

impl Payer for State {
    fn pay(&mut self, epoch: &Epoch<'_>, luck: &mut Rng, out: &mut [Pay]) -> u128 {
        let plain = Portion::new(epoch.budget, u128::from(epoch.load.total()));
        self.purse += epoch.budget;
        for (index, (pay, waiting)) in out.iter_mut().zip(&mut self.waiting).enumerate() {
            let entitled = plain.of(u128::from(epoch.load.units(index)));
            *waiting = waiting.saturating_add(wins(entitled, self.face, luck));
            *pay = Pay {
                amount: 0,
                expected: if self.face == 0 {
                    entitled
                } else {
                    mul_div_down(entitled, self.face - self.cost, self.face).unwrap_or(0)
                },
            };
        }
        if self.face == 0 {
            for pay in out.iter_mut() {
                pay.amount = pay.expected;
                self.purse -= pay.amount;
            }
            return core::mem::take(&mut self.purse);
        }
        self.redeem(out);
        0
    }

    fn held(&self) -> u128 {
        self.purse
    }
}

impl State {
    /// Redeems as many of the waiting tickets as the purse allows.
    fn redeem(&mut self, out: &mut [Pay]) {
        let waiting: u128 = self
            .waiting
            .iter()
            .map(|tickets| u128::from(*tickets))
            .sum();
        let affordable = waiting.min(self.purse / self.face);
        let redeemed = Portion::new(affordable, waiting);
        for (pay, tickets) in out.iter_mut().zip(&mut self.waiting) {
            // At most the tickets of this operator, so it fits.
            let now = redeemed.of(u128::from(*tickets)) as u64;
            *tickets -= now;
            self.purse -= u128::from(now) * self.face;
            pay.amount = u128::from(now) * (self.face - self.cost);
        }
    }
}

/// Winning tickets of face value `face` among those that are worth `entitled`.
fn wins(entitled: u128, face: u128, luck: &mut Rng) -> u64 {
    if face == 0 {
        return 0;
    }
    poisson(entitled as f64 / face as f64, luck)
}

/// From this mean on luck is below one part in 30,000 and is left out.
const SURE: f64 = 1_073_741_824.0;

/// A number from the Poisson distribution with this mean, the same on every machine: by
/// inversion up to a mean of 10, else by the transformed rejection PTRS of W. Hoermann, "The
/// transformed rejection method for generating Poisson random variables", Insurance:
/// Mathematics and Economics 12, 1993.
fn poisson(mean: f64, luck: &mut Rng) -> u64 {
    if mean >= SURE {
        return libm::round(mean) as u64;
    }
    if mean >= 10.0 {
        return poisson_by_rejection(mean, luck);
    }
    let mut left: f64 = luck.random();
    let mut probability = libm::exp(-mean);
    let mut drawn = 0_u32;
    // The probabilities sum to 1 but for rounding; where they vanish nothing is left.
    while left >= probability && probability > 0.0 {
        left -= probability;
        drawn += 1;
        probability *= mean / f64::from(drawn);
    }
    drawn.into()
}

fn poisson_by_rejection(mean: f64, luck: &mut Rng) -> u64 {
    let b = 0.931 + 2.53 * mean.sqrt();
    let a = -0.059 + 0.024_83 * b;
    let inverse_alpha = 1.1239 + 1.1328 / (b - 3.4);
    let accept = 0.9277 - 3.6224 / (b - 2.0);
    let log_mean = libm::log(mean);
    loop {
        let u = luck.random::<f64>() - 0.5;
        let v: f64 = luck.random();
        let us = 0.5 - u.abs();
        let drawn = ((2.0 * a / us + b) * u + mean + 0.43).floor();
        if us >= 0.07 && v <= accept {
            return drawn as u64;
        }
        if drawn < 0.0 || (us < 0.013 && v > us) {
            continue;
        }
        let bound = libm::log(v * inverse_alpha / (a / (us * us) + b));
        if bound <= drawn * log_mean - mean - libm::lgamma(drawn + 1.0) {
            return drawn as u64;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::Case;
    use super::*;
    use crate::random::{generator, Purpose};

    /// Face value 1,000, cost 10.
    const DESIGN: Livepeer = Livepeer {
        redeem_cost: 10,
        face_multiple: 100,
    };

    #[test]
    fn wins_have_the_mean_and_the_zeros_of_their_distribution() {
        let mut luck = generator(1, 0, Purpose::Luck);
        // A tenth of a ticket, half of one, three; by rejection from ten on.
        for entitled in [100_u128, 500, 3_000, 9_999, 10_000, 40_000, 2_000_000] {
            let mean = entitled as f64 / 1_000.0;
            let draws = 40_000;
            let (mut sum, mut squares, mut none) = (0.0, 0.0, 0);
            for _ in 0..draws {
                let wins = wins(entitled, 1_000, &mut luck);
                let off = wins as f64 - mean;
                sum += off;
                squares += off * off;
                none += u32::from(wins == 0);
            }
            // Within five standard errors: variance 1/n of mean, variance and share of zeros.
            let draws = f64::from(draws);
            let close = |value: f64, expected: f64, variance: f64| {
                (value - expected).abs() < 5.0 * (variance / draws).sqrt() + 1e-12
            };
            assert!(close(sum / draws, 0.0, mean), "mean of {mean}");
            let fourth = mean * (1.0 + 3.0 * mean);
            assert!(
                close(squares / draws, mean, fourth - mean * mean),
                "variance of {mean}"
            );
            let zero = libm::exp(-mean);
            assert!(
                close(f64::from(none) / draws, zero, zero * (1.0 - zero)),
                "zeros of {mean}"
            );
        }
        assert_eq!(wins(0, 1_000, &mut luck), 0);
        assert_eq!(
            wins(u128::MAX >> 64, 1, &mut luck),
            u64::MAX,
            "no luck left"
        );
    }

    #[test]
    fn pay_is_whole_tickets_less_the_cost_and_expects_the_entitlement_less_it() {
        // Entitled to 25,000 and 75,000: expects 990 of every 1,000.
        let mut case = Case::new(100_000, &[1, 3]);
        let (paid, returned) = case.pay(&DESIGN);
        assert_eq!(returned, 0);
        assert!(paid.iter().all(|amount| amount % 990 == 0));
        assert_eq!(case.expected, [24_750, 74_250]);
    }

    #[test]
    fn a_win_waits_until_the_purse_can_redeem_it() {
        let mut state = State {
            cost: 10,
            face: 1_000,
            purse: 2_600,
            waiting: vec![3, 1],
        };
        let mut out = [Pay::default(); 2];
        // Two of four tickets: 3 * 2/4 and 1 * 2/4, rounded down.
        state.redeem(&mut out);
        assert_eq!(out.map(|pay| pay.amount), [990, 0]);
        assert_eq!((state.held(), &state.waiting[..]), (1_600, &[2, 1][..]));
        state.purse += 1_400;
        state.redeem(&mut out);
        assert_eq!(out.map(|pay| pay.amount), [1_980, 990]);
        assert_eq!((state.held(), &state.waiting[..]), (0, &[0, 0][..]));
    }

    #[test]
    fn without_a_cost_there_is_no_lottery() {
        let mut case = Case::new(100, &[1, 2]);
        let design = Livepeer {
            redeem_cost: 0,
            face_multiple: 100,
        };
        assert_eq!(case.pay(&design), (vec![33, 66], 1));
    }
}

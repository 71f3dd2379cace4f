//! How work reaches operators.

use super::demand::Workload;
use super::draw::uniform;
use super::Operator;
use crate::random::Rng;
use crate::scenario::settings::Model;
use crate::scenario::Settings;

/// No operator is handed more than this part of what the smallest one can do in an epoch
/// at a time, so that a large client's work does not come to a small operator in lumps.
const LUMP: f64 = 0.1;

/// How often an operator without room is drawn before the next one with room is looked for.
const DRAWS: u32 = 4;

/// Spreads the jobs of clients over operators, one client after the other.
///
/// A client's jobs are cut into as many equal lots as operators serve a client, or more if
/// they are large ([`LUMP`]). Each lot goes to an operator drawn by capacity, so that
/// everybody's expected work is in proportion to what it can do (*open*); to the less
/// utilised of two that are drawn (*least-loaded*); or, for the largest clients, to one
/// drawn among those with a channel while they have room (*channels*). What finds
/// no room goes on to others: nothing is lost.
#[derive(Clone, Debug)]
pub(super) struct Dispatcher {
    model: Model,
    /// Lots into which a client's jobs are cut at least.
    lots: u64,
    /// Jobs in a lot at most.
    lump: u64,
    /// Clients that go through channels: the largest ones.
    large: usize,
    /// Jobs that each operator can do in an epoch.
    capacity: Vec<u64>,
    /// Jobs for which each operator has room left.
    room: Vec<u64>,
    everybody: Group,
    channels: Group,
    /// Jobs of the present client at each operator, 0 for all that are not in `touched`.
    taken: Vec<u64>,
    touched: Vec<usize>,
}

/// Operators to draw from, by capacity.
#[derive(Clone, Debug)]
struct Group {
    members: Vec<usize>,
    /// Capacity of all members up to each.
    upto: Vec<u64>,
    /// For equal parts of all capacity, the member in which each part begins, so that a
    /// search begins near its end (Chen and Asau, "On generating random variates from an
    /// empirical distribution", AIIE Transactions 1974).
    begins: Vec<usize>,
}

/// Parts of the table for each member.
const PARTS: usize = 4;

impl Group {
    fn new(capacity: &[u64], members: Vec<usize>) -> Self {
        let mut sum = 0;
        let upto: Vec<u64> = members
            .iter()
            .map(|member| {
                sum += capacity[*member];
                sum
            })
            .collect();
        let parts = members.len() * PARTS;
        let begins = (0..parts)
            .map(|part| {
                let mark = (part as f64 / parts as f64 * sum as f64) as u64;
                upto.partition_point(|upto| *upto <= mark)
            })
            .collect();
        Self {
            members,
            upto,
            begins,
        }
    }

    /// One of them, drawn by capacity; none if nobody has any.
    fn draw(&self, rng: &mut Rng) -> Option<usize> {
        let all = *self.upto.last()?;
        let drawn = uniform(rng);
        let mark = (drawn * all as f64) as u64;
        let mut position = self.begins[(drawn * self.begins.len() as f64) as usize];
        while *self.upto.get(position)? <= mark {
            position += 1;
        }
        self.members.get(position).copied()
    }
}

impl Dispatcher {
    pub(super) fn new(settings: &Settings, workload: &Workload, operators: &[Operator]) -> Self {
        let capacity: Vec<u64> = operators
            .iter()
            .map(|operator| (operator.capacity / workload.jobs.mean) as u64)
            .collect();
        let smallest = capacity.iter().copied().min().unwrap_or(0);
        let through_channels = (0..operators.len())
            .filter(|index| operators[*index].channel)
            .collect();
        let mut before = 0.0;
        let large = workload
            .clients
            .iter()
            .take_while(|client| {
                let reached = before >= settings.dispatch.channel_volume;
                before += client.share;
                !reached
            })
            .count();
        let everybody = (0..operators.len()).collect();
        Self {
            model: settings.dispatch.model,
            lots: settings.dispatch.operators_per_client as u64,
            lump: ((smallest as f64 * LUMP) as u64).max(1),
            large,
            room: capacity.clone(),
            everybody: Group::new(&capacity, everybody),
            channels: Group::new(&capacity, through_channels),
            taken: vec![0; operators.len()],
            touched: Vec::new(),
            capacity,
        }
    }

    /// Jobs that all operators together can do in an epoch.
    pub(super) fn all_room(&self) -> u64 {
        self.capacity.iter().sum()
    }

    /// Begins an epoch: everybody has room again.
    pub(super) fn clear(&mut self) {
        self.room.copy_from_slice(&self.capacity);
    }

    /// Finds operators for all `jobs` jobs of a client.
    pub(super) fn spread(&mut self, client: usize, jobs: u64, rng: &mut Rng) {
        for operator in self.touched.drain(..) {
            self.taken[operator] = 0;
        }
        if jobs == 0 {
            return;
        }
        let privileged = self.model == Model::Channels && client < self.large;
        let lots = self.lots.max(jobs.div_ceil(self.lump)).min(jobs);
        // Equal lots: the first ones have the job more that does not divide.
        let (lot_jobs, longer) = (jobs / lots, jobs % lots);
        for lot in 0..lots {
            let mut left = lot_jobs + u64::from(lot < longer);
            for _ in 0..DRAWS {
                let Some(operator) = self.draw(privileged, rng) else {
                    break;
                };
                left -= self.take(operator, left);
                if left == 0 {
                    break;
                }
            }
            self.sweep(privileged, left, rng);
        }
    }

    /// The operators that serve the client spread last, and how many of its jobs.
    pub(super) fn served(&self) -> impl Iterator<Item = (usize, u64)> + '_ {
        self.touched
            .iter()
            .map(|operator| (*operator, self.taken[*operator]))
    }

    fn draw(&self, privileged: bool, rng: &mut Rng) -> Option<usize> {
        if privileged {
            return self.channels.draw(rng);
        }
        let first = self.everybody.draw(rng)?;
        if self.model != Model::LeastLoaded {
            return Some(first);
        }
        let second = self.everybody.draw(rng)?;
        // used / capacity compared crosswise; u128 since both are up to 2^64.
        let load = |one: usize, other: usize| {
            u128::from(self.capacity[one] - self.room[one]) * u128::from(self.capacity[other])
        };
        Some(if load(second, first) < load(first, second) {
            second
        } else {
            first
        })
    }

    /// Gives `operator` up to `jobs` of them; how many it took.
    fn take(&mut self, operator: usize, jobs: u64) -> u64 {
        let taken = jobs.min(self.room[operator]);
        self.give(operator, taken);
        self.room[operator] -= taken;
        taken
    }

    fn give(&mut self, operator: usize, jobs: u64) {
        if jobs > 0 {
            if self.taken[operator] == 0 {
                self.touched.push(operator);
            }
            self.taken[operator] += jobs;
        }
    }

    /// Gives `left` jobs to whoever has room, from a random one on: those with a channel
    /// first, if the client has one.
    fn sweep(&mut self, privileged: bool, mut left: u64, rng: &mut Rng) {
        if left == 0 {
            return;
        }
        if privileged {
            left = self.go_round(&self.channels.members.clone(), left, rng);
        }
        if left > 0 {
            left = self.go_round(&self.everybody.members.clone(), left, rng);
        }
        // All room together holds all jobs, so nothing is left here; were it otherwise, the
        // work would still be done, by the largest.
        if left > 0 {
            self.give(0, left);
        }
    }

    fn go_round(&mut self, members: &[usize], mut left: u64, rng: &mut Rng) -> u64 {
        let start = (uniform(rng) * members.len() as f64) as usize;
        for step in 0..members.len() {
            if left == 0 {
                break;
            }
            let operator = members[(start + step) % members.len()];
            left -= self.take(operator, left);
        }
        left
    }
}

//! What an attacker does, and the dials by which it is searched.

use super::Setting;

/// How many of the attacker's things go to its further identities.
///
/// In thousandths, or evenly by number of identities.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Tier {
    /// Every identity gets the same.
    #[default]
    Evenly,
    /// So many thousandths for the further ones, in equal parts; the rest for the first.
    Thousandths(u32),
}

/// What an attacker does with its resources. The default is honesty.
#[derive(Clone, Debug, PartialEq)]
pub struct Strategy {
    /// Identities of the kind it has honestly: vetted, or the one open one. At least 1.
    pub first: u32,
    /// Open identities beside them.
    pub further: u32,
    /// Work of the further ones.
    pub work: Tier,
    /// Stake, bond and rented stake of the further ones.
    pub stake: Tier,
    /// Parts into which each job is cut; at least 1.
    pub parts: u64,
    /// Clients invented, each of which takes up to the fragment threshold of bulk work.
    pub invented: u64,
    /// Thousandths of fragment work declared as bulk: many clients declared as one.
    pub joined: u32,
    /// Work nobody wanted, as a multiple of its honest work.
    pub fake: f64,
    /// Thousandths of it declared as small clients'.
    pub fake_small: u32,
    /// Step of the grid of entry dates; 0 is from the start.
    pub entry: usize,
    /// Stake rented, in base units.
    pub rented: u128,
    /// Most work handed in per epoch, in thousandths of its mean; the rest waits. At
    /// least a thousand, or nothing would ever be caught up; 0 for no limit.
    pub limit: u32,
    /// With whom it puts things together.
    pub partner: Option<usize>,
    /// Tenths of the partner's stake it gets; 11 for all that the partner has.
    pub lent: u32,
}

impl Default for Strategy {
    fn default() -> Self {
        Self {
            first: 1,
            further: 0,
            work: Tier::Evenly,
            stake: Tier::Evenly,
            parts: 1,
            invented: 0,
            joined: 0,
            fake: 0.0,
            fake_small: 0,
            entry: 0,
            rented: 0,
            limit: 0,
            partner: None,
            lent: 0,
        }
    }
}

/// A dial of the search. Its settings are 0 to below its end; 0 is honesty.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(usize)]
pub enum Dial {
    /// Vetted identities beside the first.
    Vetted,
    /// Open identities beside those.
    Further,
    /// Work they get.
    Work,
    /// Stake they get.
    Stake,
    /// Parts of a job.
    Parts,
    /// Clients invented.
    Invented,
    /// Clients declared as one.
    Joined,
    /// Work nobody wanted.
    Fake,
    /// How much of it is small.
    FakeSmall,
    /// Date of entry.
    Entry,
    /// Stake rented.
    Rented,
    /// Work held back.
    Limit,
    /// Who else takes part.
    Partner,
    /// What the partner gives.
    Lent,
}

/// Number of dials.
pub const DIALS: usize = 14;

/// Settings of all dials.
pub type Dials = [u32; DIALS];

/// The most open identities beside the first.
pub const MOST_FURTHER: u32 = 63;
/// The most parts of a job.
pub const MOST_PARTS: u64 = 64;
/// The most work nobody wanted, as a multiple of the honest work.
pub const MOST_FAKE: f64 = 128.0;
/// The most invented clients.
pub const MOST_INVENTED: u64 = 1 << 24;
/// Steps of the grid of dates over the horizon.
pub const DATES: usize = 32;
/// Settings an octave of the dials that grow by a factor.
const OCTAVE: u32 = 8;

/// What can be done by an attacker of a given size in a setting.
#[derive(Clone, Debug)]
pub struct Space {
    /// Its share of all work, stake and cards.
    pub size: f64,
    /// Whether its first identity is vetted.
    pub vetted: bool,
    /// The most identities for which a registrar vouches; at least 1.
    pub most_first: u32,
    /// The most parts of a job.
    pub most_parts: u64,
    /// The most invented clients: beyond, there is no bulk left to move.
    pub most_invented: u64,
    /// The most stake there is to rent, in base units.
    pub most_rented: u128,
    /// Honest operators to put things together with.
    pub partners: usize,
    /// Epochs in a step of the grid of dates.
    pub step: u32,
    /// Base units in a token.
    pub base_units_per_token: f64,
    /// Rent, as a share a year.
    pub rent_per_year: f64,
    /// Owner's work of the mean epoch, in work units.
    pub units: f64,
}

impl Space {
    /// The space for an attacker whose honest work is `jobs` and
    /// `units` in the mean epoch and at most `bulk` bulk units in any.
    #[must_use]
    pub fn new(setting: &Setting<'_>, size: f64, jobs: f64, units: f64, bulk: u64) -> Self {
        let terms = &setting.terms;
        let stake: u128 = setting
            .operators
            .iter()
            .map(|operator| operator.stake)
            .sum();
        let parts = units / (jobs * terms.smallest_job as f64);
        let threshold = terms.fragment_threshold.max(1);
        Self {
            size,
            vetted: terms.vetted_identities > 0,
            most_first: terms.vetted_identities.max(1),
            // Saturating casts: no work makes no parts (0/0 becomes 0).
            most_parts: (parts as u64).clamp(1, MOST_PARTS),
            most_invented: bulk.div_ceil(threshold).min(MOST_INVENTED),
            // Stake comes from those who have it: at most all that the honest have.
            most_rented: stake,
            partners: setting.operators.len(),
            step: (setting.horizon / DATES as u32).max(1),
            base_units_per_token: setting.base_units_per_token,
            rent_per_year: terms.rent_per_year,
            units,
        }
    }

    /// How many settings `dial` has; at least 1.
    #[must_use]
    pub fn end(&self, dial: Dial) -> u32 {
        match dial {
            Dial::Vetted => self.most_first,
            Dial::Further => MOST_FURTHER + 1,
            // 0 is evenly; then 0 to 1,000 thousandths in steps of 10.
            Dial::Work | Dial::Stake => 102,
            Dial::Parts => self.most_parts as u32,
            Dial::Invented => 1 + octaves(self.most_invented as f64),
            Dial::Joined | Dial::FakeSmall => 51,
            // From a 512th of the honest work.
            Dial::Fake => 1 + octaves(MOST_FAKE * 512.0),
            Dial::Entry => self.last_entry() as u32 + 1,
            // From a 4,096th of all stake.
            Dial::Rented if self.most_rented == 0 => 1,
            Dial::Rented => 1 + octaves(4_096.0),
            Dial::Limit => 42,
            Dial::Partner => self.partners as u32 + 1,
            Dial::Lent => 12,
        }
    }

    /// The last entry date of the grid that leaves as many epochs to be in as the first:
    /// half of the horizon.
    #[must_use]
    pub fn last_entry(&self) -> usize {
        DATES / 2
    }

    /// The epoch of a step of the grid of dates.
    #[must_use]
    pub fn entry_epoch(&self, entry: usize) -> u32 {
        entry as u32 * self.step
    }

    /// A coarse lattice over what may pay only together: identities, wash and rent. Each
    /// alone may lose where all gain, so no climb from honesty gets there.
    #[must_use]
    pub fn lattice(&self) -> Vec<Dials> {
        // One open identity with nearly everything, or many that share evenly.
        let most = self.end(Dial::Work) - 2;
        let identities = [(0, 0), (1, most), (15, 0)];
        // From none to nearly the most, by factors of about 16.
        let by_factors = |dial| {
            let end = self.end(dial);
            [0, 4, 8, 12].map(|octaves| (octaves * OCTAVE + 1).min(end - 1))
        };
        let mut lattice = Vec::new();
        for (further, share) in identities {
            for fake in [0].into_iter().chain(by_factors(Dial::Fake)) {
                for rented in [0].into_iter().chain(by_factors(Dial::Rented)) {
                    let mut dials = [0; DIALS];
                    dials[Dial::Further as usize] = further;
                    dials[Dial::Work as usize] = share;
                    dials[Dial::Stake as usize] = share;
                    dials[Dial::Fake as usize] = fake;
                    dials[Dial::Rented as usize] = rented;
                    lattice.push(dials);
                }
            }
        }
        lattice
    }

    /// What the dials say.
    #[must_use]
    pub fn strategy(&self, dials: &Dials) -> Strategy {
        let at = |dial: Dial| dials[dial as usize];
        let tier = |dial| match at(dial) {
            0 => Tier::Evenly,
            setting => Tier::Thousandths((setting - 1) * 10),
        };
        let partner = at(Dial::Partner).checked_sub(1);
        Strategy {
            first: 1 + at(Dial::Vetted),
            further: at(Dial::Further),
            work: tier(Dial::Work),
            stake: tier(Dial::Stake),
            parts: 1 + u64::from(at(Dial::Parts)),
            invented: (grown(at(Dial::Invented)).ceil() as u64).min(self.most_invented),
            joined: at(Dial::Joined) * 20,
            fake: grown(at(Dial::Fake)) / 512.0,
            fake_small: at(Dial::FakeSmall) * 20,
            entry: at(Dial::Entry) as usize,
            rented: (grown(at(Dial::Rented)) / 4_096.0 * self.most_rented as f64) as u128,
            limit: match at(Dial::Limit) {
                0 => 0,
                setting => 1_000 + (setting - 1) * 50,
            },
            partner: partner.map(|partner| partner as usize),
            lent: if partner.is_some() { at(Dial::Lent) } else { 0 },
        }
    }
}

/// Settings of a dial that grows from 1 to `most` by a factor.
fn octaves(most: f64) -> u32 {
    if most < 1.0 {
        return 0;
    }
    1 + (libm::log2(most) * f64::from(OCTAVE)).ceil() as u32
}

/// 0, then from 1 on by an eighth of an octave a setting.
fn grown(setting: u32) -> f64 {
    match setting {
        0 => 0.0,
        _ => libm::exp2(f64::from(setting - 1) / f64::from(OCTAVE)),
    }
}

impl Strategy {
    /// Identities in all.
    #[must_use]
    pub fn identities(&self) -> u32 {
        self.first + self.further
    }

    /// The setting of [`Dial::Work`] and [`Dial::Stake`] nearest to what the further ones
    /// get if all identities get the same; 0, evenly, if there are none.
    #[must_use]
    pub fn even_share(&self) -> u32 {
        match self.further {
            0 => 0,
            further => 1 + (100 * further + self.identities() / 2) / self.identities(),
        }
    }

    /// What it does, in words.
    #[must_use]
    pub fn words(&self, space: &Space) -> String {
        let mut words = Vec::new();
        if self.identities() > 1 {
            words.push(self.identities_in_words(space));
        }
        if self.parts > 1 {
            let bound = if self.parts == space.most_parts {
                " (the most that jobs of this size allow)"
            } else {
                ""
            };
            words.push(format!("cuts every job into {} parts{bound}", self.parts));
        }
        if self.invented > 0 {
            words.push(format!(
                "spreads its large clients' work over {} invented ones",
                self.invented
            ));
        }
        if self.joined > 0 {
            words.push(format!(
                "declares {} % of its small clients' work as one client's",
                percent(self.joined)
            ));
        }
        if self.fake > 0.0 {
            let bound = if self.fake >= MOST_FAKE {
                ", the most that was tried"
            } else {
                ""
            };
            let small = match self.fake_small {
                0 => String::new(),
                share => format!(", {} % of it as small clients'", percent(share)),
            };
            words.push(format!(
                "adds {} times its own work as work nobody wanted ({} M units an epoch{bound}){small}",
                short(self.fake),
                short(self.fake * space.units / 1e6)
            ));
        }
        if self.entry > 0 {
            words.push(format!("enters in epoch {}", space.entry_epoch(self.entry)));
        }
        if self.rented > 0 {
            let bound = if self.rented >= space.most_rented {
                ", as much as all others have"
            } else {
                ""
            };
            words.push(format!(
                "rents {} tokens of stake and bond for {} % a year{bound}",
                amount(self.rented as f64 / space.base_units_per_token),
                short(100.0 * space.rent_per_year)
            ));
        }
        if self.limit > 0 {
            words.push(format!(
                "hands in at most {} % of its mean work an epoch and the rest later",
                percent(self.limit)
            ));
        }
        if let Some(partner) = self.partner {
            words.push(match self.lent {
                11 => format!("merges with operator {partner}"),
                tenths => format!(
                    "borrows {} % of the stake of operator {partner}",
                    tenths * 10
                ),
            });
        }
        if words.is_empty() {
            return "is honest".into();
        }
        words.join("; ")
    }

    fn identities_in_words(&self, space: &Space) -> String {
        let mut words = format!("splits into {} identities", self.identities());
        if !space.vetted {
            words += ", all open";
        } else if self.further > 0 {
            words += &format!(", {} of them open", self.further);
        }
        if self.further > 0 {
            for (what, tier) in [("work", self.work), ("stake", self.stake)] {
                if let Tier::Thousandths(share) = tier {
                    words += &format!(", {} % of the {what} with the further ones", percent(share));
                }
            }
        }
        words
    }
}

fn percent(thousandths: u32) -> String {
    short(f64::from(thousandths) / 10.0)
}

/// Three digits that matter.
fn short(value: f64) -> String {
    let digits = if value >= 100.0 {
        0
    } else if value >= 10.0 {
        1
    } else if value >= 1.0 {
        2
    } else {
        3
    };
    let text = format!("{value:.digits$}");
    if text.contains('.') {
        text.trim_end_matches('0').trim_end_matches('.').into()
    } else {
        text
    }
}

/// Tokens with a unit: `2.1 M`.
fn amount(tokens: f64) -> String {
    for (size, unit) in [(1e9, " bn"), (1e6, " M"), (1e3, " k")] {
        if tokens >= size {
            return short(tokens / size) + unit;
        }
    }
    short(tokens)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn space() -> Space {
        Space {
            size: 0.1,
            vetted: true,
            most_first: 1,
            most_parts: 20,
            most_invented: 300,
            most_rented: 4_096_000,
            partners: 9,
            step: 10,
            base_units_per_token: 1.0,
            rent_per_year: 0.12,
            units: 1e8,
        }
    }

    /// Every dial with its place.
    const ALL: [Dial; DIALS] = [
        Dial::Vetted,
        Dial::Further,
        Dial::Work,
        Dial::Stake,
        Dial::Parts,
        Dial::Invented,
        Dial::Joined,
        Dial::Fake,
        Dial::FakeSmall,
        Dial::Entry,
        Dial::Rented,
        Dial::Limit,
        Dial::Partner,
        Dial::Lent,
    ];

    #[test]
    fn dials_at_0_are_honesty_and_at_their_ends_the_most_there_is() {
        let space = space();
        let honest = space.strategy(&[0; DIALS]);
        assert_eq!(honest, Strategy::default());
        assert_eq!(honest.words(&space), "is honest");
        let mut most = [0; DIALS];
        for dial in ALL {
            most[dial as usize] = space.end(dial) - 1;
        }
        let expected = Strategy {
            first: 1,
            further: MOST_FURTHER,
            work: Tier::Thousandths(1_000),
            stake: Tier::Thousandths(1_000),
            parts: 20,
            invented: 300,
            joined: 1_000,
            fake: MOST_FAKE,
            fake_small: 1_000,
            entry: DATES / 2,
            rented: 4_096_000,
            limit: 3_000,
            partner: Some(8),
            lent: 11,
        };
        assert_eq!(space.strategy(&most), expected);
    }

    #[test]
    fn a_strategy_is_told_in_words() {
        let strategy = Strategy {
            further: 13,
            work: Tier::Thousandths(900),
            parts: 4,
            invented: 12,
            joined: 500,
            fake: 1.5,
            fake_small: 250,
            entry: 3,
            rented: 2_100_000,
            limit: 1_050,
            ..Strategy::default()
        };
        assert_eq!(
            strategy.words(&space()),
            "splits into 14 identities, 13 of them open, 90 % of the work with the further ones; \
             cuts every job into 4 parts; \
             spreads its large clients' work over 12 invented ones; \
             declares 50 % of its small clients' work as one client's; \
             adds 1.5 times its own work as work nobody wanted (150 M units an epoch), \
             25 % of it as small clients'; \
             enters in epoch 30; \
             rents 2.1 M tokens of stake and bond for 12 % a year; \
             hands in at most 105 % of its mean work an epoch and the rest later"
        );
        let open = Space {
            vetted: false,
            ..space()
        };
        let words = |further, partner, lent| {
            let strategy = Strategy {
                further,
                partner,
                lent,
                ..Strategy::default()
            };
            strategy.words(&open)
        };
        assert_eq!(words(1, None, 0), "splits into 2 identities, all open");
        assert_eq!(words(0, Some(4), 11), "merges with operator 4");
        assert_eq!(
            words(0, Some(4), 3),
            "borrows 30 % of the stake of operator 4"
        );
    }

    #[test]
    fn even_parts_are_said_as_a_share() {
        let space = space();
        let even = Strategy {
            further: 3,
            ..Strategy::default()
        };
        let mut dials = [0; DIALS];
        dials[Dial::Work as usize] = even.even_share();
        assert_eq!(space.strategy(&dials).work, Tier::Thousandths(750));
        assert_eq!(Strategy::default().even_share(), 0);
    }

    #[test]
    fn what_is_not_there_cannot_be_turned() {
        let poor = Space {
            most_rented: 0,
            most_invented: 0,
            most_parts: 1,
            ..space()
        };
        for dial in [Dial::Rented, Dial::Invented, Dial::Parts, Dial::Vetted] {
            assert_eq!(poor.end(dial), 1, "{dial:?}");
        }
    }
}

//! Findings for the tests of the report: as many designs, classes and countries as a
//! real comparison has, with numbers that a formula made up. They say nothing about any
//! design.

use plimsoll_simulator::findings::*;

/// A title that must be shown and never be obeyed.
pub const HOSTILE: &str = r#"<b>&"'</script><script>console.error('ran')</script>"#;

const DESIGNS: [(&str, &str); 14] = [
    ("per-job", "Per job"),
    ("pro-rata", "Pro rata by work"),
    ("stake", "By stake"),
    ("opg", "OpenGradient as published"),
    ("livepeer", "Livepeer's lottery"),
    ("rocket-pool", "Rocket Pool's smoothing pool"),
    ("cardano", "Cardano, saturation with pledge"),
    ("cardano-cip50", "Cardano with CIP-50"),
    ("graph", "The Graph's exponential rebate"),
    ("helium", "Helium's HIP-149 band"),
    ("render", "Render's penalty per wallet"),
    ("csm", "Lido CSM's two tiers"),
    ("flat-cap", HOSTILE),
    ("plimsoll", "Plimsoll"),
];
const VESTINGS: [(&str, &str); 4] = [
    ("immediate", "Immediate"),
    ("cliff-linear", "Cliff of 12 months, then linear"),
    ("filecoin", "Filecoin's 25/75 over 180 days"),
    ("plimsoll", "Plimsoll's"),
];
const CLASSES: [&str; 5] = [
    "home RTX 4090",
    "small rack",
    "rented H100",
    "data centre",
    "channel holder",
];
const COUNTRIES: [&str; 27] = [
    "Austria",
    "Belgium",
    "Bulgaria",
    "Croatia",
    "Cyprus",
    "Czechia",
    "Denmark",
    "Estonia",
    "Finland",
    "France",
    "Germany",
    "Greece",
    "Hungary",
    "Ireland",
    "Italy",
    "Latvia",
    "Lithuania",
    "Luxembourg",
    "Malta",
    "Netherlands",
    "Poland",
    "Portugal",
    "Romania",
    "Slovakia",
    "Slovenia",
    "Spain",
    "Bosnia and Herzegovina",
];
const METRICS: [(&str, &str, &str, Better, &str); 26] = [
    (
        "cover-electricity",
        "Covers electricity",
        "share",
        Better::Higher,
        "coverage",
    ),
    (
        "cover-full",
        "Covers electricity and depreciation",
        "share",
        Better::Higher,
        "coverage",
    ),
    (
        "cover-small",
        "Small operators that cover both",
        "share",
        Better::Higher,
        "coverage",
    ),
    (
        "p10-margin",
        "Margin of the worst tenth",
        "EUR per day",
        Better::Higher,
        "coverage",
    ),
    (
        "gini-identity",
        "Gini coefficient, identities",
        "0 to 1",
        Better::Lower,
        "concentration",
    ),
    (
        "gini-owner",
        "Gini coefficient, owners",
        "0 to 1",
        Better::Lower,
        "concentration",
    ),
    (
        "hhi-identity",
        "HHI, identities",
        "points",
        Better::Lower,
        "concentration",
    ),
    (
        "hhi-owner",
        "HHI, owners",
        "points",
        Better::Lower,
        "concentration",
    ),
    (
        "nakamoto-33",
        "Nakamoto coefficient at 33%",
        "owners",
        Better::Higher,
        "concentration",
    ),
    (
        "nakamoto-50",
        "Nakamoto coefficient at 50%",
        "owners",
        Better::Higher,
        "concentration",
    ),
    (
        "theil-owner",
        "Theil index, owners",
        "nats",
        Better::Lower,
        "concentration",
    ),
    (
        "jain-owner",
        "Jain index, owners",
        "0 to 1",
        Better::Higher,
        "concentration",
    ),
    (
        "top-10",
        "Share of the ten largest owners",
        "share",
        Better::Lower,
        "concentration",
    ),
    (
        "unit-smallest",
        "Reward per million units, smallest tenth",
        "tokens",
        Better::Higher,
        "pay",
    ),
    (
        "unit-largest",
        "Reward per million units, largest tenth",
        "tokens",
        Better::Neither,
        "pay",
    ),
    (
        "unit-ratio",
        "Largest over smallest tenth",
        "ratio",
        Better::Lower,
        "pay",
    ),
    (
        "variance-pool",
        "Variance from the pool",
        "share",
        Better::Neither,
        "variance",
    ),
    (
        "variance-share",
        "Variance from the operator's share",
        "share",
        Better::Lower,
        "variance",
    ),
    (
        "variance-luck",
        "Variance from luck",
        "share",
        Better::Lower,
        "variance",
    ),
    (
        "no-pay",
        "Epochs without pay",
        "share",
        Better::Lower,
        "variance",
    ),
    (
        "cv-median",
        "Median coefficient of variation",
        "ratio",
        Better::Lower,
        "variance",
    ),
    (
        "return-early",
        "Return of early capital",
        "share a year",
        Better::Neither,
        "capital",
    ),
    (
        "return-late",
        "Return of late capital",
        "share a year",
        Better::Lower,
        "capital",
    ),
    (
        "return-ratio",
        "Late over early",
        "ratio",
        Better::Lower,
        "capital",
    ),
    (
        "unlocked-year",
        "Unlocked after a year",
        "share",
        Better::Neither,
        "selling",
    ),
    (
        "worst-month",
        "Worst month against circulation",
        "share",
        Better::Lower,
        "selling",
    ),
];

/// Made-up numbers between 0 and 1, the same ones every time.
struct Made(u64);

impl Made {
    fn next(&mut self) -> f64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 11) as f64 / (1_u64 << 53) as f64
    }

    fn between(&mut self, low: f64, high: f64) -> f64 {
        low + (high - low) * self.next()
    }
}

fn around(mean: f64, half: f64) -> Interval {
    Interval {
        mean,
        low: mean - half,
        high: mean + half,
    }
}

/// The findings.
pub fn findings() -> Findings {
    let made = &mut Made(4);
    Findings {
        manifest: manifest(),
        assumptions: assumptions(made),
        backtests: backtests(),
        designs: facts(&DESIGNS),
        vestings: facts(&VESTINGS),
        metrics: metrics(),
        results: results(made),
        charts: charts(made),
        coverage: coverage(made),
        exits: exits(made),
        selling: selling(made),
        capital: capital(made),
        attacks: attacks(made),
        sensitivity: sensitivity(made),
        chain: chain(),
        verdict: verdict(),
    }
}

/// The scenario that is said to belong to them.
pub const SCENARIO: &str = "# A sample for the tests of the report.\nname = \"sample\"\n";

fn manifest() -> Manifest {
    Manifest {
        version: "0.1.0".into(),
        code_sha256: "ab".repeat(32),
        scenario: "sample, numbers made up".into(),
        scenario_sha256: "cd".repeat(32),
        data: [
            "livepeer-orchestrators.csv",
            "azure-code.csv",
            "eurostat-electricity.csv",
        ]
        .map(|file| DataFile {
            file: file.into(),
            sha256: "ef".repeat(32),
            licence: "CC BY 4.0".into(),
            source: "https://example.org/data, read 2026-11".into(),
        })
        .into(),
        seed: 4,
        runs: 1000,
        epochs: 365,
        command: "plimsoll compare sample.toml --set token.price=0.2 --seed 4 --out report".into(),
    }
}

fn assumptions(made: &mut Made) -> Vec<Assumption> {
    let groups = ["token", "cost", "demand", "operators", "market"];
    let names = [
        "price", "growth", "load", "spread", "life", "power", "skew", "fee",
    ];
    let mut all = Vec::new();
    for group in groups {
        for name in names {
            let value = (made.between(0.1, 500.0) * 100.0).round() / 100.0;
            let varied = name != "skew";
            all.push(Assumption {
                key: format!("{group}.{name}"),
                value,
                unit: if name == "power" { "W" } else { "EUR per kWh" }.into(),
                source: "Eurostat nrg_pc_204, first half of 2026, households of 2.5 to 5 MWh, all \
                         taxes; https://ec.europa.eu/eurostat."
                    .into(),
                low: varied.then_some(value / 2.0),
                high: varied.then_some(value * 2.0),
            });
        }
    }
    all
}

fn backtests() -> Vec<Backtest> {
    let test = |name: &str, history, value: &str, file: &str| Backtest {
        name: name.into(),
        history,
        expected: value.into(),
        computed: value.into(),
        passed: true,
        file: file.into(),
    };
    vec![
        test(
            "Livepeer 2026-01, Nakamoto (50%) by stake",
            true,
            "6",
            "livepeer-orchestrators.csv",
        ),
        test(
            "Rocket Pool interval 10, stake to pooled",
            true,
            "111 to 125",
            "rocket-pool.csv",
        ),
        test(
            "Rocket Pool interval 30, stake to pooled",
            true,
            "47 to 62",
            "rocket-pool.csv",
        ),
        test(
            "Rocket Pool interval 51, stake to pooled",
            true,
            "36 to 57",
            "rocket-pool.csv",
        ),
        test("OPG, float at the start", false, "190 M", "opg-unlocks.csv"),
        test(
            "OPG, April 2027, linear after the cliff",
            false,
            "16.1 M",
            "opg-unlocks.csv",
        ),
        test(
            "OPG, April 2027, accrued from the start",
            false,
            "71.6 M",
            "opg-unlocks.csv",
        ),
    ]
}

fn facts(all: &[(&str, &str)]) -> Vec<DesignFacts> {
    all.iter()
        .map(|(id, title)| DesignFacts {
            id: (*id).into(),
            title: (*title).into(),
            formula: "r_i = E * s_i / S, what is above the cap goes back to the reserve".into(),
            source: "The project's documentation, https://example.org/docs (read 2026-11)".into(),
        })
        .collect()
}

fn metrics() -> Vec<MetricFacts> {
    METRICS
        .iter()
        .map(|(id, title, unit, better, group)| MetricFacts {
            id: (*id).into(),
            title: (*title).into(),
            unit: (*unit).into(),
            better: *better,
            definition: "What it is, in a sentence that is as long as such sentences are, with \
                         its edge case: operators without work count."
                .into(),
            group: (*group).into(),
        })
        .collect()
}

fn results(made: &mut Made) -> Vec<Outcome> {
    let mut all = Vec::new();
    for (design, _) in DESIGNS {
        for (metric, _, unit, better, _) in METRICS {
            let most = match unit {
                "points" => 900.0,
                "owners" => 40.0,
                "EUR per day" => 12.0,
                _ => 1.0,
            };
            let mean = made.between(0.02, 1.0) * most;
            let difference = made.between(-0.3, 0.3) * most;
            let half = made.between(0.0, 0.1) * most;
            let call = if design == "plimsoll" || better == Better::Neither {
                Call::NotCompared
            } else if difference.abs() <= half {
                Call::Undecided
            } else if (difference > 0.0) == (better == Better::Higher) {
                Call::Better
            } else {
                Call::Worse
            };
            let same = design == "plimsoll";
            all.push(Outcome {
                design: design.into(),
                metric: metric.into(),
                value: around(mean, half / 3.0),
                difference: if same {
                    around(0.0, 0.0)
                } else {
                    around(difference, half)
                },
                call,
            });
        }
    }
    all
}

fn chart(id: &str, title: &str, x: &str, y: &str, series: Vec<Series>) -> Chart {
    Chart {
        id: id.into(),
        title: title.into(),
        caption: "What it shows, and how it is to be read, in a sentence or two.".into(),
        x: x.into(),
        y: y.into(),
        series,
    }
}

fn each_design(made: &mut Made, points: impl Fn(f64) -> Vec<(f64, f64)>) -> Vec<Series> {
    DESIGNS
        .iter()
        .map(|(id, title)| Series {
            name: (*title).into(),
            design: Some((*id).into()),
            points: points(made.next()),
        })
        .collect()
}

fn each_vesting(made: &mut Made, points: impl Fn(f64) -> Vec<(f64, f64)>) -> Vec<Series> {
    VESTINGS
        .iter()
        .map(|(id, title)| Series {
            name: (*title).into(),
            design: Some((*id).into()),
            points: points(made.next()),
        })
        .collect()
}

fn charts(made: &mut Made) -> Vec<Chart> {
    let steps = |count: u32| (0..=count).map(move |step| f64::from(step) / f64::from(count));
    let lorenz = |bend: f64| {
        let curve = move |x: f64| (x, x.powf(1.5 + 6.0 * bend));
        steps(100).map(curve).collect::<Vec<_>>()
    };
    let mut owners = each_design(made, lorenz);
    owners.push(Series {
        name: "Everybody the same".into(),
        design: None,
        points: vec![(0.0, 0.0), (1.0, 1.0)],
    });
    let people = "share of owners, poorest first";
    vec![
        chart(
            "lorenz-owner",
            "Lorenz curve, owners",
            people,
            "share of all reward",
            owners,
        ),
        chart(
            "deciles",
            "Reward per unit of work, by size of operator",
            "tenth of operators by work, smallest first",
            "tokens per million work units",
            each_design(made, |bend| {
                let tenth = |index: u32| {
                    let x = f64::from(index);
                    (x, 80.0 + 120.0 * bend * x / 10.0 + 30.0 * (1.0 - bend))
                };
                (1..=10).map(tenth).collect()
            }),
        ),
        chart(
            "exits",
            "Operators that are switched on",
            "epoch",
            "share of operators",
            each_design(made, |bend| {
                let left = |epoch: u32| {
                    let x = f64::from(epoch);
                    (x, 1.0 - bend * (1.0 - 1.0 / (1.0 + x / 60.0)))
                };
                (0..365).map(left).collect()
            }),
        ),
        chart(
            "unlock",
            "What has been unlocked, by way to vest",
            "month",
            "share of all rewards",
            each_vesting(made, |bend| {
                let month = |index: u32| {
                    let x = f64::from(index);
                    (x, (x / 24.0 - 0.4 * bend).clamp(0.0, 1.0))
                };
                (0..=24).map(month).collect()
            }),
        ),
        chart(
            "sell-pressure",
            "Sold in a month, Plimsoll's rewards",
            "month",
            "tokens",
            each_vesting(made, |bend| {
                let month = |index: u32| {
                    let x = f64::from(index);
                    let cliff = if index == 12 { 4.0e6 * bend } else { 0.0 };
                    (x, 9.0e5 + 2.0e4 * x + cliff)
                };
                (0..=24).map(month).collect()
            }),
        ),
        chart(
            "demand",
            "Work done in an epoch",
            "epoch",
            "work units",
            vec![Series {
                name: "all work".into(),
                design: None,
                points: (0..90)
                    .map(|x| (f64::from(x), 1.0e9 + 1.0e7 * f64::from(x % 7)))
                    .collect(),
            }],
        ),
    ]
}

fn coverage(made: &mut Made) -> Vec<Coverage> {
    let mut all = Vec::new();
    for (design, _) in DESIGNS {
        for class in CLASSES {
            for (index, country) in COUNTRIES.iter().enumerate() {
                let nobody = class == "channel holder" && index % 3 != 0;
                let electricity = (made.between(-0.2, 1.3)).clamp(0.0, 1.0);
                all.push(Coverage {
                    design: design.into(),
                    class: class.into(),
                    country: (*country).into(),
                    operators: if nobody {
                        0.0
                    } else {
                        1.0 + index as f64 / 7.0
                    },
                    electricity,
                    full: (electricity * made.between(0.3, 1.0)).clamp(0.0, 1.0),
                    median_cover: made.between(0.2, 3.0),
                });
            }
        }
    }
    all
}

fn exits(made: &mut Made) -> Vec<Exit> {
    let mut all = Vec::new();
    for (design, _) in DESIGNS {
        for (order, class) in (1..).zip(CLASSES) {
            let gone = made.between(-0.2, 0.8).max(0.0);
            let leaves = gone > 0.0;
            all.push(Exit {
                design: design.into(),
                class: class.into(),
                gone,
                mean_epoch: leaves.then(|| made.between(3.0, 300.0)),
                order: leaves.then_some(order),
            });
        }
    }
    all
}

fn selling(made: &mut Made) -> Vec<Selling> {
    let mut all = Vec::new();
    for (design, _) in DESIGNS {
        for (vesting, _) in VESTINGS {
            let unlocked = made.between(0.3, 1.0);
            for rule in ["everything at once", "a fixed share", "fitted to Livepeer"] {
                all.push(Selling {
                    design: design.into(),
                    vesting: vesting.into(),
                    rule: rule.into(),
                    unlocked,
                    worst_month_share: made.between(0.001, 0.25),
                    worst_month: (made.next() * 12.0) as u32,
                });
            }
        }
    }
    all
}

fn capital(made: &mut Made) -> Vec<Capital> {
    let mut all = Vec::new();
    let entrants = [
        ("early", 1600.0, 0),
        ("late", 1600.0, 180),
        ("large late", 275_000.0, 180),
        ("late, stake only", 100_000.5, 180),
    ];
    for (design, _) in DESIGNS {
        for (entrant, capital, entry) in entrants {
            let mean = made.between(-0.4, 1.2);
            let half = made.between(0.01, 0.15);
            all.push(Capital {
                design: design.into(),
                entrant: entrant.into(),
                capital,
                entry,
                return_per_year: around(mean, half),
            });
        }
    }
    all
}

fn attacks(made: &mut Made) -> Vec<Attack> {
    let kinds = [
        "identities",
        "jobs",
        "wash",
        "entry",
        "rented bond",
        "all together",
    ];
    let mut all = Vec::new();
    for (design, _) in DESIGNS {
        for kind in kinds {
            for size in [0.001, 0.02, 0.1, 0.3] {
                all.push(Attack {
                    design: design.into(),
                    kind: kind.into(),
                    size,
                    gain_percent: made.between(-20.0, 40.0).max(0.0),
                    honest_share: size,
                    attack_share: 1.2 * size,
                    small_lose_percent: 3.0,
                    strategy: "open 7 identities of equal work, 3 of them with the least bond, \
                               and enter at epoch 41"
                        .into(),
                    tried: 12_345,
                });
            }
        }
    }
    all
}

fn sensitivity(made: &mut Made) -> Vec<Sensitivity> {
    let mut all = Vec::new();
    for metric in ["cover-full", "gini-owner", "p10-margin"] {
        for group in ["token", "cost", "demand", "operators"] {
            for name in ["price", "growth", "load", "life", "power"] {
                let key = format!("{group}.{name}");
                let flip = (made.next() > 0.8).then(|| made.between(0.1, 2.0));
                let other = if flip.is_some() { "csm" } else { "plimsoll" };
                let words = match flip {
                    Some(value) => format!("Above {value:.3}, Lido CSM's two tiers win."),
                    None => "Plimsoll wins from the low to the high end.".into(),
                };
                all.push(Sensitivity {
                    key,
                    metric: metric.into(),
                    winner: "plimsoll".into(),
                    winner_low: "plimsoll".into(),
                    winner_high: other.into(),
                    swing: made.between(-0.3, 0.5),
                    flip,
                    words,
                });
            }
        }
    }
    all
}

fn chain() -> Vec<ChainCost> {
    [
        ("credit", 41.3, 96.0),
        ("raise", 12.0, 33.5),
        ("book", 118.7, 412.0),
        ("claim_many", 230.1, 1024.25),
    ]
    .map(|(call, microseconds, proof_bytes)| ChainCost {
        call: call.into(),
        microseconds,
        proof_bytes,
        source: "docs/measured/chain.json, batch of 512".into(),
    })
    .into()
}

fn verdict() -> Verdict {
    let some = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect();
    Verdict {
        headline: "Sample, numbers made up: Plimsoll lets more small operators cover their costs \
                   than any other design, and pays for it with more concentration among owners \
                   than Rocket Pool's smoothing pool."
            .into(),
        against: ["plimsoll", "pro-rata"]
            .into_iter()
            .map(|design| Against {
                design: design.into(),
                plimsoll_better: 20,
                other_better: 7,
                undecided: 3,
                split_gain: Some(0.021),
                attack_share: Some(0.117),
                small_lose_percent: None,
            })
            .collect(),
        wins: some(&[
            "Small operators that cover electricity and depreciation: 61.2% (58.9% to 63.4%), next best Rocket Pool's smoothing pool with 52.0% (50.1% to 53.8%).",
            "Margin of the worst tenth: EUR 1.21 a day (1.09 to 1.33), next best Helium's HIP-149 band with 0.84 (0.71 to 0.97).",
            "Worst month against circulation: 1.9% (1.8% to 2.1%), next best Filecoin's vesting with 3.3% (3.1% to 3.5%).",
            "Epochs without pay: 0.4% (0.3% to 0.5%), next best pro rata by work with 1.1% (1.0% to 1.2%).",
        ]),
        losses: some(&[
            "Gini coefficient, owners: Rocket Pool's smoothing pool 0.46 (0.45 to 0.47) against 0.51 (0.50 to 0.52); the difference is −0.05 (−0.06 to −0.04).",
            "Nakamoto coefficient at 50%: Cardano with CIP-50 27.1 (26.2 to 28.0) against 22.4 (21.8 to 23.0); the difference is 4.7 (3.9 to 5.5).",
            "Return of early capital: by stake 41.0% (38.2% to 43.9%) against 22.3% (20.1% to 24.6%).",
        ]),
        undecided: some(&[
            "Theil index, owners: no design is better, no interval excludes zero.",
            "Variance from luck: five designs draw no lots and are equal.",
            "Covers electricity: Plimsoll and pro rata differ by 0.3 points (−0.2 to 0.8).",
        ]),
        breaks: some(&[
            "Rented bond: an attacker with 10% of the work gains 18.2% by renting a bond for open identities over 41 epochs.",
            "Identities: an owner who is vouched for twice gains 9.4%; the registrar is what stands between.",
            "Wash: pays from a burnt share below 3%.",
        ]),
        flips: some(&[
            "token.price: above EUR 0.412 pro rata covers as many small operators.",
            "demand.channels: with fewer than 2 channel holders per job pro rata wins on the Gini coefficient.",
        ]),
        not_shown: some(&[
            "Operators do not react to the design other than by switching off: nobody buys cards because of it.",
            "The token price does not react to what is sold.",
            "Collusion between owners, attesters and keepers is outside of it.",
            "Prices of electricity are those of households and firms in Europe; elsewhere there are none in the data.",
            "The data are of other networks: OPG's own operators are not measured by anyone.",
        ]),
    }
}

//! What a comparison found: everything the report shows and the files hold. The JSON
//! beside the report is this structure, so that every number in the one can be looked
//! up in the other.

use serde::Serialize;

/// All of a comparison.
#[derive(Clone, Debug, Serialize)]
pub struct Findings {
    /// What it was computed from.
    pub manifest: Manifest,
    /// Every assumption of the scenario.
    pub assumptions: Vec<Assumption>,
    /// Known history, reproduced before anything is forecast.
    pub backtests: Vec<Backtest>,
    /// The designs compared, Plimsoll last.
    pub designs: Vec<DesignFacts>,
    /// The ways to vest.
    pub vestings: Vec<DesignFacts>,
    /// The metrics, in the order of the tables.
    pub metrics: Vec<MetricFacts>,
    /// One row for each design and metric.
    pub results: Vec<Outcome>,
    /// Curves to draw.
    pub charts: Vec<Chart>,
    /// Who covers its costs, by design, class and country.
    pub coverage: Vec<Coverage>,
    /// In which order operators switch off, by design and class.
    pub exits: Vec<Exit>,
    /// What unlocks, and what is sold.
    pub selling: Vec<Selling>,
    /// What an entrant's capital returns.
    pub capital: Vec<Capital>,
    /// The best attack found, by design, kind and size.
    pub attacks: Vec<Attack>,
    /// Which assumption flips a ranking.
    pub sensitivity: Vec<Sensitivity>,
    /// What the chain charges.
    pub chain: Vec<ChainCost>,
    /// The first page.
    pub verdict: Verdict,
}

/// What a comparison was computed from. No clock is in it: the same manifest gives the
/// same bytes.
#[derive(Clone, Debug, Serialize)]
pub struct Manifest {
    /// Version of the program.
    pub version: String,
    /// SHA-256 over the simulator's and the mechanism's sources.
    pub code_sha256: String,
    /// Name of the scenario.
    pub scenario: String,
    /// SHA-256 of the scenario file, sweep keys applied.
    pub scenario_sha256: String,
    /// The data files that were read, with their checksums.
    pub data: Vec<DataFile>,
    /// Seed of all random numbers.
    pub seed: u64,
    /// Independent runs.
    pub runs: u32,
    /// Epochs in a run.
    pub epochs: u32,
    /// The command that makes it again.
    pub command: String,
}

/// A data file.
#[derive(Clone, Debug, Serialize)]
pub struct DataFile {
    /// Its name.
    pub file: String,
    /// Its SHA-256.
    pub sha256: String,
    /// Licence, in short.
    pub licence: String,
    /// Where it is from, in short.
    pub source: String,
}

/// One assumption of the scenario.
#[derive(Clone, Debug, Serialize)]
pub struct Assumption {
    /// Scenario key: `token.price`.
    pub key: String,
    /// Value, in `unit`.
    pub value: f64,
    /// Unit.
    pub unit: String,
    /// Where it is from.
    pub source: String,
    /// Smallest value that sensitivity tries; none if the assumption is a measurement
    /// or a choice that is not varied.
    pub low: Option<f64>,
    /// Largest value that sensitivity tries.
    pub high: Option<f64>,
}

/// Whether a known fact was reproduced.
#[derive(Clone, Debug, Serialize)]
pub struct Backtest {
    /// What was reproduced.
    pub name: String,
    /// `true`: a measured outcome; `false`: only that figures of one source agree.
    pub history: bool,
    /// What is known.
    pub expected: String,
    /// What was computed.
    pub computed: String,
    /// Whether they agree.
    pub passed: bool,
    /// The file it was computed from.
    pub file: String,
}

/// A design or a way to vest.
#[derive(Clone, Debug, Serialize)]
pub struct DesignFacts {
    /// Short name.
    pub id: String,
    /// Name in a text.
    pub title: String,
    /// The rule, in a line.
    pub formula: String,
    /// Where it was published.
    pub source: String,
}

/// Which direction of a metric is good for small operators.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Better {
    /// More is better.
    Higher,
    /// Less is better.
    Lower,
    /// Neither; shown for information.
    Neither,
}

/// A metric.
#[derive(Clone, Debug, Serialize)]
pub struct MetricFacts {
    /// Short name: `gini-owner`.
    pub id: String,
    /// Name in a text: `Gini coefficient, owners`.
    pub title: String,
    /// Unit: `share`, `EUR per day`.
    pub unit: String,
    /// What is good.
    pub better: Better,
    /// What it is, in a sentence.
    pub definition: String,
    /// Group of the table: `coverage`, `concentration`, `pay`, `variance`, `capital`, `selling`.
    pub group: String,
}

/// Mean and confidence interval.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Interval {
    /// Mean over runs.
    pub mean: f64,
    /// Lower end of the confidence interval of the mean.
    pub low: f64,
    /// Upper end.
    pub high: f64,
}

/// What the paired difference says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Call {
    /// The design is better than Plimsoll on this metric; the interval excludes zero.
    Better,
    /// It is worse; the interval excludes zero.
    Worse,
    /// The interval contains zero, or every run gave the same.
    Undecided,
    /// The metric has no better, or the design is Plimsoll itself.
    NotCompared,
}

/// A metric of a design.
#[derive(Clone, Debug, Serialize)]
pub struct Outcome {
    /// The design.
    pub design: String,
    /// The metric.
    pub metric: String,
    /// Its value.
    pub value: Interval,
    /// The design minus Plimsoll, run by run on the same random numbers.
    pub difference: Interval,
    /// What that says.
    pub call: Call,
}

/// A chart: lines over one axis.
#[derive(Clone, Debug, Serialize)]
pub struct Chart {
    /// Short name: `lorenz-owner`.
    pub id: String,
    /// Title.
    pub title: String,
    /// What it shows and how to read it, in a sentence or two.
    pub caption: String,
    /// Title and unit of the horizontal axis.
    pub x: String,
    /// Title and unit of the vertical axis.
    pub y: String,
    /// Lines.
    pub series: Vec<Series>,
}

/// A line of a chart.
#[derive(Clone, Debug, Serialize)]
pub struct Series {
    /// Its name, as in the legend.
    pub name: String,
    /// The design or way to vest it belongs to, if one.
    pub design: Option<String>,
    /// Its points.
    pub points: Vec<(f64, f64)>,
}

/// Who covers its costs.
#[derive(Clone, Debug, Serialize)]
pub struct Coverage {
    /// The design.
    pub design: String,
    /// Class of operator.
    pub class: String,
    /// Country.
    pub country: String,
    /// Mean number of operators of this class and country in a run.
    pub operators: f64,
    /// Share whose income covers electricity.
    pub electricity: f64,
    /// Share whose income covers electricity and depreciation.
    pub full: f64,
    /// Median of income over cost (electricity and depreciation).
    pub median_cover: f64,
}

/// Who switches off, and when, if whoever does not cover electricity does.
#[derive(Clone, Debug, Serialize)]
pub struct Exit {
    /// The design.
    pub design: String,
    /// Class of operator.
    pub class: String,
    /// Share of the class that has switched off by the end.
    pub gone: f64,
    /// Mean epoch in which those who left did; none if nobody did.
    pub mean_epoch: Option<f64>,
    /// In which place the class leaves, from 1; none if nobody of it does.
    pub order: Option<u32>,
}

/// What unlocks and what is sold of it, for a design, a way to vest and a selling rule.
#[derive(Clone, Debug, Serialize)]
pub struct Selling {
    /// The design.
    pub design: String,
    /// The way to vest.
    pub vesting: String,
    /// The rule by which operators sell.
    pub rule: String,
    /// Share of all rewards of the horizon that is unlocked at its end.
    pub unlocked: f64,
    /// Tokens sold in the worst month over tokens in circulation at its start.
    pub worst_month_share: f64,
    /// Which month that is, from 0.
    pub worst_month: u32,
}

/// What an entrant's capital returns.
#[derive(Clone, Debug, Serialize)]
pub struct Capital {
    /// The design.
    pub design: String,
    /// Who: `early`, `late`, `large late`, `late, stake only`.
    pub entrant: String,
    /// Capital put in, in EUR.
    pub capital: f64,
    /// Epoch of entry.
    pub entry: u32,
    /// Reward, less running cost, over capital and a year of being in.
    pub return_per_year: Interval,
}

/// The best attack that the search found.
#[derive(Clone, Debug, Serialize)]
pub struct Attack {
    /// The design.
    pub design: String,
    /// Kind: `identities`, `jobs`, `invented clients`, `wash`, `entry`, `rented bond`,
    /// `withheld work`, `merger`, `all together`.
    pub kind: String,
    /// The attacker's share of all honest work, 0 to 1.
    pub size: f64,
    /// Gain over honest behaviour, in percent of the honest profit or pay.
    pub gain_percent: f64,
    /// What the attacker gets if it is honest, as a share of the budget.
    pub honest_share: f64,
    /// What it gets with the strategy, net of what the strategy costs, as a share of the budget.
    pub attack_share: f64,
    /// The strategy, in words.
    pub strategy: String,
    /// Strategies tried.
    pub tried: u64,
    /// What the smaller half of the honest lose by it, in percent of their honest pay;
    /// below 0 if they gain.
    pub small_lose_percent: f64,
}

/// What an assumption does to a ranking.
#[derive(Clone, Debug, Serialize)]
pub struct Sensitivity {
    /// The assumption's key.
    pub key: String,
    /// The metric whose winner is looked at.
    pub metric: String,
    /// The winner with the scenario's value.
    pub winner: String,
    /// The winner at the low end.
    pub winner_low: String,
    /// The winner at the high end.
    pub winner_high: String,
    /// How far the metric of Plimsoll moves from the low to the high end.
    pub swing: f64,
    /// The value at which the winner changes, nearest to the scenario's; none if it does not.
    pub flip: Option<f64>,
    /// All that in words.
    pub words: String,
}

/// What the chain charges for a call.
#[derive(Clone, Debug, Serialize)]
pub struct ChainCost {
    /// The call: `credit`, `book`, `claim_many`.
    pub call: String,
    /// Execution time for an operator and epoch, in microseconds.
    pub microseconds: f64,
    /// Proof for an operator and epoch, in bytes.
    pub proof_bytes: f64,
    /// The file it is from, and the row.
    pub source: String,
}

/// Plimsoll beside one other design.
#[derive(Clone, Debug, Serialize)]
pub struct Against {
    /// The other design; Plimsoll itself in the last row, whose counts are zero.
    pub design: String,
    /// Metrics on which Plimsoll is better.
    pub plimsoll_better: u32,
    /// Metrics on which the other design is.
    pub other_better: u32,
    /// Metrics that do not tell them apart.
    pub undecided: u32,
    /// What the design pays the largest tenth of owners for splitting, as a share of what
    /// they earn without; none if it was not computed.
    pub split_gain: Option<f64>,
    /// The most of a budget that the largest attacker gets with any strategy found, net of its
    /// costs, as a share; none if attacks were not searched.
    pub attack_share: Option<f64>,
    /// What the smaller half of the honest loses by that attack, in percent of its pay.
    pub small_lose_percent: Option<f64>,
}

/// The first page.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Verdict {
    /// One sentence.
    pub headline: String,
    /// Plimsoll beside each other design, in the order of the designs.
    pub against: Vec<Against>,
    /// Metrics on which Plimsoll is better than every other design, as sentences.
    pub wins: Vec<String>,
    /// Metrics on which another design is better, as sentences with the design and the interval.
    pub losses: Vec<String>,
    /// Metrics that decide nothing, as sentences.
    pub undecided: Vec<String>,
    /// What breaks it: the worst attacks, as sentences.
    pub breaks: Vec<String>,
    /// Which assumptions flip it, as sentences.
    pub flips: Vec<String>,
    /// What the comparison does not show, as sentences.
    pub not_shown: Vec<String>,
}

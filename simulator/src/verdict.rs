//! The first page: what the findings say, in sentences that are made of them and of
//! nothing else.

use crate::findings::{
    Against, Attack, Better, Call, Coverage, Findings, MetricFacts, Outcome, Sensitivity, Verdict,
};
use crate::metrics::{Id, ALL};
use crate::report::numbers::{self, Format};

/// Gains below this many percent are not called an attack that works.
const NOTICEABLE_GAIN: f64 = 0.5;

/// The design that all others are held against.
const OURS: &str = "plimsoll";

/// The metrics that have a sentence of their own on the first page, in its order: what a
/// delegate asks first. All others are named together.
const FIRST: [Id; 16] = [
    Id::CoverageElectricity,
    Id::CoverageFullSmall,
    Id::CoverageFullOpen,
    Id::CashFullSmall,
    Id::ExitShare,
    Id::SmallerHalf,
    Id::GiniOwner,
    Id::Nakamoto50Owner,
    Id::SplitGain,
    Id::SplitCoverageSmall,
    Id::SplitNakamoto50,
    Id::CvPay,
    Id::NoPay,
    Id::ReturnEarly,
    Id::UnlockedSmall,
    Id::WorstMonth,
];

/// Attacks that have a sentence of their own.
const ATTACKS: usize = 2;

/// Flips that have a sentence of their own.
const FLIPS: usize = 4;

/// The verdict on `findings`, of which everything but the verdict is complete.
#[must_use]
pub fn of(findings: &Findings) -> Verdict {
    let rows: Vec<Row<'_>> = findings
        .metrics
        .iter()
        .filter(|metric| metric.better != Better::Neither)
        .map(|metric| Row::new(findings, metric))
        .filter(Row::measured)
        .collect();
    let (mut first, others): (Vec<&Row<'_>>, Vec<&Row<'_>>) =
        rows.iter().partition(|row| row.place().is_some());
    first.sort_by_key(|row| row.place());
    Verdict {
        headline: headline(findings, &rows),
        against: findings
            .designs
            .iter()
            .map(|facts| against(findings, &rows, &facts.id))
            .collect(),
        wins: wins(findings, &first, &others),
        losses: losses(findings, &first, &others),
        undecided: undecided(&first, &others),
        breaks: breaks(findings),
        flips: flips(findings),
        not_shown: not_shown(findings),
    }
}

/// What a metric says of Plimsoll.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Standing {
    /// Some other design is better.
    Lost,
    /// None is better, and some are worse.
    Won,
    /// Nobody can be told apart.
    Undecided,
}

/// One metric, with the other designs sorted by what their difference says.
struct Row<'a> {
    metric: &'a MetricFacts,
    ours: Option<&'a Outcome>,
    better: Vec<&'a Outcome>,
    worse: Vec<&'a Outcome>,
    undecided: Vec<&'a Outcome>,
    format: Format,
}

impl<'a> Row<'a> {
    fn new(findings: &'a Findings, metric: &'a MetricFacts) -> Self {
        let of_metric = || {
            findings
                .results
                .iter()
                .filter(|outcome| outcome.metric == metric.id)
        };
        let called = |call| -> Vec<&'a Outcome> {
            of_metric().filter(|outcome| outcome.call == call).collect()
        };
        let mut better = called(Call::Better);
        // The one that is furthest ahead first.
        better.sort_by(|a, b| {
            let ahead = |outcome: &Outcome| outcome.difference.mean.abs();
            ahead(b).total_cmp(&ahead(a))
        });
        let values = of_metric()
            .map(|outcome| outcome.value.mean)
            .filter(|value| value.is_finite());
        Self {
            metric,
            ours: of_metric().find(|outcome| outcome.design == OURS),
            better,
            worse: called(Call::Worse),
            undecided: called(Call::Undecided),
            format: Format::fitting(&metric.unit, values),
        }
    }

    /// Whether Plimsoll has a value: a comparison without attacks leaves some out.
    fn measured(&self) -> bool {
        self.ours
            .is_some_and(|outcome| outcome.value.mean.is_finite())
    }

    /// Its place on the first page, if it has a sentence of its own.
    fn place(&self) -> Option<usize> {
        FIRST
            .iter()
            .position(|id| ALL[*id as usize].id == self.metric.id)
    }

    /// What the other designs have.
    fn others(&self) -> impl Iterator<Item = &'a Outcome> + '_ {
        let all = [&self.better, &self.worse, &self.undecided];
        all.into_iter().flatten().copied()
    }

    fn standing(&self) -> Standing {
        if !self.better.is_empty() {
            Standing::Lost
        } else if self.worse.is_empty() {
            Standing::Undecided
        } else {
            Standing::Won
        }
    }

    fn own_value(&self) -> String {
        self.ours.map_or_else(
            || "not measured".into(),
            |outcome| self.shown(outcome.value.mean),
        )
    }

    /// A value with its unit.
    fn shown(&self, value: f64) -> String {
        let text = self.format.write(value);
        match self.metric.unit.as_str() {
            "identities" | "owners" => format!("{text} {}", self.metric.unit),
            _ => text,
        }
    }

    fn win(&self, findings: &Findings) -> String {
        let others = if self.undecided.is_empty() {
            format!("better than all {} others", self.worse.len())
        } else {
            format!(
                "better than {}; the interval of the difference to {} holds zero",
                self.worse.len(),
                list(findings, &self.undecided)
            )
        };
        format!("{}: {}, {others}.", self.metric.title, self.own_value())
    }

    /// What the best other design has, and by how much that is better.
    fn loss(&self) -> String {
        let best = self.better[0];
        format!(
            "{} {} against {} ({}; {})",
            self.metric.title,
            self.shown(best.value.mean),
            self.own_value(),
            self.format.write(best.difference.mean),
            self.format.write_ends(best.difference),
        )
    }
}

/// Names of a list that are written out.
const NAMED: usize = 4;

/// The designs of some outcomes, the first few by name.
fn list(findings: &Findings, outcomes: &[&Outcome]) -> String {
    let named: Vec<&str> = outcomes
        .iter()
        .take(NAMED)
        .map(|outcome| title(findings, &outcome.design))
        .collect();
    match outcomes.len().saturating_sub(NAMED) {
        0 => named.join(", "),
        more => format!("{} and {more} more", named.join(", ")),
    }
}

/// Plimsoll beside `design`.
fn against(findings: &Findings, rows: &[Row<'_>], design: &str) -> Against {
    let count = |call| {
        let holds = |outcome: &&Outcome| outcome.call == call && outcome.design == design;
        let of = |row: &&Row<'_>| row.others().any(|outcome| holds(&outcome));
        // As many as there are metrics.
        rows.iter().filter(of).count() as u32
    };
    let split = ALL[Id::SplitGain as usize].id;
    let largest = findings
        .attacks
        .iter()
        .map(|attack| attack.size)
        .fold(0.0, f64::max);
    let worst = findings
        .attacks
        .iter()
        // A merger's figures are of two owners.
        .filter(|attack| {
            attack.design == design && attack.size == largest && attack.kind != "merger"
        })
        .max_by(|a, b| a.attack_share.total_cmp(&b.attack_share));
    Against {
        design: design.into(),
        plimsoll_better: count(Call::Worse),
        other_better: count(Call::Better),
        undecided: count(Call::Undecided),
        split_gain: findings
            .results
            .iter()
            .find(|outcome| outcome.metric == split && outcome.design == design)
            .map(|outcome| outcome.value.mean)
            .filter(|gain| gain.is_finite()),
        attack_share: worst.map(|attack| attack.attack_share),
        small_lose_percent: worst.map(|attack| attack.small_lose_percent),
    }
}

fn headline(findings: &Findings, rows: &[Row<'_>]) -> String {
    let others = findings.designs.len().saturating_sub(1);
    let count = |standing| rows.iter().filter(|row| row.standing() == standing).count();
    let alone = rows
        .iter()
        .filter(|row| row.standing() == Standing::Won && row.undecided.is_empty())
        .count();
    let nobody = match count(Standing::Undecided) {
        0 => String::new(),
        more => format!("; {more} tell nobody apart"),
    };
    format!(
        "Plimsoll against {others} other designs on {} metrics: on {} at least one other design is \
         better; on {} none is, and on {alone} of these Plimsoll is better than every one{nobody}.",
        rows.len(),
        count(Standing::Lost),
        count(Standing::Won),
    )
}

fn wins(findings: &Findings, first: &[&Row<'_>], others: &[&Row<'_>]) -> Vec<String> {
    let won = |row: &&&Row<'_>| row.standing() == Standing::Won;
    let mut sentences: Vec<String> = first
        .iter()
        .filter(won)
        .map(|row| row.win(findings))
        .collect();
    let more: Vec<String> = others
        .iter()
        .filter(won)
        .map(|row| format!("{} (better than {})", row.metric.title, row.worse.len()))
        .collect();
    if !more.is_empty() {
        sentences.push(format!("Also: {}.", more.join("; ")));
    }
    sentences
}

/// A sentence for each design that is the best of those better on some metric, with
/// figures for the metrics of the first page and the names of the others.
fn losses(findings: &Findings, first: &[&Row<'_>], others: &[&Row<'_>]) -> Vec<String> {
    let best = |row: &&&Row<'_>, design: &str| {
        row.better
            .first()
            .is_some_and(|outcome| outcome.design == design)
    };
    let mut sentences = Vec::new();
    for facts in &findings.designs {
        let figures: Vec<String> = first
            .iter()
            .filter(|row| best(row, &facts.id))
            .map(|row| row.loss())
            .collect();
        let names: Vec<&str> = others
            .iter()
            .filter(|row| best(row, &facts.id))
            .map(|row| row.metric.title.as_str())
            .collect();
        let mut parts = Vec::new();
        if !figures.is_empty() {
            parts.push(figures.join("; "));
        }
        if !names.is_empty() {
            parts.push(format!(
                "{}{}",
                if figures.is_empty() { "" } else { "also on " },
                names.join("; ")
            ));
        }
        if !parts.is_empty() {
            sentences.push((
                figures.len() + names.len(),
                format!("{}: {}.", facts.title, parts.join("; ")),
            ));
        }
    }
    // Who is best on most metrics first.
    sentences.sort_by_key(|(metrics, _)| std::cmp::Reverse(*metrics));
    let mut sentences: Vec<String> = sentences.into_iter().map(|(_, text)| text).collect();
    sentences.extend(by_class(findings));
    sentences
}

/// A share of a row of coverage.
type Share = fn(&Coverage) -> f64;

/// What operators may cover: its name, and the share of those that do.
const COSTS: [(&str, Share); 2] = [
    ("electricity", |row| row.electricity),
    ("electricity and depreciation", |row| row.full),
];

/// For which classes of operators another design is better: what covers their costs is not
/// the same for all, and a mean over all hides it.
fn by_class(findings: &Findings) -> Option<String> {
    let mut classes: Vec<&str> = Vec::new();
    for row in &findings.coverage {
        if !classes.contains(&row.class.as_str()) {
            classes.push(&row.class);
        }
    }
    // Share of a class's operators, in all countries, that cover their costs.
    let covering = |design: &str, class: &str, of: Share| {
        let (mut covering, mut all) = (0.0, 0.0);
        for row in &findings.coverage {
            let share = of(row);
            if row.design == design && row.class == class && share.is_finite() {
                covering += row.operators * share;
                all += row.operators;
            }
        }
        covering / all
    };
    let mut parts = Vec::new();
    for class in classes {
        for (name, of) in COSTS {
            let ours = covering(OURS, class, of);
            let better: Vec<(&str, f64)> = findings
                .designs
                .iter()
                .map(|facts| (facts.title.as_str(), covering(&facts.id, class, of)))
                // A tenth of a percent of a class is nobody.
                .filter(|(_, share)| *share > ours + 0.001)
                .collect();
            let best = better.iter().copied().max_by(|a, b| a.1.total_cmp(&b.1));
            if let Some((title, share)) = best {
                let others = better.len() - 1;
                parts.push(format!(
                    "{class}, {name}: {title}{} {} against {}",
                    if others > 0 {
                        format!(" and {others} more, up to")
                    } else {
                        String::new()
                    },
                    numbers::percent(share, 1),
                    numbers::percent(ours, 1)
                ));
            }
        }
    }
    (!parts.is_empty()).then(|| {
        format!(
            "By class of operators, all runs together: {}.",
            parts.join("; ")
        )
    })
}

fn undecided(first: &[&Row<'_>], others: &[&Row<'_>]) -> Vec<String> {
    first
        .iter()
        .chain(others)
        .filter(|row| row.standing() == Standing::Undecided)
        .map(|row| {
            format!(
                "{}: {}; no design can be told apart from Plimsoll.",
                row.metric.title,
                row.own_value()
            )
        })
        .collect()
}

fn breaks(findings: &Findings) -> Vec<String> {
    let ours = || {
        findings
            .attacks
            .iter()
            .filter(|attack| attack.design == OURS)
    };
    let mut works: Vec<&Attack> = ours()
        .filter(|attack| attack.gain_percent >= NOTICEABLE_GAIN)
        .collect();
    works.sort_by(|a, b| b.gain_percent.total_cmp(&a.gain_percent));
    // The worst of each kind.
    let mut kinds: Vec<&str> = Vec::new();
    works.retain(|attack| {
        let new = !kinds.contains(&attack.kind.as_str());
        kinds.push(&attack.kind);
        new
    });
    if works.is_empty() && ours().next().is_some() {
        return vec![format!(
            "No attack that was tried gains {NOTICEABLE_GAIN} percent or more against Plimsoll."
        )];
    }
    let more = works.len().saturating_sub(ATTACKS);
    let mut sentences: Vec<String> = works
        .into_iter()
        .take(ATTACKS)
        .map(|attack| {
            let others = || {
                findings.attacks.iter().filter(|other| {
                    other.design != OURS && other.kind == attack.kind && other.size == attack.size
                })
            };
            let designs = others().count();
            let gain_more = others()
                .filter(|other| other.gain_percent > attack.gain_percent)
                .count();
            let lose_more = others()
                .filter(|other| other.small_lose_percent > attack.small_lose_percent)
                .count();
            let give_more = others()
                .filter(|other| other.attack_share > attack.attack_share)
                .count();
            format!(
                "{}, by somebody with {} of all work: from {} of the budget to {} ({}); the smaller half \
                 of the honest loses {}. It {}. The gain is larger against {gain_more} of {designs} \
                 other designs, the loss of the small against {lose_more}, and what the attacker ends \
                 with against {give_more}.",
                capital(&attack.kind),
                numbers::percent(attack.size, 0),
                numbers::percent(attack.honest_share, 1),
                numbers::percent(attack.attack_share, 1),
                numbers::signed_percent(attack.gain_percent),
                numbers::percent(attack.small_lose_percent / 100.0, 1),
                attack.strategy.trim_end_matches('.'),
            )
        })
        .collect();
    if more > 0 {
        sentences.push(format!(
            "{more} more kinds of attack gain something; the table of the attacks has them all."
        ));
    }
    sentences
}

fn flips(findings: &Findings) -> Vec<String> {
    let value = |key: &str| {
        findings
            .assumptions
            .iter()
            .find(|assumption| assumption.key == key)
            .map(|assumption| assumption.value)
    };
    // How far the assumption has to move, as a share of itself.
    let distance = |row: &Sensitivity| match (row.flip, value(&row.key)) {
        (Some(flip), Some(value)) if value != 0.0 => ((flip - value) / value).abs(),
        (Some(flip), _) => flip.abs(),
        (None, _) => f64::INFINITY,
    };
    let mut flipping: Vec<&Sensitivity> = findings
        .sensitivity
        .iter()
        .filter(|row| row.flip.is_some())
        .collect();
    flipping.sort_by(|a, b| distance(a).total_cmp(&distance(b)));
    let keys = |rows: &mut dyn Iterator<Item = &Sensitivity>| {
        let mut keys: Vec<String> = rows.map(|row| row.key.clone()).collect();
        keys.sort_unstable();
        keys.dedup();
        keys.len()
    };
    let tried = keys(&mut findings.sensitivity.iter());
    if tried == 0 {
        return Vec::new();
    }
    if flipping.is_empty() {
        return vec![format!(
            "None of the {tried} assumptions changes a winner within its range, taken one at a time."
        )];
    }
    let mut lines: Vec<String> = flipping
        .iter()
        .take(FLIPS)
        .map(|row| row.words.clone())
        .collect();
    lines.push(format!(
        "In all, {} of the {tried} assumptions with a range change a winner within it, taken one at a \
         time; the table of the sensitivity has them all.",
        keys(&mut flipping.iter().copied())
    ));
    lines
}

fn not_shown(findings: &Findings) -> Vec<String> {
    let manifest = &findings.manifest;
    let mut lines = vec![
        "Which metric matters. They are not added up; intervals are corrected for the number of \
         designs, not for that of metrics, so a few of them are called by chance."
            .into(),
        format!(
            "Anything beyond {} epochs, or that {} runs of one scenario do not vary: the intervals \
             are of the random draws, not of the assumptions.",
            manifest.epochs, manifest.runs
        ),
        "What OpenGradient's operators really earn: its demand, its dispatch and its operators are \
         not published. They are assumptions."
            .into(),
        "What selling does to the price, which is an assumption.".into(),
        "What clients do. The work of who switches off goes to who stays; demand reacts to nothing."
            .into(),
        "Attacks outside of the searched space, a registrar that vouches for one owner twice, \
         attesters that lie."
            .into(),
        "The other designs as their networks run them: each was published for other work, and its \
         module says how its terms are mapped."
            .into(),
    ];
    let checks = findings
        .backtests
        .iter()
        .filter(|test| !test.history)
        .count();
    if checks > 0 {
        lines.push(format!(
            "That OpenGradient's figures are right: {checks} checks only hold secondary sources \
             against each other."
        ));
    }
    lines
}

fn title<'a>(findings: &'a Findings, design: &'a str) -> &'a str {
    findings
        .designs
        .iter()
        .find(|facts| facts.id == design)
        .map_or(design, |facts| &facts.title)
}

fn capital(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| {
        first.to_uppercase().chain(letters).collect()
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::compare;
    use crate::findings::{DesignFacts, Interval};
    use crate::scenario::Scenario;

    /// Findings of three designs: `calls` are a metric, a design, its value and what the
    /// difference to Plimsoll, which has 0.5 everywhere, says.
    fn findings(calls: &[(Id, &str, f64, Call)]) -> Findings {
        let exact = |mean: f64| Interval {
            mean,
            low: mean - 0.01,
            high: mean + 0.01,
        };
        let design = |id: &str, title: &str| DesignFacts {
            id: id.into(),
            title: title.into(),
            formula: String::new(),
            source: String::new(),
        };
        let mut ids: Vec<Id> = calls.iter().map(|call| call.0).collect();
        ids.dedup();
        let outcome = |id: Id, design: &str, value: f64, call: Call| Outcome {
            design: design.into(),
            metric: ALL[id as usize].id.into(),
            value: exact(value),
            difference: exact(value - 0.5),
            call,
        };
        let ours = ids
            .iter()
            .map(|id| outcome(*id, OURS, 0.5, Call::NotCompared));
        Findings {
            manifest: compare::manifest(&Scenario::shipped(), "plimsoll compare"),
            assumptions: Vec::new(),
            backtests: Vec::new(),
            designs: vec![
                design("a", "Design A"),
                design("b", "Design B"),
                design(OURS, "Plimsoll"),
            ],
            vestings: Vec::new(),
            metrics: ALL.iter().map(MetricFacts::from).collect(),
            results: calls
                .iter()
                .map(|(id, design, value, call)| outcome(*id, design, *value, *call))
                .chain(ours)
                .collect(),
            charts: Vec::new(),
            coverage: Vec::new(),
            exits: Vec::new(),
            selling: Vec::new(),
            capital: Vec::new(),
            attacks: Vec::new(),
            sensitivity: Vec::new(),
            chain: Vec::new(),
            verdict: Verdict::default(),
        }
    }

    fn attack(design: &str, kind: &str, gain: f64, share: f64) -> Attack {
        Attack {
            design: design.into(),
            kind: kind.into(),
            size: 0.2,
            gain_percent: gain,
            honest_share: 0.02,
            attack_share: share,
            strategy: "splits into 3 identities".into(),
            tried: 100,
            small_lose_percent: gain / 10.0,
        }
    }

    #[test]
    fn every_metric_on_which_another_design_is_better_is_named_with_the_best_one() {
        let verdict = of(&findings(&[
            (Id::GiniOwner, "a", 0.4, Call::Better),
            (Id::GiniOwner, "b", 0.3, Call::Better),
            (Id::TheilOwner, "a", 0.3, Call::Better),
            (Id::TheilOwner, "b", 0.6, Call::Worse),
            (Id::SmallerHalf, "a", 0.2, Call::Worse),
            (Id::SmallerHalf, "b", 0.5, Call::Undecided),
            (Id::NoPay, "a", 0.5, Call::Undecided),
            (Id::NoPay, "b", 0.5, Call::Undecided),
        ]));
        assert_eq!(
            verdict.losses,
            [
                "Design A: Theil index, owners.",
                "Design B: Gini coefficient, owners 0.300 against 0.500 (−0.200; −0.210 to −0.190).",
            ]
        );
        assert_eq!(
            verdict.wins,
            [
                "Pay of the smaller half: 50.0%, better than 1; the interval of the difference to \
              Design B holds zero."
            ]
        );
        assert_eq!(verdict.undecided.len(), 1);
        assert!(verdict.undecided[0].starts_with("Probability of no pay"));
        assert_eq!(
            verdict.headline,
            "Plimsoll against 2 other designs on 4 metrics: on 2 at least one other design is \
             better; on 1 none is, and on 0 of these Plimsoll is better than every one; 1 tell \
             nobody apart."
        );
        let against: Vec<(&str, u32, u32, u32)> = verdict
            .against
            .iter()
            .map(|row| {
                let counts = (row.plimsoll_better, row.other_better, row.undecided);
                (row.design.as_str(), counts.0, counts.1, counts.2)
            })
            .collect();
        assert_eq!(against, [("a", 1, 2, 1), ("b", 1, 1, 2), (OURS, 0, 0, 0)]);
    }

    #[test]
    fn a_class_for_which_another_design_is_better_is_named_though_all_together_are_not() {
        let mut findings = findings(&[(Id::CoverageFull, "a", 0.4, Call::Worse)]);
        let row = |design: &str, class: &str, operators: f64, full: f64| Coverage {
            design: design.into(),
            class: class.into(),
            country: "X".into(),
            operators,
            electricity: 1.0,
            full,
            median_cover: 1.0,
        };
        findings.coverage = vec![
            row("a", "home", 3.0, 1.0),
            row("a", "home", 1.0, 0.6),
            row(OURS, "home", 4.0, 0.8),
            row("b", "home", 4.0, 0.7),
            row("a", "rack", 5.0, 0.1),
            row(OURS, "rack", 5.0, 0.9),
        ];
        assert_eq!(
            of(&findings).losses,
            [
                "By class of operators, all runs together: home, electricity and depreciation: \
              Design A 90.0% against 80.0%."
            ]
        );
    }

    #[test]
    fn what_has_no_value_is_not_counted_and_what_has_no_better_is_not_compared() {
        let mut findings = findings(&[
            (Id::GiniOwner, "a", 0.4, Call::Better),
            (Id::Spent, "a", 0.4, Call::NotCompared),
        ]);
        for outcome in &mut findings.results {
            if outcome.metric == "gini-owner" {
                outcome.value.mean = f64::NAN;
            }
        }
        let verdict = of(&findings);
        assert!(
            verdict.headline.contains("on 0 metrics"),
            "{}",
            verdict.headline
        );
        assert!(verdict.losses.is_empty() && verdict.wins.is_empty());
    }

    #[test]
    fn the_worst_attacks_are_told_beside_what_they_do_to_others() {
        let mut findings = findings(&[(Id::SplitGain, "a", 0.4, Call::Better)]);
        assert!(of(&findings).breaks.is_empty(), "nothing was searched");
        findings.attacks = vec![
            attack(OURS, "identities", 100.0, 0.04),
            attack("a", "identities", 50.0, 0.3),
            attack("b", "identities", 150.0, 0.01),
            attack(OURS, "wash", 0.1, 0.02),
        ];
        let verdict = of(&findings);
        assert_eq!(
            verdict.breaks,
            ["Identities, by somebody with 20% of all work: from 2.0% of the budget to 4.0% \
              (+100.0%); the smaller half of the honest loses 10.0%. It splits into 3 identities. \
              The gain is larger against 1 of 2 other designs, the loss of the small against 1, and \
              what the attacker ends with against 1."]
        );
        assert_eq!(verdict.against[0].attack_share, Some(0.3));
        assert_eq!(verdict.against[0].split_gain, Some(0.4));
        findings.attacks = vec![attack(OURS, "wash", 0.1, 0.02)];
        assert!(of(&findings).breaks[0].starts_with("No attack that was tried"));
    }

    #[test]
    fn the_nearest_flips_are_told_first_and_all_are_counted() {
        let mut findings = findings(&[(Id::GiniOwner, "a", 0.4, Call::Better)]);
        findings.assumptions = Scenario::shipped().assumptions().to_vec();
        let row = |key: &str, flip: Option<f64>| Sensitivity {
            key: key.into(),
            metric: "gini-owner".into(),
            winner: "a".into(),
            winner_low: "a".into(),
            winner_high: "b".into(),
            swing: 0.0,
            flip,
            words: key.into(),
        };
        // The token costs 0.155, and Plimsoll's cap is 20,000 ppm.
        findings.sensitivity = vec![
            row("token.price", Some(0.31)),
            row("plimsoll.operator_cap", Some(21_000.0)),
            row("demand.units", None),
        ];
        let verdict = of(&findings);
        assert_eq!(verdict.flips[..2], ["plimsoll.operator_cap", "token.price"]);
        assert!(
            verdict.flips[2].contains("2 of the 3 assumptions"),
            "{:?}",
            verdict.flips
        );
        findings.sensitivity = vec![row("demand.units", None)];
        assert!(of(&findings).flips[0].starts_with("None of the 1"));
    }
}

//! What a scenario file may say, and with which line and words the rest is refused.

use plimsoll_simulator::scenario::settings::Model;
use plimsoll_simulator::scenario::{Scenario, ScenarioError, SHIPPED};
use std::path::Path;

/// The shipped scenario with its first `from` replaced by `to`, and the line of that.
fn edited(from: &str, to: &str) -> (String, usize) {
    let position = SHIPPED.find(from).expect("the shipped scenario has it");
    let line = SHIPPED[..position].matches('\n').count() + 1;
    (SHIPPED.replacen(from, to, 1), line)
}

/// The error of that edit, which has to name the line of the edit.
fn refused(from: &str, to: &str) -> ScenarioError {
    let (text, line) = edited(from, to);
    let error = Scenario::parse(&text, Path::new(".")).expect_err(to);
    assert_eq!(error.line, Some(line), "{error}");
    error
}

fn says(error: &ScenarioError, key: &str, words: &str) {
    assert_eq!(error.key, key, "{error}");
    assert!(error.problem.contains(words), "{error}");
}

#[test]
fn the_shipped_scenario_is_accepted_and_starts_as_the_published_pool() {
    let scenario = Scenario::shipped();
    let settings = scenario.settings();
    assert_eq!(scenario.name(), "opg");
    assert_eq!(settings.dispatch.model, Model::Channels);
    assert_eq!(settings.params.check(), Ok(()));
    assert!(settings.vesting.valid());
    // 100 M tokens over 96 months of 30.4375 days: 34,223 a day, and the rate to the nearest ppm.
    let linear = settings.emission.reserve / u128::from(settings.emission.months) * 32 / 974;
    let first = settings.emission.reserve * u128::from(settings.params.rate) / 1_000_000;
    let off = first.abs_diff(linear);
    assert!(off * 1_000 < linear, "{first} against {linear}");
}

#[test]
fn every_assumption_has_a_unit_and_a_source_and_lies_in_its_range() {
    let scenario = Scenario::shipped();
    assert!(scenario.assumptions().len() > 90);
    for assumption in scenario.assumptions() {
        assert!(!assumption.unit.is_empty() && !assumption.source.is_empty());
        if let (Some(low), Some(high)) = (assumption.low, assumption.high) {
            assert!(low < high, "{}", assumption.key);
            assert!(
                (low..=high).contains(&assumption.value),
                "{}",
                assumption.key
            );
        }
    }
}

#[test]
fn both_ends_of_every_range_are_scenarios() {
    let scenario = Scenario::shipped();
    for assumption in scenario.assumptions() {
        for value in [assumption.low, assumption.high].into_iter().flatten() {
            let moved = scenario.set(&assumption.key, value);
            let moved = moved.unwrap_or_else(|error| panic!("{error}"));
            assert_eq!(moved.value(&assumption.key), Some(value));
            let same = moved.canonical() == scenario.canonical();
            assert_eq!(same, value == assumption.value, "{}", assumption.key);
        }
    }
}

#[test]
fn what_is_no_toml_is_refused() {
    let error = refused("price = { value = 0.155,", "price = { value = ,");
    says(&error, "", "not TOML");
    // Twice the same key is no TOML either.
    let (text, line) = edited("[token]\n", "[token]\nsupply = 1\n");
    let error = Scenario::parse(&text, Path::new(".")).unwrap_err();
    assert!(error.line > Some(line), "{error}");
    says(&error, "", "duplicate key");
}

#[test]
fn an_unknown_key_is_refused_with_the_one_that_was_meant() {
    let error = refused("epoch_hours = {", "epoch_hour = {");
    says(&error, "run.epoch_hour", "did you mean `epoch_hours`?");
    let error = refused("[token]", "[tokens]");
    says(&error, "tokens", "did you mean `token`?");
    let error = refused(
        "source = \"convention\" }",
        "source = \"convention\", colour = 3 }",
    );
    says(&error, "run.confidence", "`colour` is not known");
}

#[test]
fn a_missing_key_is_refused_with_what_to_write() {
    let whole = "confidence = { value = 0.95, unit = \"share\", source = \"convention\" }";
    let (text, _) = edited(whole, "");
    let error = Scenario::parse(&text, Path::new(".")).unwrap_err();
    says(&error, "run.confidence", "write confidence = { value");
    // The line of the table that lacks it.
    let table = SHIPPED[..SHIPPED.find("[run]").unwrap()]
        .matches('\n')
        .count()
        + 1;
    assert_eq!(error.line, Some(table));
    let error = refused(
        "unit = \"share\", source = \"convention\"",
        "unit = \"share\"",
    );
    says(&error, "run.confidence", "`source` is missing");
    let error = refused(
        ", unit = \"share\", source = \"convention\"",
        ", source = \"convention\"",
    );
    says(&error, "run.confidence", "`unit` is missing");
    let error = refused(whole, "confidence = 0.95");
    says(&error, "run.confidence", "an assumption is written as");
}

#[test]
fn a_table_that_is_missing_is_refused() {
    let start = SHIPPED.find("[selling]").unwrap();
    let end = SHIPPED.find("[attack]").unwrap();
    let text = format!("{}{}", &SHIPPED[..start], &SHIPPED[end..]);
    let error = Scenario::parse(&text, Path::new(".")).unwrap_err();
    says(&error, "selling", "the table [selling] is missing");
}

#[test]
fn a_unit_that_does_not_fit_is_refused() {
    let error = refused(
        "value = 0.155, unit = \"USD/token\"",
        "value = 0.155, unit = \"EUR/kWh\"",
    );
    says(
        &error,
        "token.price",
        "the unit is \"EUR/kWh\", and this key takes \"USD/token\"",
    );
}

#[test]
fn a_value_out_of_range_is_refused() {
    let error = refused("value = 0.95, unit", "value = 1.5, unit");
    says(&error, "run.confidence", "0.5 to 0.9999 share are allowed");
    let error = refused("value = 400_000, unit", "value = 500_001, unit");
    says(
        &error,
        "plimsoll.fragment_floor",
        "0 to 500000 ppm are allowed",
    );
    let error = refused("value = 365, unit", "value = 365.5, unit");
    says(&error, "run.epochs", "not whole");
    let error = refused("value = 0.95, unit", "value = nan, unit");
    says(&error, "run.confidence", "out of range");
    let error = refused("value = 0.95, unit", "value = \"much\", unit");
    says(&error, "run.confidence", "decimal numbers");
}

#[test]
fn a_value_outside_its_own_range_is_refused() {
    let error = refused("low = 0.03, high = 0.6", "low = 0.2, high = 0.6");
    says(
        &error,
        "token.price",
        "0.155 is not between low = 0.2 and high = 0.6",
    );
    let error = refused("low = 0.03, high = 0.6", "low = 0.03, high = 0.1");
    says(&error, "token.price", "not between");
    let error = refused(", low = 0.03, high = 0.6", ", low = 0.03");
    says(&error, "token.price", "both `low` and `high`");
    let error = refused("low = 0.03, high = 0.6", "low = 0.03, high = 1e9");
    says(&error, "token.price", "out of range");
}

#[test]
fn shares_that_do_not_sum_up_to_one_are_refused() {
    // The line of the last one, whatever share is wrong.
    let last_of = |from: &str, to: &str, last: &str, words: &str| {
        let (text, _) = edited(from, to);
        let error = Scenario::parse(&text, Path::new(".")).unwrap_err();
        says(&error, last, words);
        let line = error.line.unwrap();
        assert!(text.lines().nth(line - 1).unwrap().starts_with("share = "));
    };
    last_of(
        "share = { value = 0.6, unit",
        "share = { value = 0.7, unit",
        "class.data-centre.share",
        "the shares of all [[class]] sum up to 1.100000",
    );
    last_of(
        "share = { value = 0.13, unit",
        "share = { value = 0.03, unit",
        "country.Turkey.share",
        "the shares of all [[country]] sum up to 0.900000",
    );
}

#[test]
fn a_name_without_data_is_refused() {
    let error = refused("value = \"channels\"", "value = \"chanels\"");
    says(
        &error,
        "dispatch.model",
        "takes open, least-loaded, channels",
    );
    let error = refused(
        "value = \"servegen:m-large\"",
        "value = \"servegen:m-huge\"",
    );
    says(&error, "demand.clients", "or the path of a .csv file");
    let error = refused(
        "card = { value = \"H100-PCIe\"",
        "card = { value = \"H200\"",
    );
    says(&error, "class.data-centre.card", "`H200` was not measured");
    let (text, _) = edited("name = \"Germany\"", "name = \"Germania\"");
    let error = Scenario::parse(&text, Path::new(".")).unwrap_err();
    says(&error, "country.Germania.share", "did you mean `Germany`?");
    let error = refused(
        "bucket = { value = \"Staking rewards\"",
        "bucket = { value = \"Stakes\"",
    );
    says(
        &error,
        "emission.bucket",
        "the allocation has not one bucket `Stakes`",
    );
}

#[test]
fn a_list_is_refused_without_names_twice_the_same_or_empty() {
    let error = refused("name = \"France\"", "name = \"Germany\"");
    says(&error, "country.name", "`Germany` stands twice");
    let error = refused("name = \"France\"", "name = 7");
    says(&error, "country.name", "a name is a text");
    let error = refused("[[country]]\nname = \"France\"\n", "[[country]]\n");
    says(&error, "country.name", "this [[country]] has no `name`");
}

#[test]
fn what_no_contract_would_take_is_refused() {
    let error = refused("value = 100_000_000, unit", "value = 2_000_000_000, unit");
    says(&error, "emission.reserve", "larger than token.supply");
    let error = refused(
        "value = 9, unit = \"digits\"",
        "value = 9.5, unit = \"digits\"",
    );
    says(&error, "token.decimals", "not whole");
    let error = refused("value = 60_000_000, unit = \"token\", source = \"choice: a quarter of what circulates; unknown for OPG\", low = 20_000_000, high = 120_000_000", "value = 2_000_000_000, unit = \"token\", source = \"none\"");
    says(
        &error,
        "population.stake",
        "more is staked than token.supply",
    );
    let error = refused("medium = { value = 0.05", "medium = { value = 0.005");
    says(&error, "attack.medium", "rising order");
    let error = refused("csm_base = { value = 35_000", "csm_base = { value = 70_000");
    says(&error, "designs.csm_base", "more than the first ones");
    let error = refused(
        "small = { value = 2_000, unit",
        "small = { value = 2_000_000, unit",
    );
    says(&error, "capital.small", "larger than capital.large");
    let scenario = Scenario::shipped();
    // 10^27 base units fit in 96 bits, a hundred times as many do not.
    let fine = scenario.set("token.decimals", 18.0).unwrap();
    let error = fine.set("token.supply", 1e11).unwrap_err();
    says(&error, "token.decimals", "does not fit in 96 bits");
}

#[test]
fn a_change_is_checked_like_a_file() {
    let scenario = Scenario::shipped();
    let price = scenario.set("token.price", 0.5).unwrap();
    assert_eq!(price.settings().token.price_usd, 0.5);
    assert_eq!(
        price.set("token.price", 0.155).unwrap().canonical(),
        scenario.canonical()
    );
    // A sweep may go beyond the range of the sensitivity, but not beyond the key's.
    assert!(scenario.set("token.price", 5.0).is_ok());
    says(
        &scenario.set("token.price", -1.0).unwrap_err(),
        "token.price",
        "out of range",
    );
    says(
        &scenario.set("token.prize", 1.0).unwrap_err(),
        "token.prize",
        "did you mean `token.price`?",
    );
    says(
        &scenario.set("demand.trace", 1.0).unwrap_err(),
        "demand.trace",
        "takes a name",
    );
    // Whole keys get the nearest whole number.
    assert_eq!(
        scenario
            .set("run.epochs", 90.4)
            .unwrap()
            .settings()
            .run
            .epochs,
        90
    );
}

#[test]
fn a_share_that_is_changed_moves_the_others() {
    let scenario = Scenario::shipped().set("class.home.share", 0.2).unwrap();
    let shares: Vec<f64> = scenario
        .settings()
        .classes
        .iter()
        .map(|class| class.share)
        .collect();
    // The other two had 0.1 and 0.3 of 0.4, and have the same parts of 0.8.
    for (share, expected) in shares.iter().zip([0.2, 0.2, 0.6]) {
        assert!((share - expected).abs() < 1e-12, "{shares:?}");
    }
    let alone = Scenario::shipped().set("class.home.share", 1.0).unwrap();
    let back = alone.set("class.home.share", 0.5).unwrap();
    let shares: Vec<f64> = back
        .settings()
        .classes
        .iter()
        .map(|class| class.share)
        .collect();
    assert_eq!(shares, [0.5, 0.25, 0.25]);
}

#[test]
fn the_canonical_text_ignores_layout_and_sees_everything_else() {
    let canonical = |text: &str| Scenario::parse(text, Path::new(".")).unwrap().canonical();
    let shipped = canonical(SHIPPED);
    assert_eq!(
        canonical(&SHIPPED.replace("100_000_000", "100000000")),
        shipped
    );
    assert_eq!(canonical(&format!("# a comment\n{SHIPPED}")), shipped);
    for (from, to) in [
        ("value = 0.155", "value = 0.156"),
        ("low = 0.03", "low = 0.04"),
        ("source = \"convention\"", "source = \"habit\""),
        ("value = \"channels\"", "value = \"open\""),
    ] {
        assert!(canonical(&edited(from, to).0) != shipped, "{to}");
    }
}

/// The shipped scenario with an own file in place of a name.
fn with_file(from: &str, name: &str, content: &str) -> Result<Scenario, ScenarioError> {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join(name), content).unwrap();
    let (text, _) = edited(from, &format!("value = \"{name}\""));
    std::fs::write(folder.path().join("own.toml"), text).unwrap();
    Scenario::open(&folder.path().join("own.toml"))
}

#[test]
fn own_files_are_read_from_the_folder_of_the_scenario() {
    let trace = "TIMESTAMP,ContextTokens,GeneratedTokens\n2023-11-16 18:15:46.68,100,20\n";
    let scenario = with_file("value = \"azure-conv\"", "jobs.csv", trace).unwrap();
    assert_eq!(scenario.inputs().jobs, [120]);
    let clients = "requests_total,rate_weighted_cv,active_10min_windows,windows\n7,1.5,3,10\n";
    let scenario = with_file("value = \"servegen:m-large\"", "clients.csv", clients).unwrap();
    assert_eq!(scenario.inputs().clients.len(), 1);
    let sizes = "size\n1\n3\n2\n";
    let scenario = with_file("value = \"livepeer\"", "sizes.csv", sizes).unwrap();
    assert_eq!(scenario.inputs().sizes, [3.0, 2.0, 1.0]);
    let other = with_file("value = \"livepeer\"", "sizes.csv", "size\n1\n3\n4\n").unwrap();
    assert!(scenario.canonical() != other.canonical());
}

const MEMBERS: &str = "owner,class,country,cards,vetted,channel,stake,bond
0,home,Germany,1,true,false,100,10
0,data-centre,Norway,8,false,true,5000.5,500
";

#[test]
fn an_own_population_stands_as_it_is_written() {
    let scenario = with_file("value = \"drawn\"", "members.csv", MEMBERS).unwrap();
    let world = plimsoll_simulator::world::World::new(&scenario);
    let operators = world.population(3);
    assert_eq!(operators, world.population(4));
    assert_eq!(operators.len(), 2);
    let second = &operators[1];
    assert_eq!(
        (second.owner, second.cards, second.vetted, second.channel),
        (0, 8, false, true)
    );
    assert_eq!(
        (second.stake, second.bond),
        (5_000_500_000_000, 500_000_000_000)
    );
    assert_eq!(world.class(second.class), "data-centre");
    assert_eq!(world.country(second.country), "Norway");
    // Norway's businesses, December 2024.
    assert_eq!(second.electricity, 0.0684);
}

#[test]
fn an_own_file_that_does_not_fit_is_refused_with_both_lines() {
    let file_and_line = |error: ScenarioError, key: &str, words: &str| {
        says(&error, key, words);
        let line = error.line.unwrap();
        let name = key.split('.').next_back().unwrap();
        assert!(
            SHIPPED.lines().nth(line - 1).unwrap().starts_with(name),
            "{error}"
        );
        assert!(
            error
                .to_string()
                .contains(&format!("own.toml:{line}: key `{key}`")),
            "{error}"
        );
    };
    let member = |from: &str, to: &str| {
        let content = MEMBERS.replace(from, to);
        with_file("value = \"drawn\"", "members.csv", &content).unwrap_err()
    };
    let key = "population.members";
    file_and_line(
        member("data-centre", "barge"),
        key,
        "line 3 of members.csv: there is no [[class]] `barge`",
    );
    file_and_line(
        member("Germany", "Atlantis"),
        key,
        "line 2 of members.csv: there is no [[country]]",
    );
    file_and_line(
        member(",8,", ",0,"),
        key,
        "line 3 of members.csv: an operator has at least one card",
    );
    file_and_line(
        member(",10\n", ",101\n"),
        key,
        "line 2 of members.csv: a bond",
    );
    file_and_line(member("true,false", "perhaps,false"), key, "line 2");
    file_and_line(member("owner,", "boss,"), key, "line 2");
    let skew = |content: &str| with_file("value = \"livepeer\"", "sizes.csv", content).unwrap_err();
    file_and_line(skew("size\n1\n-2\n"), "population.skew", "above 0");
    file_and_line(skew("size\n"), "population.skew", "has not a size");
    let jobs = with_file(
        "value = \"azure-conv\"",
        "jobs.csv",
        "TIMESTAMP,ContextTokens\n",
    );
    file_and_line(jobs.unwrap_err(), "demand.trace", "has not a job");
}

#[test]
fn a_file_that_is_not_there_is_refused() {
    let error = refused("value = \"azure-conv\"", "value = \"no/such.csv\"");
    says(&error, "demand.trace", "cannot be read");
    let error = Scenario::open(Path::new("no/such.toml")).unwrap_err();
    assert_eq!(error.file.as_deref(), Some("no/such.toml"));
    assert!(
        error
            .to_string()
            .starts_with("no/such.toml: it cannot be read"),
        "{error}"
    );
}

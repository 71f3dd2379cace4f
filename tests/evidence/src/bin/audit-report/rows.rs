//! Which rows the tables must have, and which test belongs to which.

/// The guarantees of docs/mechanism.md, in order.
pub const GUARANTEES: [(&str, &str); 19] = [
    ("G1", "conservation"),
    ("G2", "budget"),
    ("G3", "cap"),
    ("G4", "ceiling"),
    ("G5", "order"),
    ("G6", "no small loser"),
    ("G7", "fragment floor"),
    ("G8", "cutting"),
    ("G9", "identity splitting"),
    ("G10", "monotone"),
    ("G11", "no dilution"),
    ("G12", "batch neutrality"),
    ("G13", "level"),
    ("G14", "vesting"),
    ("G15", "solvency"),
    ("G16", "replay"),
    ("G17", "exit"),
    ("G18", "wash"),
    ("G19", "capital"),
];

/// Everybody who could do harm, as tests name them: `role_guardian_...`.
pub const ROLES: [(&str, &str); 10] = [
    ("anyone", "a stranger who calls what all may call"),
    ("keeper", "a keeper that withholds, delays and is lazy"),
    ("operator", "an operator with many identities"),
    ("attesters", "fewer attesters than must sign"),
    ("quorum", "as many lying attesters as must sign"),
    ("registrar", "a registrar that vouches for sybils"),
    ("guardian", "a guardian that strikes and pauses at will"),
    ("owner", "an owner that announces the worst"),
    ("token", "a token that lies, taxes, fails or calls back"),
    ("author", "a block author with a skewed clock"),
];

/// The guarantees that a test is about, by the ids at the start of its name:
/// `module::g1_g15_...` is about G1 and G15.
pub fn guarantees_of(name: &str) -> Vec<String> {
    function(name)
        .split('_')
        .map_while(|word| {
            let number: u32 = word.strip_prefix('g')?.parse().ok()?;
            Some(format!("G{number}"))
        })
        .collect()
}

/// A test's name without its modules.
pub fn function(name: &str) -> &str {
    name.rsplit("::").next().unwrap_or(name)
}

/// The role that a test is about.
pub fn role_of(name: &str) -> Option<&str> {
    name.strip_prefix("role_")?.split('_').next()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_test_counts_for_the_guarantees_it_begins_with_and_no_others() {
        assert_eq!(guarantees_of("a::g1_g15_funds_come_in"), ["G1", "G15"]);
        assert_eq!(guarantees_of("g17_g1x_is_no_id"), ["G17"]);
        assert!(guarantees_of("a_level_g13_is_raised").is_empty());
        assert!(guarantees_of("gather_g1").is_empty());
    }

    #[test]
    fn a_test_counts_for_the_role_it_begins_with() {
        assert_eq!(role_of("role_owner_cannot_take"), Some("owner"));
        assert_eq!(role_of("the_role_owner"), None);
    }
}

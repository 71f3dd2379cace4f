//! Refusals of the transaction pool, by name.

use crate::chain::ChainError;
use subxt::rpcs::UserError;

/// The reason for a refusal that names none, by the code that every Substrate node
/// gives (`author_submitExtrinsic`).
fn by_code(code: i32) -> &'static str {
    match code {
        1001 => "BadFormat",
        1002 => "Rejected",
        1011 => "CannotLookup",
        1012 => "TemporarilyBanned",
        1013 => "AlreadyImported",
        1014 => "TooLowPriority",
        1015 => "CycleDetected",
        1016 => "ImmediatelyDropped",
        1018 => "Unactionable",
        1019 => "NoTags",
        1021 => "Future",
        _ => "Unknown",
    }
}

/// What makes a transaction invalid (code 1010) is told in words only. Each line: what
/// the words contain, and the runtime's name for it.
const INVALID: &[(&str, &str)] = &[
    ("outdated", "Stale"),
    ("valid in the future", "Future"),
    ("bad signature", "BadProof"),
    ("ancient birth block", "AncientBirthBlock"),
    ("exhaust the block limits", "ExhaustsResources"),
    ("Inability to pay", "Payment"),
    ("Invalid signing address", "BadSigner"),
    ("call is not expected", "Call"),
];

/// The pool has looked at the transaction and did not take it.
pub(super) fn refusal(error: &UserError) -> Result<(), ChainError> {
    let data = error
        .data
        .as_ref()
        .map_or("", |data| data.get())
        .trim_matches('"');
    let name = match error.code {
        1010 => INVALID
            .iter()
            .find(|(words, _)| data.contains(words))
            .map_or("Invalid", |(_, name)| name),
        code => by_code(code),
    };
    if name == "AlreadyImported" {
        return Ok(());
    }
    let detail = if data.is_empty() {
        error.to_string()
    } else {
        format!("{error}: {data}")
    };
    Err(ChainError::Pool {
        name: name.to_owned(),
        detail,
    })
}

/// A refusal as it is to be told: not as a verdict if another endpoint was asked before
/// and may have taken the transaction.
pub(super) fn told(error: ChainError, asked_before: bool) -> ChainError {
    match error {
        ChainError::Pool { name, detail } if asked_before => ChainError::Unsure { name, detail },
        error => error,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chain::Class;

    fn refused(code: i32, data: &str) -> Result<(), ChainError> {
        let text = format!(r#"{{"code":{code},"message":"Invalid Transaction","data":"{data}"}}"#);
        refusal(&serde_json::from_str(&text).expect("an error object"))
    }

    fn name(code: i32, data: &str) -> String {
        match refused(code, data) {
            Err(ChainError::Pool { name, .. }) => name,
            other => panic!("not refused: {other:?}"),
        }
    }

    #[test]
    fn invalid_transactions_are_told_apart_by_the_nodes_words() {
        assert_eq!(name(1010, "Transaction is outdated"), "Stale");
        assert_eq!(
            name(1010, "Transaction will be valid in the future"),
            "Future"
        );
        assert_eq!(name(1010, "Transaction has a bad signature"), "BadProof");
        assert_eq!(
            name(1010, "Transaction has an ancient birth block"),
            "AncientBirthBlock"
        );
        assert_eq!(
            name(1010, "Transaction would exhaust the block limits"),
            "ExhaustsResources"
        );
        assert_eq!(
            name(
                1010,
                "Inability to pay some fees (e.g. account balance too low)"
            ),
            "Payment"
        );
        assert_eq!(name(1010, "Custom error: 7"), "Invalid");
    }

    #[test]
    fn a_refusal_after_an_endpoint_that_gave_no_answer_is_no_verdict() {
        let refusal =
            || refused(1010, "Transaction has an ancient birth block").expect_err("refused");
        assert!(matches!(told(refusal(), false), ChainError::Pool { .. }));
        let unsure = told(refusal(), true);
        assert!(matches!(unsure, ChainError::Unsure { .. }), "{unsure}");
        assert_eq!(unsure.class(), Class::Reconcile);
        assert!(unsure.to_string().contains("AncientBirthBlock"), "{unsure}");
    }

    #[test]
    fn what_the_pool_has_already_is_no_error() {
        assert!(refused(1013, "0xab").is_ok());
    }

    #[test]
    fn a_full_pool_is_tried_again_and_a_taken_nonce_looked_up() {
        let class = |code| refused(code, "").expect_err("refused").class();
        assert_eq!(class(1016), Class::Retry);
        assert_eq!(class(1012), Class::Retry);
        assert_eq!(class(1014), Class::Reconcile);
        assert_eq!(class(1001), Class::Permanent);
    }
}

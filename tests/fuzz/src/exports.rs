//! Parameters that a comparison exported.

use plimsoll_interface::{calls, Change};
use plimsoll_simulator::export;
use serde_json::Value;

/// What is read is within the contract's bounds, its words and its call data are the same
/// parameters, and what is written of it is read as the same again.
pub fn params(input: &[u8]) {
    let Ok(text) = std::str::from_utf8(input) else {
        return;
    };
    let exported = match export::read(text) {
        Ok(exported) => exported,
        Err(error) => {
            assert!(!error.to_string().is_empty());
            return;
        }
    };
    let params = exported.params;
    assert_eq!(params.check(), Ok(()));
    assert_eq!(exported.data, calls::queue(&Change::Params(params)));
    let said: Value = serde_json::from_str(text).expect("it was read");
    for (at, argument) in export::arguments().into_iter().enumerate() {
        let value = &said["arguments"][at]["value"];
        let number = match value {
            Value::String(digits) => Some(digits.parse().expect("digits")),
            value => value.as_u64().map(u128::from),
        };
        assert_eq!(number, argument.of(&params), "{}", argument.name);
    }
    let shown = exported.from.to_string();
    assert!(!shown.contains(|c: char| c.is_control() && c != '\n'));
    let again = export::params_json(&params, &exported.from).expect("it was read");
    assert_eq!(export::read(&again).expect("just written"), exported);
}

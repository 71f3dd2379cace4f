//! Measured throughput of vLLM on a consumer card and on a data-centre card.

use super::Shipped;
use serde::Deserialize;

/// Short runs of 200 prompts at several target rates.
pub const THROUGHPUT: Shipped = Shipped {
    name: "vllm_rtx4090_vs_h100.csv",
    text: include_str!("../../../data/vllm_rtx4090_vs_h100.csv"),
    licence: "Apache-2.0",
    source: "IOG-Foundation/llm-inference-benchmarks",
};

/// A run.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct Row {
    /// The card: `GeForce-RTX-4090`.
    pub gpu: String,
    /// How many of them.
    pub gpu_count: u32,
    /// The model served.
    pub model: String,
    /// Requests a second that were asked of it.
    pub target_qps: f64,
    /// Tokens a second, prompts and answers.
    pub total_tok_s: f64,
}

/// All runs.
#[must_use]
pub fn throughput() -> Vec<Row> {
    super::shipped(&THROUGHPUT)
}

/// Tokens a second (prompts and answers) of one `card` that serves `model` at `requests`
/// requests a second; where several cards served it together, their mean. None if it
/// was not measured.
#[must_use]
pub fn tokens_per_second(card: &str, model: &str, requests: f64) -> Option<f64> {
    throughput()
        .into_iter()
        .filter(|row| row.gpu == card && row.model == model && row.target_qps == requests)
        .min_by_key(|row| row.gpu_count)
        .map(|row| row.total_tok_s / f64::from(row.gpu_count))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_cards_were_measured_on_the_small_model() {
        let of = |card| tokens_per_second(card, "meta-llama/Meta-Llama-3-8B-Instruct", 32.0);
        assert_eq!(of("GeForce-RTX-4090"), Some(3_325.26));
        assert_eq!(of("H100-PCIe"), Some(5_438.38));
        assert_eq!(of("Abacus"), None);
    }

    #[test]
    fn two_cards_count_as_two() {
        let of = |model| tokens_per_second("H100-PCIe", model, 32.0);
        assert_eq!(
            of("meta-llama/Meta-Llama-3-70B-Instruct"),
            Some(1_178.38 / 2.0)
        );
    }
}

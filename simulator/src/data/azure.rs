//! Conversation requests to a large language model in Azure, 58 minutes of 2023.

use super::Shipped;
use serde::Deserialize;

/// The trace as published.
pub const CONVERSATIONS: Shipped = Shipped {
    name: "azure_llm_2023_conv.csv",
    text: include_str!("../../../data/azure_llm_2023_conv.csv"),
    licence: "CC BY 4.0",
    source: "Azure/AzurePublicDataset, Patel et al., ISCA 2024",
};

/// A request. Own traces have the same columns; only these two are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub struct Request {
    /// Tokens of the prompt.
    #[serde(rename = "ContextTokens")]
    pub context: u32,
    /// Tokens of the answer.
    #[serde(rename = "GeneratedTokens")]
    pub generated: u32,
}

impl Request {
    /// Prompt and answer, in work units.
    #[must_use]
    pub fn units(&self) -> u64 {
        u64::from(self.context) + u64::from(self.generated)
    }
}

/// The shipped requests, in order of arrival.
#[must_use]
pub fn requests() -> Vec<Request> {
    super::shipped(&CONVERSATIONS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_trace_has_the_sizes_that_were_published() {
        let requests = requests();
        assert_eq!(requests.len(), 19_366);
        let total: u64 = requests.iter().map(Request::units).sum();
        // 1,155 input and 211 output tokens on average.
        assert_eq!(total / 19_366, 1_365);
    }
}

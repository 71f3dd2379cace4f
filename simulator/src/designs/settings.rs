//! Constants of the designs, as published.

/// What each design other than Plimsoll fixes in its own rules.
///
/// The default is what its project published, at the commit or document named beside it;
/// amounts of the token are for one of 9 decimals (a token is 10^9 base units). Where a
/// figure is not published in tokens, the assumption is stated.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Settings {
    /// Length of an epoch, in hours; at least 1. Default 24.
    pub epoch_hours: u32,
    /// OpenGradient: the pool for staking, in base units. Default 100 million tokens, 10 % of
    /// the supply (secondary sources, `data/opg_allocation.csv`).
    pub opg_pool: u128,
    /// OpenGradient: months over which that pool is released; at least 1. Default 96.
    pub opg_months: u32,
    /// Livepeer: what redeeming a winning ticket costs, in base units; 0 switches the lottery
    /// off. Default 2 tokens: the 1,200,000 gas of go-livepeer@176aa41
    /// `cmd/livepeer/starter/starter.go:57-61` at an assumed 0.1 gwei and EUR 2,500 an ETH is
    /// EUR 0.30, and a token of EUR 0.155 is assumed.
    pub livepeer_redeem_cost: u128,
    /// Livepeer: face value of a ticket, as a multiple of the cost of redeeming it; at least 1.
    /// Default 100 (go-livepeer@176aa41 `pm/recipient.go:198-300`).
    pub livepeer_face_multiple: u32,
    /// Rocket Pool: epochs in an interval; at least 1. Default 28.
    pub rocket_pool_interval: u32,
    /// Rocket Pool: commission on what others lent, in ppm; at most 1e6. Default 140,000, the
    /// fee of minipools of 8 and 16 ETH (general knowledge, not read in source).
    pub rocket_pool_fee: u32,
    /// Cardano: `k`, the number of pools that is wanted; at least 1. Default 500. It is a
    /// figure for some thousands of pools: with `n` operators far fewer, nearly all are
    /// saturated and much of the budget returns, so a scenario should set it in proportion.
    pub cardano_k: u32,
    /// Cardano: `a0`, the influence of the pledge, in ppm. Default 300,000.
    pub cardano_a0: u32,
    /// Cardano with CIP-50: `L`, stake that counts per pledge. Default 100, the upper end of
    /// the 10 to 100 that CIP-50 recommends and the value of its examples.
    pub cardano_leverage: u32,
    /// The Graph: `lambda`. Default 0.6 (contracts@687d928
    /// `packages/contracts/config/graph.arbitrum-one.yml:117`).
    pub graph_lambda: f64,
    /// The Graph: epochs of fees that a stake is set against; above 0. Default 28, the longest
    /// an allocation lasts (same file, `maxAllocationEpochs`).
    pub graph_epochs: f64,
    /// Helium: the most that is paid per unit, as a multiple (ppm) of what clients pay.
    /// Default 3,000,000 (HIP-149).
    pub helium_cap: u32,
    /// Render: cards of a wallet that count in full. Default 3 (RNP-015).
    pub render_free_cards: u32,
    /// Render: decay of the weight for each card beyond. Default 0.65 (RNP-015).
    pub render_decay: f64,
    /// Lido CSM: what an identified operator earns on its first cards, in ppm; at least 1.
    /// Default 60,000.
    pub csm_full: u32,
    /// Lido CSM: what all other cards earn, in ppm; at most `csm_full`. Default 35,000.
    pub csm_base: u32,
    /// Lido CSM: cards of an identified operator that earn in full. Default 16.
    pub csm_full_cards: u32,
    /// Flat cap: the most that an identity gets, as a share of the budget in ppm; none: the
    /// `operator_cap` of the mechanism, so that only what becomes of the excess differs.
    /// Default none.
    pub flat_cap: Option<u32>,
}

impl Default for Settings {
    fn default() -> Self {
        const TOKEN: u128 = 1_000_000_000;
        Self {
            epoch_hours: 24,
            opg_pool: 100_000_000 * TOKEN,
            opg_months: 96,
            livepeer_redeem_cost: 2 * TOKEN,
            livepeer_face_multiple: 100,
            rocket_pool_interval: 28,
            rocket_pool_fee: 140_000,
            cardano_k: 500,
            cardano_a0: 300_000,
            cardano_leverage: 100,
            graph_lambda: 0.6,
            graph_epochs: 28.0,
            helium_cap: 3_000_000,
            render_free_cards: 3,
            render_decay: 0.65,
            csm_full: 60_000,
            csm_base: 35_000,
            csm_full_cards: 16,
            flat_cap: None,
        }
    }
}

//! Tokens of every make, spoken to in the Solidity ABI.

use crate::{artifacts, Actor};
use alloy_primitives::{Address, U256};
use alloy_sol_types::{sol, SolCall, SolValue};
use plimsoll_embedded::{Code, EmbeddedChain, Failure, Outcome, RawOrigin, RuntimeCall, H160};

sol! {
    /// What every token answers.
    #[derive(Debug, PartialEq, Eq)]
    interface Erc20 {
        function name() external view returns (string);
        function symbol() external view returns (string);
        function decimals() external view returns (uint8);
        function totalSupply() external view returns (uint256);
        function balanceOf(address owner) external view returns (uint256);
        function allowance(address owner, address spender) external view returns (uint256);
        function approve(address spender, uint256 value) external returns (bool);
        function transfer(address to, uint256 value) external returns (bool);
        function transferFrom(address from, address to, uint256 value) external returns (bool);

        event Transfer(address indexed from, address indexed to, uint256 value);
        event Approval(address indexed owner, address indexed spender, uint256 value);
    }

    /// What `FaultyToken.sol` answers beside it.
    #[derive(Debug, PartialEq, Eq)]
    interface FaultyToken {
        function misbehave(uint8 fault) external;
        function bar(address account) external;
        function callBack(address target, bytes calldata message) external;
        function mint(address to, uint256 value) external;
        function entered() external view returns (uint256);
        function refused() external view returns (uint256);
    }
}

/// How `FaultyToken.sol` can misbehave, as it is numbered there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
#[allow(missing_docs)]
pub enum Fault {
    None,
    SaysNo,
    Reverts,
    TaxesRecipient,
    TaxesSender,
    SaysNothing,
    CallsBack,
    CallsBackOrFails,
    Lies,
    Denies,
    HidesBalances,
    SaysTwo,
    Exhausts,
    CallsBackOnBalance,
    PaysTwice,
}

/// Every fault but [`Fault::None`].
pub fn faults() -> [Fault; 14] {
    use Fault::*;
    [
        SaysNo,
        Reverts,
        TaxesRecipient,
        TaxesSender,
        SaysNothing,
        CallsBack,
        CallsBackOrFails,
        Lies,
        Denies,
        HidesBalances,
        SaysTwo,
        Exhausts,
        CallsBackOnBalance,
        PaysTwice,
    ]
}

/// What a bank starts with, in base units.
pub const SUPPLY: u128 = 1 << 100;

/// Decimals of the tokens that have any.
pub const DECIMALS: u8 = 18;

/// The asset that [`TokenKind::Asset`] makes.
const ASSET: u32 = 7;

/// The two bytes by which the precompile of assets knows its addresses.
const ASSET_PREFIX: [u8; 2] = [0x01, 0x20];

/// A make of token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TokenKind {
    /// `contracts/token`, in PolkaVM bytecode.
    Ink,
    /// `tests/solidity/Erc20.sol`, in EVM bytecode.
    Solidity,
    /// `tests/solidity/FaultyToken.sol`, honest at first.
    Faulty,
    /// An asset of pallet-assets behind its precompile.
    Asset,
}

impl TokenKind {
    /// Makes the token, gives [`SUPPLY`] of it to `bank`, and returns its address.
    ///
    /// # Panics
    /// If the token cannot be made.
    pub fn deploy(self, chain: &mut EmbeddedChain, bank: &Actor) -> H160 {
        let (name, symbol) = ("Plimsoll Test".to_owned(), "PLT".to_owned());
        // Every number is a word in the encoding, decimals too.
        let arguments = (name, symbol, U256::from(DECIMALS), U256::from(SUPPLY));
        let made = match self {
            Self::Ink => {
                let code = Code::Upload(artifacts::token_code());
                chain.instantiate(&bank.account, code, arguments.abi_encode_params(), None, 0)
            }
            Self::Solidity => evm(chain, bank, "Erc20", &arguments.abi_encode_params()),
            Self::Faulty => {
                let arguments = (U256::from(SUPPLY),).abi_encode_params();
                evm(chain, bank, "FaultyToken", &arguments)
            }
            Self::Asset => return asset(chain, bank),
        };
        match made.result {
            Ok(address) => address,
            Err(failure) => panic!("{self:?} does not deploy: {failure}"),
        }
    }
}

fn evm(chain: &mut EmbeddedChain, bank: &Actor, name: &str, arguments: &[u8]) -> Outcome<H160> {
    let code = [artifacts::solidity_code(name).as_slice(), arguments].concat();
    chain.instantiate(&bank.account, Code::Upload(code), Vec::new(), None, 0)
}

fn asset(chain: &mut EmbeddedChain, bank: &Actor) -> H160 {
    let create = pallet_assets::Call::create {
        id: ASSET.into(),
        admin: bank.account.clone().into(),
        min_balance: 1,
    };
    let mint = pallet_assets::Call::mint {
        id: ASSET.into(),
        beneficiary: bank.account.clone().into(),
        amount: SUPPLY,
    };
    for call in [create, mint] {
        let origin = RawOrigin::Signed(bank.account.clone());
        chain
            .dispatch(origin, RuntimeCall::Assets(call))
            .result
            .expect("the bank makes an asset");
    }
    let mut address = [0; 20];
    address[..4].copy_from_slice(&ASSET.to_be_bytes());
    address[16..18].copy_from_slice(&ASSET_PREFIX);
    address.into()
}

/// Sends a Solidity message and decodes its answer.
pub(crate) fn send<C: SolCall>(
    chain: &mut EmbeddedChain,
    from: &Actor,
    contract: H160,
    call: &C,
) -> Result<C::Return, Failure> {
    chain
        .call(&from.account, contract, 0, call.abi_encode())
        .result
        .map(|data| decode::<C>(&data))
}

/// Asks a Solidity view.
pub(crate) fn view<C: SolCall>(
    chain: &mut EmbeddedChain,
    from: &Actor,
    contract: H160,
    call: &C,
) -> Result<C::Return, Failure> {
    chain
        .dry_run(&from.account, contract, 0, call.abi_encode())
        .result
        .map(|data| decode::<C>(&data))
}

fn decode<C: SolCall>(data: &[u8]) -> C::Return {
    C::abi_decode_returns(data).unwrap_or_else(|error| {
        panic!("{} answered 0x{}: {error}", C::SIGNATURE, hex::encode(data))
    })
}

/// An address as Solidity's encoders take it.
pub(crate) fn sol_address(address: H160) -> Address {
    Address::from(address.0)
}

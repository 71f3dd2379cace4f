//! What differs from one runtime to the next: read from its metadata.
//!
//! `pallet-revive` has had two layouts of a dry-run's answer. Fields are taken by name
//! and the layout by which names there are, once for each block's metadata.

use super::{client, Block};
use crate::chain::{ChainError, DryRun, Failure, Hash, Weight, H160};
use parity_scale_codec::{Compact, Decode};
use subxt::ext::scale_decode::DecodeAsType;
use subxt::ext::scale_encode::EncodeAsType;
use subxt::ext::scale_value::{Composite, Primitive, Value, ValueDef};
use subxt::metadata::Metadata;
use subxt::utils::AccountId32;

/// Bit of a contract's return flags: everything it did is undone.
const REVERTED: u32 = 1;

/// Weight as the chain encodes it.
#[derive(Clone, Copy, Debug, EncodeAsType, DecodeAsType)]
#[encode_as_type(crate_path = "subxt::ext::scale_encode")]
#[decode_as_type(crate_path = "subxt::ext::scale_decode")]
pub(super) struct ScaleWeight {
    ref_time: u64,
    proof_size: u64,
}

impl From<Weight> for ScaleWeight {
    fn from(weight: Weight) -> Self {
        Self {
            ref_time: weight.ref_time,
            proof_size: weight.proof_size,
        }
    }
}

impl From<ScaleWeight> for Weight {
    fn from(weight: ScaleWeight) -> Self {
        Self {
            ref_time: weight.ref_time,
            proof_size: weight.proof_size,
        }
    }
}

/// Code to instantiate.
#[derive(Clone, Debug, EncodeAsType)]
#[encode_as_type(crate_path = "subxt::ext::scale_encode")]
pub(super) enum Code {
    /// Bytecode.
    Upload(Vec<u8>),
}

/// Arguments of a dry-run of a message: origin, contract, value, weight and deposit
/// limits, data.
type CallArguments = (
    AccountId32,
    [u8; 20],
    u128,
    Option<ScaleWeight>,
    Option<u128>,
    Vec<u8>,
);

/// Arguments of a dry-run of a constructor: origin, value, weight and deposit limits,
/// code, data, salt.
type InstantiateArguments = (
    AccountId32,
    u128,
    Option<ScaleWeight>,
    Option<u128>,
    Code,
    Vec<u8>,
    Option<[u8; 32]>,
);

#[derive(DecodeAsType)]
#[decode_as_type(crate_path = "subxt::ext::scale_decode")]
enum StorageDeposit {
    Refund(#[allow(dead_code)] u128),
    Charge(u128),
}

impl StorageDeposit {
    fn charge_or_zero(&self) -> u128 {
        match self {
            Self::Charge(amount) => *amount,
            Self::Refund(_) => 0,
        }
    }
}

#[derive(DecodeAsType)]
#[decode_as_type(crate_path = "subxt::ext::scale_decode")]
struct Flags {
    bits: u32,
}

#[derive(DecodeAsType)]
#[decode_as_type(crate_path = "subxt::ext::scale_decode")]
struct Returned {
    flags: Flags,
    data: Vec<u8>,
}

#[derive(DecodeAsType)]
#[decode_as_type(crate_path = "subxt::ext::scale_decode")]
struct Made {
    result: Returned,
    addr: [u8; 20],
}

/// The answer as runtimes gave it until mid-2025.
#[derive(DecodeAsType)]
#[decode_as_type(crate_path = "subxt::ext::scale_decode")]
struct LayoutA<Output> {
    gas_required: ScaleWeight,
    storage_deposit: StorageDeposit,
    result: Result<Output, Value>,
}

/// The answer as runtimes give it since.
#[derive(DecodeAsType)]
#[decode_as_type(crate_path = "subxt::ext::scale_decode")]
struct LayoutB<Output> {
    weight_required: ScaleWeight,
    max_storage_deposit: StorageDeposit,
    result: Result<Output, Value>,
}

/// The answer, whatever its layout.
struct Answer<R> {
    weight: Weight,
    deposit: u128,
    result: Result<R, Value>,
}

impl<R> From<LayoutA<R>> for Answer<R> {
    fn from(answer: LayoutA<R>) -> Self {
        Self {
            weight: answer.gas_required.into(),
            deposit: answer.storage_deposit.charge_or_zero(),
            result: answer.result,
        }
    }
}

impl<R> From<LayoutB<R>> for Answer<R> {
    fn from(answer: LayoutB<R>) -> Self {
        Self {
            weight: answer.weight_required.into(),
            deposit: answer.max_storage_deposit.charge_or_zero(),
            result: answer.result,
        }
    }
}

/// A layout of a dry-run's answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Layout {
    A,
    B,
}

/// Picks the layout by the names of the answer's fields.
fn layout(fields: &[&str]) -> Option<Layout> {
    if fields.contains(&"weight_required") {
        Some(Layout::B)
    } else if fields.contains(&"gas_required") {
        Some(Layout::A)
    } else {
        None
    }
}

fn layout_of(metadata: &Metadata, method: &str) -> Result<Layout, ChainError> {
    let no_contracts = || {
        ChainError::Unsupported(format!(
            "its runtime has no `ReviveApi_{method}` that this keeper understands; is it a chain \
             with `pallet-revive`?"
        ))
    };
    let output = metadata
        .runtime_api_trait_by_name("ReviveApi")
        .and_then(|api| api.method_by_name(method))
        .ok_or_else(no_contracts)?
        .output_ty();
    let output = metadata.types().resolve(output).ok_or_else(no_contracts)?;
    match &output.type_def {
        scale_info::TypeDef::Composite(answer) => {
            let names: Vec<&str> = answer
                .fields
                .iter()
                .filter_map(|field| field.name.as_deref())
                .collect();
            layout(&names).ok_or_else(no_contracts)
        }
        _ => Err(no_contracts()),
    }
}

async fn ask<A, R>(block: &Block, method: &str, arguments: A) -> Result<Answer<R>, ChainError>
where
    A: subxt::ext::frame_decode::runtime_apis::IntoEncodableValues,
    LayoutA<R>: DecodeAsType,
    LayoutB<R>: DecodeAsType,
{
    let apis = block.runtime_apis();
    match layout_of(block.metadata_ref(), method)? {
        Layout::A => {
            let call =
                subxt::dynamic::runtime_api_call::<A, LayoutA<R>>("ReviveApi", method, arguments);
            apis.call(call).await.map(Answer::from)
        }
        Layout::B => {
            let call =
                subxt::dynamic::runtime_api_call::<A, LayoutB<R>>("ReviveApi", method, arguments);
            apis.call(call).await.map(Answer::from)
        }
    }
    .map_err(client("dry-run"))
}

/// Dry-runs a message.
pub(super) async fn dry_run_call(
    block: &Block,
    arguments: CallArguments,
) -> Result<DryRun, ChainError> {
    let answer = ask::<_, Returned>(block, "call", arguments).await?;
    Ok(DryRun {
        weight: answer.weight,
        deposit: answer.deposit,
        result: result(block, answer.result),
        address: None,
    })
}

/// Dry-runs a constructor.
pub(super) async fn dry_run_instantiate(
    block: &Block,
    arguments: InstantiateArguments,
) -> Result<DryRun, ChainError> {
    let answer = ask::<_, Made>(block, "instantiate", arguments).await?;
    let address = answer.result.as_ref().ok().map(|made| H160(made.addr));
    Ok(DryRun {
        weight: answer.weight,
        deposit: answer.deposit,
        result: result(block, answer.result.map(|made| made.result)),
        address,
    })
}

fn result(block: &Block, result: Result<Returned, Value>) -> Result<Vec<u8>, Failure> {
    match result {
        Ok(returned) if returned.flags.bits & REVERTED != 0 => {
            Err(Failure::Reverted(returned.data))
        }
        Ok(returned) => Ok(returned.data),
        Err(error) => Err(failure_of(block, &error)),
    }
}

/// What a runtime's `DispatchError` says.
pub(super) fn failure_of(block: &Block, error: &Value) -> Failure {
    let metadata = block.metadata_ref();
    Failure::Runtime(error_name(error, |pallet, error| {
        let pallet = metadata.pallet_by_error_index(pallet)?;
        let variant = pallet.error_variant_by_index(error)?;
        Some(format!("{}::{}", pallet.name(), variant.name))
    }))
}

/// The name of a `DispatchError`: `Pallet::Error`, `Kind::Detail` or `Kind`.
fn error_name(error: &Value, of_pallet: impl Fn(u8, u8) -> Option<String>) -> String {
    let ValueDef::Variant(kind) = &error.value else {
        return "Unknown".to_owned();
    };
    if kind.name == "Module" {
        let mut numbers = Vec::new();
        collect_numbers(&kind.values, &mut numbers);
        return match numbers.as_slice() {
            [pallet, error, ..] => {
                of_pallet(*pallet, *error).unwrap_or_else(|| format!("Unknown::{pallet}::{error}"))
            }
            _ => "Unknown".to_owned(),
        };
    }
    match first(&kind.values).map(|detail| &detail.value) {
        Some(ValueDef::Variant(detail)) => format!("{}::{}", kind.name, detail.name),
        _ => kind.name.clone(),
    }
}

fn first(values: &Composite<()>) -> Option<&Value> {
    values.values().next()
}

/// The bytes in a value, in order.
fn collect_numbers(values: &Composite<()>, numbers: &mut Vec<u8>) {
    for value in values.values() {
        match &value.value {
            ValueDef::Primitive(Primitive::U128(number)) => {
                // Both numbers of a module's error are bytes.
                numbers.push(u8::try_from(*number).unwrap_or(u8::MAX));
            }
            ValueDef::Composite(inner) => collect_numbers(inner, numbers),
            _ => {}
        }
    }
}

/// What one transaction may take of a block.
pub(super) struct BlockLimits {
    /// Weight, its overhead included.
    pub max_weight: Weight,
    /// Bytes.
    pub max_length: u64,
}

#[derive(DecodeAsType)]
#[decode_as_type(crate_path = "subxt::ext::scale_decode")]
struct BlockWeights {
    max_block: ScaleWeight,
    per_class: Classes<ClassWeights>,
}

#[derive(DecodeAsType)]
#[decode_as_type(crate_path = "subxt::ext::scale_decode")]
struct Classes<T> {
    normal: T,
}

#[derive(DecodeAsType)]
#[decode_as_type(crate_path = "subxt::ext::scale_decode")]
struct ClassWeights {
    base_extrinsic: ScaleWeight,
    max_extrinsic: Option<ScaleWeight>,
}

#[derive(DecodeAsType)]
#[decode_as_type(crate_path = "subxt::ext::scale_decode")]
struct BlockLength {
    max: Classes<u32>,
}

/// The limits of one ordinary transaction.
pub(super) fn block_limits(block: &Block) -> Result<BlockLimits, ChainError> {
    let unknown = |error: subxt::error::ConstantError| {
        ChainError::Unsupported(format!("its block limits cannot be read: {error}"))
    };
    let constants = block.constants();
    let weights = constants
        .entry(subxt::dynamic::constant::<BlockWeights>(
            "System",
            "BlockWeights",
        ))
        .map_err(unknown)?;
    let length = constants
        .entry(subxt::dynamic::constant::<BlockLength>(
            "System",
            "BlockLength",
        ))
        .map_err(unknown)?;
    let normal = weights.per_class.normal;
    let most = Weight::from(normal.max_extrinsic.unwrap_or(weights.max_block));
    let base = Weight::from(normal.base_extrinsic);
    Ok(BlockLimits {
        max_weight: Weight {
            ref_time: most.ref_time.saturating_sub(base.ref_time),
            proof_size: most.proof_size.saturating_sub(base.proof_size),
        },
        max_length: u64::from(length.max.normal),
    })
}

/// The EVM chain id, big-endian.
pub(super) fn chain_id(block: &Block) -> Result<[u8; 32], ChainError> {
    let id = block
        .constants()
        .entry(subxt::dynamic::constant::<u64>("Revive", "ChainId"))
        .map_err(|error| {
            ChainError::Unsupported(format!("its EVM chain id cannot be read: {error}"))
        })?;
    let mut bytes = [0; 32];
    bytes[24..].copy_from_slice(&id.to_be_bytes());
    Ok(bytes)
}

/// What a mapping holds: an address and an account, in bytes.
const MAPPING_BYTES: u128 = 52;

/// The deposit that mapping an account takes, in base units.
pub(super) fn mapping_deposit(block: &Block) -> Result<u128, ChainError> {
    let price = |name| {
        block
            .constants()
            .entry(subxt::dynamic::constant::<u128>("Revive", name))
            .map_err(|error| {
                ChainError::Unsupported(format!("its storage deposits cannot be read: {error}"))
            })
    };
    let bytes = price("DepositPerByte")?.saturating_mul(MAPPING_BYTES);
    Ok(price("DepositPerItem")?.saturating_add(bytes))
}

/// The runtime's name.
pub(super) async fn spec_name(block: &Block) -> Result<String, ChainError> {
    let version = block
        .runtime_apis()
        .call_raw("Core_version", None)
        .await
        .map_err(client("read the runtime's version"))?;
    String::decode(&mut &version[..]).map_err(client("read the runtime's version"))
}

/// What a signed transaction takes of a block, its length aside, and its fee.
pub(super) async fn weight_and_fee(
    block: &Block,
    bytes: &[u8],
) -> Result<(Weight, u128), ChainError> {
    let failed = "read the transaction's fee";
    let length = u32::try_from(bytes.len()).map_err(|_| ChainError::TooLarge {
        unit: "bytes of length",
        needed: bytes.len() as u64,
        most: u64::from(u32::MAX),
    })?;
    let mut arguments = bytes.to_vec();
    arguments.extend(length.to_le_bytes());
    let info = block
        .runtime_apis()
        .call_raw("TransactionPaymentApi_query_info", Some(&arguments))
        .await
        .map_err(client(failed))?;
    // Weight, class and fee, in every runtime since weights have two parts.
    let (ref_time, proof_size, _class, fee) =
        <(Compact<u64>, Compact<u64>, u8, u128)>::decode(&mut &info[..]).map_err(client(failed))?;
    let weight = Weight {
        ref_time: ref_time.0,
        proof_size: proof_size.0,
    };
    Ok((weight, fee))
}

#[derive(DecodeAsType)]
#[decode_as_type(crate_path = "subxt::ext::scale_decode")]
struct Account {
    data: AccountData,
}

#[derive(DecodeAsType)]
#[decode_as_type(crate_path = "subxt::ext::scale_decode")]
struct AccountData {
    free: u128,
    reserved: u128,
    frozen: u128,
}

/// What an account can spend without being reaped, in base units.
pub(super) async fn spendable(block: &Block, account: &AccountId32) -> Result<u128, ChainError> {
    let entry = subxt::dynamic::storage::<([u8; 32],), Account>("System", "Account");
    let found = block
        .storage()
        .try_fetch(entry, (account.0,))
        .await
        .map_err(client("read the account's balance"))?;
    let Some(value) = found else {
        return Ok(0);
    };
    let data = value
        .decode()
        .map_err(client("read the account's balance"))?
        .data;
    let least = block
        .constants()
        .entry(subxt::dynamic::constant::<u128>(
            "Balances",
            "ExistentialDeposit",
        ))
        .map_err(client("read the existential deposit"))?;
    let untouchable = data.frozen.saturating_sub(data.reserved).max(least);
    Ok(data.free.saturating_sub(untouchable))
}

/// What the keys of all accounts begin with.
pub(super) fn accounts(block: &Block) -> Result<Vec<u8>, ChainError> {
    let entry = subxt::dynamic::storage::<([u8; 32],), Account>("System", "Account");
    let entry = block
        .storage()
        .entry(entry)
        .map_err(client("look for accounts"))?;
    Ok(entry.key_prefix().to_vec())
}

/// What the chain keeps of an address.
#[derive(DecodeAsType)]
#[decode_as_type(crate_path = "subxt::ext::scale_decode")]
pub(super) struct CodeHash {
    account_type: AccountType,
}

#[derive(DecodeAsType)]
#[decode_as_type(crate_path = "subxt::ext::scale_decode")]
#[allow(
    clippy::upper_case_acronyms,
    reason = "decoded by the runtime's own name"
)]
enum AccountType {
    Contract(Contract),
    EOA,
}

#[derive(DecodeAsType)]
#[decode_as_type(crate_path = "subxt::ext::scale_decode")]
struct Contract {
    code_hash: [u8; 32],
}

impl CodeHash {
    /// The hash, if it is a contract.
    pub fn code_hash(&self) -> Option<Hash> {
        match &self.account_type {
            AccountType::Contract(contract) => Some(contract.code_hash),
            AccountType::EOA => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_layout_follows_from_the_fields_names() {
        let new = [
            "weight_consumed",
            "weight_required",
            "storage_deposit",
            "result",
        ];
        let old = ["gas_consumed", "gas_required", "storage_deposit", "result"];
        assert_eq!(layout(&new), Some(Layout::B));
        assert_eq!(layout(&old), Some(Layout::A));
        assert_eq!(layout(&["result"]), None);
    }

    fn name(error: &Value) -> String {
        error_name(error, |pallet, error| {
            (pallet == 9 && error == 3).then(|| "Revive::OutOfGas".to_owned())
        })
    }

    #[test]
    fn errors_are_named_as_the_runtime_names_them() {
        let module = |pallet: u8, error: u8| {
            let code = Value::unnamed_composite([error, 0, 0, 0].map(|b| Value::u128(b.into())));
            let fields = [("index", Value::u128(pallet.into())), ("error", code)];
            Value::unnamed_variant("Module", [Value::named_composite(fields)])
        };
        assert_eq!(name(&module(9, 3)), "Revive::OutOfGas");
        assert_eq!(name(&module(9, 4)), "Unknown::9::4");
        let token = Value::unnamed_variant("FundsUnavailable", []);
        assert_eq!(
            name(&Value::unnamed_variant("Token", [token])),
            "Token::FundsUnavailable"
        );
        assert_eq!(name(&Value::unnamed_variant("BadOrigin", [])), "BadOrigin");
    }

    #[test]
    fn a_refund_needs_no_deposit() {
        assert_eq!(StorageDeposit::Refund(5).charge_or_zero(), 0);
        assert_eq!(StorageDeposit::Charge(5).charge_or_zero(), 5);
    }
}

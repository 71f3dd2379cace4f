//! How each pallet is set up.

use frame_support::{
    derive_impl, parameter_types,
    traits::{
        AsEnsureOriginWithArg, ConstBool, ConstU128, ConstU32, ConstU64, ConstU8, Everything,
        VariantCountOf,
    },
    weights::{constants::RocksDbWeight, ConstantMultiplier},
};
use frame_system::{
    limits::{BlockLength, BlockWeights},
    EnsureRoot, EnsureSigned,
};
use pallet_assets_precompiles::{InlineIdConfig, ERC20};
use pallet_revive::{
    evm::fees::{BlockRatioFee, Info as FeeInfo},
    AccountId32Mapper,
};
use pallet_transaction_payment::{ConstFeeMultiplier, FungibleAdapter, Multiplier};
use sp_runtime::{traits::One, FixedU128, Perbill};
use sp_version::RuntimeVersion;

use crate::{
    constants::{self, deposit, CENT},
    AccountId, Address, Balance, Balances, Block, EthExtraImpl, Hash, Nonce, OriginCaller,
    PalletInfo, Runtime, RuntimeCall, RuntimeEvent, RuntimeFreezeReason, RuntimeHoldReason,
    RuntimeOrigin, RuntimeTask, Signature, System, Timestamp, VERSION,
};

parameter_types! {
    pub const Version: RuntimeVersion = VERSION;
    pub const BlockHashCount: u32 = 4096;
    pub RuntimeBlockWeights: BlockWeights = constants::block_weights();
    pub RuntimeBlockLength: BlockLength = constants::block_length();
    pub FeeMultiplier: Multiplier = Multiplier::one();
    pub const CodeHashLockupDepositPercent: Perbill = Perbill::from_percent(30);
    pub const MaxEthExtrinsicWeight: FixedU128 = FixedU128::from_rational(9, 10);
}

#[derive_impl(frame_system::config_preludes::SolochainDefaultConfig)]
impl frame_system::Config for Runtime {
    type AccountData = pallet_balances::AccountData<Balance>;
    type AccountId = AccountId;
    type BaseCallFilter = Everything;
    type Block = Block;
    type BlockHashCount = BlockHashCount;
    type BlockLength = RuntimeBlockLength;
    type BlockWeights = RuntimeBlockWeights;
    type DbWeight = RocksDbWeight;
    type ExtensionsWeightInfo = frame_system::SubstrateExtensionsWeight<Self>;
    type Hash = Hash;
    type MaxConsumers = ConstU32<128>;
    type Nonce = Nonce;
    type SS58Prefix = ConstU8Prefix;
    type SystemWeightInfo = frame_system::weights::SubstrateWeight<Self>;
    type Version = Version;
}

parameter_types! {
    pub const ConstU8Prefix: u16 = constants::SS58_PREFIX as u16;
}

impl pallet_timestamp::Config for Runtime {
    /// Time may jump: a block needs to be one millisecond after the last, no more.
    type MinimumPeriod = ConstU64<1>;
    type Moment = u64;
    /// Nothing hangs on the clock but the contracts.
    type OnTimestampSet = ();
    type WeightInfo = pallet_timestamp::weights::SubstrateWeight<Self>;
}

impl pallet_balances::Config for Runtime {
    type AccountStore = System;
    type Balance = Balance;
    type DoneSlashHandler = ();
    type DustRemoval = ();
    type ExistentialDeposit = ConstU128<{ constants::EXISTENTIAL_DEPOSIT }>;
    type FreezeIdentifier = RuntimeFreezeReason;
    type MaxFreezes = VariantCountOf<RuntimeFreezeReason>;
    type MaxLocks = ConstU32<50>;
    type MaxReserves = ConstU32<50>;
    type ReserveIdentifier = [u8; 8];
    type RuntimeEvent = RuntimeEvent;
    type RuntimeFreezeReason = RuntimeFreezeReason;
    type RuntimeHoldReason = RuntimeHoldReason;
    type WeightInfo = pallet_balances::weights::SubstrateWeight<Self>;
}

impl pallet_transaction_payment::Config for Runtime {
    type FeeMultiplierUpdate = ConstFeeMultiplier<FeeMultiplier>;
    type LengthToFee = ConstantMultiplier<Balance, ConstU128<{ constants::TRANSACTION_BYTE_FEE }>>;
    type OnChargeTransaction = FungibleAdapter<Balances, ()>;
    type OperationalFeeMultiplier = ConstU8<5>;
    type RuntimeEvent = RuntimeEvent;
    type WeightInfo = pallet_transaction_payment::weights::SubstrateWeight<Self>;
    type WeightToFee =
        BlockRatioFee<{ constants::REF_TIME_FEE.0 }, { constants::REF_TIME_FEE.1 }, Self, Balance>;
}

impl pallet_utility::Config for Runtime {
    type PalletsOrigin = OriginCaller;
    type RuntimeCall = RuntimeCall;
    type RuntimeEvent = RuntimeEvent;
    type WeightInfo = pallet_utility::weights::SubstrateWeight<Self>;
}

/// Deposits of an asset are those of the storage it takes.
impl pallet_assets::Config for Runtime {
    type ApprovalDeposit = ConstU128<{ 10 * CENT }>;
    type AssetAccountDeposit = ConstU128<{ deposit(1, 16) }>;
    type AssetDeposit = ConstU128<{ 10 * constants::UNIT }>;
    type AssetId = u32;
    type AssetIdAllocator = ();
    type AssetIdParameter = codec::Compact<u32>;
    type Balance = Balance;
    type CallbackHandle = ();
    type CreateOrigin = AsEnsureOriginWithArg<EnsureSigned<AccountId>>;
    type Currency = Balances;
    type Extra = ();
    type ForceOrigin = EnsureRoot<AccountId>;
    type Freezer = ();
    type Holder = ();
    type MetadataDepositBase = ConstU128<{ deposit(1, 68) }>;
    type MetadataDepositPerByte = ConstU128<{ deposit(0, 1) }>;
    type RemoveItemsLimit = ConstU32<1000>;
    type ReserveData = ();
    type RuntimeEvent = RuntimeEvent;
    type StringLimit = ConstU32<50>;
    type WeightInfo = pallet_assets::weights::SubstrateWeight<Self>;
}

/// Nonces of EIP-2612 permits, which the asset precompile also serves.
impl pallet_assets_precompiles::permit::Config for Runtime {
    type ChainId = ConstU64<{ constants::CHAIN_ID }>;
    type WeightInfo = pallet_assets_precompiles::weights::SubstrateWeight<Self>;
}

impl pallet_revive::Config for Runtime {
    type AddressMapper = AccountId32Mapper<Self>;
    type AllowEVMBytecode = ConstBool<true>;
    /// Accounts map themselves (`map_account`), as they do on a public chain.
    type AutoMap = ConstBool<false>;
    type Balance = Balance;
    type ChainId = ConstU64<{ constants::CHAIN_ID }>;
    type CodeHashLockupDepositPercent = CodeHashLockupDepositPercent;
    type Currency = Balances;
    /// No relaxed limits: code that is too large here is too large elsewhere.
    type DebugEnabled = ConstBool<false>;
    /// Storage deposits are paid in the native token.
    type Deposit = ();
    type DepositPerByte = ConstU128<{ deposit(0, 1) }>;
    type DepositPerChildTrieItem = ConstU128<{ constants::DEPOSIT_PER_CONTRACT_ITEM }>;
    type DepositPerItem = ConstU128<{ deposit(1, 0) }>;
    type FeeInfo = FeeInfo<Address, Signature, EthExtraImpl>;
    type FindAuthor = ();
    type GasScale = ConstU32<{ constants::GAS_SCALE }>;
    type InstantiateOrigin = EnsureSigned<AccountId>;
    type MaxEthExtrinsicWeight = MaxEthExtrinsicWeight;
    type NativeToEthRatio = ConstU32<{ constants::NATIVE_TO_ETH_RATIO }>;
    type OnBurn = ();
    type PVFMemory = ConstU32<{ 512 * 1024 * 1024 }>;
    type Precompiles = (ERC20<Self, InlineIdConfig<{ constants::ASSET_PRECOMPILE_PREFIX }>>,);
    type RuntimeCall = RuntimeCall;
    type RuntimeEvent = RuntimeEvent;
    type RuntimeHoldReason = RuntimeHoldReason;
    type RuntimeMemory = ConstU32<{ 128 * 1024 * 1024 }>;
    type RuntimeOrigin = RuntimeOrigin;
    type Time = Timestamp;
    type UploadOrigin = EnsureSigned<AccountId>;
    type WeightInfo = pallet_revive::weights::SubstrateWeight<Self>;
}

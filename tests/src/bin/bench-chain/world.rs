//! A deployment on the embedded chain, and measured calls of it.

use std::{
    collections::{btree_map::Entry, BTreeMap},
    error::Error,
    fs,
    ops::Range,
    path::PathBuf,
};

use parity_scale_codec::{Decode, Encode};
use plimsoll_embedded::{
    account_of, AccountId, Code, EmbeddedChain, Failure, Genesis, Limits, Outcome, CHAIN_ID, H160,
    UNIT,
};
use plimsoll_interface::{
    calls,
    mechanism::{
        batch::{BatchHeader, Domain},
        clock::Times,
        params::Params,
        status::{self, Status, StatusPage},
        vesting::Vesting,
        work::{self, pack},
        Epoch, Hash, OperatorIndex,
    },
    Attesters, Credited, Roles, Settings,
};
use plimsoll_runtime::Revive;
use secp256k1::{Message, SecretKey, SECP256K1};
use sha3::{Digest, Keccak256};

/// What goes wrong in a benchmark ends it.
pub type Fallible<T> = Result<T, Box<dyn Error>>;

/// Length of an epoch in ms: an hour.
const EPOCH_MS: u64 = 3_600_000;
/// Length of each of an epoch's three windows in ms.
const WINDOW_MS: u64 = 600_000;
/// Time for registering before the first epoch, in ms.
const LEAD_MS: u64 = 3_600_000;
/// How many attesters there are, and how many of them sign.
pub const ATTESTERS: (u8, u8) = (5, 3);
/// Base units of the token in existence.
const SUPPLY: u128 = 1 << 100;
/// What the reserve is funded with, in base units.
const FUNDS: u128 = 1 << 90;
/// Bond of an open operator, in base units.
const BOND: u128 = 1_000_000;
/// Operators vouched for in one call: an item each, of which a transaction's access
/// list holds 2,048.
const VOUCHES: usize = 1_000;
/// Operators of a deployment that register, bond and are vouched for by messages; all
/// that are booked or paid are among them.
const REGISTERED: u32 = 6_000;
/// Caps and ceilings as deployments are advised to set them.
const PARAMS: Params = Params {
    rate: 10_000,
    unit_ceiling: None,
    fee_multiple: None,
    fragment_floor: 400_000,
    fragment_premium: 4_000_000,
    operator_cap: 20_000,
    open_ceiling: 150_000,
    uplift: 4_000_000,
    bond_leverage: 1_000_000_000,
    liquid_share: 250_000,
    liquid_allowance: 100_000,
};

/// What one call cost.
#[derive(Debug, Clone, Copy, Default)]
pub struct Cost {
    /// Picoseconds of execution.
    pub ref_time: u64,
    /// Bytes of proof.
    pub proof_size: u64,
    /// Picoseconds of the whole transaction: its signature, length and fee, too.
    pub whole_ref_time: u64,
    /// Bytes of proof of the whole transaction, its own bytes among them.
    pub whole_proof_size: u64,
    /// Storage deposit in base units of the native token; negative if it was refunded.
    pub deposit: i128,
}

impl std::ops::Add for Cost {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self {
            ref_time: self.ref_time + other.ref_time,
            proof_size: self.proof_size + other.proof_size,
            whole_ref_time: self.whole_ref_time + other.whole_ref_time,
            whole_proof_size: self.whole_proof_size + other.whole_proof_size,
            deposit: self.deposit + other.deposit,
        }
    }
}

/// A chain with a token on it.
pub struct World {
    chain: EmbeddedChain,
    admin: AccountId,
    attesters: Vec<SecretKey>,
    token: H160,
}

/// An emission contract with operators, before its first epoch.
pub struct Deployment {
    emission: H160,
    genesis_ms: u64,
    /// What deploying it cost.
    pub instantiated: Cost,
    /// What registering one operator cost.
    pub registered: Cost,
}

/// Who the operators of a deployment are.
pub struct Population {
    /// How many.
    pub operators: u32,
    /// Whether an operator is in the open tier.
    pub open: fn(OperatorIndex) -> bool,
}

impl World {
    /// A chain with a 4 kB Solidity token.
    pub fn new() -> Fallible<Self> {
        let admin = account_of("//Alice");
        let mut chain = EmbeddedChain::new(Genesis::default());
        let mut attesters: Vec<SecretKey> = (1..=ATTESTERS.0)
            .map(|n| SecretKey::from_byte_array([n; 32]))
            .collect::<Result<_, _>>()?;
        attesters.sort_by_key(address);
        let made = chain.instantiate(&admin, token()?, Vec::new(), Some([0; 32]), 0);
        let token = made.result.map_err(|error| format!("the token: {error}"))?;
        Ok(Self {
            chain,
            admin,
            attesters,
            token,
        })
    }

    /// Deploys the emission contract, funds it and registers a population.
    pub fn deploy(&mut self, salt: u8, population: &Population) -> Fallible<Deployment> {
        let genesis_ms = self.chain.now_ms() + LEAD_MS;
        let admin = self.chain.address(&self.admin);
        let settings = Settings {
            token: self.token,
            times: Times {
                genesis: genesis_ms,
                epoch: EPOCH_MS,
                attest_window: WINDOW_MS,
                review_window: WINDOW_MS,
                level_window: WINDOW_MS,
                max_pause: EPOCH_MS,
                pause_gap: EPOCH_MS,
            },
            vesting: Vesting {
                period_epochs: 24,
                vesting_periods: 12,
            },
            timelock: EPOCH_MS,
            payee_delay: EPOCH_MS,
            unbonding_epochs: 2,
            min_open_bond: BOND,
            max_vouches: u32::MAX,
            lanes: 4,
            fee_unit: 1,
        };
        let roles = Roles {
            owner: admin,
            registrar: admin,
            guardian: admin,
        };
        let attesters = Attesters {
            threshold: ATTESTERS.1,
            members: self.attesters.iter().map(address).collect(),
        };
        let data = calls::new(&settings, &PARAMS, &roles, &attesters);
        let code = Code::Upload(artifact("emission.polkavm")?);
        let made = self
            .chain
            .instantiate(&self.admin, code, data, Some([salt; 32]), 0);
        let (emission, executed) = measured(made).map_err(|e| format!("deploying: {e}"))?;
        // The length of the code counts in what the transaction takes beside executing.
        let instantiated = Cost {
            ref_time: executed.whole_ref_time,
            proof_size: executed.whole_proof_size,
            ..executed
        };
        let mut deployment = Deployment {
            emission,
            genesis_ms,
            instantiated,
            registered: Cost::default(),
        };
        self.token_call(&deployment, "approve(address,uint256)", SUPPLY)?;
        self.call::<()>(&deployment, calls::fund(FUNDS))?;
        self.populate(&mut deployment, population)?;
        Ok(deployment)
    }

    fn populate(&mut self, deployment: &mut Deployment, who: &Population) -> Fallible<()> {
        let registered = who.operators.min(REGISTERED);
        let mut vouches = Vec::new();
        for operator in 0..registered {
            let account = AccountId::new(keccak(&operator.to_be_bytes()));
            self.chain.fund(&account, UNIT)?;
            let payee = H160::from_slice(&keccak(&operator.to_le_bytes())[12..]);
            let made = self
                .chain
                .call(&account, deployment.emission, 0, calls::register(payee));
            deployment.registered = measured(made)?.1;
            if (who.open)(operator) {
                self.call::<()>(deployment, calls::bond(operator, BOND))?;
            } else {
                vouches.push(operator);
            }
        }
        for chunk in vouches.chunks(VOUCHES) {
            // As registrars do over many blocks.
            let data = calls::vouch(chunk);
            let limits = Limits::unlimited();
            self.chain
                .call_with(&self.admin, deployment.emission, 0, data, limits)
                .result?;
        }
        self.vet(deployment, registered..who.operators)
    }

    /// Makes operators vetted whom nobody registered, by writing into the contract's
    /// storage what vouching for them would: crediting, settling and raising read nothing
    /// else of an operator, and registering so many takes longer than everything measured.
    fn vet(&mut self, of: &Deployment, operators: Range<OperatorIndex>) -> Fallible<()> {
        let mut pages: BTreeMap<u32, StatusPage> = BTreeMap::new();
        for operator in operators {
            let (number, place) = status::locate(operator);
            let page = match pages.entry(number) {
                Entry::Occupied(page) => page.into_mut(),
                Entry::Vacant(free) => {
                    let stored = self.chain.storage(of.emission, &status_key(number));
                    free.insert(match stored {
                        Some(bytes) => StatusPage::from_bytes(bytes.as_slice().try_into()?),
                        None => StatusPage::default(),
                    })
                }
            };
            page.set(place, Status::Vetted, 0);
        }
        for (number, page) in pages {
            let (address, content) = (of.emission, page.as_bytes().to_vec());
            self.chain
                .execute(|| Revive::set_storage_var_key(address, status_key(number), Some(content)))
                .map_err(|error| format!("writing status page {number}: {error:?}"))?;
        }
        Ok(())
    }

    /// Sends a message to the emission contract as a transaction of its own.
    pub fn call<T: Decode>(&mut self, to: &Deployment, data: Vec<u8>) -> Fallible<(T, Cost)> {
        let selector = hex::encode(&data[..4]);
        let outcome = self.chain.call(&self.admin, to.emission, 0, data);
        let (output, cost) = measured(outcome).map_err(|e| format!("message 0x{selector}: {e}"))?;
        let answer = calls::answer(&output).map_err(|error| format!("{error:?}"))?;
        Ok((answer, cost))
    }

    /// Credits entries in the next batch of the epoch's first lane, signed by as many
    /// attesters as must sign.
    pub fn credit(
        &mut self,
        to: &Deployment,
        epoch: Epoch,
        entries: &[work::Entry],
    ) -> Fallible<Cost> {
        let seen = self
            .chain
            .dry_run(&self.admin, to.emission, 0, calls::next_seq(epoch, 0));
        let seq = calls::view(&seen.result?).map_err(|error| format!("{error:?}"))?;
        let header = BatchHeader {
            epoch,
            lane: 0,
            seq,
            receipts_root: [7; 32],
            receipts: entries.len() as u64,
        };
        let packed = pack(entries).map_err(|at| format!("entry {at} is out of range"))?;
        let domain = Domain {
            chain_id: word(&CHAIN_ID.to_be_bytes()),
            contract: to.emission.0,
        };
        let digest = header.digest(&domain, &packed, keccak);
        let signatures: Vec<u8> = self.attesters[..usize::from(ATTESTERS.1)]
            .iter()
            .flat_map(|key| sign(key, &digest))
            .collect();
        let data = calls::attest(&header, &packed, &signatures);
        let (credited, cost) = self.call::<Credited>(to, data)?;
        if credited.credited as usize != entries.len() {
            return Err(format!("{credited:?} of {} entries", entries.len()).into());
        }
        Ok(cost)
    }

    /// Moves the clock to `after_ms` after the beginning of `epoch`.
    pub fn go_to(&mut self, to: &Deployment, epoch: Epoch, after_ms: u64) -> Fallible<()> {
        let time = to.genesis_ms + u64::from(epoch) * EPOCH_MS + after_ms;
        Ok(self.chain.set_time(time)?)
    }

    /// Moves the clock to where `epoch` can be settled.
    pub fn go_to_settlement(&mut self, to: &Deployment, epoch: Epoch) -> Fallible<()> {
        self.go_to(to, epoch + 1, 2 * WINDOW_MS)
    }

    /// Moves the clock to where the level of `epoch`, settled when it could be, is final.
    pub fn go_to_final(&mut self, to: &Deployment, epoch: Epoch) -> Fallible<()> {
        self.go_to(to, epoch + 1, 3 * WINDOW_MS)
    }

    /// Bytes of code of the emission contract and of the token: what each call of them
    /// is charged as proof, whatever it does.
    pub fn code_bytes(&mut self, of: &Deployment) -> (usize, usize) {
        let token = self.token;
        self.chain
            .execute(|| (Revive::code(&of.emission).len(), Revive::code(&token).len()))
    }

    /// Calls a function of the token that takes the contract and an amount.
    fn token_call(&mut self, to: &Deployment, signature: &str, amount: u128) -> Fallible<()> {
        let mut data = keccak(signature.as_bytes())[..4].to_vec();
        data.extend(word(to.emission.as_bytes()));
        data.extend(word(&amount.to_be_bytes()));
        self.chain.call(&self.admin, self.token, 0, data).result?;
        Ok(())
    }
}

fn measured<T>(outcome: Outcome<T>) -> Result<(T, Cost), Failure> {
    let cost = Cost {
        ref_time: outcome.weight.ref_time(),
        proof_size: outcome.weight.proof_size(),
        whole_ref_time: outcome.transaction_weight.ref_time(),
        whole_proof_size: outcome.transaction_weight.proof_size(),
        deposit: outcome.deposit,
    };
    Ok((outcome.result?, cost))
}

/// The Solidity token that the tests use: its init code and the constructor's
/// arguments, which are two texts, the decimals and the supply.
fn token() -> Fallible<Code> {
    let text = fs::read_to_string(folder().join("solidity/Erc20.hex"))?;
    let mut code = hex::decode(text.trim())?;
    for argument in [&[128_u8][..], &[192], &[18], &SUPPLY.to_be_bytes()] {
        code.extend(word(argument));
    }
    for text in ["Token", "TOK"] {
        code.extend(word(&[text.len() as u8]));
        let mut bytes = [0; 32];
        bytes[..text.len()].copy_from_slice(text.as_bytes());
        code.extend(bytes);
    }
    Ok(Code::Upload(code))
}

fn artifact(name: &str) -> Fallible<Vec<u8>> {
    let path = folder().join("../contracts/artifacts").join(name);
    fs::read(&path).map_err(|error| format!("{}: {error}", path.display()).into())
}

/// The folder of this package.
fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn sign(key: &SecretKey, digest: &Hash) -> Vec<u8> {
    let (id, compact) = SECP256K1
        .sign_ecdsa_recoverable(Message::from_digest(*digest), key)
        .serialize_compact();
    let v = 27 + u8::from(i32::from(id) & 1 == 1);
    [&compact[..], &[v]].concat()
}

/// The Ethereum address of a key.
fn address(key: &SecretKey) -> H160 {
    let point = key.public_key(SECP256K1).serialize_uncompressed();
    H160::from_slice(&keccak(&point[1..])[12..])
}

fn keccak(bytes: &[u8]) -> Hash {
    Keccak256::digest(bytes).into()
}

/// `bytes`, big-endian, as a word of the Solidity ABI.
fn word(bytes: &[u8]) -> [u8; 32] {
    let mut word = [0; 32];
    word[32 - bytes.len()..].copy_from_slice(bytes);
    word
}

/// Where the contract stores a status page: its prefix, and the seventh of its keys.
fn status_key(page: u32) -> Vec<u8> {
    (*b"pl", 6_u8, page).encode()
}

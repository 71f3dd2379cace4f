//! A chain with a token and the emission contract on it.

use crate::tokens::{self, sol_address};
use crate::{artifacts, Actor, Attester, Batch, Erc20, Event, Fault, FaultyToken};
use crate::{Sent, Setup, TokenKind};
use alloy_primitives::U256;
use alloy_sol_types::SolCall;
use parity_scale_codec::Decode;
use plimsoll_embedded::{Code, EmbeddedChain, Failure, Genesis, Limits, H160};
use plimsoll_interface::calls::{self, Answer};
use plimsoll_interface::mechanism::params::Params;
use plimsoll_interface::mechanism::work::Entry;
use plimsoll_interface::mechanism::{Epoch, OperatorIndex};
use plimsoll_interface::{
    Announced, Attesters, Booked, Change, Claimed, ClockView, Credited, EpochView, Error,
    LedgerView, OperatorView, Preview, Roles, Settings, Settled,
};

/// A chain with a token and the emission contract on it, and everybody who plays a part.
pub struct World {
    /// The chain.
    pub chain: EmbeddedChain,
    /// The emission contract.
    pub emission: H160,
    /// The token in which it pays.
    pub token: H160,
    /// What the contract was deployed with.
    pub setup: Setup,
    /// The first attesters, by ascending address.
    pub attesters: Vec<Attester>,
    /// Has all tokens at first.
    pub bank: Actor,
    /// Governance.
    pub owner: Actor,
    /// Vouches.
    pub registrar: Actor,
    /// Pauses and strikes.
    pub guardian: Actor,
    /// Nobody in particular: sends what anyone may send.
    pub anyone: Actor,
    /// The event of the deployment.
    pub deployed: Vec<Event>,
    /// The events of every message, with the time at which it was sent.
    pub history: Vec<(u64, Vec<Event>)>,
    /// Whether G1 and G15 are checked after every message.
    pub audited: bool,
}

impl World {
    /// A world as [`Setup::default`] says.
    pub fn new() -> Self {
        Self::with(Setup::default())
    }

    /// A world with another token.
    pub fn paying_in(token: TokenKind) -> Self {
        Self::with(Setup {
            token,
            ..Setup::default()
        })
    }

    /// A world deployed with `setup`.
    ///
    /// # Panics
    /// If the contract refuses it.
    pub fn with(setup: Setup) -> Self {
        Self::try_with(setup)
            .unwrap_or_else(|error| panic!("the contract refuses its deployment: {error:?}"))
    }

    /// [`Self::with`] for deployments that the contract may refuse.
    ///
    /// # Errors
    /// The contract's own.
    pub fn try_with(setup: Setup) -> Result<Self, Error> {
        let attesters = Attester::sorted(setup.attesters);
        let addresses = Attesters {
            threshold: setup.threshold,
            members: attesters.iter().map(|attester| attester.address).collect(),
        };
        Self::deploy(setup, attesters, addresses, |_| {})
    }

    /// Deploys with `members` as attesters and roles as `change` makes them.
    ///
    /// # Errors
    /// The contract's own.
    pub fn deploy(
        setup: Setup,
        attesters: Vec<Attester>,
        members: Attesters,
        change: impl FnOnce(&mut Roles),
    ) -> Result<Self, Error> {
        Self::deploy_with(setup, attesters, members, |_, roles| change(roles))
    }

    /// Deploys with `members` as attesters, and the token's address and the roles as
    /// `change` makes them.
    ///
    /// # Errors
    /// The contract's own.
    pub fn deploy_with(
        mut setup: Setup,
        attesters: Vec<Attester>,
        members: Attesters,
        change: impl FnOnce(&mut H160, &mut Roles),
    ) -> Result<Self, Error> {
        let mut chain = EmbeddedChain::new(Genesis::default());
        let [bank, owner, registrar, guardian, anyone] =
            ["bank", "owner", "registrar", "guardian", "anyone"]
                .map(|name| Actor::funded(&mut chain, name));
        let token = setup.token.deploy(&mut chain, &bank);
        if setup.settings.token.is_zero() {
            setup.settings.token = token;
        }
        let mut roles = Roles {
            owner: owner.address,
            registrar: registrar.address,
            guardian: guardian.address,
        };
        change(&mut setup.settings.token, &mut roles);
        let data = calls::new(&setup.settings, &setup.params, &roles, &members);
        let code = Code::Upload(artifacts::emission_code());
        let made = chain.instantiate(&owner.account, code, data, None, 0);
        let emission = match made.result {
            Ok(emission) => emission,
            Err(Failure::Reverted(data)) => {
                let answer = Answer::<Result<(), Error>>::decode(&mut &*data);
                match answer {
                    Ok(Ok(Err(error))) => return Err(error),
                    other => panic!("the constructor reverted with {other:?}"),
                }
            }
            Err(failure) => panic!("the contract does not deploy: {failure}"),
        };
        let deployed = made
            .events
            .iter()
            .filter(|event| event.contract == emission)
            .map(Event::decode)
            .collect();
        Ok(Self {
            chain,
            emission,
            token,
            setup,
            attesters,
            bank,
            owner,
            registrar,
            guardian,
            anyone,
            deployed,
            history: Vec::new(),
            audited: true,
        })
    }

    /// The settings with which the contract was deployed.
    pub fn settings(&self) -> &Settings {
        &self.setup.settings
    }

    /// An actor with native tokens; always the same one for a name.
    pub fn actor(&mut self, name: &str) -> Actor {
        Actor::funded(&mut self.chain, name)
    }
}

impl Default for World {
    fn default() -> Self {
        Self::new()
    }
}

/// Messages.
impl World {
    /// Sends a message to the emission contract and checks G1 and G15 afterwards.
    pub fn send<T: Decode>(&mut self, from: &Actor, message: Vec<u8>) -> Sent<T> {
        self.send_with(from, message, Limits::default())
    }

    /// [`Self::send`] with limits of one's own.
    pub fn send_with<T: Decode>(
        &mut self,
        from: &Actor,
        message: Vec<u8>,
        limits: Limits,
    ) -> Sent<T> {
        let outcome = self
            .chain
            .call_with(&from.account, self.emission, 0, message, limits);
        if self.audited {
            self.audit();
        }
        let sent = Sent::new(self.emission, outcome);
        let now = self.seconds();
        self.history.push((now, sent.events.clone()));
        sent
    }

    /// The chain's time as contracts see it: whole seconds, in ms.
    pub fn seconds(&mut self) -> u64 {
        self.chain.now_ms() / 1_000 * 1_000
    }

    /// Checks that the ledger conserves (G1) and that the contract's tokens cover what
    /// it owes (G15).
    ///
    /// # Panics
    /// If they do not.
    pub fn audit(&mut self) {
        let ledger = self.ledger();
        assert!(ledger.conserves(), "G1: {ledger:?}");
        let tokens = self.tokens_of_contract();
        assert!(
            tokens >= U256::from(ledger.owed()),
            "G15: {tokens} tokens for {ledger:?}"
        );
    }

    /// Registers an actor of this name as an operator paid to itself.
    pub fn register(&mut self, name: &str) -> (OperatorIndex, Actor) {
        let actor = self.actor(name);
        let index = self.send(&actor, calls::register(actor.address)).done();
        (index, actor)
    }

    /// Registers `count` operators and returns them with their indices.
    pub fn register_many(&mut self, count: u32) -> Vec<(OperatorIndex, Actor)> {
        (0..count)
            .map(|k| self.register(&format!("operator {k}")))
            .collect()
    }

    /// Gives `to` tokens out of the bank.
    pub fn give(&mut self, to: H160, amount: u128) {
        let transfer = Erc20::transferCall {
            to: sol_address(to),
            value: U256::from(amount),
        };
        let bank = self.bank.clone();
        self.token_send(&bank, &transfer)
            .expect("the bank has enough");
    }

    /// Lets the emission contract take any amount of `from`'s tokens.
    pub fn approve(&mut self, from: &Actor) {
        let approve = Erc20::approveCall {
            spender: sol_address(self.emission),
            value: match self.setup.token {
                // The precompile takes no more than pallet-assets can count.
                TokenKind::Asset => U256::from(u128::MAX),
                _ => U256::MAX,
            },
        };
        let _: Result<bool, Failure> = self.token_send(from, &approve);
    }

    /// Funds the reserve out of the bank.
    pub fn fund(&mut self, amount: u128) {
        let bank = self.bank.clone();
        self.approve(&bank);
        self.send::<()>(&bank, calls::fund(amount)).done();
    }

    /// Bonds for an operator out of the bank.
    pub fn bond(&mut self, operator: OperatorIndex, amount: u128) {
        let bank = self.bank.clone();
        self.approve(&bank);
        self.send::<()>(&bank, calls::bond(operator, amount)).done();
    }

    /// Vouches for operators.
    pub fn vouch(&mut self, operators: &[OperatorIndex]) {
        let registrar = self.registrar.clone();
        self.send::<()>(&registrar, calls::vouch(operators)).done();
    }

    /// The next batch of `epoch` in `lane`, signed by as many attesters as it needs.
    pub fn batch(&mut self, epoch: Epoch, lane: u32, entries: &[Entry]) -> Batch {
        let seq = self.next_seq(epoch, lane);
        let signers = &self.attesters[..usize::from(self.setup.threshold)];
        Batch::unsigned(epoch, lane, seq, entries).signed(self.emission, signers)
    }

    /// Submits a batch.
    pub fn attest(&mut self, batch: &Batch) -> Sent<Credited> {
        let anyone = self.anyone.clone();
        self.send(&anyone, batch.call())
    }

    /// Submits the next batch of `epoch` in lane 0.
    pub fn credit(&mut self, epoch: Epoch, entries: &[Entry]) -> Credited {
        let batch = self.batch(epoch, 0, entries);
        self.attest(&batch).done()
    }

    /// Settles the next worked epoch.
    pub fn settle(&mut self) -> Sent<Settled> {
        let anyone = self.anyone.clone();
        self.send(&anyone, calls::settle())
    }

    /// Raises.
    pub fn raise(&mut self, epoch: Epoch, operators: &[OperatorIndex]) -> Sent<u32> {
        let anyone = self.anyone.clone();
        self.send(&anyone, calls::raise(epoch, operators))
    }

    /// Books.
    pub fn book(&mut self, epochs: &[Epoch], operators: &[OperatorIndex]) -> Sent<Booked> {
        let anyone = self.anyone.clone();
        self.send(&anyone, calls::book(epochs, operators))
    }

    /// Claims for an operator, by nobody in particular.
    pub fn claim(&mut self, operator: OperatorIndex) -> Sent<u128> {
        let anyone = self.anyone.clone();
        self.send(&anyone, calls::claim(operator))
    }

    /// Claims for many.
    pub fn claim_many(&mut self, operators: &[OperatorIndex]) -> Sent<Claimed> {
        let anyone = self.anyone.clone();
        self.send(&anyone, calls::claim_many(operators))
    }

    /// Announces a change.
    pub fn queue(&mut self, change: &Change) -> Sent<u32> {
        let owner = self.owner.clone();
        self.send(&owner, calls::queue(change))
    }
}

/// Views.
impl World {
    /// Asks a view.
    ///
    /// # Panics
    /// If it fails.
    pub fn view<T: Decode>(&mut self, message: Vec<u8>) -> T {
        let outcome = self.chain.dry_run_with(
            &self.anyone.account,
            self.emission,
            0,
            message,
            Limits::unlimited(),
        );
        match outcome.result {
            Ok(data) => calls::view(&data)
                .unwrap_or_else(|error| panic!("the answer is not the view's: {error:?}")),
            Err(failure) => panic!("a view failed: {failure}"),
        }
    }

    /// The terms of the conservation law.
    pub fn ledger(&mut self) -> LedgerView {
        self.view(calls::ledger())
    }

    /// The epoch clock.
    pub fn clock(&mut self) -> ClockView {
        self.view(calls::clock())
    }

    /// An epoch.
    pub fn epoch(&mut self, epoch: Epoch) -> Option<EpochView> {
        self.view(calls::epoch(epoch))
    }

    /// An operator that is registered.
    #[track_caller]
    pub fn operator(&mut self, operator: OperatorIndex) -> OperatorView {
        self.view::<Option<OperatorView>>(calls::operator(operator))
            .unwrap_or_else(|| panic!("there is no operator {operator}"))
    }

    /// An operator's part in an epoch.
    pub fn preview(&mut self, epoch: Epoch, operator: OperatorIndex) -> Preview {
        self.view(calls::preview(epoch, operator))
    }

    /// The number that the next batch must carry.
    pub fn next_seq(&mut self, epoch: Epoch, lane: u32) -> u64 {
        self.view(calls::next_seq(epoch, lane))
    }

    /// The parameters of an epoch.
    pub fn params(&mut self, epoch: Epoch) -> Params {
        self.view(calls::params(epoch))
    }

    /// Who has which role.
    pub fn roles(&mut self) -> Roles {
        self.view(calls::roles())
    }

    /// The attesters of an epoch.
    pub fn attesters_of(&mut self, epoch: Epoch) -> Attesters {
        self.view(calls::attesters(epoch))
    }

    /// The bond that counts in an epoch.
    pub fn bond_at(&mut self, epoch: Epoch, operator: OperatorIndex) -> u128 {
        self.view(calls::bond_at(epoch, operator))
    }

    /// An announced change.
    pub fn change(&mut self, id: u32) -> Option<Announced> {
        self.view(calls::change(id))
    }
}

/// The token.
impl World {
    /// Sends the token a message.
    ///
    /// # Errors
    /// The chain's own.
    pub fn token_send<C: SolCall>(&mut self, from: &Actor, call: &C) -> Result<C::Return, Failure> {
        tokens::send(&mut self.chain, from, self.token, call)
    }

    /// Asks the token.
    ///
    /// # Errors
    /// The chain's own.
    pub fn token_view<C: SolCall>(&mut self, call: &C) -> Result<C::Return, Failure> {
        tokens::view(&mut self.chain, &self.anyone, self.token, call)
    }

    /// What an address holds of the token.
    pub fn tokens(&mut self, owner: H160) -> U256 {
        self.token_view(&Erc20::balanceOfCall {
            owner: sol_address(owner),
        })
        .expect("the token tells balances")
    }

    /// What the emission contract holds of the token, whatever the token's fault is.
    fn tokens_of_contract(&mut self) -> U256 {
        if self.setup.token != TokenKind::Faulty {
            return self.tokens(self.emission);
        }
        let before = self.chain.snapshot();
        self.misbehave(Fault::None);
        let tokens = self.tokens(self.emission);
        self.chain.restore(&before);
        tokens
    }

    /// Lets a faulty token misbehave from now on.
    pub fn misbehave(&mut self, fault: Fault) {
        let bank = self.bank.clone();
        let misbehave = FaultyToken::misbehaveCall { fault: fault as u8 };
        self.token_send(&bank, &misbehave)
            .expect("a faulty token changes its ways");
    }
}

/// The clock.
impl World {
    /// Moves the chain's clock until the epoch clock shows `elapsed` ms since genesis.
    ///
    /// # Panics
    /// If that is in the past or the epoch clock stands.
    #[track_caller]
    pub fn go_to(&mut self, elapsed: u64) {
        let clock = self.clock();
        assert!(!clock.stopped, "the epoch clock stands");
        let now = self.chain.now_ms();
        let wall = if clock.started {
            // The chain tells contracts whole seconds.
            let passed = elapsed
                .checked_sub(clock.elapsed)
                .unwrap_or_else(|| panic!("{elapsed} is over: it is {}", clock.elapsed));
            clock.now + passed
        } else {
            self.settings().times.genesis + elapsed
        };
        if wall > now {
            self.chain.set_time(wall).expect("later than now");
        }
    }

    /// Goes to the start of `epoch`.
    #[track_caller]
    pub fn go_to_epoch(&mut self, epoch: Epoch) {
        self.go_to(self.start_of(epoch));
    }

    /// Goes to where `epoch` is in review.
    #[track_caller]
    pub fn go_to_review(&mut self, epoch: Epoch) {
        let times = self.settings().times;
        self.go_to(self.start_of(epoch) + times.epoch + times.attest_window);
    }

    /// Goes to where `epoch` can be settled.
    #[track_caller]
    pub fn go_to_settlement(&mut self, epoch: Epoch) {
        let times = self.settings().times;
        self.go_to(self.start_of(epoch) + times.epoch + times.attest_window + times.review_window);
    }

    /// Goes to where `epoch`, settled already, is final.
    #[track_caller]
    pub fn go_to_final(&mut self, epoch: Epoch) {
        let settled_at = self
            .epoch(epoch)
            .and_then(|view| view.settlement)
            .unwrap_or_else(|| panic!("epoch {epoch} is not settled"))
            .at;
        let is_final = settled_at + self.settings().times.level_window;
        if self.clock().elapsed < is_final {
            self.go_to(is_final);
        }
    }

    /// Clock time at which `epoch` begins, in ms.
    pub fn start_of(&self, epoch: Epoch) -> u64 {
        u64::from(epoch) * self.settings().times.epoch
    }

    /// Lets `ms` pass on the chain's clock.
    pub fn pass(&mut self, ms: u64) {
        self.chain.advance(ms).expect("time moves forward");
    }
}

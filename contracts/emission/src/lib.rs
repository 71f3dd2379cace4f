//! Plimsoll's emission contract.
//!
//! A thin shell: the rules are in `plimsoll-mechanism`, the types of messages,
//! views and events in `plimsoll-interface`. What is left is who may call what,
//! where things are stored, signatures, and the token.
//!
//! ```text
//! register, bond, vouch ─┐                        ┌─ claim ─> payee
//!          fund ─> reserve ─> settle ─> pot ─> book ─> vesting ─> claimable
//!                    batches ─> attest ─┘  └─ raise
//! ```
#![cfg_attr(not(feature = "std"), no_std, no_main)]

mod batches;
mod claims;
mod context;
mod epochs;
mod governance;
mod host;
mod operators;
mod store;
mod views;

/// The linker gives 8 KiB by itself; answers of many fields and arithmetic in 256 bits
/// need more, and running out is a trap.
#[cfg(not(feature = "std"))]
const STACK_BYTES: u32 = 64 * 1024;
#[cfg(not(feature = "std"))]
polkavm_derive::min_stack_size!(STACK_BYTES);

/// The contract.
#[ink::contract]
pub mod emission {
    use crate::context::Context;
    use crate::store::{self, Governance, Root};
    use crate::{batches, claims, epochs, governance, operators, views};
    use ink::prelude::vec::Vec;
    use plimsoll_interface::mechanism::batch::BatchHeader;
    use plimsoll_interface::mechanism::clock::Pauses;
    use plimsoll_interface::mechanism::ledger::Ledger;
    use plimsoll_interface::mechanism::params::Params;
    use plimsoll_interface::mechanism::record::MAX_LANES;
    use plimsoll_interface::mechanism::schedule::Schedule;
    use plimsoll_interface::mechanism::{Epoch, OperatorIndex};
    use plimsoll_interface::{
        events, Announced, Attesters, Booked, Change, Claimed, ClockView, Credited, EpochView,
        Error, GovernanceView, LedgerView, OperatorView, Preview, Roles, Settings, Settled,
    };

    /// The contract's root; everything else is laid out in `store`.
    #[ink(storage)]
    pub struct Emission {
        root: Root,
    }

    impl Emission {
        /// Deploys with everything that is fixed for good, and the first
        /// parameters, roles and attesters.
        ///
        /// # Errors
        /// [`Error::Settings`], [`Error::Params`], [`Error::Attesters`] out of
        /// bounds; [`Error::ZeroAddress`] for the token or a role.
        #[ink(constructor)]
        pub fn new(
            settings: Settings,
            params: Params,
            roles: Roles,
            attesters: Attesters,
        ) -> Result<Self, Error> {
            let now = Self::env().block_timestamp().saturating_mul(1_000);
            let valid = settings.times.check(now).is_ok()
                && settings.vesting.valid()
                && (1..=MAX_LANES).contains(&settings.lanes)
                && settings.fee_unit > 0
                && settings.min_open_bond > 0;
            if !valid {
                return Err(Error::Settings);
            }
            params.check().map_err(Error::Params)?;
            governance::check_attesters(&attesters)?;
            let addresses = [settings.token, roles.owner, roles.registrar, roles.guardian];
            if addresses.iter().any(|address| address.is_zero()) {
                return Err(Error::ZeroAddress);
            }
            store::set_params(&Schedule::new(params));
            store::set_attesters(0, &attesters);
            store::set_governance(&Governance {
                owner: roles.owner,
                proposed: None,
                registrar: Schedule::new(roles.registrar),
                guardian: Schedule::new(roles.guardian),
                vouches: (0, 0),
                next_change: 0,
                announced: [None; 4],
            });
            Self::env().emit_event(events::Deployed {
                settings,
                params,
                roles,
                attesters,
            });
            Ok(Self {
                root: Root {
                    settings,
                    ledger: Ledger::default(),
                    pauses: Pauses::default(),
                    settled_to: 0,
                    operators: 0,
                    attesters: Schedule::new(0),
                },
            })
        }

        /// Registers the caller as an operator in the open tier, paid to `payee`.
        /// Returns its index.
        ///
        /// # Errors
        /// [`Error::ZeroAddress`]; [`Error::CannotRegister`] if the caller is one already.
        #[ink(message)]
        pub fn register(&mut self, payee: Address) -> Result<OperatorIndex, Error> {
            operators::register(&mut self.context(), payee)
        }

        /// Announces a new payee, in force after the delay. By the operator.
        ///
        /// # Errors
        /// [`Error::NotAllowed`], [`Error::UnknownOperator`], [`Error::ZeroAddress`].
        #[ink(message)]
        pub fn set_payee(&mut self, operator: OperatorIndex, payee: Address) -> Result<(), Error> {
            operators::set_payee(&mut self.context(), operator, payee)
        }

        /// Cancels an announced payee. By the operator or its current payee.
        ///
        /// # Errors
        /// [`Error::NotAllowed`], [`Error::UnknownOperator`], [`Error::NoPendingPayee`].
        #[ink(message)]
        pub fn cancel_payee(&mut self, operator: OperatorIndex) -> Result<(), Error> {
            operators::cancel_payee(&mut self.context(), operator)
        }

        /// Sets whether only the operator itself may claim. By the operator.
        ///
        /// # Errors
        /// [`Error::NotAllowed`], [`Error::UnknownOperator`].
        #[ink(message)]
        pub fn set_only_self(
            &mut self,
            operator: OperatorIndex,
            only_self: bool,
        ) -> Result<(), Error> {
            operators::set_only_self(&mut self.context(), operator, only_self)
        }

        /// Adds `amount` base units of the caller's tokens to an operator's bond; it
        /// counts from the next epoch. The caller approves the contract first.
        ///
        /// # Errors
        /// [`Error::UnknownOperator`], [`Error::ZeroAmount`], [`Error::TransferFailed`],
        /// [`Error::TokenTaxes`].
        #[ink(message)]
        pub fn bond(&mut self, operator: OperatorIndex, amount: u128) -> Result<(), Error> {
            operators::bond(&mut self.context(), operator, amount)
        }

        /// Withdraws `amount` base units of the bond. What did not count yet is paid
        /// at once and returned; the rest waits. By the operator.
        ///
        /// # Errors
        /// [`Error::NotAllowed`], [`Error::UnknownOperator`], [`Error::ZeroAmount`],
        /// [`Error::BondTooSmall`], [`Error::TooManyWithdrawals`], and those of the token.
        #[ink(message)]
        pub fn unbond(&mut self, operator: OperatorIndex, amount: u128) -> Result<u128, Error> {
            operators::unbond(&mut self.context(), operator, amount)
        }

        /// Pays withdrawn bond that is free to the operator's payee. By anyone.
        ///
        /// # Errors
        /// [`Error::UnknownOperator`], [`Error::NothingDue`], and those of the token.
        #[ink(message)]
        pub fn withdraw_bond(&mut self, operator: OperatorIndex) -> Result<u128, Error> {
            operators::withdraw_bond(&mut self.context(), operator)
        }

        /// Makes operators vetted from the next epoch on; their bonds leave as if
        /// withdrawn now, and deposits that never counted become claimable. The bond of
        /// one with three withdrawals on their way stays until it withdraws it. By the
        /// registrar.
        ///
        /// # Errors
        /// [`Error::NotAllowed`], [`Error::TooManyVouches`], [`Error::UnknownOperator`],
        /// [`Error::Tier`] if one is vetted already.
        #[ink(message)]
        pub fn vouch(&mut self, operators: Vec<OperatorIndex>) -> Result<(), Error> {
            operators::vouch(&mut self.context(), &operators)
        }

        /// Takes an operator's vetting back from the next epoch on. By the registrar.
        ///
        /// # Errors
        /// [`Error::NotAllowed`], [`Error::UnknownOperator`], [`Error::Tier`] if it is not vetted.
        #[ink(message)]
        pub fn revoke(&mut self, operator: OperatorIndex) -> Result<(), Error> {
            operators::revoke(&mut self.context(), operator)
        }

        /// Funds the reserve with `amount` base units of the caller's tokens; they
        /// count from the next epoch's budget. The caller approves the contract first.
        ///
        /// # Errors
        /// [`Error::ZeroAmount`], [`Error::TransferFailed`], [`Error::TokenTaxes`].
        #[ink(message)]
        pub fn fund(&mut self, amount: u128) -> Result<(), Error> {
            claims::fund(&mut self.context(), amount)
        }

        /// Credits a batch that enough attesters signed. By anyone. `entries` are
        /// packed, 21 bytes each; `signatures` 65 bytes each, signers ascending.
        ///
        /// # Errors
        /// [`Error::EpochClosed`], [`Error::UnknownLane`], [`Error::WrongSeq`] (a batch
        /// sent twice ends here), and those of entries and signatures.
        #[ink(message)]
        pub fn attest(
            &mut self,
            header: BatchHeader,
            entries: Vec<u8>,
            signatures: Vec<u8>,
        ) -> Result<Credited, Error> {
            batches::attest(&mut self.context(), &header, &entries, &signatures)
        }

        /// Removes an operator's work and fees of an epoch in review. By the guardian.
        ///
        /// # Errors
        /// [`Error::NotAllowed`], [`Error::NotInReview`], [`Error::NoWork`].
        #[ink(message)]
        pub fn strike(
            &mut self,
            epoch: Epoch,
            operator: OperatorIndex,
            evidence: [u8; 32],
        ) -> Result<(), Error> {
            batches::strike(&mut self.context(), epoch, operator, evidence)
        }

        /// Settles the next worked epoch, skipping those without work. By anyone. Behind
        /// more than 130,000 epochs without work it only moves on, with a budget of 0:
        /// call it again.
        ///
        /// # Errors
        /// [`Error::NothingToSettle`]: none, or its windows are open, or the clock stands.
        #[ink(message)]
        pub fn settle(&mut self) -> Result<Settled, Error> {
            epochs::settle(&mut self.context())
        }

        /// Raises to its cap whoever of `operators` is eligible (`u32::MAX` is the open
        /// pool), in that order, and returns how many. By anyone, in the level window.
        ///
        /// # Errors
        /// [`Error::NotSettled`], [`Error::LevelFinal`].
        #[ink(message)]
        pub fn raise(&mut self, epoch: Epoch, operators: Vec<OperatorIndex>) -> Result<u32, Error> {
            epochs::raise(&mut self.context(), epoch, &operators)
        }

        /// Books the rewards of `operators` for final epochs; whoever has nothing, or
        /// was booked before, is skipped. By anyone.
        ///
        /// # Errors
        /// [`Error::NotFinal`]; [`Error::NoWork`] for an epoch that can have none any more.
        #[ink(message)]
        pub fn book(
            &mut self,
            epochs: Vec<Epoch>,
            operators: Vec<OperatorIndex>,
        ) -> Result<Booked, Error> {
            epochs::book(&mut self.context(), &epochs, &operators)
        }

        /// Pays what an operator can claim to its payee and returns the amount. By
        /// anyone, unless the operator has set *only I*.
        ///
        /// # Errors
        /// [`Error::UnknownOperator`], [`Error::OnlySelf`], [`Error::NothingDue`], and
        /// those of the token.
        #[ink(message)]
        pub fn claim(&mut self, operator: OperatorIndex) -> Result<u128, Error> {
            claims::claim(&mut self.context(), operator)
        }

        /// Pays many, skipping whom it cannot pay. By anyone.
        ///
        /// # Errors
        /// [`Error::TokenTaxes`] if the token took another amount than was paid,
        /// [`Error::TransferFailed`] if it does not tell the contract's balance.
        #[ink(message)]
        pub fn claim_many(&mut self, operators: Vec<OperatorIndex>) -> Result<Claimed, Error> {
            claims::claim_many(&mut self.context(), &operators)
        }

        /// Announces a change; it counts from the first epoch that begins after the
        /// timelock. An earlier one of its kind that is not in force is replaced. By
        /// the owner. Returns its number.
        ///
        /// # Errors
        /// [`Error::NotAllowed`] and the change's own bounds.
        #[ink(message)]
        pub fn queue(&mut self, change: Change) -> Result<u32, Error> {
            governance::queue(&mut self.context(), change)
        }

        /// Cancels a change that is not in force, or a slash that is not executed. By
        /// the owner.
        ///
        /// # Errors
        /// [`Error::NotAllowed`], [`Error::UnknownChange`], [`Error::InForce`].
        #[ink(message)]
        pub fn cancel(&mut self, id: u32) -> Result<(), Error> {
            governance::cancel(&mut self.context(), id)
        }

        /// Executes an announced slash after booking `epochs` for the operator. By the
        /// owner. Returns what was taken.
        ///
        /// # Errors
        /// [`Error::NotAllowed`], [`Error::UnknownChange`], [`Error::Timelocked`],
        /// [`Error::NotFinal`], [`Error::NoWork`].
        #[ink(message)]
        pub fn execute_slash(&mut self, id: u32, epochs: Vec<Epoch>) -> Result<u128, Error> {
            governance::execute_slash(&mut self.context(), id, &epochs)
        }

        /// Proposes a new owner, who may accept after the timelock. By the owner.
        ///
        /// # Errors
        /// [`Error::NotAllowed`].
        #[ink(message)]
        pub fn propose_owner(&mut self, owner: Address) -> Result<(), Error> {
            governance::propose_owner(&mut self.context(), owner)
        }

        /// Takes the proposal. By the proposed owner.
        ///
        /// # Errors
        /// [`Error::NotAllowed`], [`Error::Timelocked`].
        #[ink(message)]
        pub fn accept_owner(&mut self) -> Result<(), Error> {
            governance::accept_owner(&mut self.context())
        }

        /// Stops the clock, for at most `max_pause`. By the guardian.
        ///
        /// # Errors
        /// [`Error::NotAllowed`], [`Error::Paused`], [`Error::PauseTooSoon`], [`Error::NotStarted`].
        #[ink(message)]
        pub fn pause(&mut self) -> Result<(), Error> {
            governance::pause(&mut self.context())
        }

        /// Starts the clock again. By the guardian.
        ///
        /// # Errors
        /// [`Error::NotAllowed`], [`Error::NotPaused`].
        #[ink(message)]
        pub fn unpause(&mut self) -> Result<(), Error> {
            governance::unpause(&mut self.context())
        }

        /// What was fixed at deployment.
        #[ink(message)]
        pub fn settings(&self) -> Settings {
            self.root.settings
        }

        /// The parameters of `epoch` (the previous one or later).
        #[ink(message)]
        pub fn params(&self, epoch: Epoch) -> Params {
            *store::params().at(epoch)
        }

        /// Who has which role now.
        #[ink(message)]
        pub fn roles(&self) -> Roles {
            self.view(views::roles)
        }

        /// What governance has announced and what is not in force yet.
        #[ink(message)]
        pub fn governance(&self) -> GovernanceView {
            self.view(views::governance)
        }

        /// The attesters of `epoch` (the previous one or later).
        #[ink(message)]
        pub fn attesters(&self, epoch: Epoch) -> Attesters {
            store::attesters(*self.root.attesters.at(epoch))
        }

        /// The epoch clock now.
        #[ink(message)]
        pub fn clock(&self) -> ClockView {
            self.view(views::clock)
        }

        /// An epoch; none before its first batch.
        #[ink(message)]
        pub fn epoch(&self, epoch: Epoch) -> Option<EpochView> {
            self.view(|ctx| views::epoch(ctx, epoch))
        }

        /// An operator, as of now.
        #[ink(message)]
        pub fn operator(&self, operator: OperatorIndex) -> Option<OperatorView> {
            self.view(|ctx| views::operator(ctx, operator))
        }

        /// The operator of an address.
        #[ink(message)]
        pub fn operator_of(&self, address: Address) -> Option<OperatorIndex> {
            store::index(&address)
        }

        /// How many operators are registered.
        #[ink(message)]
        pub fn operators(&self) -> u32 {
            self.root.operators
        }

        /// The terms of the conservation law.
        #[ink(message)]
        pub fn ledger(&self) -> LedgerView {
            self.view(views::ledger)
        }

        /// The sequence number that the next batch of `epoch` in `lane` must carry.
        #[ink(message)]
        pub fn next_seq(&self, epoch: Epoch, lane: u32) -> u64 {
            store::record(epoch)
                .and_then(|record| record.next_seq(lane))
                .map_or(0, u64::from)
        }

        /// An operator's work in an epoch and its reward at the level as it stands.
        #[ink(message)]
        pub fn preview(&self, epoch: Epoch, operator: OperatorIndex) -> Preview {
            self.view(|ctx| views::preview(ctx, epoch, operator))
        }

        /// The bond of an operator that counts in `epoch`, in base units.
        #[ink(message)]
        pub fn bond_at(&self, epoch: Epoch, operator: OperatorIndex) -> u128 {
            store::operator(operator)
                .map(|content| self.view(|ctx| ctx.bond_at(operator, &content, epoch)))
                .unwrap_or_default()
        }

        /// An announced change.
        #[ink(message)]
        pub fn change(&self, id: u32) -> Option<Announced> {
            store::change(id)
        }

        fn context(&mut self) -> Context<'_> {
            let (caller, contract, seconds) = self.surroundings();
            Context::new(&mut self.root, caller, contract, seconds)
        }

        /// A view reads from a copy of the root, so it can change nothing.
        fn view<T>(&self, read: impl FnOnce(&Context) -> T) -> T {
            let (caller, contract, seconds) = self.surroundings();
            let mut root = self.root.clone();
            read(&Context::new(&mut root, caller, contract, seconds))
        }

        /// Who calls, which contract this is, and the time in seconds.
        fn surroundings(&self) -> (Address, Address, u64) {
            (
                self.env().caller(),
                self.env().address(),
                self.env().block_timestamp(),
            )
        }
    }
}

//! The local ledger: a chain of one subnet as a pure state machine. Blocks pass only by [`Ledger::advance_to`].

mod account;

use std::collections::{BTreeMap, HashSet};
use std::net::SocketAddr;

use foretell_core::coldkey::Coldkey;
use foretell_core::hash::Hash;
use foretell_core::hotkey::{Hotkey, Uid};
use serde::{Deserialize, Serialize};

pub use self::account::Inclusion;
use self::account::{Account, HotkeyBalance};
use crate::block::Block;
use crate::emission::{self, Supply};
use crate::metagraph::{Hyperparameters, Metagraph};
use crate::pruning::{self, PruneCandidate};
use crate::refusal::ChainRefusal;
use crate::registration_price::RegistrationPrice;
use crate::signed_weights::SignedWeights;
use crate::yuma::{self, ValidatorRow};

/// The uid of the subnet's owner, who registers first.
const OWNER_UID: Uid = Uid(0);

/// The whole state of a local subnet.
///
/// Registration, stake and axons need no signature, since caller and ledger are one process;
/// weights do.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Ledger {
    block: Block,
    hyperparameters: Hyperparameters,
    supply: Supply,
    /// In uid order.
    accounts: Vec<Account>,
    registration_price: RegistrationPrice,
    /// What hotkeys without a uid still own.
    deregistered: BTreeMap<Hotkey, HotkeyBalance>,
}

impl Ledger {
    /// A new subnet at block 0, whose owner is uid 0.
    pub fn genesis(
        hyperparameters: Hyperparameters,
        owner_hotkey: Hotkey,
        owner_coldkey: Coldkey,
    ) -> Self {
        let mut ledger = Self {
            block: Block::FIRST,
            hyperparameters,
            supply: Supply::default(),
            accounts: vec![Account::new(owner_hotkey, owner_coldkey, Block::FIRST)],
            registration_price: RegistrationPrice::default(),
            deregistered: BTreeMap::new(),
        };
        ledger.grant_permits();
        ledger
    }

    /// The newest block.
    pub const fn block(&self) -> Block {
        self.block
    }

    /// The subnet's parameters, fixed at genesis.
    pub const fn hyperparameters(&self) -> &Hyperparameters {
        &self.hyperparameters
    }

    /// Where all rao issued so far went.
    pub const fn supply(&self) -> Supply {
        self.supply
    }

    /// The subnet at the newest block.
    pub fn metagraph(&self) -> Metagraph {
        Metagraph {
            block: self.block,
            tempo: self.hyperparameters.tempo,
            owner: OWNER_UID,
            neurons: self
                .with_uids()
                .map(|(uid, account)| account.neuron(uid))
                .collect(),
        }
    }

    /// The weights that a uid set last; none if it never did, or isn't registered.
    pub fn weights(&self, uid: Uid) -> Vec<(Uid, u16)> {
        let account = self.accounts.get(usize::from(uid.0));
        account.map_or_else(Vec::new, |account| account.weights.clone())
    }

    /// The bonds that the last epoch left a uid with; those that are 0 are left out.
    pub fn bonds(&self, uid: Uid) -> Vec<(Uid, u16)> {
        let account = self.accounts.get(usize::from(uid.0));
        account.map_or_else(Vec::new, |account| account.bonds.clone())
    }

    /// The block that holds the weights of this hash, if it is one of the last 64 of a hotkey.
    pub fn find(&self, hash: Hash) -> Option<Block> {
        self.accounts
            .iter()
            .find_map(|account| account.included(hash))
            .map(|inclusion| inclusion.block)
    }

    /// Rao of TAO that a registration costs at the newest block.
    pub fn registration_price(&self) -> u64 {
        self.registration_price
            .at_block(self.block, &self.hyperparameters.registration)
    }

    /// Rao of TAO that all registrations so far have cost.
    pub const fn burned_for_registration(&self) -> u64 {
        self.registration_price.burned
    }

    /// Rao of TAO that the hotkey's registrations have cost: each return costs what a registration costs at its block.
    pub fn spent_on_registration(&self, hotkey: Hotkey) -> u64 {
        let account = self.registered(hotkey).map(|(_, account)| account.balance);
        let balance = account.or_else(|| self.deregistered.get(&hotkey).copied());
        balance.unwrap_or_default().spent
    }

    /// Gives the hotkey a uid: the next one, or, where all are taken, that of the [neuron that has to
    /// leave](pruning::pruned_uid). A registered hotkey keeps its uid and its coldkey, and pays nothing.
    ///
    /// Whoever leaves keeps stake and earnings, and loses weights, bonds and permit; nobody's weights or bonds pass
    /// from it to the newcomer. As on the real chain, `last_update` starts at this block.
    pub fn register(&mut self, hotkey: Hotkey, coldkey: Coldkey) -> Result<Uid, ChainRefusal> {
        if let Some((uid, _)) = self.registered(hotkey) {
            return Ok(uid);
        }
        let uid = match u16::try_from(self.accounts.len()) {
            Ok(next) if next < self.hyperparameters.max_uids => Uid(next),
            _ => self.pruned_uid().ok_or(ChainRefusal::SubnetFull)?,
        };
        let price = self
            .registration_price
            .pay(self.block, &self.hyperparameters.registration);
        let mut balance = self.deregistered.remove(&hotkey).unwrap_or_default();
        balance.spent = balance.spent.saturating_add(price);
        let mut newcomer = Account::new(hotkey, coldkey, self.block);
        newcomer.balance = balance;
        match self.accounts.get_mut(usize::from(uid.0)) {
            Some(account) => {
                let gone = std::mem::replace(account, newcomer);
                self.deregistered.insert(gone.hotkey, gone.balance);
                for account in &mut self.accounts {
                    account.weights.retain(|(target, _)| *target != uid);
                    account.bonds.retain(|(target, _)| *target != uid);
                }
            }
            None => self.accounts.push(newcomer),
        }
        self.grant_permits();
        Ok(uid)
    }

    /// The uid that a newcomer to the full subnet would get.
    fn pruned_uid(&self) -> Option<Uid> {
        let candidates = self.with_uids().filter(|(uid, _)| *uid != OWNER_UID);
        let candidates = candidates.map(|(uid, account)| PruneCandidate {
            uid,
            emission: account.paid,
            registered: account.registered,
        });
        pruning::pruned_uid(candidates, self.block, self.hyperparameters.immunity_period)
    }

    /// Adds `amount` rao to the hotkey's stake, up to the largest number there is.
    ///
    /// Permits follow at once, so that a new local network can set weights in its first block. The real chain
    /// waits for the next epoch.
    pub fn stake(&mut self, hotkey: Hotkey, amount: u64) -> Result<(), ChainRefusal> {
        let account = self.account_mut(hotkey)?;
        account.balance.stake = account.balance.stake.saturating_add(amount);
        self.grant_permits();
        Ok(())
    }

    /// Publishes where the hotkey answers requests.
    ///
    /// Loopback addresses are accepted, any number of times: the real chain refuses 127.0.0.1 and lets pass 50
    /// blocks between two calls.
    pub fn serve_axon(&mut self, hotkey: Hotkey, axon: SocketAddr) -> Result<(), ChainRefusal> {
        if axon.port() == 0 || axon.ip().is_unspecified() {
            return Err(ChainRefusal::InvalidAxon(axon));
        }
        self.account_mut(hotkey)?.axon = Some(axon);
        Ok(())
    }

    /// Lets blocks pass up to `block`, and runs the epoch of every multiple of the tempo on the way. Does nothing
    /// if the chain is there already. (The real chain counts a tempo from the last epoch, wherever that was.)
    pub fn advance_to(&mut self, block: Block) {
        let tempo = u64::from(self.hyperparameters.tempo.get());
        let epochs = self.block.get() / tempo + 1..=block.get() / tempo;
        for epoch in epochs {
            self.block = Block::new(epoch * tempo);
            self.run_epoch();
        }
        self.block = self.block.max(block);
    }

    /// Sets the weights of a hotkey, in the current block.
    ///
    /// Weights that were included before are not set again: the answer is their old inclusion. The rate limit
    /// counts from weights set before; on the real chain it counts from registration too.
    pub fn submit(&mut self, weights: &SignedWeights) -> Result<Inclusion, ChainRefusal> {
        let hash = weights.hash();
        let (uid, account) = self
            .registered(weights.hotkey)
            .ok_or(ChainRefusal::NotRegistered(weights.hotkey))?;
        if let Some(known) = account.included(hash) {
            return Ok(known);
        }
        self.check(uid, account, weights)?;

        let inclusion = Inclusion {
            block: self.block,
            hash,
        };
        self.account_mut(weights.hotkey)?
            .include(weights, inclusion);
        Ok(inclusion)
    }

    /// Checks weights: signature and nonce first, then as the real chain does, in its order.
    fn check(
        &self,
        uid: Uid,
        account: &Account,
        weights: &SignedWeights,
    ) -> Result<(), ChainRefusal> {
        let rules = &self.hyperparameters;
        if !weights.is_authentic() {
            return Err(ChainRefusal::BadSignature(weights.hotkey));
        }
        if let Some(last) = account.nonce.filter(|last| weights.nonce <= *last) {
            return Err(ChainRefusal::StaleNonce {
                found: weights.nonce,
                last,
            });
        }
        if weights.uids.len() != weights.values.len() {
            return Err(ChainRefusal::UnequalLengths {
                uids: weights.uids.len(),
                values: weights.values.len(),
            });
        }
        if weights.version_key < rules.version_key {
            return Err(ChainRefusal::OutdatedVersionKey {
                found: weights.version_key,
                required: rules.version_key,
            });
        }
        if let Some(last) = account.inclusions.back() {
            let blocks_left = rules
                .weights_rate_limit
                .saturating_sub(self.block.since(last.block));
            if blocks_left > 0 {
                return Err(ChainRefusal::RateLimited { blocks_left });
            }
        }
        if !account.permit {
            return Err(ChainRefusal::NoPermit {
                uid,
                max_validators: rules.max_validators,
            });
        }
        let mut named = HashSet::new();
        for target in &weights.uids {
            if !named.insert(target) {
                return Err(ChainRefusal::DuplicateUid(*target));
            }
            if usize::from(target.0) >= self.accounts.len() {
                return Err(ChainRefusal::UnknownUid(*target));
            }
        }
        if weights.values.iter().all(|value| *value == 0) {
            return Err(ChainRefusal::AllZero);
        }
        Ok(())
    }

    /// Yuma consensus, and the emission of one tempo of blocks.
    fn run_epoch(&mut self) {
        self.grant_permits();
        let rows: Vec<ValidatorRow<'_>> = self
            .accounts
            .iter()
            .map(|account| ValidatorRow {
                stake: account.balance.stake,
                permit: account.permit,
                weights: &account.weights,
                bonds: &account.bonds,
            })
            .collect();
        let Hyperparameters { kappa, bonds, .. } = &self.hyperparameters;
        let result = yuma::run_epoch(&rows, OWNER_UID, *kappa, bonds);

        let issued = emission::RAO_PER_BLOCK * u64::from(self.hyperparameters.tempo.get());
        let payout = emission::pay(issued, &result.incentive, &result.dividend, OWNER_UID);
        self.supply += payout.supply;
        let shares = result.incentive.iter().zip(&result.dividend);
        let decided = shares.zip(result.bonds).zip(payout.paid);
        for (account, (((incentive, dividend), bonds), paid)) in
            self.accounts.iter_mut().zip(decided)
        {
            account.incentive = to_u16(*incentive);
            account.dividend = to_u16(*dividend);
            account.bonds = bonds;
            account.paid = paid;
            account.balance.emission = account.balance.emission.saturating_add(paid);
        }
    }

    /// Gives validator permits by the stakes as they are.
    fn grant_permits(&mut self) {
        let stakes = self.accounts.iter().map(|account| account.balance.stake);
        let stakes: Vec<u64> = stakes.collect();
        let permits = yuma::permits(&stakes, OWNER_UID, self.hyperparameters.max_validators);
        for (account, permit) in self.accounts.iter_mut().zip(permits) {
            account.permit = permit;
        }
    }

    fn with_uids(&self) -> impl Iterator<Item = (Uid, &Account)> {
        (0..=u16::MAX).map(Uid).zip(&self.accounts)
    }

    fn registered(&self, hotkey: Hotkey) -> Option<(Uid, &Account)> {
        self.with_uids()
            .find(|(_, account)| account.hotkey == hotkey)
    }

    fn account_mut(&mut self, hotkey: Hotkey) -> Result<&mut Account, ChainRefusal> {
        self.accounts
            .iter_mut()
            .find(|account| account.hotkey == hotkey)
            .ok_or(ChainRefusal::NotRegistered(hotkey))
    }
}

/// A share as the chain stores it: 65,535 is all, and fractions are cut off.
fn to_u16(share: f64) -> u16 {
    (share * f64::from(u16::MAX)) as u16
}

#[cfg(test)]
mod tests;

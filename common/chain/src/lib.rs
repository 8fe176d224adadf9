//! The chain, as validators and miners see it: who is registered, what weights are set, who earns what.
//!
//! ```text
//!   Chain (trait) ─┬ Subtensor ── the real chain, by a node (feature `subtensor`)
//!                  └ LocalChain ── ledger_file: one JSON file, replaced atomically
//!                        │
//!                     Ledger: register, stake, serve_axon, submit, advance_to
//!                        │        └ registration_price: the cost of a uid; pruning: which uid is given to a newcomer
//!                        │ every tempo
//!                     yuma, bonds: weights and stake -> incentive and dividends
//!                        │
//!                     emission: rao to the owner, validators and miners, or burned
//! ```
//!
//! The [`ledger::Ledger`] is pure; only [`ledger_file`] touches a disk. A validator pays a miner three times as much as
//! another, and a tempo later the chain says so:
//!
//! ```
//! use foretell_chain::block::Block;
//! use foretell_chain::ledger::Ledger;
//! use foretell_chain::metagraph::{Hyperparameters, RAO_PER_ALPHA};
//! use foretell_chain::signed_weights::SignedWeights;
//! use foretell_chain::weights::weights_to_u16;
//! use foretell_core::coldkey::Coldkey;
//! use foretell_core::hotkey::Hotkey;
//! use foretell_keys::keypair::Keypair;
//!
//! let key = Keypair::from_seed(&[1; 32]);
//! let validator = key.hotkey();
//!
//! // The subnet's owner is uid 0; here it validates too.
//! let mut ledger = Ledger::genesis(Hyperparameters::default(), validator, validator.into());
//! ledger.stake(validator, 100 * RAO_PER_ALPHA)?;
//! let good = ledger.register(Hotkey([2; 32]), Coldkey([2; 32]))?;
//! let fair = ledger.register(Hotkey([3; 32]), Coldkey([3; 32]))?;
//!
//! let (uids, values) = (vec![good, fair], weights_to_u16(&[0.75, 0.25])?);
//! let (version_key, nonce) = (0, 1);
//! let sign = |bytes: &[u8]| key.sign(bytes).0;
//! let weights = SignedWeights::sign(validator, uids, values, version_key, nonce, sign);
//! ledger.submit(&weights)?;
//! ledger.advance_to(Block::new(360));
//!
//! let incentive: Vec<u16> = ledger.metagraph().neurons.iter().map(|n| n.incentive).collect();
//! assert_eq!(incentive, [0, 49_151, 16_383]); // 3/4 and 1/4 of 65,535, but for the rounding of weights
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! What the local ledger does not do, and the real chain does: commit-reveal, an activity cutoff, emission that adds
//! to stake, balances of TAO (a registration is always affordable; what it costs is counted). What is *not* here: when
//! weights are set and to what, which is the validator's service.
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used))]

pub mod block;
pub mod bond_rules;
pub mod bonds;
pub mod chain;
pub mod chain_error;
pub mod emission;
pub mod ledger;
pub mod ledger_file;
pub mod local_chain;
pub mod metagraph;
pub mod network;
pub mod neuron_check;
mod normalised;
pub mod pruning;
pub mod refusal;
pub mod registration_price;
pub mod signed_weights;
pub mod signer;
pub mod submission;
pub mod subnet_address;
pub mod subnet_identity;
#[cfg(feature = "subtensor")]
pub mod subtensor;
pub mod weights;
pub mod yuma;

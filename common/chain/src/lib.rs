//! The chain, as validators and miners see it: who is registered, what weights are set, who earns what.
//!
//! ```text
//!   Chain (trait) ─┬ Subtensor ── the real chain, by a node (feature `subtensor`)
//!                  └ LocalChain ── one JSON file, replaced atomically
//!                        │
//!                     Ledger: register, stake, serve_axon, submit, advance_to
//!                        │ every tempo
//!                     yuma, bonds: weights and stake -> incentive and dividends
//!                     registration: the price of a uid, and which uid is pruned for a newcomer
//!                        │
//!                     emission: rao to the owner, validators and miners, or burned
//! ```
//!
//! The [`ledger::Ledger`] is pure; only [`local_chain::LocalChain`] touches a disk. A validator pays a miner three
//! times as much as another, and a tempo later the chain says so:
//!
//! ```
//! use crate::ledger::Ledger;
//! use crate::metagraph::{Block, Hyperparameters, RAO_PER_ALPHA};
//! use crate::weights::{SignedWeights, weights_to_u16};
//! use foretell_core::hotkey::Hotkey;
//! use schnorrkel::Keypair;
//!
//! let key = Keypair::generate();
//! let validator = Hotkey(key.public.to_bytes());
//!
//! // The subnet's owner is uid 0; here it validates too.
//! let mut ledger = Ledger::genesis(Hyperparameters::default(), validator, validator);
//! ledger.stake(validator, 100 * RAO_PER_ALPHA)?;
//! let good = ledger.register(Hotkey([2; 32]), Hotkey([2; 32]))?;
//! let fair = ledger.register(Hotkey([3; 32]), Hotkey([3; 32]))?;
//!
//! let (uids, values) = (vec![good, fair], weights_to_u16(&[0.75, 0.25])?);
//! let weights = SignedWeights::sign(validator, uids, values, 0, 1, |bytes| {
//!     key.sign_simple(b"substrate", bytes).to_bytes()
//! });
//! ledger.submit(&weights)?;
//! ledger.advance_to(Block(360));
//!
//! let incentive: Vec<u16> = ledger.metagraph().neurons.iter().map(|n| n.incentive).collect();
//! println!("{incentive:?}");
//! assert_eq!(incentive, [0, 49_151, 16_383]); // 3/4 and 1/4 of 65,535, but for the rounding of weights
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! What the local ledger does not do, and the real chain does: commit-reveal, an activity cutoff, emission that adds
//! to stake, balances of TAO (a registration is always affordable; what it costs is counted).
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used))]

pub mod bonds;
pub mod chain;
pub mod emission;
pub mod ledger;
pub mod local_chain;
pub mod metagraph;
pub mod network;
pub mod neuron_check;
pub mod refusal;
pub mod registration;
pub mod subnet_identity;
#[cfg(feature = "subtensor")]
pub mod subtensor;
pub mod weights;
pub mod yuma;

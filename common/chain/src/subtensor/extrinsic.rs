//! Signed extrinsics: made, kept as text, sent, and looked for in blocks.
//!
//! An extrinsic is valid for [`ERA_BLOCKS`] blocks from the one that it was made at, on the runtime that it was made for.
//! Until then it can be sent any number of times, since the account's nonce lets only one in; once the last of these
//! blocks is final without it, no block will ever hold it.

use foretell_core::hash::{Hash, Hex};
use foretell_core::hotkey::Hotkey;
use serde::{Deserialize, Serialize};
use subxt::config::DefaultExtrinsicParamsBuilder;
use subxt::config::substrate::SubstrateConfig;
use subxt::dynamic::{At, Value};
use subxt::error::ExtrinsicError;
use subxt::ext::scale_decode::DecodeAsType;
use subxt::rpcs::rpc_params;
use subxt::utils::{AccountId32, H256, MultiSignature};

use super::calls::{Call, WeightsCall};
use super::error::SubtensorError;
use super::runtime::{Runtime, RuntimeError, StorageKey};
use super::runtime_errors;
use super::state::{BlockState, account, bytes_of, hex_of};
use crate::block::Block;
use crate::refusal::ChainRefusal;
use crate::signer::Signer;
use crate::submission::ExpiryReason;

/// Blocks for which an extrinsic is valid: a power of two, as the chain's encoding needs.
pub const ERA_BLOCKS: u64 = 32;

/// A signed extrinsic, and all that is needed to find it in a block.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SignedExtrinsic {
    /// Its bytes in hex, with `0x` before them.
    pub encoded: String,
    /// The account that signed it.
    pub account: Hotkey,
    /// The nonce of the account that it uses up.
    pub nonce: u64,
    /// Version of the runtime that it was made for; others refuse its signature.
    pub spec_version: u32,
    /// The block that it was made at.
    pub birth_block: Block,
    /// The last block that can hold it.
    pub until: Block,
    /// The call by which it sets weights, if it does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub weights_call: Option<WeightsCall>,
    /// The drand round that reveals the weights, if it commits to them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reveal_round: Option<u64>,
}

/// Where an extrinsic is, by the last final block.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ExtrinsicStatus {
    /// It is in no block, and still valid.
    Pending,
    /// It is in no block, and never will be.
    Expired(ExpiryReason),
    /// It is in a block.
    InBlock {
        /// The number of that block.
        block: Block,
        /// The hash of that block.
        hash: H256,
        /// Whether its call succeeded there.
        outcome: Result<(), ChainRefusal>,
    },
}

#[derive(Debug, DecodeAsType)]
#[decode_as_type(crate_path = "subxt::ext::scale_decode")]
pub(super) struct AccountInfo {
    nonce: u32,
}

#[derive(Debug, DecodeAsType)]
#[decode_as_type(crate_path = "subxt::ext::scale_decode")]
pub(super) struct EventRecord {
    phase: Phase,
    event: Value<()>,
}

#[derive(Debug, PartialEq, Eq, DecodeAsType)]
#[decode_as_type(crate_path = "subxt::ext::scale_decode")]
enum Phase {
    ApplyExtrinsic(u32),
    Finalization,
    Initialization,
}

#[derive(Deserialize)]
struct SignedBlock {
    block: Body,
}

#[derive(Deserialize)]
struct Body {
    extrinsics: Vec<String>,
}

/// The storage key of an account's nonce.
pub(super) fn nonce_key(who: &Hotkey) -> StorageKey {
    StorageKey::in_pallet("System", "Account", [account(who)])
}

/// The nonce of the account's next extrinsic, by this block.
pub async fn nonce(state: &BlockState<'_>, account: &Hotkey) -> Result<u64, SubtensorError> {
    let mut read = state.read(vec![nonce_key(account)]).await?;
    Ok(read.next_value::<AccountInfo>()?.nonce.into())
}

/// The call, signed by `signer` for the chain as it is at this block.
pub async fn sign_at(
    state: &BlockState<'_>,
    call: &Call,
    signer: &Signer,
) -> Result<SignedExtrinsic, SubtensorError> {
    let nonce = nonce(state, &signer.account()).await?;
    let at = (state.block, state.hash);
    Ok(sign_offline(&state.runtime, at, call, signer, nonce)?)
}

/// The call, signed by `signer` with this nonce, for the blocks after `at`; nothing is read from the chain.
pub(super) fn sign_offline(
    runtime: &Runtime,
    at: (Block, H256),
    call: &Call,
    signer: &Signer,
    nonce: u64,
) -> Result<SignedExtrinsic, RuntimeError> {
    let (birth_block, hash) = at;
    let parameters = DefaultExtrinsicParamsBuilder::<SubstrateConfig>::new()
        .nonce(nonce)
        .mortal_from_unchecked(ERA_BLOCKS, birth_block.get(), hash)
        .build();
    let unknown = |error: ExtrinsicError| runtime.unknown(call.call_name().to_owned(), &error);
    let client = runtime.client().tx();
    let mut signable = client
        .create_signable_offline(call, parameters)
        .map_err(unknown)?;
    let payload = signable.signer_payload().map_err(unknown)?;
    let signature = MultiSignature::Sr25519(signer.sign(&payload));
    let account = AccountId32(signer.account().0);
    let signed = signable
        .sign_with_account_and_signature(&account, &signature)
        .map_err(unknown)?;
    Ok(SignedExtrinsic {
        encoded: hex_of(signed.encoded()),
        account: signer.account(),
        nonce,
        spec_version: runtime.spec_version(),
        birth_block,
        until: birth_block + (ERA_BLOCKS - 1),
        weights_call: None,
        reveal_round: None,
    })
}

impl SignedExtrinsic {
    /// The hash by which the chain knows it: BLAKE2b-256 of its bytes.
    pub fn hash(&self) -> Hash {
        Hex(blake2_256(&bytes_of(&self.encoded).unwrap_or_default()))
    }

    /// Where it is by `last`, the last block that is final.
    pub async fn status(&self, last: &BlockState<'_>) -> Result<ExtrinsicStatus, SubtensorError> {
        if nonce(last, &self.account).await? <= self.nonce {
            return Ok(if last.runtime.spec_version() != self.spec_version {
                ExtrinsicStatus::Expired(ExpiryReason::RuntimeUpgraded)
            } else if last.block >= self.until {
                ExtrinsicStatus::Expired(ExpiryReason::ValidityEnded)
            } else {
                ExtrinsicStatus::Pending
            });
        }
        // The nonce is taken: by this extrinsic, or by another one that was signed with the same key.
        let valid_until = self
            .until
            .min(self.birth_block + ERA_BLOCKS)
            .min(last.block);
        for number in (self.birth_block + 1).get()..=valid_until.get() {
            let hash: H256 = last
                .connection
                .request("chain_getBlockHash", rpc_params![number])
                .await?;
            let block: SignedBlock = last
                .connection
                .request("chain_getBlock", rpc_params![hash])
                .await?;
            let mut bodies = block.block.extrinsics.iter();
            if let Some(index) = bodies.position(|body| *body == self.encoded) {
                let block = Block::new(number);
                let outcome = outcome(last, block, hash, index).await?;
                return Ok(ExtrinsicStatus::InBlock {
                    block,
                    hash,
                    outcome,
                });
            }
        }
        Ok(ExtrinsicStatus::Expired(ExpiryReason::NonceTaken))
    }
}

/// Whether extrinsic `index` of a block succeeded, by the block's events.
async fn outcome(
    last: &BlockState<'_>,
    block: Block,
    hash: H256,
    index: usize,
) -> Result<Result<(), ChainRefusal>, SubtensorError> {
    let state = BlockState {
        connection: last.connection,
        runtime: last.runtime.clone(),
        block,
        hash,
    };
    let storage_key = StorageKey::in_pallet("System", "Events", []);
    let events: Vec<EventRecord> = state.read(vec![storage_key]).await?.next_value()?;
    let own = u32::try_from(index).unwrap_or(u32::MAX);
    let own = events
        .iter()
        .filter(|record| record.phase == Phase::ApplyExtrinsic(own));
    let failed = own.filter_map(|record| {
        let failed = variant(&record.event, "System")?;
        variant(failed.at(0)?, "ExtrinsicFailed")?.at("dispatch_error")
    });
    let metadata = state.runtime.metadata();
    let refusal = failed
        .map(|error| runtime_errors::from_dispatch_error(error, metadata))
        .next();
    Ok(refusal.map_or(Ok(()), Err))
}

/// The value, if it is the enum variant of this name.
fn variant<'a>(value: &'a Value<()>, name: &str) -> Option<&'a Value<()>> {
    use subxt::ext::scale_value::ValueDef;
    match &value.value {
        ValueDef::Variant(variant) if variant.name == name => Some(value),
        _ => None,
    }
}

fn blake2_256(bytes: &[u8]) -> [u8; 32] {
    use blake2::digest::Digest;
    use blake2::digest::consts::U32;
    blake2::Blake2b::<U32>::digest(bytes).into()
}

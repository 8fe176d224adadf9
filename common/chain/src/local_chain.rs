//! A local chain: the ledger in one file, which holds every change before its caller has an answer.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, PoisonError};

use foretell_core::coldkey::Coldkey;
use foretell_core::hotkey::{Hotkey, Uid};
use foretell_core::time::UnixMillis;

use crate::block::Block;
use crate::chain::Chain;
use crate::chain_error::ChainError;
use crate::emission::Supply;
use crate::ledger::Ledger;
use crate::ledger_file::{self, LedgerFileError};
use crate::metagraph::{Hyperparameters, Metagraph};
use crate::refusal::ChainRefusal;
use crate::signed_weights::SignedWeights;
use crate::signer::Signer;
use crate::submission::{PreparedWeights, SubmissionStatus, UidWeights};
use crate::subnet_identity::SubnetIdentity;

/// A chain for one machine: no network, no fees, and blocks pass when [`LocalChain::advance_to`] says so.
///
/// A change is on disk before the call that made it returns, and is made wholly or not at all. The file is
/// small, so it is written inside the call, holding a plain mutex that no future keeps across an await. One
/// process may have it open at a time.
#[derive(Debug)]
pub struct LocalChain {
    path: PathBuf,
    ledger: Mutex<Ledger>,
}

impl LocalChain {
    /// Opens the ledger in the file `path`; where there is no file, makes it with `genesis`.
    pub fn open_or_create(
        path: impl Into<PathBuf>,
        genesis: impl FnOnce() -> Ledger,
    ) -> Result<Self, LedgerFileError> {
        let path = path.into();
        let ledger = match ledger_file::read(&path)? {
            Some(ledger) => ledger,
            None => {
                let ledger = genesis();
                ledger_file::write(&path, &ledger)?;
                ledger
            }
        };
        Ok(Self {
            path,
            ledger: Mutex::new(ledger),
        })
    }

    /// Lets blocks pass up to `block`, with the epochs on the way; whoever has the clock calls this.
    pub fn advance_to(&self, block: Block) -> Result<(), ChainError> {
        self.update(|ledger| {
            ledger.advance_to(block);
            Ok(())
        })
    }

    /// Adds `amount` rao to a registered hotkey's stake.
    pub fn stake(&self, hotkey: Hotkey, amount: u64) -> Result<(), ChainError> {
        self.update(|ledger| ledger.stake(hotkey, amount))
    }

    /// Gives the hotkey a uid; the one that it has, if it is registered.
    pub fn register(&self, hotkey: Hotkey, coldkey: Coldkey) -> Result<Uid, ChainError> {
        self.update(|ledger| ledger.register(hotkey, coldkey))
    }

    /// Publishes where a registered hotkey answers requests; unlike [`Chain::serve_axon`], without its signer.
    pub fn serve(&self, hotkey: Hotkey, axon: SocketAddr) -> Result<(), ChainError> {
        self.update(|ledger| ledger.serve_axon(hotkey, axon))
    }

    /// Where all rao issued so far went, all in rao.
    pub fn supply(&self) -> Supply {
        self.ledger().supply()
    }

    /// Makes a change in the file, then in memory; in neither if it was refused or made no difference.
    fn update<T>(
        &self,
        change: impl FnOnce(&mut Ledger) -> Result<T, ChainRefusal>,
    ) -> Result<T, ChainError> {
        let mut ledger = self.ledger();
        let mut changed = ledger.clone();
        let answer = change(&mut changed)?;
        if changed != *ledger {
            ledger_file::write(&self.path, &changed)?;
            *ledger = changed;
        }
        Ok(answer)
    }

    fn ledger(&self) -> MutexGuard<'_, Ledger> {
        // A panic elsewhere leaves the ledger whole: it is only ever replaced by a finished one.
        self.ledger.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Chain for LocalChain {
    async fn identity(&self) -> Result<SubnetIdentity, ChainError> {
        Ok(SubnetIdentity::Local)
    }

    async fn block(&self) -> Result<Block, ChainError> {
        Ok(self.ledger().block())
    }

    async fn metagraph(&self) -> Result<Metagraph, ChainError> {
        Ok(self.ledger().metagraph())
    }

    async fn hyperparameters(&self) -> Result<Hyperparameters, ChainError> {
        Ok(self.ledger().hyperparameters().clone())
    }

    /// Refuses nothing: the ledger checks weights when they are submitted.
    async fn prepare(
        &self,
        weights: &UidWeights,
        signer: &Signer,
        now: UnixMillis,
    ) -> Result<PreparedWeights, ChainError> {
        let version_key = self.ledger().hyperparameters().version_key;
        let UidWeights { uids, values } = weights.clone();
        let nonce = now.get().unsigned_abs();
        let sign = |bytes: &[u8]| signer.sign(bytes);
        let signed = SignedWeights::sign(signer.account(), uids, values, version_key, nonce, sign);
        let hash = signed.hash();
        let text = serde_json::to_string(&signed).map_err(ChainError::OtherFormat)?;
        Ok(PreparedWeights { text, hash })
    }

    async fn submit(&self, prepared: &PreparedWeights) -> Result<(), ChainError> {
        let signed: SignedWeights =
            serde_json::from_str(&prepared.text).map_err(ChainError::OtherFormat)?;
        self.update(|ledger| ledger.submit(&signed).map(drop))
    }

    /// Weights never expire on the local ledger.
    async fn submission_status(
        &self,
        prepared: &PreparedWeights,
    ) -> Result<SubmissionStatus, ChainError> {
        let open = SubmissionStatus::Pending { until: Block::MAX };
        Ok(self
            .ledger()
            .find(prepared.hash)
            .map_or(open, SubmissionStatus::Succeeded))
    }

    async fn serve_axon(&self, signer: &Signer, axon: SocketAddr) -> Result<(), ChainError> {
        self.serve(signer.account(), axon)
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;
    use std::sync::Arc;

    use foretell_core::hash::Hex;
    use foretell_core::testing::hotkey;
    use foretell_keys::keypair::Keypair;
    use tempfile::TempDir;

    use super::*;

    fn key() -> Keypair {
        Keypair::from_seed(&[1; 32])
    }

    fn validator() -> Hotkey {
        key().hotkey()
    }

    const MINER: Hotkey = hotkey(2);

    fn genesis() -> Ledger {
        let mut ledger =
            Ledger::genesis(Hyperparameters::default(), validator(), validator().into());
        ledger.stake(validator(), 1_000).unwrap();
        ledger
    }

    fn signer() -> Signer {
        Signer::new(validator(), |bytes| key().sign(bytes).0)
    }

    fn open(path: &Path) -> LocalChain {
        LocalChain::open_or_create(path, genesis).unwrap()
    }

    /// A validator's calls, through the trait and from another thread.
    async fn set_weights<C: Chain + 'static>(chain: Arc<C>) -> PreparedWeights {
        let task = async move {
            let axon = "127.0.0.1:8091".parse().unwrap();
            chain.serve_axon(&signer(), axon).await.unwrap();
            let weights = UidWeights {
                uids: vec![Uid(1)],
                values: vec![65_535],
            };
            let now = UnixMillis::literal(1);
            let prepared = chain.prepare(&weights, &signer(), now).await.unwrap();
            let until = Block::MAX;
            assert_eq!(
                chain.submission_status(&prepared).await.unwrap(),
                SubmissionStatus::Pending { until }
            );
            chain.submit(&prepared).await.unwrap();
            let block = chain.block().await.unwrap();
            assert_eq!(
                chain.submission_status(&prepared).await.unwrap(),
                SubmissionStatus::Succeeded(block)
            );
            let metagraph = chain.metagraph().await.unwrap();
            assert_eq!(metagraph.neuron(validator()).unwrap().axon, Some(axon));
            assert_eq!(
                chain.hyperparameters().await.unwrap().tempo,
                metagraph.tempo
            );
            assert_eq!(block, metagraph.block);
            prepared
        };
        tokio::spawn(task).await.unwrap()
    }

    #[tokio::test]
    async fn every_change_is_there_after_a_restart() {
        let folder = TempDir::new().unwrap();
        let path = folder.path().join("ledger.json");
        let chain = Arc::new(open(&path));
        assert_eq!(chain.register(MINER, MINER.into()).unwrap(), Uid(1));
        let prepared = set_weights(chain.clone()).await;
        let status = chain.submission_status(&prepared).await.unwrap();
        chain.advance_to(Block::new(720)).unwrap();
        chain.stake(MINER, 5).unwrap();

        let reopened = LocalChain::open_or_create(&path, || panic!("the file is there")).unwrap();
        assert_eq!(*reopened.ledger(), *chain.ledger());
        assert_eq!(reopened.supply().issued, 720_000_000_000);
        // A half-written file of a killed process does no harm, and weights that are there already are recognised.
        fs::write(folder.path().join(".unfinished-Xy12ab"), "{").unwrap();
        reopened.submit(&prepared).await.unwrap();
        assert_eq!(reopened.submission_status(&prepared).await.unwrap(), status);
        reopened.advance_to(Block::new(721)).unwrap();
        assert_eq!(open(&path).block().await.unwrap(), Block::new(721));
    }

    #[tokio::test]
    async fn weights_signed_for_another_chain_are_refused() {
        let folder = TempDir::new().unwrap();
        let chain = open(&folder.path().join("ledger.json"));
        let prepared = PreparedWeights {
            text: "{\"extrinsic\":\"00\"}".into(),
            hash: Hex([0; 32]),
        };
        let error = chain.submit(&prepared).await.unwrap_err();
        assert!(error.to_string().contains("another kind of chain"));
    }

    #[test]
    fn a_call_that_changes_nothing_writes_nothing() {
        let folder = TempDir::new().unwrap();
        let path = folder.path().join("ledger.json");
        let chain = open(&path);
        chain.advance_to(Block::new(9)).unwrap();
        fs::remove_file(&path).unwrap();
        chain.advance_to(Block::new(9)).unwrap();
        chain.advance_to(Block::new(3)).unwrap();
        chain.stake(validator(), 0).unwrap();
        assert!(matches!(
            chain.stake(MINER, 1),
            Err(ChainError::Refused(ChainRefusal::NotRegistered(MINER)))
        ));
        assert!(!path.exists());
        chain.advance_to(Block::new(10)).unwrap();
        assert!(path.exists());
    }

    #[tokio::test]
    async fn a_change_that_can_not_be_written_does_not_happen() {
        let folder = TempDir::new().unwrap();
        let path = folder.path().join("ledger.json");
        let chain = open(&path);
        drop(folder);
        let error = chain.advance_to(Block::new(1)).unwrap_err();
        assert!(matches!(
            error,
            ChainError::File(LedgerFileError::Io {
                action: "write",
                ..
            })
        ));
        assert!(error.to_string().contains("ledger.json"));
        assert_eq!(chain.block().await.unwrap(), Block::FIRST);
    }
}

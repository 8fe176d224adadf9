//! A miner whose address the chain publishes.

use std::fs;
use std::net::SocketAddr;
use std::process::Command;

use foretell_chain::ledger::Ledger;
use foretell_chain::metagraph::Hyperparameters;
use foretell_keys::keyfile::WalletHotkey;
use foretell_keys::keypair::{Keypair, derived_seed};
use foretell_testkit::{
    FakeNode, ProcessOutput, TestProcess, miner_binary, miner_config_toml, shared_runtime,
    start_constant_price_venue, store_hotkey, wait_until,
};
use tempfile::TempDir;

/// Where validators are to reach it, in the configuration.
const AXON: &str = "203.0.113.5:8091";

/// A miner's folder, with a wallet and a configuration.
struct PublishedMiner {
    folder: TempDir,
    wallet: WalletHotkey,
}

impl PublishedMiner {
    fn new(axon: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let wallet = store_hotkey(folder.path(), "mine", &derived_seed(9, "miner"));
        let host = start_constant_price_venue().to_string();
        let config = miner_config_toml(folder.path(), &host, r#"name = "har""#, axon);
        fs::write(folder.path().join("miner.toml"), config).unwrap();
        Self { folder, wallet }
    }

    fn start(&self, name: &str, node: SocketAddr) -> TestProcess {
        let mut command = Command::new(miner_binary());
        command
            .arg(name)
            .arg("--config")
            .arg(self.folder.path().join("miner.toml"))
            .arg("--wallet-path")
            .arg(&self.wallet.path)
            .args(["--wallet", &self.wallet.wallet, "--netuid", "7"])
            .arg("--endpoint")
            .arg(format!("ws://{node}"))
            .env("NO_PROXY", "127.0.0.1");
        TestProcess::spawn(&mut command)
    }

    /// The doctor's line about the chain.
    fn chain_line(&self, node: SocketAddr) -> String {
        let ended: ProcessOutput = self.start("doctor", node).wait();
        let mut lines = ended.stdout.lines();
        let found = lines.find(|line| line.split_whitespace().nth(1) == Some("chain"));
        let found = found.unwrap_or_else(|| panic!("{}{}", ended.stdout, ended.stderr));
        found.to_owned()
    }
}

/// A node whose subnet knows our miner if it is `registered`.
async fn node(registered: bool) -> Option<(FakeNode, SocketAddr)> {
    let key = |role: &str| Keypair::derived(9, role);
    let owner = key("owner").hotkey();
    let mut ledger = Ledger::genesis(Hyperparameters::default(), owner, owner.into());
    if registered {
        let own = key("miner").hotkey();
        ledger.register(own, own.into()).unwrap();
    }
    let spec = shared_runtime(293)?;
    Some(FakeNode::start(ledger, key("validator"), spec).await)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_miner_publishes_its_axon_once_and_its_doctor_sees_it() {
    let Some((node, address)) = node(true).await else {
        return;
    };
    tokio::task::spawn_blocking(move || {
        let fixture = PublishedMiner::new(&format!("axon = {AXON:?}"));
        let before = fixture.chain_line(address);
        let expected = format!("uid 1 publishes no address, this miner answers at {AXON}");
        assert!(
            before.starts_with("wrong ") && before.contains(&expected),
            "{before}"
        );

        let serving = fixture.start("serve", address);
        wait_until("the axon to be sent", || node.received_extrinsics() == 1);
        node.make_block();
        wait_until("the axon to be published", || {
            serving
                .stderr()
                .contains(&format!("the chain publishes {AXON}"))
        });
        let after = fixture.chain_line(address);
        let expected = format!("uid 1, publishes {AXON}, incentive 0.0000");
        assert!(
            after.starts_with("ok ") && after.contains(&expected),
            "{after}"
        );
        drop(serving);

        // A restart changes nothing on the chain.
        let again = fixture.start("serve", address);
        wait_until("the axon to be seen", || {
            again
                .stderr()
                .contains(&format!("the chain publishes {AXON}"))
        });
        assert_eq!(
            (node.received_extrinsics(), node.included_extrinsics()),
            (1, 1)
        );
    })
    .await
    .unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unregistered_miner_serves_all_the_same_and_says_what_is_missing() {
    let Some((_node, address)) = node(false).await else {
        return;
    };
    tokio::task::spawn_blocking(move || {
        let fixture = PublishedMiner::new(&format!("axon = {AXON:?}"));
        let serving = fixture.start("serve", address);
        wait_until("the error message", || {
            let log = serving.stderr();
            log.contains(&format!("{AXON} is not published yet"))
                && log.contains("is not registered on the subnet: register it first")
        });
        assert!(
            serving.stdout().contains("listening"),
            "{}",
            serving.stdout()
        );
        let line = fixture.chain_line(address);
        assert!(
            line.contains("has no uid on this subnet: register it"),
            "{line}"
        );

        let nobody = fixture.chain_line("127.0.0.1:1".parse().unwrap());
        assert!(
            nobody.contains("can't connect to ws://127.0.0.1:1"),
            "{nobody}"
        );
    })
    .await
    .unwrap();
}

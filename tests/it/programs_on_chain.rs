//! The programs on a network: the real binaries, a fake node, exchanges on loopback. The miner's are in `miner`.

mod miner;

use std::fs;
use std::net::SocketAddr;
use std::process::Command;

use foretell_chain::ledger::Ledger;
use foretell_chain::metagraph::{Hyperparameters, RAO_PER_ALPHA};
use foretell_cli::clock::system_now;
use foretell_keys::keypair::{Keypair, derived_seed};
use foretell_testkit::{
    FakeNode, FakeRestExchanges, ProcessOutput, TestProcess, shared_runtime, store_hotkey,
    validator_binary, wait_until,
};
use tempfile::TempDir;

/// A validator's folder, with a wallet, and the exchanges of its configuration.
struct ValidatorFixture {
    folder: TempDir,
    _exchanges: FakeRestExchanges,
}

impl ValidatorFixture {
    async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let exchanges = FakeRestExchanges::start(system_now()).await;
        let data = folder.path().join("data");
        let config = format!("data = {data:?}\n{}", exchanges.prices_toml());
        fs::write(folder.path().join("validator.toml"), config).unwrap();
        store_hotkey(folder.path(), "mine", &derived_seed(9, "validator"));
        Self {
            folder,
            _exchanges: exchanges,
        }
    }

    fn command(&self, name: &str, more: &[&str]) -> Command {
        let mut command = Command::new(validator_binary());
        command
            .arg(name)
            .arg("--config")
            .arg(self.folder.path().join("validator.toml"))
            .args(more)
            .env("NO_PROXY", "127.0.0.1");
        command
    }

    /// The flags that name a node and our wallet.
    fn on(&self, node: SocketAddr) -> Vec<String> {
        let wallets = self.folder.path().join("wallets");
        [
            "--endpoint",
            &format!("ws://{node}"),
            "--netuid",
            "7",
            "--wallet-path",
            wallets.to_str().unwrap(),
            "--wallet",
            "mine",
        ]
        .map(str::to_owned)
        .into()
    }

    async fn doctor(&self, more: &[String]) -> ProcessOutput {
        let more: Vec<&str> = more.iter().map(String::as_str).collect();
        let running = TestProcess::spawn(&mut self.command("doctor", &more));
        tokio::task::spawn_blocking(|| running.wait())
            .await
            .unwrap()
    }
}

/// A node whose subnet knows the owner, and our validator if it is `registered`.
async fn node(registered: bool) -> Option<(FakeNode, SocketAddr)> {
    let key = |role: &str| Keypair::derived(9, role);
    let owner = key("owner").hotkey();
    let mut ledger = Ledger::genesis(Hyperparameters::default(), owner, owner.into());
    if registered {
        let own = key("validator").hotkey();
        ledger.register(own, own.into()).unwrap();
        ledger.stake(own, 5 * RAO_PER_ALPHA).unwrap();
    }
    let spec = shared_runtime(293)?;
    Some(FakeNode::start(ledger, key("validator"), spec).await)
}

fn line<'a>(ended: &'a ProcessOutput, what: &str) -> &'a str {
    let mut lines = ended.stdout.lines();
    let found = lines.find(|line| line.split_whitespace().nth(1) == Some(what));
    found.unwrap_or_else(|| panic!("no {what} in:\n{}{}", ended.stdout, ended.stderr))
}

#[tokio::test(flavor = "multi_thread")]
async fn the_doctor_says_what_is_wrong_and_what_to_do() {
    let fixture = ValidatorFixture::new().await;
    // On the local ledger nothing is.
    let fine = fixture.doctor(&[]).await;
    assert_eq!(fine.code, Some(0), "{}{}", fine.stdout, fine.stderr);
    for what in [
        "config",
        "clock",
        "disk",
        "key",
        "chain",
        "registration",
        "venues",
        "ports",
    ] {
        assert!(line(&fine, what).starts_with("ok "), "{}", fine.stdout);
    }

    let nobody = fixture.on("127.0.0.1:1".parse().unwrap());
    let wrong = fixture.doctor(&nobody).await;
    assert_eq!(wrong.code, Some(1));
    let detail = line(&wrong, "chain");
    assert!(
        detail.contains("can't connect to ws://127.0.0.1:1"),
        "{detail}"
    );
    assert!(line(&wrong, "key").starts_with("ok "));

    let Some((_without_us, address)) = node(false).await else {
        return;
    };
    let wrong = fixture.doctor(&fixture.on(address)).await;
    assert!(line(&wrong, "chain").starts_with("ok "), "{}", wrong.stdout);
    let detail = line(&wrong, "registration");
    assert!(
        detail.contains("has no uid on this subnet: register it"),
        "{detail}"
    );

    let (_node, address) = node(true).await.unwrap();
    let fine = fixture.doctor(&fixture.on(address)).await;
    assert_eq!(fine.code, Some(0), "{}", fine.stdout);
    let detail = line(&fine, "registration");
    assert!(
        detail.contains("uid 1, 5 alpha at stake, permitted"),
        "{detail}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_network_without_a_wallet_or_a_subnet_is_refused_with_the_flag_that_is_missing() {
    let fixture = ValidatorFixture::new().await;
    let refused = |more: &[&str], words: &'static str| {
        let ended = TestProcess::spawn(&mut fixture.command("run", more)).wait();
        ended.assert_failed_with(&[words]);
    };
    refused(&["--network", "test"], "Add --netuid");
    refused(&["--netuid", "7"], "Add --network");
    refused(
        &["--network", "test", "--netuid", "7"],
        "add --wallet and --hotkey",
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_data_directory_stays_on_the_chain_that_it_was_begun_on() {
    let Some((first, address)) = node(true).await else {
        return;
    };
    let fixture = ValidatorFixture::new().await;
    let begin = |flags: Vec<String>| {
        let flags: Vec<&str> = flags.iter().map(String::as_str).collect();
        TestProcess::spawn(&mut fixture.command("run", &flags))
    };
    let running = begin(fixture.on(address));
    let running = tokio::task::spawn_blocking(move || {
        wait_until("the chain to be named", || {
            running.stderr().contains("weights go to subnet 7")
        });
        running
    });
    drop(running.await.unwrap());

    // Another subnet, another chain, none.
    let mut other_subnet = fixture.on(address);
    other_subnet[3] = "8".into();
    let (elsewhere, other_address) = node(true).await.unwrap();
    elsewhere.set_genesis([5; 32]);
    let cases = [
        (
            other_subnet,
            "the configuration now says subnet 8 of ws://127.0.0.1:",
        ),
        (
            fixture.on(other_address),
            "is a node of another chain, whose first block is 0505",
        ),
        (
            Vec::new(),
            "the configuration now says the local ledger: put it back",
        ),
    ];
    for (flags, words) in cases {
        let refused = begin(flags);
        let ended = tokio::task::spawn_blocking(|| refused.wait())
            .await
            .unwrap();
        ended.assert_failed_with(&[words]);
    }
    // The doctor knows, too.
    let wrong = fixture.doctor(&fixture.on(other_address)).await;
    let detail = line(&wrong, "chain");
    assert!(detail.contains("is a node of another chain"), "{detail}");
    // The same node by another name is the same chain.
    let running = begin(fixture.on(first.listen().await));
    tokio::task::spawn_blocking(move || {
        wait_until("the chain to be named", || {
            running.stderr().contains("weights go to subnet 7")
        });
    })
    .await
    .unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn the_program_sets_weights_on_a_network_and_says_so() {
    let Some((node, address)) = node(true).await else {
        return;
    };
    for _ in 0..361 {
        node.make_block();
    }
    let fixture = ValidatorFixture::new().await;
    let flags = fixture.on(address);
    let flags: Vec<&str> = flags.iter().map(String::as_str).collect();
    let running = TestProcess::spawn(&mut fixture.command("run", &flags));
    tokio::task::spawn_blocking(move || {
        for (awaited, words) in [
            ("the chain to be named", "weights go to subnet 7 of ws://"),
            (
                "weights to be sent",
                "weights: sent and not seen on the chain yet",
            ),
        ] {
            wait_until(awaited, || running.stderr().contains(words));
        }
        node.make_block();
        for (awaited, words) in [
            (
                "weights to be read back",
                "weights are on chain, and were read back",
            ),
            ("the next time", "weights: due again at block"),
        ] {
            wait_until(awaited, || running.stderr().contains(words));
        }
        assert_eq!(
            (node.included_extrinsics(), node.received_extrinsics()),
            (1, 1)
        );
    })
    .await
    .unwrap();
}

//! Real peers: the Python SDKs ask our miner, are asked as miners, and take part in a whole network.

use std::fs;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::Command;

use foretell_cli::clock::system_nanos;
use foretell_core::round::Receipt;
use foretell_core::signed_text::{answer_text, commitment, reveal_text};
use foretell_core::time::UnixMillis;
use foretell_keys::keypair::{Keypair, derived_seed, verify_signature};
use foretell_testkit::{
    BittensorSdk, LocalnetCommand, TestProcess, http_post, miner_binary, miner_config_toml,
    start_constant_price_venue, store_hotkey, wait_until, write_simulated_prices,
};
use foretell_wire::axon::client::synapse_request;
use foretell_wire::btauth::{SignedRequest, signed_headers};
use foretell_wire::client::MinerClient;
use foretell_wire::messages::{COMMIT_ROUTE, CommitRequest, CommitResponse, RevealRequest};
use serde_json::{Value, json};
use tempfile::TempDir;

const SECOND: u64 = 1_000_000_000;
const ROUND: &str = "BTC/USD@1704240000000";
const TIMEOUT: std::time::Duration = std::time::Duration::from_secs(30);

/// A folder for wallets and whatever else the peers need.
struct PeerFixture {
    folder: TempDir,
}

impl PeerFixture {
    fn new() -> Self {
        Self {
            folder: tempfile::tempdir().unwrap(),
        }
    }

    fn wallets(&self) -> PathBuf {
        self.folder.path().join("wallets")
    }

    /// A wallet with a coldkey's public half, which the SDK 10 requires, whose hotkey comes from `role`.
    fn wallet(&self, role: &str) -> Keypair {
        let key = Keypair::derived(1, role);
        store_hotkey(self.folder.path(), role, &derived_seed(1, role))
            .public_coldkey()
            .store_public_key(key.hotkey(), true)
            .unwrap();
        key
    }

    /// Starts a program with this wallet, and waits for the address that it listens at.
    fn start(&self, mut command: Command, role: &str) -> (TestProcess, SocketAddr) {
        command
            .arg("--wallet-path")
            .arg(self.wallets())
            .args(["--wallet", role, "--hotkey", "default"]);
        let mut running = TestProcess::spawn(&mut command);
        wait_until("the peer to listen", || {
            assert!(
                !running.has_exited(),
                "the peer ended: {}",
                running.stderr()
            );
            running.stdout().lines().any(|line| line.starts_with('{'))
        });
        let stdout = running.stdout();
        let line = stdout.lines().find(|line| line.starts_with('{')).unwrap();
        let ready: Value = serde_json::from_str(line).unwrap();
        let address = ready["listening"].as_str().unwrap().parse().unwrap();
        (running, address)
    }

    /// Our miner, on a venue of flat prices.
    fn start_miner(&self) -> (TestProcess, SocketAddr) {
        let config = self.folder.path().join("miner.toml");
        let model = "name = \"gaussian\"\nhistory_days = 1";
        let validator = Keypair::derived(1, "validator").hotkey();
        let text = miner_config_toml(
            self.folder.path(),
            &start_constant_price_venue().to_string(),
            model,
            &format!("validators = [\"{validator}\"]"),
        );
        fs::write(&config, text).unwrap();
        let mut command = Command::new(miner_binary());
        command.arg("serve").arg("--config").arg(config);
        self.start(command, "miner")
    }

    /// What a Python validator saw when it asked the miner at `address`.
    fn requests_of(&self, sdk: BittensorSdk, script: &str, address: SocketAddr) -> Value {
        sdk.run(
            script,
            &json!({
                "miner": Keypair::derived(1, "miner").hotkey(),
                "address": address,
                "wallet_path": self.wallets(),
                "wallet": "validator",
                "hotkey": "default",
                "request": request(),
            }),
        )
    }
}

fn request() -> CommitRequest {
    let json = json!({
        "round": ROUND,
        "series": "BTC/USD",
        "step_s": 300,
        "horizon": 6,
        "deadline_ms": 1_704_240_000_000_i64,
        "round_time_ms": 1_704_240_000_000_i64,
    });
    serde_json::from_value(json).unwrap()
}

#[test]
fn the_sdk_11_signs_and_our_miner_answers_and_refuses_what_is_not_right() {
    let fixture = PeerFixture::new();
    fixture.wallet("miner");
    fixture.wallet("validator");
    let (_miner, address) = fixture.start_miner();
    let seen = fixture.requests_of(BittensorSdk::V11, "btauth_validator.py", address);
    for (variant, status) in [
        ("honest", 200),
        ("replayed", 401),
        ("tampered", 401),
        ("stale", 401),
        ("future", 401),
        ("unsigned", 401),
        ("wrong receiver", 401),
        ("reveal", 200),
    ] {
        assert_eq!(seen[variant][0], status, "{variant}: {seen:#}");
    }
    for check in ["answer verifies", "reveal verifies", "commitment holds"] {
        assert_eq!(seen[check], true, "{check}: {seen:#}");
    }
}

#[test]
fn the_dendrite_of_sdk_10_asks_our_axon_adapter_and_parses_the_forecast() {
    let fixture = PeerFixture::new();
    fixture.wallet("miner");
    fixture.wallet("validator");
    let (_miner, address) = fixture.start_miner();
    let seen = fixture.requests_of(BittensorSdk::V10, "dendrite_validator.py", address);
    for (variant, status) in [
        ("honest", 200),
        ("first", 200),
        ("replayed", 401),
        ("tampered", 401),
        ("stale", 401),
        ("stale with a long timeout", 401),
        ("future", 401),
        ("unsigned", 401),
        ("wrong receiver", 401),
        ("reveal", 200),
    ] {
        assert_eq!(seen[variant][0], status, "{variant}: {seen:#}");
    }
    assert_eq!(seen["honest"][2], true, "is_success: {seen:#}");
    let revealed: Value = serde_json::from_str(seen["reveal"][1].as_str().unwrap()).unwrap();
    let forecast: Value = serde_json::from_str(revealed["payload"].as_str().unwrap()).unwrap();
    assert_eq!(forecast["kind"], "quantiles");
    assert_eq!(forecast["values"].as_array().unwrap().len(), 6 * 99);
}

#[test]
fn a_miner_on_sdk_11_is_asked_by_our_validator_and_refuses_what_is_not_right() {
    let fixture = PeerFixture::new();
    let key = fixture.wallet("miner");
    let validator = fixture.wallet("validator");
    let mut command = BittensorSdk::V11.command("btauth_miner.py");
    command.env(
        "FORETELL_VENUE",
        format!("http://{}", start_constant_price_venue()),
    );
    let (_miner, address) = fixture.start(command, "miner");
    a_whole_round(&key, &validator, address);

    let body = serde_json::to_vec(&request()).unwrap();
    let signed = |body: &[u8], receiver: &Keypair, nonce: u64| {
        let request = SignedRequest {
            method: "POST",
            path: COMMIT_ROUTE,
            body,
        };
        signed_headers(&validator, &receiver.hotkey(), &request, nonce).to_vec()
    };
    let honest = signed(&body, &key, system_nanos());
    for (variant, headers, status, why) in [
        ("honest", honest.clone(), 200, "commitment"),
        ("replayed", honest, 401, "ReplayedRequest"),
        (
            "tampered",
            signed(b"{}", &key, system_nanos()),
            401,
            "BadSignature",
        ),
        (
            "stale",
            signed(&body, &key, system_nanos() - 20 * SECOND),
            401,
            "StaleRequest",
        ),
        (
            "future",
            signed(&body, &key, system_nanos() + 20 * SECOND),
            401,
            "StaleRequest",
        ),
        ("unsigned", Vec::new(), 401, "MalformedAuth"),
        (
            "wrong receiver",
            signed(&body, &validator, system_nanos()),
            401,
            "WrongReceiver",
        ),
    ] {
        let (found, body_text) = http_post(address, COMMIT_ROUTE, &headers, &body);
        assert_eq!(found, status, "{variant}: {body_text}");
        assert!(body_text.contains(why), "{variant}: {body_text}");
    }
}

#[test]
fn an_axon_of_sdk_10_is_asked_by_our_validator_and_refuses_what_is_not_right() {
    let fixture = PeerFixture::new();
    let key = fixture.wallet("miner");
    let validator = fixture.wallet("validator");
    let (_miner, address) = fixture.start(BittensorSdk::V10.command("axon_miner.py"), "miner");
    a_whole_round(&key, &validator, address);

    let text = serde_json::to_string(&request()).unwrap();
    let asked = |receiver: &Keypair, nonce: u64, uuid: &str| {
        let axon = receiver.hotkey();
        synapse_request(&validator, &axon, uuid, COMMIT_ROUTE, &text, nonce, TIMEOUT).unwrap()
    };
    let honest = asked(&key, system_nanos(), "a");
    let mut tampered = asked(&key, system_nanos(), "b");
    tampered.body = tampered.body.replace("300", "301");
    let stale = asked(&key, system_nanos() - 60 * SECOND, "c");
    let mut unsigned = asked(&key, system_nanos(), "d");
    unsigned
        .headers
        .retain(|(name, _)| *name != "bt_header_dendrite_signature");
    let elsewhere = asked(&validator, system_nanos(), "e");
    // Nonces from the future are let in by this SDK: one of its weaknesses, which our own side does not share.
    for (variant, asked, status) in [
        ("honest", &honest, 200),
        ("replayed", &honest, 401),
        ("tampered", &tampered, 500),
        ("stale", &stale, 401),
        ("unsigned", &unsigned, 401),
        ("wrong receiver", &elsewhere, 401),
    ] {
        let body = asked.body.as_bytes();
        let (found, body_text) = http_post(address, &asked.path, &asked.headers, body);
        assert_eq!(found, status, "{variant}: {body_text}");
    }
}

/// Our client asks for a commitment and its payload, and finds that they belong together.
fn a_whole_round(miner: &Keypair, validator: &Keypair, address: SocketAddr) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let client = MinerClient::new(validator.clone(), system_nanos).unwrap();
    let request = request();
    runtime.block_on(async {
        let hotkey = miner.hotkey();
        let committed = client
            .request_commitment(&hotkey, address, &request, TIMEOUT)
            .await
            .unwrap();
        let CommitResponse {
            commitment: bound,
            signature,
        } = committed.answer;
        let text = answer_text(&request.round, &validator.hotkey(), &bound);
        assert!(verify_signature(&hotkey, text.as_bytes(), &signature));
        let receipt = Receipt {
            commitment: bound,
            arrival: UnixMillis::literal(1),
            signature: validator.sign(b"any: these miners do not look"),
        };
        let question = RevealRequest {
            round: request.round.clone(),
            receipt,
        };
        let revealed = client
            .request_reveal(&hotkey, address, &question, TIMEOUT)
            .await
            .unwrap()
            .answer;
        let payload = revealed.payload.as_bytes();
        let text = reveal_text(&request.round, &validator.hotkey(), payload);
        assert!(verify_signature(
            &hotkey,
            text.as_bytes(),
            &revealed.signature
        ));
        let opened = commitment(
            &request.round,
            &validator.hotkey(),
            &hotkey,
            &revealed.nonce,
            payload,
        );
        assert_eq!(opened, bound);
    });
}

#[test]
fn python_miners_of_both_sdks_take_part_in_a_network_beside_ours() {
    let folder = tempfile::tempdir().unwrap();
    let new = BittensorSdk::V11.program("btauth_miner.py", folder.path());
    let old = BittensorSdk::V10.program("axon_miner.py", folder.path());
    let (new, old) = (new.display(), old.display());
    let ended = LocalnetCommand::with_prices(&write_simulated_prices(folder.path()))
        .external_miner(format!("sdk-11={new}"))
        .external_miner(format!("sdk-10={old}"))
        .run();
    let report = ended.json();
    let rows = report["leaderboard"].as_array().unwrap();
    for name in ["sdk-11", "sdk-10", "har-30d"] {
        let row = rows.iter().find(|row| row["miner"] == name).unwrap();
        assert_eq!(
            (&row["rounds"], &row["missed"]),
            (&json!(4), &json!(0)),
            "{row}"
        );
    }
    let of = |name: &str| rows.iter().find(|row| row["miner"] == name).unwrap();
    // One knows the last price, the other doesn't.
    assert!(of("sdk-11")["score"].as_f64() < of("sdk-10")["score"].as_f64());
}

//! What the runtime refuses arrives as words that say what to do: before sending where we know better, and where we don't,
//! from the chain's own error.

use foretell_chain::chain_error::ChainError;
use foretell_chain::subtensor::calls::{self, WeightsCall};
use foretell_core::hotkey::Uid;
use foretell_testkit::subtensor_node_url;

use super::subnet::{TestSubnet, signer};

#[tokio::test(flavor = "multi_thread")]
async fn the_runtime_refuses_in_words_that_say_what_to_do() {
    let Some(url) = subtensor_node_url() else {
        return;
    };
    let subnet = TestSubnet::new(url, "owner").await;
    for role in ["first", "a"] {
        subnet.fund_and_register(role).await;
    }
    let row = [(2, 65_535)];

    // Before sending.
    let unregistered = error_text(subnet.prepare("unregistered", &row).await);
    assert!(
        unregistered.contains("is not registered on the subnet: register it first"),
        "{unregistered}"
    );
    let unpermitted = error_text(subnet.prepare("first", &row).await);
    assert!(
        unpermitted.contains("uid 1 has no validator permit"),
        "{unpermitted}"
    );

    // The chain itself, asked without looking first.
    let refused = |words: &'static str, role: &'static str, version_key: u64| {
        let chain = subnet.chain.clone();
        let call = calls::set_weights(
            WeightsCall::Plain,
            subnet.netuid,
            &[Uid(2)],
            &[65_535],
            version_key,
        );
        async move {
            let found = error_text(chain.submit_and_wait(&call, &signer(role)).await);
            eprintln!("{found}");
            assert!(found.contains(words), "{found}");
        }
    };
    refused(
        "NeuronNoValidatorPermit: the hotkey has no validator permit",
        "first",
        0,
    )
    .await;

    subnet
        .set_globally("sudo_set_stake_threshold", "min_stake", 5_000_000_000)
        .await;
    refused(
        "NotEnoughStakeToSetWeights: the hotkey has less stake",
        "first",
        0,
    )
    .await;
    subnet
        .set_globally("sudo_set_stake_threshold", "min_stake", 0)
        .await;

    subnet.stake("first", 100).await;
    subnet.advance_to_last_block_of_epoch().await;
    subnet.make_blocks(1).await;
    subnet
        .set("sudo_set_weights_version_key", "weights_version_key", 7)
        .await;
    refused(
        "IncorrectWeightVersionKey: the subnet asks for weights of a newer program",
        "first",
        6,
    )
    .await;
    subnet.set_weights("first", &row).await.unwrap();

    subnet
        .set(
            "sudo_set_weights_set_rate_limit",
            "weights_set_rate_limit",
            500,
        )
        .await;
    let early = error_text(subnet.prepare("first", &row).await);
    eprintln!("{early}");
    assert!(
        early.contains("set weights too recently: submit again in 4"),
        "{early}"
    );
    refused(
        "SettingWeightsTooFast: weights were set too recently",
        "first",
        7,
    )
    .await;
    subnet
        .set(
            "sudo_set_weights_set_rate_limit",
            "weights_set_rate_limit",
            0,
        )
        .await;

    subnet
        .set_flag("sudo_set_commit_reveal_weights_enabled", "enabled", true)
        .await;
    refused(
        "CommitRevealEnabled: this subnet wants weights committed",
        "first",
        7,
    )
    .await;
}

fn error_text<T: std::fmt::Debug>(answer: Result<T, ChainError>) -> String {
    answer.unwrap_err().to_string()
}

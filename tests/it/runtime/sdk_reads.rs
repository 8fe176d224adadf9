//! The weights that we set, as the ecosystem's SDK sees them.

use foretell_testkit::{BittensorSdk, subtensor_node_url};
use serde_json::json;

use super::subnet::{TestSubnet, key};

#[tokio::test(flavor = "multi_thread")]
async fn the_sdk_9_reads_the_weights_that_we_set() {
    let Some(url) = subtensor_node_url() else {
        return;
    };
    let subnet = TestSubnet::new(url.clone(), "owner").await;
    subnet.set("sudo_set_tempo", "tempo", 10).await;
    for role in ["first", "a", "b"] {
        subnet.fund_and_register(role).await;
    }
    subnet.stake("first", 1_000).await;
    subnet.advance_to_last_block_of_epoch().await;
    subnet.make_blocks(1).await;
    let view = [(2, 65_535), (3, 21_845)];
    subnet.set_weights("first", &view).await.unwrap();

    let input = json!({"url": url, "netuid": subnet.netuid});
    let seen = tokio::task::spawn_blocking(move || BittensorSdk::V9.run("read_weights.py", &input));
    let seen = seen.await.unwrap();
    eprintln!("{seen}");
    let expected = json!([1, [[2, 65_535], [3, 21_845]]]);
    let weights = seen["weights"].as_array().unwrap();
    assert!(weights.contains(&expected), "{seen:#}");
    assert_eq!(seen["hotkeys"][1], key("first").hotkey().to_string());
}

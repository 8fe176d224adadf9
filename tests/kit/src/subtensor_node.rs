//! A node of the real runtime, which nothing here starts.

use foretell_core::testing::skipped;

const VARIABLE: &str = "FORETELL_SUBTENSOR_WS";

/// The node's address. `None`, and a word about the skipped test, without a node.
pub fn subtensor_node_url() -> Option<String> {
    let url = std::env::var(VARIABLE).ok();
    if url.is_none() {
        skipped(
            "what takes a node of the real runtime",
            &format!("{VARIABLE} is not set"),
            "set it to the address of a node whose sudo key is //Alice's, such as ws://127.0.0.1:9950 \
             (docs/registering.md)",
        );
    }
    url
}

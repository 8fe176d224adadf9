//! Connections over TLS.

use std::sync::Arc;

use foretell_feed::tls;
use foretell_testkit::{FakeExchange, ScriptStep};

use super::client::{FeedClient, venue_named};

/// Without a provider of its own, the TLS library panics at the first `wss` address; with another's roots, it must not
/// trust.
#[tokio::test]
async fn wss_is_dialled_with_our_provider_and_roots() {
    let certified = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let der = certified.cert.der().clone();
    let key = rustls::pki_types::PrivatePkcs8KeyDer::from(certified.signing_key.serialize_der());
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let server = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![der.clone()], key.into())
        .unwrap();
    let acceptor = tokio_rustls::TlsAcceptor::from(Arc::new(server));
    let (venue, symbol) = venue_named("kraken");
    let script = vec![
        ScriptStep::AcknowledgeSubscriptions,
        ScriptStep::SendTrade(1, "50000", 0),
        ScriptStep::SendHeartbeats(60_000),
    ];
    let exchange =
        FakeExchange::start_with(venue, &[symbol], vec![script], Vec::new(), Some(acceptor)).await;
    assert!(exchange.stream_url().starts_with("wss://"));
    let mut roots = rustls::RootCertStore::empty();
    roots.add(der).unwrap();
    let mut trusting = FeedClient::with_tls(
        &exchange,
        "kraken",
        tls::client_config_with_roots(roots).unwrap(),
    );
    trusting.wait_for("trade 1 ").await;
    trusting.stop().await;
    let mut wary = FeedClient::new(&exchange, "kraken");
    let lost = wary.wait_for("lost 1 connection broke").await;
    assert!(lost.to_lowercase().contains("certificate"), "{lost}");
    wary.stop().await;
}

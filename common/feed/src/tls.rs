//! TLS for every connection to a venue: one provider, and roots of trust that are compiled in, so that it works on a
//! machine without certificates and needs nothing from the process.

use std::sync::Arc;

use rustls::{ClientConfig, RootCertStore};

/// A TLS client configuration that trusts the compiled-in roots.
pub fn client_config() -> Result<Arc<ClientConfig>, rustls::Error> {
    let roots = RootCertStore {
        roots: webpki_roots::TLS_SERVER_ROOTS.to_vec(),
    };
    client_config_with_roots(roots)
}

/// As [`client_config`], but trusting these roots: those of a test's own authority, say.
pub fn client_config_with_roots(roots: RootCertStore) -> Result<Arc<ClientConfig>, rustls::Error> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(Arc::new(config))
}

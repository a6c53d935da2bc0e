//! The one place that names a TLS provider. Two providers in one process make rustls panic at the first handshake, so
//! every program and every test that builds a client calls [`install`] first and nothing else chooses.

/// Makes ring the provider of this process; does nothing when one is installed already.
pub fn install() {
    // An error here means that somebody was first, and only this function ever installs one.
    let _ = rustls::crypto::ring::default_provider().install_default();
}

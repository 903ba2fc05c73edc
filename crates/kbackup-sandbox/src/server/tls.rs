//! Certificates that are made for one run: an authority, and the server's own certificate signed by it.

use std::error::Error;
use std::fmt::Write as _;
use std::net::IpAddr;
use std::sync::Arc;

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa, KeyPair,
    KeyUsagePurpose,
};
use rustls::ServerConfig;
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::PrivateKeyDer;
use tokio_rustls::TlsAcceptor;

use super::ServeError;

/// What a server needs to speak TLS, and a client to trust it.
pub(super) struct Tls {
    pub(super) acceptor: TlsAcceptor,
    /// The authority's certificate, in PEM.
    pub(super) authority: String,
}

impl Tls {
    /// New keys and certificates for a server at this address, which is also reached as `localhost`.
    ///
    /// # Errors
    /// Where the keys can't be made.
    pub(super) fn for_address(address: IpAddr) -> Result<Self, ServeError> {
        make(address).map_err(ServeError::Certificate)
    }
}

/// A token that nobody can guess: 128 random bits in hex.
///
/// # Errors
/// Where the system gives no random numbers.
pub(super) fn random_token() -> Result<String, ServeError> {
    let mut bytes = [0_u8; 16];
    let random = aws_lc_rs::default_provider().secure_random;
    random.fill(&mut bytes).map_err(|_| ServeError::Certificate("the system gives no random numbers".into()))?;
    Ok(bytes.iter().fold(String::new(), |mut text, byte| {
        // Writing to a String does not fail.
        _ = write!(text, "{byte:02x}");
        text
    }))
}

fn make(address: IpAddr) -> Result<Tls, Box<dyn Error + Send + Sync>> {
    let authority = authority()?;
    let key = KeyPair::generate()?;
    let certificate = server_params(address)?.signed_by(&key, &authority)?;
    let chain = vec![certificate.der().clone(), authority.der().clone()];
    let key = PrivateKeyDer::try_from(key.serialize_der())?;
    let mut config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_single_cert(chain, key)?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(Tls { acceptor: TlsAcceptor::from(Arc::new(config)), authority: authority.pem() })
}

fn authority() -> Result<CertifiedIssuer<'static, KeyPair>, Box<dyn Error + Send + Sync>> {
    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::CommonName, "kbackup sandbox authority");
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::DigitalSignature];
    Ok(CertifiedIssuer::self_signed(params, KeyPair::generate()?)?)
}

fn server_params(address: IpAddr) -> Result<CertificateParams, rcgen::Error> {
    let mut params = CertificateParams::new(vec!["localhost".to_owned(), address.to_string()])?;
    params.distinguished_name.push(DnType::CommonName, "kbackup sandbox");
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    params.use_authority_key_identifier_extension = true;
    Ok(params)
}

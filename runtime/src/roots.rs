//! Which authorities servers' certificates may come from: the public ones, and those that the user adds. Certificates come
//! in as PEM or DER, and what a TLS client trusts goes out.

use std::error::Error;

use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;

/// What was given as certificates of authorities cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CertificateError {
    /// The PEM text holds no certificate: a key, or nothing.
    #[error("the PEM text has no section `-----BEGIN CERTIFICATE-----`")]
    Missing,
    /// The PEM text is damaged.
    #[error("the PEM text cannot be read")]
    Pem(#[source] Box<dyn Error + Send + Sync>),
    /// It is neither PEM, nor a certificate in DER; or a section of the PEM text is no certificate.
    #[error("certificate {number} is none, neither in PEM nor in DER")]
    Unreadable {
        /// Which of those that were given together, from 1.
        number: usize,
        /// What is wrong with it.
        #[source]
        source: Box<dyn Error + Send + Sync>,
    },
}

/// The authorities that are trusted beside the public ones.
#[derive(Clone, Debug)]
pub(crate) struct Roots(RootCertStore);

impl Default for Roots {
    fn default() -> Self {
        Roots(RootCertStore::empty())
    }
}

impl Roots {
    /// Adds the authorities of `pem_or_der`: any number of certificates in PEM, or one in DER.
    pub(crate) fn add(&mut self, pem_or_der: &[u8]) -> Result<(), CertificateError> {
        let is_pem = pem_or_der.windows(11).any(|text| text == b"-----BEGIN ");
        let certificates: Vec<CertificateDer<'_>> = match is_pem {
            true => CertificateDer::pem_slice_iter(pem_or_der)
                .collect::<Result<_, _>>()
                .map_err(|error| CertificateError::Pem(Box::new(error)))?,
            false => vec![CertificateDer::from_slice(pem_or_der)],
        };
        if certificates.is_empty() {
            return Err(CertificateError::Missing);
        }
        for (index, certificate) in certificates.into_iter().enumerate() {
            let unreadable = |error| CertificateError::Unreadable { number: index + 1, source: Box::new(error) };
            self.0.add(certificate).map_err(unreadable)?;
        }
        Ok(())
    }

    /// All that are trusted.
    pub(crate) fn into_store(mut self) -> RootCertStore {
        self.0.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
        self.0
    }
}

//! The service's certificate, read again when its files change: whoever renews it does not have to stop the service.

use std::fmt;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::sync::Arc;

use parking_lot::RwLock;
use rustls::ServerConfig;
use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;

use crate::domain::settings::TlsSettings;

/// The certificate that is shown now.
pub(super) struct Certificate {
    settings: TlsSettings,
    shown: RwLock<Arc<CertifiedKey>>,
    /// What the files looked like when they were last read.
    seen: RwLock<Option<[Seen; 2]>>,
}

/// A file as it looks from outside.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Seen {
    inode: u64,
    bytes: u64,
    modified: (i64, i64),
}

impl fmt::Debug for Certificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Certificate")
    }
}

impl ResolvesServerCert for Certificate {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(Arc::clone(&self.shown.read()))
    }
}

impl Certificate {
    /// Reads the files.
    ///
    /// # Errors
    /// A sentence that names the file and says what is wrong with it.
    pub(super) fn read(settings: &TlsSettings) -> Result<Arc<Self>, String> {
        let seen = look(settings);
        Ok(Arc::new(Self {
            shown: RwLock::new(load(settings)?),
            seen: RwLock::new(seen),
            settings: settings.clone(),
        }))
    }

    /// How the service speaks TLS with it.
    ///
    /// # Errors
    /// What the library said.
    pub(super) fn config(self: &Arc<Self>) -> Result<Arc<ServerConfig>, String> {
        let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .map_err(|error| format!("TLS cannot be set up: {error}"))?
            .with_no_client_auth();
        let mut config = config.with_cert_resolver(Arc::clone(self) as _);
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        // Sessions would take memory for each of many clients, and connections live long here.
        config.session_storage = Arc::new(rustls::server::NoServerSessionStorage {});
        Ok(Arc::new(config))
    }

    /// Reads the files again if they have changed. `None` when they have not.
    pub(super) fn renew(&self) -> Option<Result<(), String>> {
        let now = look(&self.settings);
        if now.is_none() || now == *self.seen.read() {
            return None;
        }
        *self.seen.write() = now;
        Some(load(&self.settings).map(|key| {
            *self.shown.write() = key;
        }))
    }
}

/// What both files look like. `None` while one of them is not there.
fn look(settings: &TlsSettings) -> Option<[Seen; 2]> {
    let seen = |path: &Path| {
        let metadata = fs::metadata(path).ok()?;
        Some(Seen {
            inode: metadata.ino(),
            bytes: metadata.len(),
            modified: (metadata.mtime(), metadata.mtime_nsec()),
        })
    };
    Some([seen(&settings.certificate_file)?, seen(&settings.key_file)?])
}

fn load(settings: &TlsSettings) -> Result<Arc<CertifiedKey>, String> {
    let wrong = |path: &Path, what: String| format!("{} is not usable for TLS: {what}", path.display());
    let file = &settings.certificate_file;
    let chain: Vec<_> = CertificateDer::pem_file_iter(file)
        .and_then(Iterator::collect)
        .map_err(|error| wrong(file, format!("{error}; it has to hold certificates in PEM form")))?;
    if chain.is_empty() {
        return Err(wrong(file, "it holds no certificate in PEM form".to_owned()));
    }
    let file = &settings.key_file;
    let key = PrivateKeyDer::from_pem_file(file)
        .map_err(|error| wrong(file, format!("{error}; it has to hold a private key in PEM form")))?;
    let certified = CertifiedKey::from_der(chain, key, &ring::default_provider()).map_err(|error| {
        wrong(
            file,
            format!(
                "{error}; it has to be the key of {}",
                settings.certificate_file.display()
            ),
        )
    })?;
    Ok(Arc::new(certified))
}

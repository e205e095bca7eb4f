//! How a service is reached: its address, the token, the certificates that are believed.

use std::path::{Path, PathBuf};

use parking_lot::Mutex;
use reqwest::header::HeaderValue;
use reqwest::{Client, Url};
use tokio::sync::OnceCell;

use super::pace::Pace;
use crate::domain::os_error::in_words;
use crate::domain::settings::{SecretSource, Variables};
use crate::secret;

/// See the module. The token and the certificates are read when they are needed first.
pub(super) struct Access {
    base: Url,
    context: String,
    token: Option<SecretSource>,
    is_trial: bool,
    ca_file: Option<PathBuf>,
    variables: Variables,
    pace: Pace,
    client: OnceCell<Client>,
    /// The token as it was read last.
    read: Mutex<Option<HeaderValue>>,
}

impl Access {
    pub(super) fn new(
        base: Url,
        context: String,
        token: Option<SecretSource>,
        ca_file: Option<PathBuf>,
        variables: Variables,
        pace: Pace,
    ) -> Self {
        Self {
            base,
            context,
            token,
            is_trial: false,
            ca_file,
            variables,
            pace,
            client: OnceCell::new(),
            read: Mutex::new(None),
        }
    }

    /// The same, with a token that is tried before it is stored.
    pub(super) fn on_trial(self) -> Self {
        Self {
            is_trial: true,
            ..self
        }
    }

    /// The name of the context, for sentences.
    pub(super) fn context(&self) -> &str {
        &self.context
    }

    /// The address, for people.
    pub(super) fn address(&self) -> &str {
        self.base.as_str().trim_end_matches('/')
    }

    /// The address of something in the interface.
    pub(super) fn url(&self, path: &[&str], query: &[(&str, String)]) -> Url {
        let mut url = self.base.clone();
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.pop_if_empty().extend(["api", "v1"]).extend(path);
        }
        if !query.is_empty() {
            url.query_pairs_mut().extend_pairs(query);
        }
        url
    }

    /// The client, which keeps connections for the next question.
    ///
    /// # Errors
    /// A sentence.
    pub(super) async fn client(&self) -> Result<&Client, String> {
        self.client
            .get_or_try_init(|| async {
                let (ca_file, pace) = (self.ca_file.clone(), self.pace);
                // The system's certificates are read from files.
                tokio::task::spawn_blocking(move || client(ca_file.as_deref(), pace))
                    .await
                    .map_err(|error| format!("the connections could not be prepared: {error}"))?
            })
            .await
    }

    /// The token as a header, where there is one.
    ///
    /// # Errors
    /// A sentence that says where it was looked for, and never what was found.
    pub(super) async fn token(&self) -> Result<Option<HeaderValue>, String> {
        let Some(source) = self.token.clone() else {
            return Ok(None);
        };
        if let Some(token) = self.known() {
            return Ok(Some(token));
        }
        let variables = self.variables.clone();
        let read = tokio::task::spawn_blocking(move || token(&source, &variables))
            .await
            .map_err(|error| format!("it was broken off: {error}"))
            .and_then(|token| token);
        let header = read.map_err(|why| {
            format!(
                "the token of the context \"{0}\" cannot be read: {why}; `lifeboat login {0}` stores one",
                self.context
            )
        })?;
        *self.read.lock() = Some(header.clone());
        Ok(Some(header))
    }

    fn known(&self) -> Option<HeaderValue> {
        self.read.lock().clone()
    }

    /// Takes note that a token was not accepted: it is read again before the next question. Returns whether it has been
    /// read again since.
    pub(super) fn refused(&self, token: Option<&HeaderValue>) -> bool {
        let mut read = self.read.lock();
        let is_newer = read.is_some() && read.as_ref() != token;
        if !is_newer {
            *read = None;
        }
        is_newer
    }

    /// What to do about a token that is missing or not accepted.
    pub(super) fn log_in(&self) -> String {
        let context = &self.context;
        match self.token {
            Some(_) if self.is_trial => format!(
                "{} does not accept this token, and nothing was stored: it may be mistyped, have expired or been revoked. Give the same command another one; `lifeboat token create` on the service makes one",
                self.address()
            ),
            Some(_) => format!(
                "{} does not accept the token of the context \"{context}\": it may have expired or been revoked. Ask for a new one, and give it to `lifeboat login {context}`",
                self.address()
            ),
            None => format!(
                "{} wants a token, and the context \"{context}\" names none: `lifeboat login {context}` stores one",
                self.address()
            ),
        }
    }
}

fn token(source: &SecretSource, variables: &Variables) -> Result<HeaderValue, String> {
    if let SecretSource::PasswordFile(file) = source {
        secret::owner_only(file)?;
    }
    let text = secret::read(source, Path::new("/"), &**variables)?;
    let mut header = HeaderValue::from_str(&format!("Bearer {}", text.trim()))
        .map_err(|_| "it has characters that no token has".to_owned())?;
    // Kept out of everything that prints a request.
    header.set_sensitive(true);
    Ok(header)
}

fn client(ca_file: Option<&Path>, pace: Pace) -> Result<Client, String> {
    // A second installation is refused, and the first one serves as well.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let mut client = Client::builder()
        .connect_timeout(pace.connect)
        .tcp_keepalive(pace.silence / 2)
        .user_agent(concat!("lifeboat/", env!("CARGO_PKG_VERSION")))
        // A token goes to the address that somebody has written, and nowhere else.
        .redirect(reqwest::redirect::Policy::none());
    if let Some(file) = ca_file {
        let failed = |why: String| format!("the certificate in {} cannot be used: {why}", file.display());
        let text = std::fs::read(file).map_err(|error| failed(in_words(&error)))?;
        let certificates =
            reqwest::Certificate::from_pem_bundle(&text).map_err(|error| failed(error.to_string()))?;
        if certificates.is_empty() {
            return Err(failed("there is none in it, in PEM form".to_owned()));
        }
        client = client.tls_certs_merge(certificates);
    }
    client
        .build()
        .map_err(|error| format!("the connections cannot be prepared: {error}"))
}

//! What an operator configures about the service: where it listens, its certificate, its limits.
//!
//! Not in here: listening (`server`).

use std::net::{IpAddr, SocketAddr};
use std::num::NonZeroU32;
use std::path::PathBuf;

use serde::Deserialize;

use crate::domain::limit::TimeLimit;

/// The `[server]` of a configuration.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ServerSettings {
    /// The address and port.
    pub listen: SocketAddr,
    /// The certificate. Without one the service speaks plain HTTP.
    pub tls: Option<TlsSettings>,
    /// Whether it may speak plain HTTP on an address that other machines reach, because something in front of it speaks
    /// TLS.
    pub plain_http: bool,
    /// Those whose `X-Forwarded-For` is believed.
    pub proxies: Vec<IpAddr>,
    /// Who may read the metrics.
    pub metrics: MetricsAccess,
    /// How long running jobs may take to end when the service is stopped, before they are asked to stop at their next
    /// safe point.
    pub stop_within: TimeLimit,
    /// How much one client may ask for.
    pub limits: RequestLimits,
}

impl Default for ServerSettings {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 8700)),
            tls: None,
            plain_http: false,
            proxies: Vec::new(),
            metrics: MetricsAccess::default(),
            stop_within: TimeLimit::minutes(1),
            limits: RequestLimits::default(),
        }
    }
}

/// Where the certificate is. The files are read again when they change.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TlsSettings {
    /// The certificate and those that vouch for it, in PEM form.
    pub certificate_file: PathBuf,
    /// Its private key, in PEM form.
    pub key_file: PathBuf,
}

/// Who may read the metrics.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MetricsAccess {
    /// Whoever has a token.
    #[default]
    Token,
    /// Everybody who reaches the service.
    Open,
}

/// How much one client may ask for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RequestLimits {
    /// The bytes of a request's body.
    pub body_bytes: u32,
    /// How long a request may take to arrive, and how long to be answered.
    pub request_time: TimeLimit,
    /// Requests a second with one token; twice as many may come at once.
    pub per_token: NonZeroU32,
    /// Requests a second without a token that is accepted, from one address; twice as many may come at once.
    pub per_address: NonZeroU32,
    /// Event streams with one token at a time.
    pub streams_per_token: NonZeroU32,
    /// Connections at a time. One address has at most half of them.
    pub connections: NonZeroU32,
}

impl Default for RequestLimits {
    fn default() -> Self {
        let number = |number| NonZeroU32::new(number).unwrap_or(NonZeroU32::MIN);
        Self {
            body_bytes: 64 << 10,
            request_time: TimeLimit::minutes(2),
            per_token: number(50),
            per_address: number(10),
            streams_per_token: number(1_000),
            connections: number(4_000),
        }
    }
}

impl ServerSettings {
    /// What is wrong with them, as a sentence.
    #[must_use]
    pub fn wrong(&self) -> Option<String> {
        let is_private = self.listen.ip().is_loopback();
        (!is_private && self.tls.is_none() && !self.plain_http).then(|| {
            format!(
                "listen is {}, which other machines reach, and there is no certificate: tokens would be sent in the open. \
                 Add tls = {{ certificate_file = \"FILE\", key_file = \"FILE\" }}, listen on 127.0.0.1, or, if something \
                 in front of Lifeboat speaks TLS, allow it with plain_http = true",
                self.listen
            )
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_http_is_for_this_machine_unless_it_is_allowed() {
        let settings = |text: &str| toml::from_str::<ServerSettings>(text).unwrap();
        assert_eq!(settings("").wrong(), None);
        assert_eq!(settings("listen = \"[::1]:1\"").wrong(), None);
        let open = settings("listen = \"0.0.0.0:8700\"").wrong().unwrap();
        assert!(open.contains("plain_http = true"), "{open}");
        assert_eq!(
            settings("listen = \"0.0.0.0:8700\"\nplain_http = true").wrong(),
            None
        );
        let tls = "listen = \"0.0.0.0:8700\"\ntls = { certificate_file = \"c\", key_file = \"k\" }";
        assert_eq!(settings(tls).wrong(), None);
    }
}

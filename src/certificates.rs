//! What is wrong with the certificate of whoever is connected to, in words: told by the type of the error that lies at
//! the bottom of what a library says, and with what to do about it.
//!
//! Not in here: how connections are made, and which certificates are believed.

use std::error::Error;
use std::io;

use chrono::DateTime;
use rustls::CertificateError;
use rustls::pki_types::UnixTime;

use crate::domain::Instant;
use crate::domain::measure;

/// A sentence: whose certificate or encryption is not accepted, why, and what to do.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{sentence}")]
pub struct Distrust {
    sentence: String,
    /// Whether nobody who is known here has signed the certificate: another issuer would have to be named.
    pub is_of_a_stranger: bool,
}

impl Distrust {
    /// What an error says about a certificate; `None` when it is about something else. `whose` is who was connected to,
    /// `trust` how to make the issuer of a certificate known here.
    #[must_use]
    pub fn of(error: &(dyn Error + 'static), whose: &str, trust: &str) -> Option<Self> {
        let found = innermost(error)?;
        let is_of_a_stranger = matches!(
            found,
            rustls::Error::InvalidCertificate(
                CertificateError::UnknownIssuer | CertificateError::BadSignature
            )
        );
        let sentence = match found {
            rustls::Error::InvalidCertificate(why) => certificate(why, whose, trust),
            rustls::Error::NoCertificatesPresented => format!("{whose} shows no certificate: give it one"),
            // What came was no message of this protocol at all.
            rustls::Error::InvalidMessage(_) => format!(
                "{whose} answers, but without encryption: check the port, and whether encryption is turned on there"
            ),
            rustls::Error::PeerIncompatible(_) => format!(
                "{whose} offers no encryption that is accepted here (TLS 1.2 or newer): bring it to a newer version"
            ),
            rustls::Error::AlertReceived(alert) => {
                format!("{whose} refuses the encrypted connection ({alert:?}): look at its log")
            }
            other => format!("the encrypted connection to {whose} could not be made ({other})"),
        };
        Some(Self {
            sentence,
            is_of_a_stranger,
        })
    }
}

/// The error of the encryption below all others. Errors of the system keep what they are made from to themselves when
/// they are asked for their cause.
fn innermost<'e>(error: &'e (dyn Error + 'static)) -> Option<&'e rustls::Error> {
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(found) = error.downcast_ref() {
            return Some(found);
        }
        let inner = error.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
        next = match inner {
            Some(inner) => Some(inner as &'e (dyn Error + 'static)),
            None => error.source(),
        };
    }
    None
}

fn certificate(why: &CertificateError, whose: &str, trust: &str) -> String {
    let of = format!("the certificate of {whose}");
    match why {
        CertificateError::ExpiredContext { time, not_after } => format!(
            "{of} has expired: it was valid until {}, {} before now ({} by the clock of this machine). Renew it there",
            moment(*not_after),
            between(*not_after, *time),
            moment(*time)
        ),
        CertificateError::Expired => format!("{of} has expired: renew it there"),
        CertificateError::NotValidYetContext { time, not_before } => format!(
            "{of} is not valid yet: it is from {} on, in {} (it is {} by the clock of this machine). Set the clock if it \
             is wrong, or have another certificate made",
            moment(*not_before),
            between(*time, *not_before),
            moment(*time)
        ),
        CertificateError::NotValidYet => {
            format!(
                "{of} is not valid yet: set the clock of this machine if it is wrong, or have another one made"
            )
        }
        CertificateError::NotValidForNameContext { expected, presented } => {
            let names = match presented.as_slice() {
                [] => "no name at all".to_owned(),
                names => names
                    .iter()
                    .map(|name| plain(name))
                    .collect::<Vec<_>>()
                    .join(" and "),
            };
            format!(
                "{of} is for {names}, not for {}: write an address that it is for, or have one made for this address",
                expected.to_str()
            )
        }
        CertificateError::NotValidForName => {
            format!(
                "{of} is for another name: write an address that it is for, or have one made for this address"
            )
        }
        CertificateError::UnknownIssuer | CertificateError::BadSignature => format!(
            "{of} is signed by nobody who is known here. If it is the right one, {trust}; if not, somebody may stand in \
             between"
        ),
        CertificateError::Revoked => format!("{of} has been revoked: have another one made"),
        CertificateError::InvalidPurpose | CertificateError::InvalidPurposeContext { .. } => {
            format!("{of} is not made for servers: have one made that is")
        }
        #[allow(deprecated, reason = "an older library says it so")]
        CertificateError::UnsupportedSignatureAlgorithm
        | CertificateError::UnsupportedSignatureAlgorithmContext { .. }
        | CertificateError::UnsupportedSignatureAlgorithmForPublicKeyContext { .. } => format!(
            "{of} is signed in a way that nobody who is known here signs. If it is the right one, {trust}; if it is not \
             accepted then either, have one made with RSA of 2048 bits or more, ECDSA on P-256 or P-384, or Ed25519"
        ),
        CertificateError::BadEncoding => format!("{of} cannot be read: have another one made"),
        CertificateError::UnhandledCriticalExtension => {
            format!(
                "{of} asks for something that is not known here (a critical extension): have one made without it"
            )
        }
        CertificateError::UnknownRevocationStatus
        | CertificateError::ExpiredRevocationList
        | CertificateError::ExpiredRevocationListContext { .. }
        | CertificateError::InvalidOcspResponse => format!(
            "whether {of} has been revoked cannot be told: have its issuer's list of revoked ones renewed"
        ),
        CertificateError::Other(other) => match other.0.downcast_ref() {
            Some(why) => odd(why, &of, trust),
            None => unacceptable(&of, trust),
        },
        _ => unacceptable(&of, trust),
    }
}

/// What the library that looks at certificates says of some, beside what all of them know.
fn odd(why: &webpki::Error, of: &str, trust: &str) -> String {
    match why {
        webpki::Error::CaUsedAsEndEntity => format!(
            "{of} is that of an authority (CA:TRUE), as `openssl req -x509` makes it, and no server may show that one. Have one \
             made for the server, with -addext basicConstraints=critical,CA:FALSE, and {trust}"
        ),
        webpki::Error::EndEntityUsedAsCa | webpki::Error::PathLenConstraintViolated => format!(
            "{of} is signed with one that may sign none: have one made by an authority (CA:TRUE), and {trust}"
        ),
        webpki::Error::NameConstraintViolation => {
            format!(
                "{of} is signed by an authority that may not sign for this name: have one made by another"
            )
        }
        webpki::Error::UnsupportedCertVersion => {
            format!("{of} is older than version 3, and says too little: have another one made")
        }
        webpki::Error::MaximumPathDepthExceeded
        | webpki::Error::MaximumPathBuildCallsExceeded
        | webpki::Error::MaximumSignatureChecksExceeded
        | webpki::Error::MaximumNameConstraintComparisonsExceeded => format!(
            "{of} comes with too many others between it and its authority: have the service show fewer"
        ),
        _ => unacceptable(of, trust),
    }
}

fn unacceptable(of: &str, trust: &str) -> String {
    format!(
        "{of} is not made as is asked for here: have another one made. If its issuer is your own, {trust} as well"
    )
}

/// A name without what the library writes around it, as in `DnsName("localhost")`.
fn plain(name: &str) -> &str {
    let inner = name.split_once('(').and_then(|(_, rest)| rest.strip_suffix(')'));
    inner.unwrap_or(name).trim_matches('"')
}

fn instant(time: UnixTime) -> Option<Instant> {
    DateTime::from_timestamp(i64::try_from(time.as_secs()).ok()?, 0)
}

fn moment(time: UnixTime) -> String {
    instant(time).map_or_else(|| "a time beyond all calendars".to_owned(), measure::moment)
}

fn between(earlier: UnixTime, later: UnixTime) -> String {
    let seconds = later.as_secs().saturating_sub(earlier.as_secs());
    match (instant(earlier), instant(later)) {
        (Some(earlier), Some(later)) => measure::between(earlier, later),
        _ => format!("{seconds} s"),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::Duration;

    use rustls::pki_types::ServerName;

    use super::*;

    fn at(text: &str) -> UnixTime {
        let at: Instant = text.parse().unwrap();
        UnixTime::since_unix_epoch(Duration::from_secs(at.timestamp().try_into().unwrap()))
    }

    fn told(error: rustls::Error) -> String {
        // As it comes out of a client for HTTP.
        let wrapped = io::Error::other(io::Error::new(io::ErrorKind::InvalidData, error));
        let told = Distrust::of(&wrapped, "https://backups.example.com", "name it as ca_file");
        told.unwrap().to_string()
    }

    #[test]
    fn each_fault_of_a_certificate_says_what_it_is_and_what_to_do() {
        let now = at("2026-11-29T04:00:00Z");
        let whose = "the certificate of https://backups.example.com";
        for (why, sentence) in [
            (
                CertificateError::ExpiredContext {
                    time: now,
                    not_after: at("2026-11-26T02:30:00Z"),
                },
                "has expired: it was valid until 2026-11-26 02:30 UTC, 3 d 1 h before now (2026-11-29 04:00 UTC by the \
                 clock of this machine). Renew it there",
            ),
            (
                CertificateError::NotValidYetContext {
                    time: now,
                    not_before: at("2026-11-29T05:05:00Z"),
                },
                "is not valid yet: it is from 2026-11-29 05:05 UTC on, in 1 h 05 min (it is 2026-11-29 04:00 UTC by the \
                 clock of this machine). Set the clock if it is wrong, or have another certificate made",
            ),
            (
                CertificateError::NotValidForNameContext {
                    expected: ServerName::try_from("other.example.com").unwrap(),
                    presented: vec![
                        "DnsName(\"backups.example.com\")".to_owned(),
                        "10.0.0.1".to_owned(),
                    ],
                },
                "is for backups.example.com and 10.0.0.1, not for other.example.com: write an address that it is for, or \
                 have one made for this address",
            ),
            (
                CertificateError::UnknownIssuer,
                "is signed by nobody who is known here. If it is the right one, name it as ca_file; if not, somebody may \
                 stand in between",
            ),
        ] {
            assert_eq!(
                told(rustls::Error::InvalidCertificate(why)),
                format!("{whose} {sentence}")
            );
        }
        let other = |error: webpki::Error| CertificateError::Other(rustls::OtherError(Arc::new(error)));
        for (why, part) in [
            (
                CertificateError::UnsupportedSignatureAlgorithmContext {
                    signature_algorithm_id: Vec::new(),
                    supported_algorithms: Vec::new(),
                },
                "If it is the right one, name it as ca_file",
            ),
            (
                other(webpki::Error::CaUsedAsEndEntity),
                "basicConstraints=critical,CA:FALSE, and name it as ca_file",
            ),
            (other(webpki::Error::EndEntityUsedAsCa), "may sign none"),
            (other(webpki::Error::MalformedExtensions), "name it as ca_file"),
            (CertificateError::BadEncoding, "cannot be read"),
            (CertificateError::UnhandledCriticalExtension, "critical extension"),
            (
                CertificateError::UnknownRevocationStatus,
                "has been revoked cannot be told",
            ),
            (
                CertificateError::ApplicationVerificationFailure,
                "have another one made",
            ),
        ] {
            // No name of the library's stands in it.
            let raw = format!("{why:?}");
            let name = raw.split(['(', ' ', ')']).next().unwrap().to_owned();
            let said = told(rustls::Error::InvalidCertificate(why));
            assert!(said.contains(part) && !said.contains(&name), "{said}");
        }
        let plain = told(rustls::Error::InvalidMessage(
            rustls::InvalidMessage::InvalidContentType,
        ));
        assert!(plain.contains("without encryption"), "{plain}");
    }

    #[test]
    fn what_is_no_matter_of_certificates_is_left_to_others() {
        let refused = io::Error::from(io::ErrorKind::ConnectionRefused);
        assert_eq!(Distrust::of(&refused, "x", "y"), None);
        let other = io::Error::other("something else");
        assert_eq!(Distrust::of(&other, "x", "y"), None);
    }
}

//! What object storage said instead of doing what it was asked, as the end of a sentence: why, and what to do.

use opendal::{Error, ErrorKind};

use crate::certificates::Distrust;
use crate::domain::address::Address;
use crate::repository::error::RepositoryError;

/// Why object storage did not do something.
#[derive(Debug, thiserror::Error)]
pub(in crate::repository) enum StorageRefusal {
    /// There is no such object, or it ends too early.
    #[error("it is missing")]
    Missing,
    /// There is such an object already.
    #[error("it is there already")]
    Exists,
    /// No more fits, with what the service said in its own words.
    #[error("the storage is full{0}")]
    Full(String),
    /// It is kept by the bucket's object lock until then.
    #[error("the bucket keeps it until {}, and nobody can remove it before", crate::domain::measure::moment_exact(*.0))]
    Kept(crate::domain::Instant),
    /// It cannot be reached, or is not able to answer. Later it may.
    #[error(
        "the object storage does not answer as it should: {0}. What was stored before is as it was; try again later"
    )]
    Silent(String),
    /// It does not know what it was asked for.
    #[error("the object storage said: {0}")]
    Unsupported(String),
    /// It answered and said no.
    #[error("{0}")]
    Said(String),
}

/// What a key needs for what it was used for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Rights {
    /// Reading, writing and deleting.
    All,
    /// Reading, and writing what is kept.
    Keeping,
    /// Deleting what is kept no more.
    Deleting,
}

impl Rights {
    fn denied(self, bucket: &str) -> String {
        format!("access is denied: {}", self.needed(bucket))
    }

    /// What the key needs, as a sentence.
    fn needed(self, bucket: &str) -> String {
        let (key, more) = match self {
            Self::All => (
                "the access key needs",
                "s3:GetObject, s3:PutObject and s3:DeleteObject",
            ),
            Self::Keeping => (
                "objects are kept here, so the access key needs s3:GetBucketObjectLockConfiguration, s3:ListBucketVersions and",
                "s3:GetObject, s3:GetObjectVersion, s3:GetObjectRetention, s3:PutObject and s3:PutObjectRetention",
            ),
            Self::Deleting => {
                return format!(
                    "the key for deletions needs s3:DeleteObject and s3:DeleteObjectVersion on what is in \
                     the bucket \"{bucket}\""
                );
            }
        };
        format!("{key} s3:ListBucket on the bucket \"{bucket}\", and {more} on what is in it")
    }
}

impl StorageRefusal {
    /// That something would have to be deleted and nothing can be.
    pub(super) fn no_key_for_deletions() -> Self {
        Self::Said(
            "its objects are immutable, and no key is named that may delete: it is kept. Name one in \
             [repository.options.deletions]"
                .to_owned(),
        )
    }

    /// The same as an error of a repository. `doing` begins a sentence: `reading data/ab/ab12…`.
    pub(in crate::repository) fn told(&self, doing: &str, place: &Address) -> RepositoryError {
        match self {
            Self::Missing => RepositoryError::damaged(
                place,
                format!("{doing} failed: the object is missing or too short"),
            ),
            Self::Full(remark) => RepositoryError::NoRoom {
                where_: format!("for the repository in {place}{remark}"),
            },
            Self::Kept(until) => RepositoryError::Kept {
                doing: doing.to_owned(),
                place: place.clone(),
                until: *until,
            },
            refusal => RepositoryError::io(doing, place, refusal.to_string()),
        }
    }

    /// What an error of the library means. `bucket` is what was asked for, with a key that has these rights.
    pub(super) fn from(error: &Error, bucket: &str, rights: Rights) -> Self {
        let source = std::error::Error::source(error);
        if let Some(distrust) = source.and_then(|source| source.downcast_ref::<Distrust>()) {
            return Self::Said(distrust.to_string());
        }
        let code = field(error.message(), "code").unwrap_or_default();
        let said = match code {
            "NoSuchBucket" => format!(
                "there is no bucket \"{bucket}\" at this endpoint: check root and endpoint in [repository], or create it"
            ),
            "InvalidAccessKeyId" | "InvalidClientTokenId" => {
                "the storage does not know the access key: check access_key_id in [repository.options]"
                    .to_owned()
            }
            "SignatureDoesNotMatch" => {
                "the secret access key is not that of the access key, or the region is another \
                 one: check secret_access_key and region in [repository.options]"
                    .to_owned()
            }
            "ExpiredToken" | "InvalidToken" | "TokenRefreshRequired" => {
                "the session token has expired: get a new one and start Lifeboat again".to_owned()
            }
            "RequestTimeTooSkewed" => {
                "the clock of this machine differs too much from that of the storage: set it".to_owned()
            }
            "AuthorizationHeaderMalformed"
            | "PermanentRedirect"
            | "TemporaryRedirect"
            | "Redirect"
            | "IllegalLocationConstraintException" => {
                format!(
                    "the bucket \"{bucket}\" is in another region, or at another endpoint: check region and endpoint in \
                     [repository.options]{}",
                    remark(error)
                )
            }
            "XMinioStorageFull" | "QuotaExceeded" | "InsufficientStorage" | "EntityTooLarge" => {
                return Self::Full(remark(error));
            }
            "NotImplemented" if !error.is_temporary() => return Self::Unsupported(text(error)),
            "AccessDenied" | "AllAccessDisabled" => format!("{}{}", rights.denied(bucket), remark(error)),
            "InvalidObjectState" => format!(
                "the object is in cold storage, out of which nothing can be read at once: a rule of the bucket \"{bucket}\" \
                 has moved it into another storage class. Bring what is below this prefix back to the class of frequent \
                 access (restore or copy it, in the storage's own console), and let that rule leave it out{}",
                remark(error)
            ),
            _ => return Self::by_kind(error, bucket, rights),
        };
        Self::Said(said)
    }

    fn by_kind(error: &Error, bucket: &str, rights: Rights) -> Self {
        match error.kind() {
            ErrorKind::NotFound | ErrorKind::RangeNotSatisfied => Self::Missing,
            // What the library says when an object ends before the part that was asked for.
            _ if error.message().contains("too little data") && !error.is_temporary() => Self::Missing,
            ErrorKind::ConditionNotMatch => Self::Exists,
            ErrorKind::PermissionDenied => Self::Said(match text(error) {
                // It has a reason of its own, which may have nothing to do with rights.
                text if field(error.message(), "code").is_some() => format!(
                    "the object storage said no: {text}. If that is about rights: {}",
                    rights.needed(bucket)
                ),
                _ => format!("{}{}", rights.denied(bucket), page(error)),
            }),
            // What the library says when an object goes on behind the part that was asked for.
            _ if error.message().contains("too much data") => Self::Said(
                "the answer has more than the part of the object that was asked for. Something between here and the object \
                 storage, a proxy or a gateway, ignores ranges or cuts answers: let Lifeboat reach the storage without it, or \
                 have that changed"
                    .to_owned(),
            ),
            _ if error.is_temporary() => Self::Silent(text(error)),
            _ => Self::Said(format!("the object storage said: {}", text(error))),
        }
    }
}

/// What the service said in its own words.
fn remark(error: &Error) -> String {
    match field(error.message(), "message").map(short) {
        Some(message) if !message.is_empty() => format!(" (it says: {message})"),
        _ => String::new(),
    }
}

/// What whoever stands before the service said of a refusal that is none of the service's own.
fn page(error: &Error) -> String {
    match short(error.message()) {
        _ if error.message().starts_with("S3Error") => remark(error),
        message if message.is_empty() => message,
        message => format!(" (it says: {message})"),
    }
}

fn text(error: &Error) -> String {
    let message = match (field(error.message(), "code"), field(error.message(), "message")) {
        (Some(code), Some(message)) if !message.is_empty() => format!("{code}: {message}"),
        (Some(code), _) => code.to_owned(),
        _ => error.message().to_owned(),
    };
    match short(&message) {
        message if message.is_empty() => without_words(error),
        message => message,
    }
}

/// What to say of an answer without a word: its status, which the library keeps beside the message.
fn without_words(error: &Error) -> String {
    let whole = error.to_string();
    let status = whole.split_once("status: ").map(|(_, rest)| rest);
    let status: String = status
        .unwrap_or_default()
        .chars()
        .take_while(char::is_ascii_digit)
        .collect();
    match status.as_bytes() {
        [] => error.kind().to_string(),
        [b'3', ..] => format!(
            "it sends elsewhere (status {status}), which is not followed: check endpoint and region in [repository.options]"
        ),
        _ => format!("it answered with the status {status}, without a word"),
    }
}

/// Words of a service on one line, and not too many of them.
fn short(message: &str) -> String {
    let message = message.split_whitespace().collect::<Vec<_>>().join(" ");
    let message: String = crate::domain::printable::line(&message)
        .chars()
        .take(300)
        .collect();
    message.trim_end_matches('.').to_owned()
}

/// A field of the service's error, as the library prints it into its message.
fn field<'m>(message: &'m str, name: &str) -> Option<&'m str> {
    let (_, rest) = message.split_once(&format!("{name}: \""))?;
    rest.split_once('"')
        .map(|(value, _)| value)
        .filter(|value| !value.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(kind: ErrorKind, message: &str) -> String {
        StorageRefusal::from(&Error::new(kind, message), "store", Rights::All).to_string()
    }

    #[test]
    fn each_answer_says_what_to_do() {
        let code = |code: &str| format!("S3Error {{ code: \"{code}\", message: \"No.\", resource: \"\" }}");
        for (kind, message, part) in [
            (
                ErrorKind::ConfigInvalid,
                code("NoSuchBucket"),
                "there is no bucket \"store\"",
            ),
            (
                ErrorKind::PermissionDenied,
                code("InvalidAccessKeyId"),
                "check access_key_id",
            ),
            (
                ErrorKind::PermissionDenied,
                code("SignatureDoesNotMatch"),
                "check secret_access_key and region",
            ),
            (ErrorKind::PermissionDenied, code("AccessDenied"), "s3:PutObject"),
            (
                ErrorKind::PermissionDenied,
                code("AccessDenied").replace("No.", "Storage cap exceeded.\u{1b}[2J"),
                "(it says: Storage cap exceeded",
            ),
            (
                ErrorKind::PermissionDenied,
                code("InvalidObjectState"),
                "cold storage",
            ),
            (ErrorKind::PermissionDenied, String::new(), "access is denied"),
            (
                ErrorKind::PermissionDenied,
                code("AccountProblem").replace("No.", "There is a problem with your AWS account."),
                "said no: AccountProblem: There is a problem with your AWS account. If that is about rights: the access key \
                 needs s3:ListBucket",
            ),
            (
                ErrorKind::PermissionDenied,
                "Blocked by policy 7.".to_owned(),
                "s3:DeleteObject on what is in it (it says: Blocked by policy 7)",
            ),
            (
                ErrorKind::Unexpected,
                "reader got too much data".to_owned(),
                "a proxy or a gateway, ignores ranges",
            ),
            (
                ErrorKind::PermissionDenied,
                code("RequestTimeTooSkewed"),
                "the clock of this machine",
            ),
            (ErrorKind::NotFound, code("NoSuchKey"), "it is missing"),
            (
                ErrorKind::Unexpected,
                code("QuotaExceeded").replace("No.", "User quota of 10 GB exceeded"),
                "is full (it says: User quota of 10 GB exceeded)",
            ),
            (
                ErrorKind::Unexpected,
                code("TemporaryRedirect"),
                "check region and endpoint",
            ),
            (
                ErrorKind::Unexpected,
                code("Strange"),
                "the object storage said: Strange: No",
            ),
        ] {
            assert!(told(kind, &message).contains(part), "{}", told(kind, &message));
        }
        let denied = |rights| {
            let error = Error::new(ErrorKind::PermissionDenied, code("AccessDenied"));
            StorageRefusal::from(&error, "store", rights).to_string()
        };
        assert!(denied(Rights::Keeping).contains("s3:PutObjectRetention on what"));
        assert!(!denied(Rights::Keeping).contains("s3:DeleteObject"));
        assert!(denied(Rights::Deleting).contains("the key for deletions needs s3:DeleteObject "));
        let redirected = Error::new(ErrorKind::Unexpected, "")
            .with_context("response", "Parts { status: 307, version: HTTP/1.1 }");
        let redirected = StorageRefusal::from(&redirected, "store", Rights::All).to_string();
        assert!(
            redirected.contains("status 307") && redirected.contains("check endpoint"),
            "{redirected}"
        );
        let silent = Error::new(ErrorKind::Unexpected, "no connection: refused").set_temporary();
        let silent = StorageRefusal::from(&silent, "store", Rights::All).to_string();
        assert!(
            silent.contains("no connection: refused. What was stored"),
            "{silent}"
        );
    }
}

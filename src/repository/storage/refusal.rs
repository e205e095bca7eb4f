//! What object storage said instead of doing what it was asked, as the end of a sentence: why, and what to do.

use opendal::{Error, ErrorKind};

use crate::certificates::Distrust;

/// Why object storage did not do something.
#[derive(Debug, thiserror::Error)]
pub(in crate::repository) enum StorageRefusal {
    /// There is no such object, or it ends too early.
    #[error("it is missing")]
    Missing,
    /// There is such an object already.
    #[error("it is there already")]
    Exists,
    /// No more fits.
    #[error("the storage is full")]
    Full,
    /// It cannot be reached, or is not able to answer. Later it may.
    #[error(
        "the object storage does not answer as it should: {0}. What was stored before is as it was; try again later"
    )]
    Silent(String),
    /// It answered and said no.
    #[error("{0}")]
    Said(String),
}

impl StorageRefusal {
    /// What an error of the library means. `bucket` is what was asked for.
    pub(super) fn from(error: &Error, bucket: &str) -> Self {
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
            "AuthorizationHeaderMalformed" | "PermanentRedirect" | "IllegalLocationConstraintException" => {
                format!(
                    "the bucket \"{bucket}\" is in another region, or at another endpoint: check region and endpoint in \
                     [repository.options]{}",
                    remark(error)
                )
            }
            "XMinioStorageFull" | "QuotaExceeded" | "InsufficientStorage" | "EntityTooLarge" => {
                return Self::Full;
            }
            "AccessDenied" | "AllAccessDisabled" => format!("{}{}", denied(bucket), remark(error)),
            "InvalidObjectState" => format!(
                "the object is in cold storage, out of which nothing can be read at once: a rule of the bucket \"{bucket}\" \
                 has moved it into another storage class. Bring what is below this prefix back to the class of frequent \
                 access (restore or copy it, in the storage's own console), and let that rule leave it out{}",
                remark(error)
            ),
            _ => return Self::by_kind(error, bucket),
        };
        Self::Said(said)
    }

    fn by_kind(error: &Error, bucket: &str) -> Self {
        match error.kind() {
            ErrorKind::NotFound | ErrorKind::RangeNotSatisfied => Self::Missing,
            // What the library says when an object ends before the part that was asked for.
            _ if error.message().contains("too little data") && !error.is_temporary() => Self::Missing,
            ErrorKind::ConditionNotMatch => Self::Exists,
            ErrorKind::PermissionDenied => Self::Said(denied(bucket)),
            _ if error.is_temporary() => Self::Silent(text(error)),
            _ => Self::Said(format!("the object storage said: {}", text(error))),
        }
    }
}

fn denied(bucket: &str) -> String {
    format!(
        "access is denied: the access key needs s3:ListBucket on the bucket \"{bucket}\", and s3:GetObject, s3:PutObject \
         and s3:DeleteObject on what is in it"
    )
}

/// What the service said in its own words.
fn remark(error: &Error) -> String {
    match field(error.message(), "message").map(short) {
        Some(message) if !message.is_empty() => format!(" (it says: {message})"),
        _ => String::new(),
    }
}

fn text(error: &Error) -> String {
    let message = match (field(error.message(), "code"), field(error.message(), "message")) {
        (Some(code), Some(message)) if !message.is_empty() => format!("{code}: {message}"),
        (Some(code), _) => code.to_owned(),
        _ => error.message().to_owned(),
    };
    match short(&message) {
        message if message.is_empty() => format!("{}", error.kind()),
        message => message,
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
        StorageRefusal::from(&Error::new(kind, message), "store").to_string()
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
                code("RequestTimeTooSkewed"),
                "the clock of this machine",
            ),
            (ErrorKind::NotFound, code("NoSuchKey"), "it is missing"),
            (ErrorKind::Unexpected, code("XMinioStorageFull"), "is full"),
            (
                ErrorKind::Unexpected,
                code("Strange"),
                "the object storage said: Strange: No",
            ),
        ] {
            assert!(told(kind, &message).contains(part), "{}", told(kind, &message));
        }
        let silent = Error::new(ErrorKind::Unexpected, "no connection: refused").set_temporary();
        let silent = StorageRefusal::from(&silent, "store").to_string();
        assert!(
            silent.contains("no connection: refused. What was stored"),
            "{silent}"
        );
    }
}

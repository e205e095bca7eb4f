//! Where a repository is: a folder, or a part of a bucket in object storage. Never with a secret in it, so that it can
//! stand in every message.
//!
//! Not in here: how to reach it (`repository::storage`).

use std::fmt;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

/// Where a repository, or the root of several, is.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Address {
    /// A folder on this machine.
    Folder(PathBuf),
    /// A part of a bucket in S3-compatible object storage.
    Bucket {
        /// The bucket.
        bucket: String,
        /// What the names of all its objects begin with: empty, or without slashes at its ends.
        prefix: String,
    },
}

impl Address {
    /// Reads `/folder` or `s3://bucket/prefix`.
    ///
    /// # Errors
    /// A sentence for another scheme, or for one without a bucket.
    pub fn parse(text: &str) -> Result<Self, String> {
        let Some((scheme, rest)) = text.split_once("://") else {
            return Ok(Self::Folder(text.into()));
        };
        if scheme != "s3" {
            return Err(format!(
                "\"{text}\" is not a place for a repository: write a folder, or s3://BUCKET/PREFIX (other object storage \
                 mostly speaks S3 as well: name its endpoint in the options)"
            ));
        }
        let (bucket, prefix) = rest.split_once('/').unwrap_or((rest, ""));
        if bucket.is_empty() || bucket.contains([':', '@', '?', '#']) {
            return Err(format!(
                "\"{text}\" names no bucket: write s3://BUCKET/PREFIX, and the endpoint and the keys in the options"
            ));
        }
        let parts: Vec<_> = prefix.split('/').filter(|part| !part.is_empty()).collect();
        if parts.iter().any(|part| matches!(*part, "." | "..")) {
            return Err(format!(
                "\"{text}\" has \".\" or \"..\" in it: write the prefix out"
            ));
        }
        Ok(Self::Bucket {
            bucket: bucket.to_owned(),
            prefix: parts.join("/"),
        })
    }

    /// The address one name further down.
    #[must_use]
    pub fn join(&self, name: &str) -> Self {
        match self {
            Self::Folder(folder) => Self::Folder(folder.join(name)),
            Self::Bucket { bucket, prefix } => Self::Bucket {
                bucket: bucket.clone(),
                prefix: if prefix.is_empty() {
                    name.to_owned()
                } else {
                    format!("{prefix}/{name}")
                },
            },
        }
    }

    /// The folder, if it is one.
    #[must_use]
    pub fn folder(&self) -> Option<&Path> {
        match self {
            Self::Folder(folder) => Some(folder),
            Self::Bucket { .. } => None,
        }
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Folder(folder) => folder.display().fmt(f),
            Self::Bucket { bucket, prefix } if prefix.is_empty() => write!(f, "s3://{bucket}"),
            Self::Bucket { bucket, prefix } => write!(f, "s3://{bucket}/{prefix}"),
        }
    }
}

impl From<&Path> for Address {
    fn from(folder: &Path) -> Self {
        Self::Folder(folder.to_owned())
    }
}

impl From<PathBuf> for Address {
    fn from(folder: PathBuf) -> Self {
        Self::Folder(folder)
    }
}

impl TryFrom<String> for Address {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        Self::parse(&text)
    }
}

impl From<Address> for String {
    fn from(address: Address) -> Self {
        address.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_and_buckets_are_told_apart() {
        assert_eq!(
            Address::parse("/srv/backups").unwrap().folder(),
            Some(Path::new("/srv/backups"))
        );
        assert_eq!(
            Address::parse("s3://store//life/boat/").unwrap(),
            Address::Bucket {
                bucket: "store".into(),
                prefix: "life/boat".into()
            }
        );
        for (text, part) in [
            ("gs://store", "s3://BUCKET/PREFIX"),
            ("s3:///prefix", "names no bucket"),
            ("s3://key:secret@store", "names no bucket"),
            ("s3://store/../other", "write the prefix out"),
        ] {
            assert!(Address::parse(text).unwrap_err().contains(part), "{text}");
        }
    }

    #[test]
    fn what_is_below_is_written_as_it_is_read() {
        for (root, below) in [
            ("/srv", "/srv/acme/live"),
            ("s3://store", "s3://store/acme/live"),
            ("s3://store/life", "s3://store/life/acme/live"),
        ] {
            let address = Address::parse(root).unwrap().join("acme").join("live");
            assert_eq!(address.to_string(), below);
            assert_eq!(Address::parse(below).unwrap(), address);
        }
    }
}

//! Why a configuration cannot be used, as sentences that name the file, the line and what to write.

use std::path::PathBuf;

use crate::domain::nearest::question;

/// Why a configuration cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ConfigError {
    /// There is none.
    #[error(
        "there is no configuration: {} does not exist. Run `lifeboat init` to write one, name another with --config FILE or LIFEBOAT_CONFIG, or run `lifeboat demo` to try Lifeboat out in a sandbox",
        file.display()
    )]
    Missing {
        /// Where it was looked for.
        file: PathBuf,
    },
    /// It is there and cannot be read.
    #[error("reading the configuration {} failed: {why}", file.display())]
    Unreadable {
        /// The file.
        file: PathBuf,
        /// What the system said.
        why: String,
    },
    /// Something in it is wrong.
    #[error("{}, line {line}: {what}", file.display())]
    Wrong {
        /// The file.
        file: PathBuf,
        /// The line, counted from 1.
        line: usize,
        /// What is wrong and what to write, as a sentence.
        what: String,
    },
    /// There is no such context.
    #[error("there is no context \"{name}\" in {}{}", file.display(), if near.is_empty() { format!(": it has {known}") } else { question(near) })]
    UnknownContext {
        /// What was asked for.
        name: String,
        /// The file.
        file: PathBuf,
        /// Those there are, as a list for people.
        known: String,
        /// Those of them that may have been meant.
        near: Vec<String>,
    },
    /// Several contexts, and none of them named.
    #[error(
        "{} has several contexts ({known}) and none of them is the default: write default_context = \"NAME\" at its top, or name one with --context",
        file.display()
    )]
    NoDefaultContext {
        /// The file.
        file: PathBuf,
        /// Those there are, as a list for people.
        known: String,
    },
    /// Nothing to work with: neither contexts nor environments.
    #[error(
        "{} names no environment: add a [repository] and an [[environment]] with its instances, or run `lifeboat init` with another --config to see what one looks like",
        file.display()
    )]
    Empty {
        /// The file.
        file: PathBuf,
    },
    /// The state folder is that of another configuration, which has another repository.
    #[error(
        "the state folder {} belongs to the configuration {}, and {} is another one, with another repository: their jobs and \
         tokens would be mixed. Write state = \"FOLDER\" into one of them, so that each has a state folder of its own",
        state.display(),
        owner.display(),
        file.display()
    )]
    StateOfAnother {
        /// The state folder.
        state: PathBuf,
        /// The configuration that it belongs to.
        owner: PathBuf,
        /// The one that would use it.
        file: PathBuf,
    },
    /// The platform does not say where configuration and state belong.
    #[error("this account has no home folder, so there is no place for {what}: name one with {variable}")]
    NoPlace {
        /// `the configuration`, `the state`.
        what: &'static str,
        /// The variable or flag that names a place.
        variable: &'static str,
    },
}

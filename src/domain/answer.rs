//! Answers of the service that are given again to whoever asks again under the same key.
//!
//! Not in here: keeping them (`catalog`), and the requests themselves (`server`).

use super::job::JobId;

/// An answer as it was given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredAnswer {
    /// The status of the response.
    pub status: u16,
    /// Its body.
    pub body: String,
    /// Where what was made is found, if something was.
    pub location: Option<String>,
}

/// What a key stands for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reserved {
    /// Nothing yet: it is reserved now, and whoever has asked works the answer out.
    New,
    /// The same question, whose answer is being worked out by another Lifeboat.
    Running,
    /// The same question, which this Lifeboat has worked on. It knows whether it still does; if not, that came to nothing,
    /// and the key may be given back.
    RunningHere,
    /// The same question, and the job that it has started. Its answer was not kept, or not yet.
    Started(JobId),
    /// The same question, and its answer.
    Answered(StoredAnswer),
    /// Another question.
    Different,
}

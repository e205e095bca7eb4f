//! Questions about what is inside a backup or Live, and what is told as an answer. A question says everything that its
//! answer has to fit, so that an answer that comes late is known for what it is.

use super::message::Answer;
use crate::backend::Backend;
use crate::domain::explore::{
    Children, ChildrenRequest, Diff, DiffRequest, FindRequest, Finds, FirstLook, HistoryRequest, Looked,
    NodeDiff, NodeDiffRequest, NodeFacts, NodeHistory, NodeRequest, VersionList, VersionsRequest,
};

/// A question.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Question {
    /// A page of what is in something.
    Children(ChildrenRequest),
    /// What a node is.
    Node(NodeRequest),
    /// Its versions.
    Versions(VersionsRequest),
    /// What happened to it.
    History(HistoryRequest),
    /// A page of what was found so far.
    Find(FindRequest),
    /// A page of how two sources differ.
    Diff(DiffRequest),
    /// How one node differs.
    NodeDiff(NodeDiffRequest),
}

/// What is told.
#[derive(Debug)]
pub enum Told {
    /// How far the reading is that the answer needs.
    Reading(FirstLook),
    /// A page of what is in something.
    Children(Children),
    /// What a node is.
    Node(Box<NodeFacts>),
    /// Its versions.
    Versions(VersionList),
    /// What happened to it.
    History(NodeHistory),
    /// A page of what was found so far.
    Finds(Finds),
    /// A page of how two sources differ.
    Diff(Diff),
    /// How one node differs.
    NodeDiff(NodeDiff),
}

/// Asks the backend.
pub async fn ask(backend: &dyn Backend, question: Question) -> Answer<Told> {
    fn looked<T>(looked: Looked<T>, told: fn(T) -> Told) -> Told {
        match looked {
            Looked::Ready(answer) => told(answer),
            Looked::Reading(look) => Told::Reading(look),
        }
    }
    Ok(match question {
        Question::Children(request) => looked(backend.children(request).await?, Told::Children),
        Question::Node(request) => looked(backend.node(request).await?, |facts| Told::Node(Box::new(facts))),
        Question::Versions(request) => looked(backend.versions(request).await?, Told::Versions),
        Question::History(request) => looked(backend.history(request).await?, Told::History),
        Question::Find(request) => Told::Finds(backend.find(request).await?),
        Question::Diff(request) => looked(backend.diff(request).await?, Told::Diff),
        Question::NodeDiff(request) => looked(backend.node_diff(request).await?, Told::NodeDiff),
    })
}

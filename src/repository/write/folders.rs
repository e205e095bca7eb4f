//! Puts folders together from what they hold, in the order of a walk, and packs them.
//!
//! The ids of what a file holds come later than the file: its pieces are packed by other threads meanwhile. So this is
//! a thread of its own, which waits for them in order.

use std::sync::mpsc::Receiver;

use rustic_core::repofile::{Node, Tree};
use rustic_core::{DataId, TreeId};

use super::packing::PackFiller;
use crate::repository::error::RepositoryError;

/// One step of a walk.
pub(super) enum Step {
    /// Into a folder.
    Enter(Node),
    /// Out of it.
    Leave,
    /// A link, or a file whose content is there already and in the node.
    Known(Node),
    /// A file whose content is the next of the batch.
    Packed(Node),
}

/// Some steps, and where the ids come from of what is packed: for each such file in order those of its pieces.
pub(super) struct Steps {
    pub(in crate::repository) steps: Vec<Step>,
    pub(in crate::repository) packed: Receiver<Vec<Vec<DataId>>>,
}

/// Takes steps until no more come, and gives the folder above all. `None` when whoever packs has given up.
///
/// # Errors
/// [`RepositoryError`] when a folder cannot be packed.
pub(in crate::repository) fn build(
    received: &Receiver<Steps>,
    filler: &mut PackFiller<'_>,
) -> Result<Option<(TreeId, u64)>, RepositoryError> {
    let mut open: Vec<(Node, Vec<Node>)> = Vec::new();
    let mut top: Vec<Node> = Vec::new();
    let mut count = 1;
    for Steps { steps, packed } in received {
        let Ok(packed) = packed.recv() else {
            return Ok(None);
        };
        let mut packed = packed.into_iter();
        for step in steps {
            let done = match step {
                Step::Enter(node) => {
                    open.push((node, Vec::new()));
                    continue;
                }
                Step::Leave => {
                    let Some((mut node, nodes)) = open.pop() else {
                        continue;
                    };
                    node.subtree = Some(store(nodes, filler)?);
                    count += 1;
                    node
                }
                Step::Known(node) => node,
                Step::Packed(mut node) => {
                    let Some(content) = packed.next() else {
                        return Ok(None);
                    };
                    node.content = Some(content);
                    node
                }
            };
            open.last_mut().map_or(&mut top, |(_, nodes)| nodes).push(done);
        }
    }
    Ok(Some((store(top, filler)?, count)))
}

fn store(nodes: Vec<Node>, filler: &mut PackFiller<'_>) -> Result<TreeId, RepositoryError> {
    let mut text = serde_json::to_vec(&Tree { nodes }).map_err(|error| filler.failed(error.to_string()))?;
    // `restic` writes it so, and a folder's id is that of its text.
    text.push(b'\n');
    filler.store(&text).map(TreeId::from)
}

//! Which properties refer to a node, as Jackrabbit keeps it beside the nodes of a workspace: a row for each node that is
//! referred to, in the form of its `Serializer` (a count, and each property as `NODE/{address}name` in Java's modified UTF-8).
//!
//! Not in here: where the rows are.

use std::collections::{BTreeMap, BTreeSet};

use super::{NodeId, ids};

/// Why a row makes no sense.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("it is no list of properties")]
pub struct NoReferences;

/// The rows of a workspace, by the node that is referred to.
pub type Rows = BTreeMap<NodeId, Vec<u8>>;

/// The properties of a row: the node that each belongs to, and its bytes with their length.
fn properties(row: &[u8]) -> Result<Vec<(NodeId, &[u8])>, NoReferences> {
    let (count, mut rest) = row.split_first_chunk::<4>().ok_or(NoReferences)?;
    let count = u32::from_be_bytes(*count);
    let mut found = Vec::new();
    for _ in 0..count {
        let (length, after) = rest.split_first_chunk::<2>().ok_or(NoReferences)?;
        let length = usize::from(u16::from_be_bytes(*length));
        let text = after.get(..length).ok_or(NoReferences)?;
        let id = text.get(..36).and_then(|id| std::str::from_utf8(id).ok());
        let id = id.and_then(ids::parse).ok_or(NoReferences)?;
        found.push((id, &rest[..2 + length]));
        rest = &after[length..];
    }
    if rest.is_empty() {
        Ok(found)
    } else {
        Err(NoReferences)
    }
}

/// The rows once nodes have been exchanged: Live's without what these nodes said there, and with what those that come say in
/// the backup. Rows that nobody refers to any more go, and the others keep their bytes where nothing changes in them.
///
/// # Errors
/// The node whose row makes no sense.
pub fn exchanged(
    live: &Rows,
    backup: &Rows,
    leaves: &dyn Fn(&NodeId) -> bool,
    comes: &dyn Fn(&NodeId) -> bool,
) -> Result<Rows, (NodeId, NoReferences)> {
    let mut rows = Rows::new();
    let targets: BTreeSet<&NodeId> = live.keys().chain(backup.keys()).collect();
    for target in targets {
        let wrong = |why| (*target, why);
        let read = |rows: &Rows| -> Result<Vec<(NodeId, Vec<u8>)>, NoReferences> {
            let Some(row) = rows.get(target) else {
                return Ok(Vec::new());
            };
            let all = properties(row)?;
            Ok(all.into_iter().map(|(id, text)| (id, text.to_vec())).collect())
        };
        let (now, then) = (read(live).map_err(wrong)?, read(backup).map_err(wrong)?);
        let mut kept: Vec<&[u8]> = Vec::new();
        kept.extend(
            now.iter()
                .filter(|(id, _)| !leaves(id))
                .map(|(_, text)| text.as_slice()),
        );
        for (_, text) in then.iter().filter(|(id, _)| comes(id)) {
            if !kept.contains(&text.as_slice()) {
                kept.push(text);
            }
        }
        let before: BTreeSet<&[u8]> = now.iter().map(|(_, text)| text.as_slice()).collect();
        if kept.len() == now.len() && kept.iter().all(|text| before.contains(text)) {
            if let Some(row) = live.get(target) {
                rows.insert(*target, row.clone());
            }
        } else if !kept.is_empty() {
            let mut row = u32::try_from(kept.len())
                .unwrap_or(u32::MAX)
                .to_be_bytes()
                .to_vec();
            for text in kept {
                row.extend_from_slice(text);
            }
            rows.insert(*target, row);
        }
    }
    Ok(rows)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(properties: &[(u8, &str)]) -> Vec<u8> {
        let mut row = u32::try_from(properties.len()).unwrap().to_be_bytes().to_vec();
        for (node, name) in properties {
            let text = format!("{}/{{}}{name}", ids::show(&[*node; 16]));
            row.extend(u16::try_from(text.len()).unwrap().to_be_bytes());
            row.extend(text.as_bytes());
        }
        row
    }

    #[test]
    fn what_leaves_is_taken_out_and_what_comes_is_added() {
        let live = Rows::from([
            ([1; 16], row(&[(10, "a"), (11, "b")])),
            ([2; 16], row(&[(11, "b")])),
            ([3; 16], row(&[(12, "c")])),
        ]);
        let backup = Rows::from([
            ([1; 16], row(&[(10, "a"), (11, "x"), (13, "gone")])),
            ([4; 16], row(&[(11, "y")])),
        ]);
        let is = |number: u8| move |id: &NodeId| id[0] == number;
        let rows = exchanged(&live, &backup, &is(11), &is(11)).unwrap();
        assert_eq!(rows[&[1; 16]], row(&[(10, "a"), (11, "x")]));
        assert!(!rows.contains_key(&[2; 16]));
        assert_eq!(rows[&[3; 16]], live[&[3; 16]]);
        assert_eq!(rows[&[4; 16]], row(&[(11, "y")]));
        assert_eq!(rows.len(), 3);
    }

    #[test]
    fn rows_that_make_no_sense_are_told() {
        for bad in [vec![], vec![0, 0, 0, 1], vec![0, 0, 0, 0, 9], {
            let mut cut = row(&[(1, "a")]);
            cut.pop();
            cut
        }] {
            let live = Rows::from([([1; 16], bad)]);
            let none = |_: &NodeId| false;
            assert_eq!(
                exchanged(&live, &Rows::new(), &none, &none),
                Err(([1; 16], NoReferences))
            );
        }
    }
}

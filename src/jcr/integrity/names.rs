//! Many names in little room: those that are needed to tell the path of what is wrong, once nodes are gone again.

use std::collections::HashMap;

use super::super::bundle::BorrowedName;
use super::super::namespaces::Namespaces;

/// Longer names are cut; nobody reads them.
const LONGEST: usize = 1024;
/// So many different names are kept once however often they occur. Those of most nodes are among them.
const REMEMBERED: usize = 4096;

/// Where a name is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct NameAt(u32);

/// See the module.
#[derive(Default)]
pub(super) struct Names {
    /// One after the other: the number of the namespace, the length, the local part.
    bytes: Vec<u8>,
    namespaces: Vec<String>,
    numbers: HashMap<String, u32>,
    /// By their namespaces' numbers.
    remembered: Vec<HashMap<Box<str>, NameAt>>,
    count: usize,
}

impl Names {
    pub(super) fn add(&mut self, name: BorrowedName<'_>) -> NameAt {
        let namespace = match self.numbers.get(name.namespace) {
            Some(number) => *number,
            None => self.add_namespace(name.namespace),
        };
        let local = cut(name.local);
        let place = usize::try_from(namespace).unwrap_or_default();
        let known = self.remembered.get(place).and_then(|names| names.get(local));
        if let Some(at) = known {
            return *at;
        }
        // Beyond 4 GiB of names all others are called as the first one; no machine gets there.
        let at = NameAt(u32::try_from(self.bytes.len()).unwrap_or_default());
        self.bytes.extend_from_slice(&namespace.to_le_bytes());
        let length = u16::try_from(local.len()).unwrap_or_default();
        self.bytes.extend_from_slice(&length.to_le_bytes());
        self.bytes.extend_from_slice(local.as_bytes());
        if self.count < REMEMBERED
            && let Some(names) = self.remembered.get_mut(place)
        {
            names.insert(Box::from(local), at);
            self.count += 1;
        }
        at
    }

    fn add_namespace(&mut self, namespace: &str) -> u32 {
        let namespace = cut(namespace).to_owned();
        let number = u32::try_from(self.namespaces.len()).unwrap_or_default();
        let number = *self.numbers.entry(namespace.clone()).or_insert(number);
        if usize::try_from(number).is_ok_and(|number| number == self.namespaces.len()) {
            self.namespaces.push(namespace);
            self.remembered.push(HashMap::new());
        }
        number
    }

    /// A name as it is shown.
    pub(super) fn show(&self, at: NameAt, namespaces: &Namespaces) -> String {
        let found = self.find(at).unwrap_or(BorrowedName {
            namespace: "",
            local: "?",
        });
        namespaces.show(&found.to_name())
    }

    fn find(&self, at: NameAt) -> Option<BorrowedName<'_>> {
        let rest = self.bytes.get(usize::try_from(at.0).ok()?..)?;
        let (namespace, rest) = rest.split_first_chunk()?;
        let (length, rest) = rest.split_first_chunk()?;
        let namespace = usize::try_from(u32::from_le_bytes(*namespace)).ok()?;
        let local = rest.get(..usize::from(u16::from_le_bytes(*length)))?;
        Some(BorrowedName {
            namespace: self.namespaces.get(namespace)?,
            local: std::str::from_utf8(local).ok()?,
        })
    }
}

fn cut(text: &str) -> &str {
    let end = text.floor_char_boundary(LONGEST);
    text.get(..end).unwrap_or_default()
}

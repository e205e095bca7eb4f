//! The namespaces of names, and the prefixes under which people know them: names and paths as JCR shows them, and back.
//!
//! Which prefixes there are is in a repository's home (`registry`); those that every repository has are known without it.
//! A name whose prefix nobody knows is shown in JCR's expanded form, `{address}local`.
//!
//! Not in here: which names a bundle has a short form for.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};

use super::{Child, Name};

/// The names of JCR's items.
pub const JCR: &str = "http://www.jcp.org/jcr/1.0";
/// JCR's node types.
pub const NT: &str = "http://www.jcp.org/jcr/nt/1.0";
/// JCR's mixins.
pub const MIX: &str = "http://www.jcp.org/jcr/mix/1.0";
/// Jackrabbit's own names.
pub const REP: &str = "internal";
/// Magnolia's.
pub const MGNL: &str = "http://www.magnolia.info/jcr/mgnl";

/// Namespaces that every repository has, and Magnolia's, with their prefixes.
const WELL_KNOWN: &[(&str, &str)] = &[
    ("", ""),
    ("jcr", JCR),
    ("nt", NT),
    ("mix", MIX),
    ("mgnl", MGNL),
    ("rep", REP),
    ("sv", "http://www.jcp.org/jcr/sv/1.0"),
    ("xml", "http://www.w3.org/XML/1998/namespace"),
    ("xs", "http://www.w3.org/2001/XMLSchema"),
    ("fn", "http://www.w3.org/2005/xpath-functions"),
    ("fn_old", "http://www.w3.org/2004/10/xpath-functions"),
];

/// The same address, for as long as the program runs, if it is well known.
pub(super) fn well_known(address: &str) -> Option<&'static str> {
    WELL_KNOWN
        .iter()
        .map(|(_, known)| *known)
        .find(|known| *known == address)
}

/// Between the names of a path as it is kept.
const BETWEEN: char = '\t';

/// One name on a path, and which of those that are called so among its siblings, counted from 1.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Step {
    /// The name.
    pub name: Name,
    /// Its place among those of the same name.
    pub index: usize,
}

/// The prefixes of a repository.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Namespaces {
    addresses: BTreeMap<String, String>,
    prefixes: HashMap<String, String>,
}

impl Default for Namespaces {
    /// Those that every repository has.
    fn default() -> Self {
        Self::with([])
    }
}

impl Namespaces {
    /// These prefixes with their addresses, and those that every repository has.
    pub fn with(registered: impl IntoIterator<Item = (String, String)>) -> Self {
        let mut namespaces = Self {
            addresses: BTreeMap::new(),
            prefixes: HashMap::new(),
        };
        let known = WELL_KNOWN
            .iter()
            .map(|(prefix, address)| ((*prefix).to_owned(), (*address).to_owned()));
        for (prefix, address) in registered.into_iter().chain(known) {
            let is_taken = namespaces.addresses.contains_key(&prefix);
            if !is_taken && !namespaces.prefixes.contains_key(&address) {
                namespaces.prefixes.insert(address.clone(), prefix.clone());
                namespaces.addresses.insert(prefix, address);
            }
        }
        namespaces
    }

    /// The prefix of an address.
    #[must_use]
    pub fn prefix(&self, address: &str) -> Option<&str> {
        self.prefixes.get(address).map(String::as_str)
    }

    /// The address of a prefix.
    #[must_use]
    pub fn address(&self, prefix: &str) -> Option<&str> {
        self.addresses.get(prefix).map(String::as_str)
    }

    /// All prefixes with their addresses, in the order of the prefixes.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.addresses
            .iter()
            .map(|(prefix, address)| (prefix.as_str(), address.as_str()))
    }

    /// A name as JCR shows it: `jcr:content`, `title`, `{urn:unknown}size`.
    #[must_use]
    pub fn show(&self, name: &Name) -> String {
        self.qualified(&name.namespace, &name.local)
    }

    /// The same of the parts of a name.
    #[must_use]
    pub fn qualified(&self, namespace: &str, local: &str) -> String {
        match self.prefix(namespace) {
            Some("") => local.to_owned(),
            Some(prefix) => format!("{prefix}:{local}"),
            None => format!("{{{namespace}}}{local}"),
        }
    }

    /// The name that is shown so. `None` for an unknown prefix, and for what is no name.
    #[must_use]
    pub fn name(&self, shown: &str) -> Option<Name> {
        let (namespace, local) = match expanded(shown) {
            Some(parts) => parts,
            None => match shown.split_once(':') {
                Some((prefix, local)) => (self.address(prefix)?, local),
                None => ("", shown),
            },
        };
        (!local.is_empty()).then(|| Name {
            namespace: well_known(namespace).map_or_else(|| Cow::Owned(namespace.to_owned()), Cow::Borrowed),
            local: Cow::Owned(local.to_owned()),
        })
    }

    /// One name of a path: `text`, or `text[2]` for the second of its name.
    #[must_use]
    pub fn step(&self, name: &Name, index: usize) -> String {
        let shown = self.show(name);
        if index > 1 {
            format!("{shown}[{index}]")
        } else {
            shown
        }
    }

    /// The path that these steps are from a root.
    #[must_use]
    pub fn path(&self, steps: &[Step]) -> String {
        if steps.is_empty() {
            return "/".to_owned();
        }
        steps.iter().fold(String::new(), |mut path, step| {
            path.push('/');
            path.push_str(&self.step(&step.name, step.index));
            path
        })
    }

    /// The steps of a path from a root: none for `/`. `None` for what is no such path.
    #[must_use]
    pub fn steps(&self, path: &str) -> Option<Vec<Step>> {
        let mut rest = path.strip_prefix('/')?;
        let mut steps = Vec::new();
        while !rest.is_empty() {
            let (step, behind) = first_step(rest);
            let (name, index) = indexed(step)?;
            steps.push(Step {
                name: self.name(name)?,
                index: index.unwrap_or(1),
            });
            rest = behind.strip_prefix('/').unwrap_or(behind);
        }
        Some(steps)
    }

    /// A path as JCR shows it, from the form in which the value of a property is kept.
    #[must_use]
    pub fn show_path(&self, kept: &str) -> String {
        let shown: Vec<String> = kept
            .split(BETWEEN)
            .map(|element| match expanded(element) {
                Some((namespace, local)) => self.qualified(namespace, local),
                None => element.to_owned(),
            })
            .collect();
        match shown.as_slice() {
            // A root has no name.
            [root] if root.is_empty() => "/".to_owned(),
            _ => shown.join("/"),
        }
    }
}

/// Whether what stands in braces before a name is the address of a namespace, and no part of the name (JCR 2.0, 3.2.5.1: it
/// is one if it has a colon; Jackrabbit takes its own `internal` too).
pub(super) fn is_address(braced: &str) -> bool {
    braced.is_empty() || braced.contains(':') || braced == REP
}

/// Address and local part of a name in the expanded form.
pub(super) fn expanded(name: &str) -> Option<(&str, &str)> {
    name.strip_prefix('{')?.split_once('}')
}

/// The first step of a path as it is shown, and the rest with the slash before it. An address may have slashes in it.
pub(super) fn first_step(path: &str) -> (&str, &str) {
    let from = expanded(path).map_or(0, |(_, local)| path.len() - local.len());
    let end = path.get(from..).and_then(|local| local.find('/'));
    path.split_at(end.map_or(path.len(), |at| from + at))
}

/// A name, and the number in brackets behind it.
fn indexed(step: &str) -> Option<(&str, Option<usize>)> {
    let Some(open) = step.strip_suffix(']') else {
        return Some((step, None));
    };
    let (name, number) = open.rsplit_once('[')?;
    let index = number.parse().ok().filter(|index| *index > 0)?;
    Some((name, Some(index)))
}

/// Which of its name each child is, counted from 1, in their order.
pub fn indexes(children: &[Child]) -> impl Iterator<Item = usize> {
    let mut seen: HashMap<&Name, usize> = HashMap::new();
    children.iter().map(move |child| {
        let count = seen.entry(&child.name).or_default();
        *count += 1;
        *count
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn namespaces() -> Namespaces {
        Namespaces::with([
            ("shop".to_owned(), "http://shop.example/1.0".to_owned()),
            ("jcr".to_owned(), "urn:not-jcr".to_owned()),
        ])
    }

    #[test]
    fn names_are_shown_as_jcr_shows_them_and_read_again() {
        let namespaces = namespaces();
        for (namespace, local, shown) in [
            ("", "Über uns", "Über uns"),
            (MGNL, "page", "mgnl:page"),
            (REP, "root", "rep:root"),
            ("http://shop.example/1.0", "price", "shop:price"),
            // The registry's prefix is another's, so the well-known one has none.
            (JCR, "content", "{http://www.jcp.org/jcr/1.0}content"),
            ("urn:unknown", "a", "{urn:unknown}a"),
        ] {
            let name = Name {
                namespace: Cow::Borrowed(namespace),
                local: Cow::Borrowed(local),
            };
            assert_eq!(namespaces.show(&name), shown);
            assert_eq!(namespaces.name(shown), Some(name));
        }
        assert_eq!(namespaces.name("nobody:knows"), None);
        assert_eq!(namespaces.name(""), None);
        assert_eq!(namespaces.name("shop:"), None);
        assert_eq!(Namespaces::default().prefix(JCR), Some("jcr"));
        assert_eq!(namespaces.address("jcr"), Some("urn:not-jcr"));
    }

    #[test]
    fn paths_are_read_and_shown() {
        let namespaces = namespaces();
        for path in [
            "/",
            "/a",
            "/mgnl:area/text[2]/Ünïcode name",
            "/{http://nobody/1.0}x[12]/y",
            "/shop:price",
        ] {
            let steps = namespaces.steps(path).unwrap();
            assert_eq!(namespaces.path(&steps), path);
        }
        let steps = namespaces.steps("/a[1]/b[3]").unwrap();
        assert_eq!(steps[0].index, 1);
        assert_eq!(steps[1].index, 3);
        assert_eq!(namespaces.path(&steps), "/a/b[3]");
        for none in ["", "a", "/a[0]", "/a[x]", "/nobody:x", "/a//b", "/a]"] {
            assert_eq!(namespaces.steps(none), None, "{none}");
        }
    }

    #[test]
    fn kept_paths_are_shown_as_jcr_shows_them() {
        let namespaces = Namespaces::default();
        for (kept, shown) in [
            ("{}", "/"),
            ("{}\t{}a", "/a"),
            (
                "{}\t{http://www.magnolia.info/jcr/mgnl}area\t{}text[2]",
                "/mgnl:area/text[2]",
            ),
            ("{}..\t{}b", "../b"),
            (".", "."),
            (
                "[cafebabe-cafe-babe-cafe-babecafebabe]",
                "[cafebabe-cafe-babe-cafe-babecafebabe]",
            ),
        ] {
            assert_eq!(namespaces.show_path(kept), shown);
        }
    }

    #[test]
    fn siblings_of_one_name_are_counted() {
        let child = |local: &'static str| Child {
            name: Name::known("", local),
            id: [0; 16],
        };
        let children = ["a", "b", "a", "a", "b"].map(child);
        assert_eq!(indexes(&children).collect::<Vec<_>>(), [1, 1, 2, 3, 2]);
    }
}

//! The namespaces of names, and the prefixes under which people know them.
//!
//! Not in here: which names a bundle has a short form for.

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
];

/// The same address, for as long as the program runs, if it is well known.
#[must_use]
pub(super) fn well_known(address: &str) -> Option<&'static str> {
    WELL_KNOWN
        .iter()
        .map(|(_, known)| *known)
        .find(|known| *known == address)
}

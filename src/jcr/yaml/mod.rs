//! Nodes as YAML, in the form that Magnolia's own exporter writes and its import takes: a mapping for each node, with its
//! properties and then the nodes in it under their names. Names and texts are in single quotes; numbers, yes and no, and
//! moments are plain; lists are sequences; bytes are `!!binary`.
//!
//! It knows fewer types than JCR: names, paths, references, addresses and decimal numbers come back as texts, and a number
//! without a fraction as a whole one where its type says nothing else. Whoever needs them takes the system view (`jcr::xml`).

pub mod write;

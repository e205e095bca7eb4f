//! What is recovered from where (rule 2): a backup holds the content, and the rest comes from elsewhere.

/// One kind of data and where it comes back from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
pub struct RecoverySource {
    /// The kind of data.
    pub data: &'static str,
    /// Where it is recovered from.
    pub from: &'static str,
    /// Whether all of it can be brought back.
    pub complete: bool,
    /// What to know about it.
    pub remark: &'static str,
}

/// The table, in the order that a recovery needs it.
pub const TABLE: [RecoverySource; 7] = [
    RecoverySource {
        data: "Magnolia bundle",
        from: "Magnolia's software repository, by the Magnolia version in the backup",
        complete: true,
        remark: "not in a backup",
    },
    RecoverySource {
        data: "Light modules",
        from: "their git release, by the release version in the backup",
        complete: true,
        remark: "not in a backup",
    },
    RecoverySource {
        data: "Configuration",
        from: "the backup: workspaces config, users, userroles, usergroups",
        complete: true,
        remark: "as it was when the backup was taken",
    },
    RecoverySource {
        data: "Content",
        from: "the backup: website, dam, category, contacts and every other workspace",
        complete: true,
        remark: "as it was when the backup was taken",
    },
    RecoverySource {
        data: "Work since the backup",
        from: "the safety backup that each restore takes first",
        complete: true,
        remark: "by undo, while the safety backup stands",
    },
    RecoverySource {
        data: "Search indexes and caches",
        from: "Magnolia, which rebuilds them when it starts",
        complete: true,
        remark: "takes a while on large workspaces",
    },
    RecoverySource {
        data: "UAT and Integration",
        from: "developers' work and content copied from Live",
        complete: false,
        remark: "never backed up",
    },
];

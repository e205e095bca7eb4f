//! The names that Jackrabbit writes as one byte, and the reading of all others as they are written.
//!
//! The table is that of Jackrabbit's `BundleNames`; the place of a name in it is its number, so nothing is ever moved in it.

use std::borrow::Cow;
use std::collections::HashMap;
use std::fmt;
use std::sync::LazyLock;

use super::super::Name;
use super::super::namespaces::{JCR, MIX, NT, REP, well_known};

/// A name that stands in the bytes of a bundle.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct BorrowedName<'b> {
    /// The address of its namespace; empty for a name without a prefix.
    pub namespace: &'b str,
    /// Without prefix.
    pub local: &'b str,
}

impl BorrowedName<'_> {
    /// The same name, on its own.
    #[must_use]
    pub fn to_name(self) -> Name {
        Name {
            namespace: well_known(self.namespace)
                .map_or_else(|| Cow::Owned(self.namespace.to_owned()), Cow::Borrowed),
            local: Cow::Owned(self.local.to_owned()),
        }
    }
}

impl fmt::Debug for BorrowedName<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{{{}}}{}", self.namespace, self.local)
    }
}

impl PartialEq<Name> for BorrowedName<'_> {
    fn eq(&self, other: &Name) -> bool {
        self.local == other.local && self.namespace == other.namespace
    }
}

/// The name with this number.
pub(super) fn common(number: u8) -> Option<BorrowedName<'static>> {
    let (namespace, local) = *COMMON.get(usize::from(number))?;
    Some(BorrowedName { namespace, local })
}

/// The number of this name, if it has one.
pub(super) fn number_of(name: &Name) -> Option<u8> {
    static NUMBERS: LazyLock<HashMap<(&str, &str), u8>> =
        LazyLock::new(|| COMMON.iter().copied().zip(0..).collect());
    NUMBERS
        .get(&(name.namespace.as_ref(), name.local.as_ref()))
        .copied()
}

const COMMON: [(&str, &str); 126] = [
    (NT, "unstructured"),
    (NT, "resource"),
    (NT, "file"),
    (NT, "folder"),
    (NT, "hierarchyNode"),
    (MIX, "referenceable"),
    (JCR, "created"),
    (JCR, "createdBy"),
    (JCR, "lastModified"),
    (JCR, "lastModifiedBy"),
    (JCR, "content"),
    (JCR, "mimeType"),
    (JCR, "data"),
    (JCR, "title"),
    (JCR, "language"),
    (JCR, "encoding"),
    (JCR, "system"),
    (REP, "root"),
    (REP, "system"),
    (JCR, "addChildNodes"),
    (JCR, "lifecycleManagement"),
    (JCR, "lockManagement"),
    (JCR, "modifyAccessControl"),
    (JCR, "modifyProperties"),
    (JCR, "nodeTypeManagement"),
    (JCR, "read"),
    (JCR, "readAccessControl"),
    (JCR, "removeChildNodes"),
    (JCR, "removeNode"),
    (JCR, "versionManagement"),
    (REP, "accesscontrol"),
    (REP, "AccessControl"),
    (REP, "AccessControllable"),
    (REP, "ACE"),
    (REP, "ACL"),
    (REP, "DenyACE"),
    (REP, "glob"),
    (REP, "GrantACE"),
    (REP, "policy"),
    (REP, "PrincipalAccessControl"),
    (REP, "principalName"),
    (REP, "privileges"),
    (MIX, "lockable"),
    (JCR, "lockIsDeep"),
    (JCR, "lockOwner"),
    (MIX, "versionable"),
    (NT, "frozenNode"),
    (NT, "version"),
    (NT, "versionedChild"),
    (NT, "versionHistory"),
    (NT, "versionLabels"),
    (JCR, "versionStorage"),
    (JCR, "frozenPrimaryType"),
    (JCR, "frozenUuid"),
    (JCR, "frozenNode"),
    (JCR, "predecessors"),
    (JCR, "successors"),
    (JCR, "versionLabels"),
    (JCR, "versionHistory"),
    (JCR, "versionableUuid"),
    (JCR, "rootVersion"),
    (JCR, "isCheckedOut"),
    (JCR, "baseVersion"),
    (JCR, "mergeFailed"),
    (REP, "nodeTypes"),
    (NT, "nodeType"),
    (NT, "propertyDefinition"),
    (NT, "childNodeDefinition"),
    (NT, "base"),
    (JCR, "nodeTypes"),
    (JCR, "protected"),
    (JCR, "onParentVersion"),
    (JCR, "mandatory"),
    (JCR, "autoCreated"),
    (JCR, "frozenMixinTypes"),
    (JCR, "name"),
    (JCR, "valueConstraints"),
    (JCR, "requiredType"),
    (JCR, "propertyDefinition"),
    (JCR, "multiple"),
    (JCR, "defaultValues"),
    (JCR, "supertypes"),
    (JCR, "nodeTypeName"),
    (JCR, "isMixin"),
    (JCR, "hasOrderableChildNodes"),
    (JCR, "sameNameSiblings"),
    (JCR, "requiredPrimaryTypes"),
    (JCR, "childNodeDefinition"),
    (JCR, "defaultPrimaryType"),
    (JCR, "primaryItemName"),
    (JCR, "childVersionHistory"),
    (REP, "versions"),
    (REP, "versionStorage"),
    (REP, "VersionReference"),
    (REP, "baseVersions"),
    (MIX, "created"),
    (MIX, "etag"),
    (MIX, "language"),
    (MIX, "lastModified"),
    (MIX, "lifecycle"),
    (MIX, "mimeType"),
    (MIX, "shareable"),
    (MIX, "simpleVersionable"),
    (MIX, "title"),
    (NT, "activity"),
    (NT, "address"),
    (NT, "configuration"),
    (NT, "query"),
    (NT, "share"),
    (REP, "Activities"),
    (JCR, "activities"),
    (JCR, "activity"),
    (JCR, "activityTitle"),
    (JCR, "xmlcharacters"),
    (JCR, "xmltext"),
    (REP, "Configurations"),
    (JCR, "configuration"),
    (JCR, "configurations"),
    (JCR, "copiedFrom"),
    (JCR, "currentLifecycleState"),
    (JCR, "etag"),
    (JCR, "host"),
    (JCR, "id"),
    (JCR, "lifecyclePolicy"),
    (JCR, "path"),
    (JCR, "statement"),
];

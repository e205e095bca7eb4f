//! What becomes of Magnolia around a restore: who stops it before and starts it after, hooks or a person. A plan says it,
//! of everything and of a part alike.

use crate::domain::measure::listed;
use crate::domain::plan::Stopping;
use crate::domain::settings::{HookPoint, InstanceSettings};
use crate::engine::Live;

/// A file of this name in the state folder says that no Magnolia is at work on any content: that of a sandbox.
pub const NO_MAGNOLIA: &str = "no-magnolia";

/// Why it has to be stopped.
const WHY: &str =
    "one that runs goes on with the old content, and what it writes there is lost or in the way";

impl Live {
    /// What has to be done about Magnolia when content of these instances is exchanged.
    pub(super) fn stopping(&self, instances: &[&InstanceSettings]) -> Stopping {
        if self.state().join(NO_MAGNOLIA).exists() {
            return Stopping {
                by_hand: Vec::new(),
                by_hooks: vec![
                    "No Magnolia runs in this sandbox, so nothing has to be stopped. Elsewhere it is stopped before the restore and \
                     started after it, by hooks or by hand"
                        .to_owned(),
                ],
            };
        }
        stopping_of(instances)
    }
}

fn stopping_of(instances: &[&InstanceSettings]) -> Stopping {
    let named = |has_before: bool, has_after: bool| {
        let is_such = |instance: &&&InstanceSettings| {
            (
                instance.has_hook(HookPoint::BeforeRestore),
                instance.has_hook(HookPoint::AfterRestore),
            ) == (has_before, has_after)
        };
        let names: Vec<_> = instances
            .iter()
            .filter(is_such)
            .map(|instance| instance.name.to_string())
            .collect();
        (!names.is_empty()).then(|| listed(&names))
    };
    let mut told = Stopping::default();
    if let Some(names) = named(false, false) {
        told.by_hand.push(format!(
            "Stop Magnolia on {names} before the restore, and start it when the restore is over: no hook does it, and {WHY}"
        ));
    }
    if let Some(names) = named(false, true) {
        told.by_hand.push(format!(
            "Stop Magnolia on {names} before the restore: no before_restore hook does it, and {WHY}. The after_restore hook is \
             there to start it"
        ));
    }
    if let Some(names) = named(true, false) {
        told.by_hand.push(format!(
            "Start Magnolia on {names} when the restore is over: its before_restore hook is there to stop it, and no after_restore \
             hook starts it"
        ));
    }
    for instance in instances {
        let unstopped = instance.unstopped();
        if !unstopped.is_empty() {
            told.by_hand.push(format!(
                "Stop {} of {} before the restore, and start what was stopped when it is over: no before_restore hook is for it, and \
                 {WHY}",
                listed(&unstopped),
                instance.name
            ));
        }
    }
    if let Some(names) = named(true, true) {
        told.by_hooks.push(format!(
            "Lifeboat stops and starts Magnolia on {names}: it runs before_restore before the switch and after_restore after it"
        ));
    }
    told
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::environment::Role;
    use crate::domain::settings::{ContentSettings, Hooks};

    fn instance(name: &str, before: &[&str], after: &[&str]) -> InstanceSettings {
        let words = |words: &[&str]| words.iter().map(ToString::to_string).collect();
        InstanceSettings {
            name: name.parse().unwrap(),
            role: Role::Author,
            content: ContentSettings::Files { path: "/srv".into() },
            health: None,
            hooks: Hooks {
                before_restore: words(before),
                after_restore: words(after),
                ..Hooks::default()
            },
            nodes: Vec::new(),
        }
    }

    #[test]
    fn who_stops_and_starts_magnolia_is_said_by_what_is_configured() {
        let by_hand = [instance("author", &[], &[]), instance("public-1", &[], &[])];
        let told = stopping_of(&by_hand.iter().collect::<Vec<_>>());
        assert_eq!(told.by_hand.len(), 1);
        assert!(
            told.by_hand[0]
                .starts_with("Stop Magnolia on author and public-1 before the restore, and start it when"),
            "{told:?}"
        );
        assert!(told.by_hooks.is_empty());

        let hooked = instance("author", &["stop"], &["start"]);
        let told = stopping_of(&[&hooked]);
        assert!(told.by_hand.is_empty(), "{told:?}");
        assert!(told.by_hooks[0].starts_with("Lifeboat stops and starts Magnolia on author"));

        let stopped_alone = instance("author", &["stop"], &[]);
        let told = stopping_of(&[&stopped_alone]);
        assert!(
            told.by_hand[0].starts_with("Start Magnolia on author when"),
            "{told:?}"
        );
        let started_alone = instance("author", &[], &["start"]);
        let told = stopping_of(&[&started_alone]);
        assert!(
            told.by_hand[0].starts_with("Stop Magnolia on author before"),
            "{told:?}"
        );
    }
}

//! What is marked inside backups: paths, each with all that is below it. They stay marked wherever one looks meanwhile.

use std::collections::{BTreeMap, BTreeSet};

use crate::domain::environment::EnvironmentName;
use crate::domain::explore::{NodePath, Source};

/// Whether something is marked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mark {
    /// Neither it nor anything in it.
    None,
    /// It is.
    Marked,
    /// It is in something that is.
    Within,
    /// Something in it is.
    Inside,
}

/// The marks of every backup that was looked into.
#[derive(Debug, Default)]
pub struct Marks(BTreeMap<(EnvironmentName, Source), BTreeSet<NodePath>>);

impl Marks {
    /// What is marked in a backup, sorted.
    pub fn of(
        &self,
        environment: &EnvironmentName,
        source: &Source,
    ) -> impl ExactSizeIterator<Item = &NodePath> {
        static NOTHING: BTreeSet<NodePath> = BTreeSet::new();
        let found = self.0.get(&(environment.clone(), source.clone()));
        found.unwrap_or(&NOTHING).iter()
    }

    /// Whether a path is marked.
    #[must_use]
    pub fn mark(&self, environment: &EnvironmentName, source: &Source, path: &NodePath) -> Mark {
        self.of(environment, source).fold(Mark::None, |mark, marked| {
            if marked == path {
                Mark::Marked
            } else if path.is_within(marked) {
                Mark::Within
            } else if mark == Mark::None && marked.is_within(path) {
                Mark::Inside
            } else {
                mark
            }
        })
    }

    /// Marks a path, or takes its mark away. What is in it is marked with it, and has no mark of its own then.
    pub fn toggle(&mut self, environment: &EnvironmentName, source: &Source, path: NodePath) {
        let key = (environment.clone(), source.clone());
        let marked = self.0.entry(key.clone()).or_default();
        if !marked.remove(&path) {
            marked.retain(|other| !other.is_within(&path));
            marked.insert(path);
        }
        if marked.is_empty() {
            self.0.remove(&key);
        }
    }

    /// Takes all marks of a backup away.
    pub fn clear(&mut self, environment: &EnvironmentName, source: &Source) {
        self.0.remove(&(environment.clone(), source.clone()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_in_something_marked_is_marked_with_it() {
        let environment: EnvironmentName = "acme/live".parse().unwrap();
        let (daily, weekly) = (Source::Backup("a".to_owned()), Source::Backup("b".to_owned()));
        let path = |text: &str| text.parse::<NodePath>().unwrap();
        let mut marks = Marks::default();
        marks.toggle(&environment, &daily, path("author:/website/home/news"));
        marks.toggle(&environment, &daily, path("author:/website/home/jobs"));
        let mark = |marks: &Marks, text: &str| marks.mark(&environment, &daily, &path(text));
        assert_eq!(mark(&marks, "author:/website/home/news"), Mark::Marked);
        assert_eq!(mark(&marks, "author:/website/home"), Mark::Inside);
        assert_eq!(mark(&marks, "author:/website/home/news/2026"), Mark::Within);
        assert_eq!(mark(&marks, "author:/website/home/new"), Mark::None);
        assert_eq!(
            marks.mark(&environment, &weekly, &path("author:/website/home/news")),
            Mark::None
        );
        marks.toggle(&environment, &daily, path("author:/website/home"));
        assert_eq!(marks.of(&environment, &daily).len(), 1);
        marks.toggle(&environment, &daily, path("author:/website/home"));
        assert_eq!(marks.of(&environment, &daily).len(), 0);
        marks.toggle(&environment, &daily, path("author:/dam"));
        marks.clear(&environment, &daily);
        assert_eq!(mark(&marks, "author:/dam"), Mark::None);
    }
}

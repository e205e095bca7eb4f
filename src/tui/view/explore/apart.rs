//! Paths in less room than they need, so that those of a list can be told apart.

use crate::domain::columns;
use crate::tui::view::canvas::shorten_middle;

/// A path in at most `room` columns. Where it would look like another one of `others`, it begins where the two differ.
pub fn apart<'o>(path: &str, others: impl Iterator<Item = &'o str>, room: usize, more: &str) -> String {
    let short = shorten_middle(path, room, more);
    if short == path {
        return short;
    }
    let alike: Vec<&str> = others
        .filter(|other| *other != path && shorten_middle(other, room, more) == short)
        .collect();
    let Some(same) = alike.iter().map(|other| in_common(path, other)).min() else {
        return short;
    };
    // Best with the whole of the name that differs, or else from where it does.
    let name = path.get(..same).and_then(|begin| begin.rfind('/')).unwrap_or(0);
    let room = room.saturating_sub(columns::count(more));
    let from = |text: &str, start: usize| shorten_middle(text.get(start..).unwrap_or(""), room, more);
    let is_told = |start: &usize| {
        let told = from(path, *start);
        alike.iter().all(|other| from(other, *start) != told)
    };
    let start = [name, same].into_iter().find(is_told);
    start.map_or(short, |start| format!("{more}{}", from(path, start)))
}

/// How many bytes two texts begin with alike, in whole characters.
fn in_common(one: &str, other: &str) -> usize {
    let pairs = one.char_indices().zip(other.chars());
    let mut pairs = pairs.skip_while(|((_, one), other)| one == other);
    pairs.next().map_or(one.len().min(other.len()), |((at, _), _)| at)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(paths: &[&str], room: usize) -> Vec<String> {
        let others = || paths.iter().copied();
        paths
            .iter()
            .map(|path| apart(path, others(), room, "…"))
            .collect()
    }

    #[test]
    fn paths_that_are_cut_are_told_apart() {
        let paths = [
            "author:/website/destinations/europe/page.xml",
            "author:/website/destinations/africa/page.xml",
            "author:/website/home",
        ];
        assert_eq!(
            shown(&paths, 17),
            ["…/europe/page.xml", "…/africa/page.xml", "author:/…ite/home"]
        );
        // Where even the name is too long, it begins with what differs.
        let paths = [
            "author:/dam/a-name-that-is-very-long-2025-and-goes-on.xml",
            "author:/dam/a-name-that-is-very-long-2026-and-goes-on.xml",
        ];
        let told = shown(&paths, 20);
        assert_eq!(told, ["…5-and-goes-on.xml", "…6-and-goes-on.xml"]);
        // Those that look different are left as they are.
        assert_eq!(
            shown(&["author:/website/first", "author:/website/other"], 12),
            ["author…first", "author…other"]
        );
        // One that goes on where the other ends.
        let told = shown(
            &[
                "a/very/long/path/that/ends",
                "a/very/long/path/that/ends/that/ends",
            ],
            14,
        );
        assert_ne!(told[0], told[1]);
    }
}

//! What of a picture is the same whenever it is made: its words, without times, ids, figures and names of folders.

use std::collections::BTreeSet;

/// Words of times: which of them stand somewhere depends on the moment.
const OF_TIME: [&str; 5] = ["ago", "just", "min", "now", "late"];

/// The words of two lists of texts. What is cut off in either of them says something else wherever a figure before it is longer:
/// it is left out of both, by the word that it begins with.
pub fn of_both(stored: &[String], drawn: &[String]) -> (BTreeSet<String>, BTreeSet<String>) {
    let cut = stored.iter().chain(drawn).filter(|text| text.contains('…'));
    let heads: BTreeSet<String> = cut.filter_map(|text| words(text).next()).collect();
    let of = |texts: &[String]| {
        let whole = texts.iter().filter(|text| {
            let head = words(text).next();
            !text.contains('…') && head.is_none_or(|head| !heads.contains(&head))
        });
        whole.flat_map(|text| words(text)).collect()
    };
    (of(stored), of(drawn))
}

/// The words of a text that are not of the moment.
fn words(text: &str) -> impl Iterator<Item = String> {
    text.split_whitespace()
        .map(|word| word.trim_matches(|c: char| !c.is_alphanumeric()))
        .filter(|word| word.chars().count() > 2 && word.chars().all(|c| !c.is_numeric()))
        .filter(|word| !word.contains("lifeboat-demo") && !OF_TIME.contains(word))
        .map(str::to_owned)
}

/// The texts of a screen, where lines or room divide them.
pub fn cells(screen: &str) -> Vec<String> {
    let lines = screen.lines();
    let cells = lines.flat_map(|line| line.split(['│', '─', '┬', '┴', '├']));
    cells
        .flat_map(|cell| cell.split("   "))
        .map(str::to_owned)
        .collect()
}

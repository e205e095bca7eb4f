//! What of a picture is the same whenever it is made: its words, without times, ids, figures and names of folders.

use std::collections::BTreeSet;

/// Words of times: which of them stand somewhere depends on the moment.
const OF_TIME: [&str; 5] = ["ago", "just", "min", "now", "late"];

/// The words of texts. A text that was cut off says something else wherever a figure before it is longer, and is left out.
pub fn of(texts: &[String]) -> BTreeSet<String> {
    let whole = texts.iter().filter(|text| !text.contains('…'));
    whole
        .flat_map(|text| text.split_whitespace())
        .map(|word| word.trim_matches(|c: char| !c.is_alphanumeric()))
        .filter(|word| word.chars().count() > 2 && word.chars().all(|c| !c.is_numeric()))
        .filter(|word| !word.contains("lifeboat-demo") && !OF_TIME.contains(word))
        .map(str::to_owned)
        .collect()
}

/// The texts of a screen, where lines or room divide them.
pub fn cells(screen: &str) -> Vec<String> {
    let lines = screen
        .lines()
        .flat_map(|line| line.split(['│', '─', '┬', '┴', '├']));
    lines
        .flat_map(|cell| cell.split("   "))
        .map(str::to_owned)
        .collect()
}

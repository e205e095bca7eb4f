//! A report as people read it: headings, facts, lists and tables, written as Markdown or as one HTML file.
//!
//! Texts come from outside. In Markdown nothing in them is mark-up ([`super::markdown`]), in HTML they are text; the HTML refers to nothing else, runs
//! nothing, and prints on paper.

use std::fmt::Write as _;

use super::markdown::{At, escaped};
use crate::domain::printable;

/// A report as people read it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Document {
    /// What it is about.
    pub title: String,
    /// When and of what it was made.
    pub subtitle: String,
    /// What it says, in order.
    pub sections: Vec<Section>,
}

/// A part of a report under a heading.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Section {
    /// The heading.
    pub heading: String,
    /// What stands under it.
    pub blocks: Vec<Block>,
}

/// What stands under a heading.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Block {
    /// A sentence or a few.
    Text(String),
    /// What something is, line by line.
    Facts(Vec<(String, String)>),
    /// One thing after the other.
    List(Vec<String>),
    /// Rows under heads.
    Table {
        /// The heads.
        heads: Vec<&'static str>,
        /// The rows, as wide as the heads.
        rows: Vec<Vec<String>>,
    },
}

impl Document {
    /// As Markdown.
    #[must_use]
    pub fn markdown(&self) -> String {
        let mut text = format!(
            "# {}\n\n{}\n",
            line(&self.title, At::Heading),
            line(&self.subtitle, At::Block)
        );
        for section in &self.sections {
            let _ = write!(text, "\n## {}\n", line(&section.heading, At::Heading));
            for block in &section.blocks {
                text.push('\n');
                block.markdown(&mut text);
            }
        }
        text
    }

    /// As one HTML file.
    #[must_use]
    pub fn html(&self) -> String {
        let title = tagged(&self.title);
        let mut text = format!(
            "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
             <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n\
             <meta name=\"viewport\" content=\"width=device-width\">\n<title>{title}</title>\n<style>\n{STYLE}</style>\n\
             </head>\n<body>\n<h1>{title}</h1>\n<p class=\"made\">{}</p>\n",
            tagged(&self.subtitle)
        );
        for section in &self.sections {
            let _ = write!(text, "<section>\n<h2>{}</h2>\n", tagged(&section.heading));
            for block in &section.blocks {
                block.html(&mut text);
            }
            text.push_str("</section>\n");
        }
        text.push_str("</body>\n</html>\n");
        text
    }
}

const STYLE: &str = "\
body { font: 15px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; color: #1a1a1a; background: #fff }
h1 { font-size: 1.6rem; margin-bottom: 0 }
h2 { font-size: 1.15rem; margin-top: 2rem; border-bottom: 1px solid #ccc }
.made { color: #555; margin-top: .2rem }
table { border-collapse: collapse; width: 100%; font-size: .92rem }
th, td { text-align: left; vertical-align: top; padding: .25rem .6rem .25rem 0; border-bottom: 1px solid #e2e2e2; overflow-wrap: anywhere }
dl { display: grid; grid-template-columns: minmax(9rem, max-content) 1fr; gap: .15rem 1rem }
dt { color: #555 }
dd { margin: 0; overflow-wrap: anywhere }
@media print { body { margin: 0; max-width: none; font-size: 10.5pt } tr, li { break-inside: avoid } h2 { break-after: avoid } }
";

impl Block {
    fn markdown(&self, text: &mut String) {
        match self {
            Self::Text(sentence) => {
                let _ = writeln!(text, "{}", line(sentence, At::Block));
            }
            Self::Facts(facts) => {
                text.push_str("| | |\n| --- | --- |\n");
                for (name, value) in facts {
                    let _ = writeln!(text, "| {} | {} |", line(name, At::Cell), line(value, At::Cell));
                }
            }
            Self::List(lines) => {
                for item in lines {
                    let _ = writeln!(text, "- {}", line(item, At::Block));
                }
            }
            Self::Table { heads, rows } => {
                let _ = writeln!(text, "| {} |", heads.join(" | "));
                let _ = writeln!(text, "|{}", " --- |".repeat(heads.len()));
                for row in rows {
                    let cells: Vec<_> = row.iter().map(|cell| line(cell, At::Cell)).collect();
                    let _ = writeln!(text, "| {} |", cells.join(" | "));
                }
            }
        }
    }

    fn html(&self, text: &mut String) {
        match self {
            Self::Text(sentence) => {
                let _ = writeln!(text, "<p>{}</p>", tagged(sentence));
            }
            Self::Facts(facts) => {
                text.push_str("<dl>\n");
                for (name, value) in facts {
                    let _ = writeln!(text, "<dt>{}</dt><dd>{}</dd>", tagged(name), tagged(value));
                }
                text.push_str("</dl>\n");
            }
            Self::List(lines) => {
                text.push_str("<ul>\n");
                for line in lines {
                    let _ = writeln!(text, "<li>{}</li>", tagged(line));
                }
                text.push_str("</ul>\n");
            }
            Self::Table { heads, rows } => {
                text.push_str("<table>\n<thead><tr>");
                for head in heads {
                    let _ = write!(text, "<th>{}</th>", tagged(head));
                }
                text.push_str("</tr></thead>\n<tbody>\n");
                for row in rows {
                    text.push_str("<tr>");
                    for cell in row {
                        let _ = write!(text, "<td>{}</td>", tagged(cell));
                    }
                    text.push_str("</tr>\n");
                }
                text.push_str("</tbody>\n</table>\n");
            }
        }
    }
}

/// One line of Markdown in which nothing is mark-up.
fn line(text: &str, at: At) -> String {
    escaped(&printable::line(text), at)
}

/// One line of HTML in which nothing is a tag.
fn tagged(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    for c in printable::line(text).chars() {
        match c {
            '&' => plain.push_str("&amp;"),
            '<' => plain.push_str("&lt;"),
            '>' => plain.push_str("&gt;"),
            '"' => plain.push_str("&quot;"),
            '\'' => plain.push_str("&#39;"),
            c => plain.push(c),
        }
    }
    plain
}

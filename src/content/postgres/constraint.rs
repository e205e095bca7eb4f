//! Constraints that travel in a backup as text, taken apart and written anew as `definition` does it.

use super::definition::{Known, Reader, Strange, distinct, expression_of, strange};
use super::token::tokens;

/// A constraint, as the server writes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Constraint {
    /// Of rows by themselves, or against each other: the definition, and what stands behind it.
    Own {
        /// What it says.
        known: Known,
        /// When it is looked at.
        when: &'static str,
        /// Whether it has an index.
        indexed: bool,
    },
    /// Rows of another table are referred to.
    Foreign {
        /// The columns.
        columns: String,
        /// The other table, by its name.
        table: String,
        /// The other table's columns, and what happens when they change.
        rest: String,
    },
}

impl Constraint {
    /// Understands a constraint.
    ///
    /// # Errors
    /// [`Strange`].
    pub fn read(definition: &str) -> Result<Self, Strange> {
        let tokens = tokens(definition)?;
        let mut reader = Reader {
            tokens: &tokens,
            at: 0,
        };
        let own = if reader.take(&["primary", "key"]) {
            (keyed("PRIMARY KEY", &mut reader)?, true)
        } else if reader.take(&["unique"]) {
            (keyed("UNIQUE", &mut reader)?, true)
        } else if reader.take(&["check"]) {
            let mut known = expression_of(reader.group()?)?;
            known.text = format!("CHECK {}", known.text);
            if reader.take(&["no", "inherit"]) {
                known.text.push_str(" NO INHERIT");
            }
            (known, false)
        } else if reader.take(&["exclude"]) {
            return strange("it excludes rows by operators");
        } else if reader.take(&["foreign", "key"]) {
            return foreign(&mut reader);
        } else {
            return strange("it is no constraint that is known");
        };
        let (mut known, indexed) = own;
        let when = when(&mut reader);
        if reader.take(&["not", "valid"]) {
            // Only those without an index can be that.
            known.text.push_str(" NOT VALID");
        }
        reader.end()?;
        Ok(Self::Own { known, when, indexed })
    }
}

fn keyed(kind: &str, reader: &mut Reader<'_>) -> Result<Known, Strange> {
    let distinct = distinct(reader);
    let mut text = format!("{kind}{distinct} {}", reader.columns()?);
    if reader.take(&["include"]) {
        text = format!("{text} INCLUDE {}", reader.columns()?);
    }
    Ok(Known {
        text,
        ..Known::default()
    })
}

fn when(reader: &mut Reader<'_>) -> &'static str {
    let deferrable = reader.take(&["deferrable"]);
    let deferred = reader.take(&["initially", "deferred"]);
    match (deferrable, deferred) {
        (_, true) => " DEFERRABLE INITIALLY DEFERRED",
        (true, false) => " DEFERRABLE",
        (false, false) => "",
    }
}

fn foreign(reader: &mut Reader<'_>) -> Result<Constraint, Strange> {
    let columns = reader.columns()?;
    if !reader.take(&["references"]) {
        return strange("it refers to no table");
    }
    let table = reader.name()?;
    if reader.peek().is_some_and(|token| token.is_sign(".")) {
        return strange("it refers to a table of another schema");
    }
    let mut rest = reader.columns()?;
    if reader.take(&["match", "full"]) {
        rest.push_str(" MATCH FULL");
    }
    for (word, written) in [("update", " ON UPDATE"), ("delete", " ON DELETE")] {
        if !reader.take(&["on", word]) {
            continue;
        }
        let then = [
            (&["cascade"][..], " CASCADE"),
            (&["restrict"], " RESTRICT"),
            (&["no", "action"], " NO ACTION"),
            (&["set", "null"], " SET NULL"),
            (&["set", "default"], " SET DEFAULT"),
        ];
        let Some((_, then)) = then.into_iter().find(|(words, _)| reader.take(words)) else {
            return strange("what happens when it changes is not understood");
        };
        rest.push_str(written);
        rest.push_str(then);
        if reader.peek().is_some_and(|token| token.is_sign("(")) {
            rest = format!("{rest} {}", reader.columns()?);
        }
    }
    rest.push_str(when(reader));
    if reader.take(&["not", "valid"]) {
        rest.push_str(" NOT VALID");
    }
    reader.end()?;
    Ok(Constraint::Foreign { columns, table, rest })
}

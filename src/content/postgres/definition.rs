//! Definitions that travel in a backup as text, taken apart and written anew.
//!
//! Whoever can write a backup decides what stands in them, so none is ever run as it is. A definition is cut into words
//! here; it has to have one of a few forms, and what comes out is written from those words: there is no way from it into
//! another statement. The functions that it calls are told, so that whoever runs it can look what they are.
//!
//! Not in here: which functions are harmless (`judge`).

use std::collections::BTreeSet;

use super::names::{in_schema, quoted};
use super::token::{Token, tokens, write};

/// Why a definition is none that Lifeboat runs, to stand behind a colon.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Strange(pub String);

pub(super) fn strange<T>(why: impl Into<String>) -> Result<T, Strange> {
    Err(Strange(why.into()))
}

/// A definition that was understood.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Known {
    /// The definition, written anew.
    pub text: String,
    /// The functions that it calls, by name.
    pub functions: BTreeSet<String>,
}

/// Words that would make a query or another statement of an expression.
const STATEMENTS: [&str; 16] = [
    "select",
    "values",
    "table",
    "insert",
    "update",
    "delete",
    "merge",
    "returning",
    "into",
    "execute",
    "call",
    "do",
    "copy",
    "create",
    "alter",
    "drop",
];

/// Words before a parenthesis that are no functions.
const SYNTAX: [&str; 34] = [
    "and",
    "or",
    "not",
    "in",
    "any",
    "all",
    "some",
    "array",
    "row",
    "when",
    "then",
    "else",
    "case",
    "between",
    "is",
    "like",
    "ilike",
    "similar",
    "to",
    "as",
    "on",
    "by",
    "from",
    "for",
    "cast",
    "operator",
    "varchar",
    "varying",
    "numeric",
    "char",
    "character",
    "bit",
    "timestamp",
    "time",
];

/// Functions that the parser has a form of its own for. They do no more than work something out.
const FORMS: [&str; 9] = [
    "coalesce",
    "greatest",
    "least",
    "nullif",
    "extract",
    "overlay",
    "position",
    "substring",
    "trim",
];

/// Takes an expression. What comes out stands in parentheses of its own.
pub(super) fn expression_of(tokens: &[Token]) -> Result<Known, Strange> {
    if tokens.is_empty() {
        return strange("an expression in it is empty");
    }
    let mut open: Vec<&str> = Vec::new();
    let mut functions = BTreeSet::new();
    for (at, token) in tokens.iter().enumerate() {
        match token {
            Token::Sign(sign) => match sign.as_str() {
                "(" => {
                    if let Some(name) = at.checked_sub(1).and_then(|at| called(tokens.get(at)?)) {
                        functions.insert(name);
                    }
                    open.push(")");
                }
                "[" => open.push("]"),
                ")" | "]" if open.pop() != Some(sign) => {
                    return strange("its parentheses do not fit");
                }
                "," if open.is_empty() => {
                    return strange("it has more than one expression where one belongs");
                }
                _ => {}
            },
            Token::Word(word) if STATEMENTS.iter().any(|one| word.eq_ignore_ascii_case(one)) => {
                return strange(format!("{word} stands in an expression"));
            }
            _ => {}
        }
    }
    if !open.is_empty() {
        return strange("its parentheses do not fit");
    }
    Ok(Known {
        text: format!("({})", write(tokens)),
        functions,
    })
}

/// The function that is called where this stands before a parenthesis.
fn called(token: &Token) -> Option<String> {
    match token {
        Token::Name(name) => Some(name.clone()),
        Token::Word(word) => {
            let word = word.to_lowercase();
            let is_known = SYNTAX.contains(&word.as_str()) || FORMS.contains(&word.as_str());
            (!is_known).then_some(word)
        }
        _ => None,
    }
}

/// An expression: a default, what a column is worked out from, what a policy asks. It stands in parentheses afterwards.
///
/// # Errors
/// [`Strange`].
pub fn expression(text: &str) -> Result<Known, Strange> {
    expression_of(&tokens(text)?)
}

/// Whether a default is nothing but the next number of a sequence. Gives the sequence, as it is written there.
#[must_use]
pub fn next_of(default: &str) -> Option<String> {
    match tokens(default).ok()?.as_slice() {
        [next, open, Token::Text(text), colons, class, close]
            if next.is_word("nextval")
                && open.is_sign("(")
                && colons.is_sign("::")
                && class.is_word("regclass")
                && close.is_sign(")") =>
        {
            let inner = text.strip_prefix('\'')?.strip_suffix('\'')?;
            Some(inner.replace("''", "'"))
        }
        _ => None,
    }
}

/// A name as the server writes it, taken apart: the schema, if there is one, and the name.
#[must_use]
pub fn path_of(text: &str) -> Option<(Option<String>, String)> {
    match tokens(text).ok()?.as_slice() {
        [name] => Some((None, name.name()?)),
        [schema, dot, name] if dot.is_sign(".") => Some((Some(schema.name()?), name.name()?)),
        _ => None,
    }
}

/// Words that something else begins with behind a column's type.
const NO_TYPE: [&str; 11] = [
    "default",
    "check",
    "primary",
    "unique",
    "references",
    "not",
    "null",
    "generated",
    "collate",
    "constraint",
    "as",
];

/// A type, as the server writes it: nothing but names, numbers and parentheses. Whether there is such a type is for the
/// server to say.
///
/// # Errors
/// [`Strange`].
pub fn data_type(text: &str) -> Result<String, Strange> {
    let tokens = tokens(text)?;
    let fits = |token: &Token| match token {
        Token::Word(_) | Token::Name(_) | Token::Number(_) => true,
        Token::Sign(sign) => matches!(sign.as_str(), "(" | ")" | "[" | "]" | "," | "."),
        Token::Text(_) => false,
    };
    let is_more = |token: &Token| NO_TYPE.iter().any(|word| token.is_word(word));
    if tokens.is_empty() || !tokens.iter().all(fits) || tokens.iter().any(is_more) {
        return strange("it is no type");
    }
    Ok(write(&tokens))
}

/// Reads tokens one after the other.
pub(super) struct Reader<'t> {
    pub(super) tokens: &'t [Token],
    pub(super) at: usize,
}

impl<'t> Reader<'t> {
    pub(super) fn peek(&self) -> Option<&'t Token> {
        self.tokens.get(self.at)
    }

    /// Takes these words, if all of them stand here.
    pub(super) fn take(&mut self, words: &[&str]) -> bool {
        let fits = words.iter().enumerate().all(|(offset, word)| {
            let token = self.tokens.get(self.at + offset);
            token.is_some_and(|token| token.is_word(word))
        });
        if fits {
            self.at += words.len();
        }
        fits
    }

    pub(super) fn name(&mut self) -> Result<String, Strange> {
        let name = self.peek().and_then(Token::name);
        self.at += 1;
        name.map_or_else(|| strange("a name is missing in it"), Ok)
    }

    /// A name that may have a schema before it.
    pub(super) fn path(&mut self) -> Result<String, Strange> {
        let first = self.name()?;
        if self.peek().is_some_and(|token| token.is_sign(".")) {
            self.at += 1;
            return Ok(in_schema(&first, &self.name()?));
        }
        Ok(quoted(&first))
    }

    /// What stands in parentheses here.
    pub(super) fn group(&mut self) -> Result<&'t [Token], Strange> {
        if !self.peek().is_some_and(|token| token.is_sign("(")) {
            return strange("a parenthesis is missing in it");
        }
        let begin = self.at + 1;
        let mut depth = 0_usize;
        for (at, token) in self.tokens.iter().enumerate().skip(self.at) {
            if token.is_sign("(") {
                depth += 1;
            } else if token.is_sign(")") {
                depth -= 1;
                if depth == 0 {
                    self.at = at + 1;
                    return Ok(&self.tokens[begin..at]);
                }
            }
        }
        strange("its parentheses do not fit")
    }

    pub(super) fn columns(&mut self) -> Result<String, Strange> {
        let names = parts(self.group()?).map(|part| match part {
            [token] => token
                .name()
                .map_or_else(|| strange("a column is missing in it"), Ok),
            _ => strange("something else stands where a column belongs"),
        });
        let names: Result<Vec<_>, _> = names.map(|name| name.map(|name| quoted(&name))).collect();
        Ok(format!("({})", names?.join(", ")))
    }

    pub(super) fn end(&self) -> Result<(), Strange> {
        match self.peek() {
            None => Ok(()),
            Some(token) => strange(format!("{} is not understood", token.written())),
        }
    }
}

/// What commas part, outside of parentheses.
fn parts(tokens: &[Token]) -> impl Iterator<Item = &[Token]> {
    let mut depth = 0_i32;
    tokens.split(move |token| {
        if token.is_sign("(") || token.is_sign("[") {
            depth += 1;
        } else if token.is_sign(")") || token.is_sign("]") {
            depth -= 1;
        }
        depth == 0 && token.is_sign(",")
    })
}

/// An index, as the server writes it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Index {
    /// Its name.
    pub name: String,
    /// Whether no two rows may have the same.
    pub unique: bool,
    /// What stands behind the name of its table, without a condition.
    pub body: Known,
    /// Its condition.
    pub condition: Option<Known>,
}

impl Index {
    /// Understands an index.
    ///
    /// # Errors
    /// [`Strange`].
    pub fn read(definition: &str) -> Result<Self, Strange> {
        let tokens = tokens(definition)?;
        let mut reader = Reader {
            tokens: &tokens,
            at: 0,
        };
        if !reader.take(&["create"]) {
            return strange("it does not begin as an index does");
        }
        let mut index = Self {
            unique: reader.take(&["unique"]),
            ..Self::default()
        };
        if !reader.take(&["index"]) {
            return strange("it is no index");
        }
        index.name = reader.name()?;
        if !reader.take(&["on"]) {
            return strange("it is on no table");
        }
        reader.take(&["only"]);
        reader.path()?;
        index.body = indexed(&mut reader)?;
        if reader.take(&["where"]) {
            index.condition = Some(expression_of(&reader.tokens[reader.at..])?);
            reader.at = reader.tokens.len();
        }
        reader.end()?;
        Ok(index)
    }

    /// The statement that makes it on a table.
    #[must_use]
    pub fn statement(&self, schema: &str, table: &str, tablespace: Option<&str>) -> String {
        let unique = if self.unique { "UNIQUE " } else { "" };
        let place = tablespace
            .map(|name| format!(" TABLESPACE {}", quoted(name)))
            .unwrap_or_default();
        let condition = self
            .condition
            .as_ref()
            .map(|condition| format!(" WHERE {}", condition.text))
            .unwrap_or_default();
        format!(
            "CREATE {unique}INDEX {} ON {} {}{place}{condition}",
            quoted(&self.name),
            in_schema(schema, table),
            self.body.text
        )
    }

    /// The functions that it calls.
    pub fn functions(&self) -> impl Iterator<Item = &String> {
        self.body
            .functions
            .iter()
            .chain(self.condition.iter().flat_map(|condition| &condition.functions))
    }
}

/// `USING method (…) INCLUDE (…) NULLS NOT DISTINCT WITH (…)`.
fn indexed(reader: &mut Reader<'_>) -> Result<Known, Strange> {
    if !reader.take(&["using"]) {
        return strange("how it is built is missing");
    }
    let mut known = Known {
        text: format!("USING {}", quoted(&reader.name()?)),
        ..Known::default()
    };
    let mut elements = Vec::new();
    for part in parts(reader.group()?) {
        let element = element(part)?;
        known.functions.extend(element.functions);
        elements.push(element.text);
    }
    known.text = format!("{} ({})", known.text, elements.join(", "));
    if reader.take(&["include"]) {
        known.text = format!("{} INCLUDE {}", known.text, reader.columns()?);
    }
    known.text.push_str(distinct(reader));
    if reader.take(&["with"]) {
        known.text = format!("{} WITH ({})", known.text, options(reader.group()?)?);
    }
    Ok(known)
}

pub(super) fn distinct(reader: &mut Reader<'_>) -> &'static str {
    if reader.take(&["nulls", "not", "distinct"]) {
        " NULLS NOT DISTINCT"
    } else {
        reader.take(&["nulls", "distinct"]);
        ""
    }
}

/// One column or expression of an index, with what stands behind it.
fn element(tokens: &[Token]) -> Result<Known, Strange> {
    let mut reader = Reader { tokens, at: 0 };
    let mut known = Known::default();
    if reader.peek().is_some_and(|token| token.is_sign("(")) {
        known = expression_of(reader.group()?)?;
    } else {
        let begin = reader.at;
        let path = reader.path()?;
        if reader.peek().is_some_and(|token| token.is_sign("(")) {
            reader.group()?;
            known = expression_of(&tokens[begin..reader.at])?;
        } else {
            known.text = path;
        }
    }
    if reader.take(&["collate"]) {
        known.text = format!("{} COLLATE {}", known.text, reader.path()?);
    }
    let is_order = |token: &Token| ["asc", "desc", "nulls"].iter().any(|word| token.is_word(word));
    if reader
        .peek()
        .is_some_and(|token| token.name().is_some() && !is_order(token))
    {
        known.text = format!("{} {}", known.text, reader.path()?);
        if reader.peek().is_some_and(|token| token.is_sign("(")) {
            known.text = format!("{} ({})", known.text, options(reader.group()?)?);
        }
    }
    for (words, written) in [
        (&["asc"][..], " ASC"),
        (&["desc"], " DESC"),
        (&["nulls", "first"], " NULLS FIRST"),
        (&["nulls", "last"], " NULLS LAST"),
    ] {
        if reader.take(words) {
            known.text.push_str(written);
        }
    }
    reader.end()?;
    Ok(known)
}

/// `name=value, …` in parentheses.
fn options(tokens: &[Token]) -> Result<String, Strange> {
    let mut written = Vec::new();
    for part in parts(tokens) {
        match part {
            [name, equals, value] if equals.is_sign("=") => {
                let Some(name) = name.name() else {
                    return strange("an option in it has no name");
                };
                let value = match value {
                    Token::Text(_) | Token::Number(_) | Token::Word(_) => value.written(),
                    _ => return strange("an option in it has no plain value"),
                };
                written.push(format!("{} = {value}", quoted(&name)));
            }
            _ => return strange("an option in it is not understood"),
        }
    }
    Ok(written.join(", "))
}

#[cfg(test)]
#[path = "definition_tests.rs"]
mod tests;

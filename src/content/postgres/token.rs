//! The words that a definition consists of.

use super::definition::{Strange, strange};
use super::names::quoted;

/// One word.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Token {
    /// A name or a keyword without quotes, as it is written.
    Word(String),
    /// A name in quotes, without them.
    Name(String),
    /// A text with its quotes.
    Text(String),
    Number(String),
    /// An operator, or one character of punctuation.
    Sign(String),
}

impl Token {
    pub(super) fn is_word(&self, word: &str) -> bool {
        matches!(self, Self::Word(text) if text.eq_ignore_ascii_case(word))
    }

    pub(super) fn is_sign(&self, sign: &str) -> bool {
        matches!(self, Self::Sign(text) if text == sign)
    }

    /// The name that it is where a name stands: a word counts in lower case.
    pub(super) fn name(&self) -> Option<String> {
        match self {
            Self::Word(text) => Some(text.to_lowercase()),
            Self::Name(text) => Some(text.clone()),
            _ => None,
        }
    }

    pub(super) fn written(&self) -> String {
        match self {
            Self::Name(text) => quoted(text),
            Self::Word(text) | Self::Text(text) | Self::Number(text) | Self::Sign(text) => text.clone(),
        }
    }
}

const OPERATOR: &str = "+-*/<>=~!@#%^&|`?:";

/// Cuts a text into words, as the server does with `standard_conforming_strings` on.
pub(super) fn tokens(text: &str) -> Result<Vec<Token>, Strange> {
    let chars: Vec<char> = text.chars().collect();
    let mut tokens = Vec::new();
    let mut at = 0;
    let is_name = |c: char| c.is_ascii_alphanumeric() || c == '_' || !c.is_ascii();
    while let Some(&c) = chars.get(at) {
        let next = chars.get(at + 1).copied();
        if c.is_ascii_whitespace() {
            at += 1;
        } else if c == '\'' || (matches!(c, 'E' | 'e') && next == Some('\'')) {
            let escapes = c != '\'';
            let begin = at;
            at = end_of_text(&chars, at + 1 + usize::from(escapes), '\'', escapes)?;
            tokens.push(Token::Text(chars[begin..at].iter().collect()));
        } else if c == '"' {
            let begin = at + 1;
            at = end_of_text(&chars, begin, '"', false)?;
            let inner: String = chars[begin..at - 1].iter().collect();
            tokens.push(Token::Name(inner.replace("\"\"", "\"")));
        } else if c.is_ascii_digit() {
            let begin = at;
            while chars.get(at).is_some_and(|c| is_name(*c) || *c == '.') {
                at += 1;
            }
            tokens.push(Token::Number(chars[begin..at].iter().collect()));
        } else if is_name(c) {
            let begin = at;
            while chars.get(at).is_some_and(|c| is_name(*c) || *c == '$') {
                at += 1;
            }
            if matches!(chars.get(at), Some('\'' | '"')) {
                return strange("it has a text with a prefix that is not understood");
            }
            tokens.push(Token::Word(chars[begin..at].iter().collect()));
        } else if OPERATOR.contains(c) {
            let begin = at;
            while chars.get(at).is_some_and(|c| OPERATOR.contains(*c)) {
                at += 1;
            }
            let sign: String = chars[begin..at].iter().collect();
            if sign.contains("--") || sign.contains("/*") {
                return strange("it has a comment in it");
            }
            tokens.push(Token::Sign(sign));
        } else if "()[],.".contains(c) {
            tokens.push(Token::Sign(c.to_string()));
            at += 1;
        } else {
            return strange(format!("{:?} stands in it", c.to_string()));
        }
    }
    Ok(tokens)
}

/// Where a text ends that begins before `at`: the place after its last quote.
fn end_of_text(chars: &[char], mut at: usize, quote: char, escapes: bool) -> Result<usize, Strange> {
    while let Some(&c) = chars.get(at) {
        let is_doubled = c == quote && chars.get(at + 1) == Some(&quote);
        if is_doubled || (escapes && c == '\\') {
            at += 2;
        } else if c == quote {
            return Ok(at + 1);
        } else {
            at += 1;
        }
    }
    strange("a text in it has no end")
}

pub(super) fn write(tokens: &[Token]) -> String {
    let words: Vec<_> = tokens.iter().map(Token::written).collect();
    words.join(" ")
}

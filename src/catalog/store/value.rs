//! What goes into a statement and what comes out of it, the same for every store.

use crate::catalog::error::Fault;

/// An argument, or a column of a row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::catalog) enum Value {
    /// Nothing.
    Null,
    /// A number.
    Number(i64),
    /// A text.
    Text(String),
    /// Bytes.
    Bytes(Vec<u8>),
}

impl From<i64> for Value {
    fn from(number: i64) -> Self {
        Self::Number(number)
    }
}

impl From<u64> for Value {
    /// The stores have signed numbers only. What is kept here is counted or measured and never comes near the limit; if
    /// it did, it would be cut off there.
    fn from(number: u64) -> Self {
        Self::Number(i64::try_from(number).unwrap_or(i64::MAX))
    }
}

impl From<u32> for Value {
    fn from(number: u32) -> Self {
        Self::Number(i64::from(number))
    }
}

impl From<bool> for Value {
    fn from(truth: bool) -> Self {
        Self::Number(i64::from(truth))
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<&[u8]> for Value {
    fn from(bytes: &[u8]) -> Self {
        Self::Bytes(bytes.to_owned())
    }
}

impl<T> From<Option<T>> for Value
where
    Self: From<T>,
{
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Null, Self::from)
    }
}

/// A row of an answer. Columns are counted from 0.
#[derive(Debug)]
pub(in crate::catalog) struct Row(pub(super) Vec<Value>);

impl Row {
    /// A number; `None` where there is nothing.
    pub(in crate::catalog) fn some_number(&self, column: usize) -> Result<Option<i64>, Fault> {
        match self.0.get(column) {
            Some(Value::Number(number)) => Ok(Some(*number)),
            Some(Value::Null) => Ok(None),
            other => Err(misfit(column, "a number", other)),
        }
    }

    /// A number.
    pub(in crate::catalog) fn number(&self, column: usize) -> Result<i64, Fault> {
        self.some_number(column)?
            .ok_or_else(|| misfit(column, "a number", None))
    }

    /// A number that is not negative.
    pub(in crate::catalog) fn count(&self, column: usize) -> Result<u64, Fault> {
        Ok(u64::try_from(self.number(column)?).unwrap_or(0))
    }

    /// Whether the number is not 0.
    pub(in crate::catalog) fn truth(&self, column: usize) -> Result<bool, Fault> {
        Ok(self.number(column)? != 0)
    }

    /// A text; `None` where there is nothing.
    pub(in crate::catalog) fn some_text(&self, column: usize) -> Result<Option<String>, Fault> {
        match self.0.get(column) {
            Some(Value::Text(text)) => Ok(Some(text.clone())),
            Some(Value::Null) => Ok(None),
            other => Err(misfit(column, "a text", other)),
        }
    }

    /// A text.
    pub(in crate::catalog) fn text(&self, column: usize) -> Result<String, Fault> {
        self.some_text(column)?
            .ok_or_else(|| misfit(column, "a text", None))
    }

    /// Bytes; `None` where there is nothing.
    pub(in crate::catalog) fn some_bytes(&self, column: usize) -> Result<Option<Vec<u8>>, Fault> {
        match self.0.get(column) {
            Some(Value::Bytes(bytes)) => Ok(Some(bytes.clone())),
            Some(Value::Null) => Ok(None),
            other => Err(misfit(column, "bytes", other)),
        }
    }

    /// Bytes.
    pub(in crate::catalog) fn bytes(&self, column: usize) -> Result<Vec<u8>, Fault> {
        self.some_bytes(column)?
            .ok_or_else(|| misfit(column, "bytes", None))
    }
}

fn misfit(column: usize, wanted: &str, found: Option<&Value>) -> Fault {
    let found = match found {
        None | Some(Value::Null) => "nothing",
        Some(Value::Number(_)) => "a number",
        Some(Value::Text(_)) => "a text",
        Some(Value::Bytes(_)) => "bytes",
    };
    Fault::Unreadable(format!("column {column} should have {wanted} and has {found}"))
}

//! The statements that make tables anew from their descriptions, one each and in forms of Lifeboat's own.
//!
//! What a backup says is never run as it is: names are quoted, kinds are looked up, and expressions are taken apart and
//! written anew (`definition`). What cannot be made so is told beforehand: what a table cannot do without is an obstacle,
//! everything else is left out and named.

use std::collections::BTreeSet;

use super::constraint::Constraint;
use super::counted;
use super::definition::{self, Index, Known};
use super::dress::IndexDress;
use super::names::{in_schema, literal, quoted};
use super::rehearsal::Facts;
use super::sequences;
use super::tables::{Column, Generated, Identity, Sequence, Table};
use super::taken::{self, Arrival};

/// A statement, and what it makes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    /// What it makes, as in `the index i of the table t`.
    pub what: String,
    /// The statement.
    pub statement: String,
    /// Whether the table cannot do without it.
    pub essential: bool,
}

/// Everything that one table takes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Blueprint {
    /// The table's name.
    pub table: String,
    /// What makes it, before there are rows.
    pub create: Vec<Part>,
    /// What follows when its rows are in.
    pub complete: Vec<Part>,
    /// What follows when all tables are complete.
    pub finish: Vec<Part>,
    /// What comes last: from then on even its owner may see only a part.
    pub close: Vec<Part>,
}

/// What a set of tables takes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Blueprints {
    /// Sequences that no column owns.
    pub sequences: Vec<Part>,
    /// The tables.
    pub tables: Vec<Blueprint>,
    /// What brings the sequences where their columns are.
    pub counters: Vec<String>,
    /// What does not come back, as sentences.
    pub left_out: Vec<String>,
    /// What makes it impossible, as sentences.
    pub obstacles: Vec<String>,
    /// What some of the tables are made of once they are made, as the server tells it.
    pub made: Vec<Table>,
    /// The names that come with the tables.
    pub arrivals: Vec<Arrival>,
    omitted: BTreeSet<String>,
}

impl Blueprints {
    /// Draws the tables for a schema, with what is known of the database that they are made in.
    #[must_use]
    pub fn draw(tables: &[Table], facts: &Facts, schema: &str) -> Self {
        let (tables, told) = counted::with_own(tables, facts);
        let tables = tables.as_slice();
        let mut all = Self {
            counters: sequences::counters(tables, schema),
            left_out: told,
            ..Self::default()
        };
        let mut made = BTreeSet::new();
        for table in tables {
            for sequence in &table.sequences {
                if !sequence.owned && made.insert(sequence.name.clone()) {
                    all.sequences.push(Part {
                        what: format!("the sequence {} of the table {}", sequence.name, table.name),
                        statement: sequences::create(sequence, schema),
                        essential: true,
                    });
                }
            }
            let mut draft = Draft {
                all: &mut all,
                facts,
                table,
                schema,
                name: in_schema(schema, &table.name),
                drawn: Blueprint {
                    table: table.name.clone(),
                    ..Blueprint::default()
                },
            };
            draft.create();
            draft.constraints();
            draft.indexes();
            if let Some(dress) = facts.dress_of(table) {
                draft.dress(dress, tables);
            }
            let drawn = draft.drawn;
            all.tables.push(drawn);
        }
        all.arrivals = taken::arrivals(tables);
        let omitted = std::mem::take(&mut all.omitted);
        all.leave_out(&omitted);
        all
    }

    /// The blueprint of a table.
    #[must_use]
    pub fn of(&self, table: &str) -> Option<&Blueprint> {
        self.tables.iter().find(|drawn| drawn.table == table)
    }

    /// Leaves out what was refused.
    pub fn leave_out(&mut self, refused: &BTreeSet<String>) {
        self.arrivals.retain(|arrival| !refused.contains(&arrival.what));
        for drawn in &mut self.tables {
            for pieces in [
                &mut drawn.create,
                &mut drawn.complete,
                &mut drawn.finish,
                &mut drawn.close,
            ] {
                pieces.retain(|part| !refused.contains(&part.what));
            }
        }
    }
}

/// The functions that the definitions of tables call.
#[must_use]
pub fn functions(tables: &[Table]) -> BTreeSet<String> {
    let mut functions = BTreeSet::new();
    for table in tables {
        let columns = table.all_columns();
        let defaults = columns.iter().filter_map(|(column, _)| column.default.as_deref());
        let dress = table.dress.as_ref();
        let policies = dress.iter().flat_map(|dress| &dress.policies);
        let statistics = dress.iter().flat_map(|dress| &dress.statistics);
        let expressions = defaults
            .chain(policies.flat_map(|policy| {
                [policy.using.as_deref(), policy.check.as_deref()]
                    .into_iter()
                    .flatten()
            }))
            .chain(statistics.flat_map(|one| one.expressions.iter().map(String::as_str)));
        for text in expressions {
            functions.extend(definition::expression(text).unwrap_or_default().functions);
        }
        for (_, text) in &table.constraints {
            if let Ok(Constraint::Own { known, .. }) = Constraint::read(text) {
                functions.extend(known.functions);
            }
        }
        for text in &table.indexes {
            if let Ok(index) = Index::read(text) {
                functions.extend(index.functions().cloned());
            }
        }
    }
    functions
}

/// The types of a fixed size that Jackrabbit uses.
const FIXED: [&str; 3] = ["bigint", "integer", "smallint"];

/// A table while it is drawn.
pub(super) struct Draft<'a> {
    all: &'a mut Blueprints,
    pub(super) facts: &'a Facts,
    pub(super) table: &'a Table,
    pub(super) schema: &'a str,
    pub(super) name: String,
    pub(super) drawn: Blueprint,
}

impl Draft<'_> {
    pub(super) fn what(&self, kind: &str, name: &str) -> String {
        let between = if name.is_empty() { "" } else { " " };
        format!("{kind}{between}{name} of the table {}", self.table.name)
    }

    pub(super) fn part(&self, kind: &str, name: &str, statement: String) -> Part {
        Part {
            what: self.what(kind, name),
            statement,
            essential: false,
        }
    }

    pub(super) fn left_out(&mut self, what: &str, why: &str) {
        self.all.omitted.insert(what.to_owned());
        self.all
            .left_out
            .push(format!("{what} does not come back: {why}"));
    }

    fn obstacle(&mut self, what: &str, why: &str) {
        self.all.obstacles.push(format!("{what} cannot be made: {why}"));
    }

    /// Whether a definition calls nothing that might do something before Live is switched: it is Live's own, or all that
    /// it calls only works something out.
    fn judge(&self, text: &str, known: &Known) -> Result<(), String> {
        if self.facts.is_live(&self.table.name, text) && !known.functions.contains("nextval") {
            return Ok(());
        }
        match known.functions.iter().find(|name| !self.facts.is_harmless(name)) {
            None => Ok(()),
            Some(name) => Err(format!(
                "it calls the function {name}, which is not here or may do anything, and Live has nothing of the kind"
            )),
        }
    }

    pub(super) fn expression(&self, text: &str) -> Result<String, String> {
        let known = definition::expression(text).map_err(|strange| strange.0)?;
        self.judge(text, &known)?;
        Ok(known.text)
    }

    fn create(&mut self) {
        let mut columns = Vec::new();
        for (column, generated) in self.table.all_columns() {
            match self.column(column, generated) {
                Ok(written) => columns.push(written),
                Err(why) => self.obstacle(&self.what("the column", &column.name), &why),
            }
        }
        let owned = self.table.sequences.iter().filter(|sequence| sequence.owned);
        let plain: Vec<&Sequence> = owned
            .filter(|sequence| self.identity_of(sequence).is_none())
            .collect();
        let mut statements: Vec<String> = plain
            .iter()
            .map(|sequence| sequences::create(sequence, self.schema))
            .collect();
        let dress = self.facts.dress_of(self.table);
        let unlogged = if dress.is_some_and(|dress| dress.unlogged) {
            "UNLOGGED "
        } else {
            ""
        };
        let tablespace = dress.and_then(|dress| dress.tablespace.as_deref());
        let tablespace = self.tablespace("the table", &self.table.name, tablespace);
        statements.push(format!(
            "CREATE {unlogged}TABLE {} ({}){tablespace}",
            self.name,
            columns.join(", ")
        ));
        for column in &self.table.columns {
            let storage = match column.storage.as_str() {
                "e" => "EXTERNAL",
                "m" => "MAIN",
                "x" => "EXTENDED",
                // A fixed size is never stored otherwise.
                "p" if !FIXED.contains(&column.data_type.as_str()) => "PLAIN",
                _ => continue,
            };
            statements.push(format!(
                "ALTER TABLE {} ALTER COLUMN {} SET STORAGE {storage}",
                self.name,
                quoted(&column.name)
            ));
        }
        for sequence in plain {
            statements.push(format!(
                "ALTER SEQUENCE {} OWNED BY {}.{}",
                in_schema(self.schema, &sequence.name),
                self.name,
                quoted(&sequence.column)
            ));
        }
        self.drawn
            .create
            .extend(statements.into_iter().map(|statement| Part {
                what: format!("the table {}", self.table.name),
                statement,
                essential: true,
            }));
        for sequence in &self.table.sequences {
            if let Some(comment) = &sequence.comment {
                let name = in_schema(self.schema, &sequence.name);
                let statement = format!("COMMENT ON SEQUENCE {name} IS {}", literal(comment));
                let part = self.part("the comment on the sequence", &sequence.name, statement);
                self.drawn.create.push(part);
            }
        }
    }

    fn identity_of(&self, sequence: &Sequence) -> Option<Identity> {
        let mut columns = self.table.columns.iter();
        columns.find(|column| column.name == sequence.column)?.identity
    }

    fn column(&self, column: &Column, generated: Option<&Generated>) -> Result<String, String> {
        let data_type = definition::data_type(&column.data_type).map_err(|strange| strange.0)?;
        let collation = column
            .collation
            .as_ref()
            .map(|(schema, name)| format!(" COLLATE {}", in_schema(schema, name)))
            .unwrap_or_default();
        let value = match (generated, column.identity, &column.default) {
            (Some(generated), _, Some(expression)) => {
                let kind = if generated.is_virtual { "VIRTUAL" } else { "STORED" };
                format!(" GENERATED ALWAYS AS {} {kind}", self.expression(expression)?)
            }
            (_, Some(identity), _) => {
                let mut owned = self
                    .table
                    .sequences
                    .iter()
                    .filter(|sequence| sequence.column == column.name);
                let when = match identity {
                    Identity::Always => "ALWAYS",
                    Identity::ByDefault => "BY DEFAULT",
                };
                let sequence = owned
                    .next()
                    .map(|sequence| {
                        format!(
                            " (SEQUENCE NAME {}{})",
                            in_schema(self.schema, &sequence.name),
                            sequences::counting(sequence)
                        )
                    })
                    .unwrap_or_default();
                format!(" GENERATED {when} AS IDENTITY{sequence}")
            }
            (_, _, Some(default)) => format!(" DEFAULT {}", self.default(column, default)?),
            _ => String::new(),
        };
        let not_null = if column.not_null { " NOT NULL" } else { "" };
        Ok(format!(
            "{} {data_type}{collation}{value}{not_null}",
            quoted(&column.name)
        ))
    }

    fn default(&self, column: &Column, text: &str) -> Result<String, String> {
        let Some(called) = definition::next_of(text) else {
            return self.expression(text);
        };
        let mut sequences = self.table.sequences.iter();
        let own = sequences
            .find(|sequence| sequence.column == column.name && quoted(&sequence.name) == called)
            .map(|sequence| in_schema(self.schema, &sequence.name));
        match own {
            Some(own) => Ok(format!("nextval({}::regclass)", literal(&own))),
            // A sequence of another schema stands where it is, and others may count with it.
            None if called.contains('.') && self.facts.is_live(&self.table.name, text) => {
                Ok(format!("nextval({}::regclass)", literal(&called)))
            }
            None => Err(format!("it counts with {called}, which is no name of a sequence")),
        }
    }

    /// Where something is kept, if that is here and may be used.
    fn tablespace(&mut self, kind: &str, name: &str, tablespace: Option<&str>) -> String {
        match tablespace {
            None => String::new(),
            Some(tablespace) if self.facts.has_tablespace(tablespace) => {
                format!(" TABLESPACE {}", quoted(tablespace))
            }
            Some(tablespace) => {
                self.all.left_out.push(format!(
                    "{kind} {name} comes back in the database's own tablespace: {tablespace}, where it was, is not here, or the \
                     owner of the tables may not put anything there (GRANT CREATE ON TABLESPACE)"
                ));
                String::new()
            }
        }
    }

    fn constraints(&mut self) {
        let dress = self.facts.dress_of(self.table).cloned().unwrap_or_default();
        for (name, text) in &self.table.constraints {
            let what = self.what("the constraint", name);
            let understood = Constraint::read(text).map_err(|strange| strange.0);
            let judged = understood.and_then(|constraint| match constraint {
                Constraint::Own { known, when, indexed } => {
                    self.judge(text, &known)?;
                    Ok((known.text, when, indexed))
                }
                Constraint::Foreign { .. } => Err("it stands where none of its kind belongs".to_owned()),
            });
            let (text, when, indexed) = match judged {
                Ok(judged) => judged,
                Err(why) => {
                    self.left_out(&what, &why);
                    continue;
                }
            };
            let mut place = String::new();
            let own = dress.indexes.iter().find(|index| index.name == *name);
            let own = own.filter(|_| indexed);
            if let Some(index) = own {
                place = with(&index.options);
                let tablespace = self.tablespace("the index", name, index.tablespace.as_deref());
                if !tablespace.is_empty() {
                    place = format!("{place} USING INDEX{tablespace}");
                }
            }
            self.drawn.complete.push(Part {
                statement: format!(
                    "ALTER TABLE {} ADD CONSTRAINT {} {text}{place}{when}",
                    self.name,
                    quoted(name)
                ),
                what,
                essential: indexed,
            });
            self.index_statistics(own);
        }
    }

    fn indexes(&mut self) {
        let dress = self.facts.dress_of(self.table).cloned().unwrap_or_default();
        for text in &self.table.indexes {
            let index = match Index::read(text) {
                Ok(index) => index,
                Err(strange) => {
                    let what = format!("an index of the table {} ({text})", self.table.name);
                    self.left_out(&what, &strange.0);
                    continue;
                }
            };
            let what = self.what("the index", &index.name);
            let called = Known {
                functions: index.functions().cloned().collect(),
                ..Known::default()
            };
            if let Err(why) = self.judge(text, &called) {
                self.left_out(&what, &why);
                continue;
            }
            let wanted = dress.indexes.iter().find(|known| known.name == index.name);
            let tablespace = wanted.and_then(|index| index.tablespace.as_deref());
            let is_there = !self.tablespace("the index", &index.name, tablespace).is_empty();
            self.drawn.complete.push(Part {
                statement: index.statement(self.schema, &self.table.name, tablespace.filter(|_| is_there)),
                what,
                essential: index.unique,
            });
            self.index_statistics(wanted);
        }
    }

    /// How much the server looks at for the expressions of an index that is made.
    fn index_statistics(&mut self, wanted: Option<&IndexDress>) {
        let Some(index) = wanted else { return };
        for (place, target) in &index.statistics {
            let name = in_schema(self.schema, &index.name);
            let statement = format!("ALTER INDEX {name} ALTER COLUMN {place} SET STATISTICS {target}");
            let part = self.part("the statistics target of the index", &index.name, statement);
            self.drawn.complete.push(part);
        }
    }
}

fn with(options: &[(String, String)]) -> String {
    if options.is_empty() {
        return String::new();
    }
    format!(" WITH ({})", pairs(options, ""))
}

pub(super) fn pairs(options: &[(String, String)], prefix: &str) -> String {
    let pairs: Vec<_> = options
        .iter()
        .map(|(name, value)| format!("{prefix}{} = {}", quoted(name), literal(value)))
        .collect();
    pairs.join(", ")
}

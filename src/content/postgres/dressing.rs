//! The part of a table's blueprint that an administrator has added: storage parameters, policies, comments and the like.

use super::blueprint::{Draft, pairs};
use super::constraint::Constraint;
use super::dress::{CommentOn, Dress, Policy, ReplicaIdentity, Statistics};
use super::names::{in_schema, literal, quoted};
use super::tables::Table;

impl Draft<'_> {
    /// Draws what is set on the table besides its columns and keys.
    pub(super) fn dress(&mut self, dress: &Dress, tables: &[Table]) {
        self.settings(dress);
        self.properties(dress);
        self.foreign_keys(dress, tables);
        self.policies(dress);
    }

    fn alter(&self, rest: impl std::fmt::Display) -> String {
        format!("ALTER TABLE {} {rest}", self.name)
    }

    /// What has to be set before there are rows.
    fn settings(&mut self, dress: &Dress) {
        let mut before = Vec::new();
        for column in &dress.columns {
            let on = |rest: String| self.alter(format!("ALTER COLUMN {} {rest}", quoted(&column.name)));
            let method = match column.compression.as_deref() {
                Some("p") => Some("pglz"),
                Some("l") => Some("lz4"),
                _ => None,
            };
            let settings = [
                method.map(|method| {
                    (
                        "the compression of the column",
                        on(format!("SET COMPRESSION {method}")),
                    )
                }),
                column.statistics.map(|target| {
                    (
                        "the statistics target of the column",
                        on(format!("SET STATISTICS {target}")),
                    )
                }),
                (!column.options.is_empty()).then(|| {
                    (
                        "the options of the column",
                        on(format!("SET ({})", pairs(&column.options, ""))),
                    )
                }),
            ];
            for (kind, statement) in settings.into_iter().flatten() {
                before.push(self.part(kind, &column.name, statement));
            }
        }
        for (prefix, options) in [("", &dress.options), ("toast.", &dress.toast_options)] {
            for option in options {
                let statement = self.alter(format!("SET ({})", pairs(std::slice::from_ref(option), prefix)));
                before.push(self.part(
                    "the storage parameter",
                    &format!("{prefix}{}", option.0),
                    statement,
                ));
            }
        }
        self.drawn.create.extend(before);
    }

    /// What is set on a table with its rows and indexes.
    fn properties(&mut self, dress: &Dress) {
        let mut set = Vec::new();
        let identity = match &dress.replica_identity {
            Some(ReplicaIdentity::Full) => Some("FULL".to_owned()),
            Some(ReplicaIdentity::Nothing) => Some("NOTHING".to_owned()),
            Some(ReplicaIdentity::Index(index)) => Some(format!("USING INDEX {}", quoted(index))),
            None => None,
        };
        set.extend(identity.map(|identity| {
            let statement = self.alter(format!("REPLICA IDENTITY {identity}"));
            self.part("the replica identity", "", statement)
        }));
        set.extend(dress.clustered_on.as_ref().map(|index| {
            let statement = self.alter(format!("CLUSTER ON {}", quoted(index)));
            self.part("the order by the index", index, statement)
        }));
        for one in &dress.statistics {
            match self.statistics(one) {
                Ok(statement) => {
                    set.push(self.part("the statistics", &one.name, statement));
                    let name = in_schema(self.schema, &one.name);
                    set.extend(one.target.map(|target| {
                        let statement = format!("ALTER STATISTICS {name} SET STATISTICS {target}");
                        self.part("the target of the statistics", &one.name, statement)
                    }));
                    set.extend(one.comment.as_ref().map(|text| {
                        let statement = format!("COMMENT ON STATISTICS {name} IS {}", literal(text));
                        self.part("the comment on the statistics", &one.name, statement)
                    }));
                }
                Err(why) => self.left_out(&self.what("the statistics", &one.name), &why),
            }
        }
        for comment in &dress.comments {
            let on = match comment.on {
                CommentOn::Table => format!("TABLE {}", self.name),
                CommentOn::Column => format!("COLUMN {}.{}", self.name, quoted(&comment.name)),
                CommentOn::Index => format!("INDEX {}", in_schema(self.schema, &comment.name)),
                CommentOn::Constraint => format!("CONSTRAINT {} ON {}", quoted(&comment.name), self.name),
            };
            let statement = format!("COMMENT ON {on} IS {}", literal(&comment.text));
            let kind = if comment.on == CommentOn::Table {
                "the comment"
            } else {
                "the comment on"
            };
            set.push(self.part(kind, &comment.name, statement));
        }
        self.drawn.complete.extend(set);
    }

    fn foreign_keys(&mut self, dress: &Dress, tables: &[Table]) {
        let mut last = Vec::new();
        for (key, text) in &dress.foreign_keys {
            let what = self.what("the foreign key", key);
            match Constraint::read(text) {
                Ok(Constraint::Foreign {
                    columns,
                    table: other,
                    rest,
                }) if tables.iter().any(|known| known.name == other) => {
                    let statement = self.alter(format!(
                        "ADD CONSTRAINT {} FOREIGN KEY {columns} REFERENCES {} {rest}",
                        quoted(key),
                        in_schema(self.schema, &other)
                    ));
                    last.push(self.part("the foreign key", key, statement));
                }
                Ok(Constraint::Foreign { table: other, .. }) => {
                    self.left_out(
                        &what,
                        &format!("it refers to {other}, which does not come back with it"),
                    );
                }
                Ok(Constraint::Own { .. }) => self.left_out(&what, "it is no foreign key"),
                Err(strange) => self.left_out(&what, &strange.0),
            }
        }
        self.drawn.finish.extend(last);
    }

    /// Who sees which rows.
    fn policies(&mut self, dress: &Dress) {
        let mut last = Vec::new();
        for policy in &dress.policies {
            match self.policy(policy) {
                Ok(statement) => {
                    last.push(self.part("the policy", &policy.name, statement));
                    last.extend(policy.comment.as_ref().map(|text| {
                        let on = format!("POLICY {} ON {}", quoted(&policy.name), self.name);
                        let statement = format!("COMMENT ON {on} IS {}", literal(text));
                        self.part("the comment on the policy", &policy.name, statement)
                    }));
                }
                Err(why) => self.left_out(&self.what("the policy", &policy.name), &why),
            }
        }
        if dress.row_security {
            last.push(self.part("row-level security", "", self.alter("ENABLE ROW LEVEL SECURITY")));
        }
        self.drawn.finish.extend(last);
        if dress.forced_row_security {
            let statement = self.alter("FORCE ROW LEVEL SECURITY");
            self.drawn
                .close
                .push(self.part("forced row-level security", &self.table.name, statement));
        }
    }

    fn statistics(&self, one: &Statistics) -> Result<String, String> {
        let mut on: Vec<String> = one.columns.iter().map(|column| quoted(column)).collect();
        for text in &one.expressions {
            on.push(self.expression(text)?);
        }
        let kinds: Vec<_> = one
            .kinds
            .iter()
            .filter_map(|kind| match kind.as_str() {
                "d" => Some("ndistinct"),
                "f" => Some("dependencies"),
                "m" => Some("mcv"),
                _ => None,
            })
            .collect();
        let kinds = if kinds.is_empty() || on.len() < 2 {
            String::new()
        } else {
            format!(" ({})", kinds.join(", "))
        };
        Ok(format!(
            "CREATE STATISTICS {}{kinds} ON {} FROM {}",
            in_schema(self.schema, &one.name),
            on.join(", "),
            self.name
        ))
    }

    fn policy(&self, policy: &Policy) -> Result<String, String> {
        let command = match policy.command.as_str() {
            "r" => "SELECT",
            "a" => "INSERT",
            "w" => "UPDATE",
            "d" => "DELETE",
            _ => "ALL",
        };
        let mut roles = Vec::new();
        for role in &policy.roles {
            if role == "PUBLIC" {
                roles.push("PUBLIC".to_owned());
            } else if self.facts.has_role(role) {
                roles.push(quoted(role));
            } else {
                return Err(format!("the role {role} is not here"));
            }
        }
        let kind = if policy.permissive {
            "PERMISSIVE"
        } else {
            "RESTRICTIVE"
        };
        let mut statement = format!(
            "CREATE POLICY {} ON {} AS {kind} FOR {command} TO {}",
            quoted(&policy.name),
            self.name,
            roles.join(", ")
        );
        for (word, text) in [("USING", &policy.using), ("WITH CHECK", &policy.check)] {
            if let Some(text) = text {
                statement = format!("{statement} {word} {}", self.expression(text)?);
            }
        }
        Ok(statement)
    }
}

//! What comes out of definitions, and what does not get through.

use super::*;
use crate::content::postgres::constraint::Constraint;

fn index(definition: &str) -> String {
    Index::read(definition).unwrap().statement("new", "t", None)
}

fn constraint(definition: &str) -> String {
    match Constraint::read(definition).unwrap() {
        Constraint::Own { known, when, .. } => format!("{}{when}", known.text),
        Constraint::Foreign { columns, table, rest } => {
            format!("FOREIGN KEY {columns} REFERENCES {table} {rest}")
        }
    }
}

#[test]
fn what_the_server_writes_is_written_anew() {
    assert_eq!(
        index("CREATE UNIQUE INDEX pm_dam_binval_idx ON public.pm_dam_binval USING btree (binval_id)"),
        r#"CREATE UNIQUE INDEX "pm_dam_binval_idx" ON "new"."t" USING "btree" ("binval_id")"#
    );
    assert_eq!(
        index(
            "CREATE INDEX s ON t USING gin (name gin_trgm_ops, lower(name::text) public.x DESC NULLS LAST) WITH (fastupdate=off) WHERE id > 5"
        ),
        r#"CREATE INDEX "s" ON "new"."t" USING "gin" ("name" "gin_trgm_ops", (lower ( name :: text )) "public"."x" DESC NULLS LAST) WITH ("fastupdate" = off) WHERE (id > 5)"#
    );
    assert_eq!(
        index(
            r#"CREATE UNIQUE INDEX "A b" ON t USING btree ("Ü", (a + 1) COLLATE "C") INCLUDE (c) NULLS NOT DISTINCT"#
        ),
        r#"CREATE UNIQUE INDEX "A b" ON "new"."t" USING "btree" ("Ü", (a + 1) COLLATE "C") INCLUDE ("c") NULLS NOT DISTINCT"#
    );
    assert_eq!(constraint("PRIMARY KEY (a, b)"), r#"PRIMARY KEY ("a", "b")"#);
    assert_eq!(
        constraint("UNIQUE NULLS NOT DISTINCT (a) INCLUDE (b) DEFERRABLE INITIALLY DEFERRED"),
        r#"UNIQUE NULLS NOT DISTINCT ("a") INCLUDE ("b") DEFERRABLE INITIALLY DEFERRED"#
    );
    assert_eq!(
        constraint("CHECK ((octet_length(d) > 0)) NO INHERIT NOT VALID"),
        "CHECK (( octet_length ( d ) > 0 )) NO INHERIT NOT VALID"
    );
    assert_eq!(
        constraint(
            "FOREIGN KEY (a) REFERENCES x(b) MATCH FULL ON UPDATE CASCADE ON DELETE SET NULL (a) DEFERRABLE NOT VALID"
        ),
        r#"FOREIGN KEY ("a") REFERENCES x ("b") MATCH FULL ON UPDATE CASCADE ON DELETE SET NULL ("a") DEFERRABLE NOT VALID"#
    );
    assert_eq!(
        data_type("character varying(255)").unwrap(),
        "character varying ( 255 )"
    );
    assert_eq!(
        data_type(r#"public."My type"[]"#).unwrap(),
        r#"public . "My type" [ ]"#
    );
    assert_eq!(
        next_of("nextval('pm_website_names_id_seq'::regclass)").as_deref(),
        Some("pm_website_names_id_seq")
    );
    assert_eq!(next_of("nextval('a'::regclass) + 1"), None);
}

#[test]
fn functions_are_told_and_what_is_none_is_not() {
    let known = expression(
        r#"CASE WHEN (a)::varchar(5) IN ('x', E'it\'s') THEN lower(b) ELSE COALESCE("Strange one"(1), evil.run('y')) END"#,
    )
    .unwrap();
    let functions: Vec<_> = known.functions.iter().map(String::as_str).collect();
    assert_eq!(functions, ["Strange one", "lower", "run"]);
}

#[test]
fn nothing_gets_out_of_its_form() {
    for text in [
        "COMMIT; UPDATE x SET y = 1",
        "CREATE INDEX i ON t USING btree (a); DROP TABLE x",
        "CREATE INDEX i ON t USING btree (a) WHERE true) ; DROP TABLE x",
        "CREATE INDEX i ON t USING btree (a) TABLESPACE x",
        "CREATE INDEX i ON t USING btree (a -- )\n)",
        "CREATE INDEX i ON t USING btree ((SELECT 1))",
        "CREATE INDEX i ON t",
        "CREATE TABLE t (a int)",
        "DROP TABLE x",
        "",
    ] {
        assert!(Index::read(text).is_err(), "{text}");
    }
    for text in [
        "PRIMARY KEY (a), ADD COLUMN b int",
        "PRIMARY KEY (a) USING INDEX TABLESPACE x",
        "CHECK (true), ADD CHECK (true)",
        "CHECK (true); DROP TABLE x",
        "CHECK ((SELECT true))",
        "CHECK (a) b",
        "FOREIGN KEY (a) REFERENCES other.t(a)",
        "FOREIGN KEY (a) REFERENCES t(a) ON DELETE DROP",
        "EXCLUDE USING gist (a WITH =)",
    ] {
        assert!(Constraint::read(text).is_err(), "{text}");
    }
    for text in [
        "1, b int",
        "1) CHECK (true",
        "'open",
        "B'1'",
        "$$x$$",
        "1 /* */",
        "(VALUES (1))",
        "\\d",
        "",
    ] {
        assert!(expression(text).is_err(), "{text}");
    }
    for text in [
        "int DEFAULT 'x'",
        "int DEFAULT run()",
        "int; DROP TABLE x",
        "int = 5",
        "",
    ] {
        assert!(data_type(text).is_err(), "{text}");
    }
}

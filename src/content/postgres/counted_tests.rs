//! Defaults in backups of earlier versions, which name their sequences by the schema that these were in.

use super::super::blueprint::Blueprints;
use super::super::rehearsal::Facts;
use super::super::tables::Table;

fn table(default: &str) -> Table {
    let text = serde_json::json!({
        "name": "pm_website_names", "workspace": "website", "holds": "names", "key": ["id"],
        "columns": [{ "name": "id", "data_type": "integer", "not_null": true, "default": default, "storage": "p" }],
        "constraints": [], "indexes": [], "owner": "magnolia", "grants": [],
        "sequences": [{ "name": "pm_website_names_id_seq", "column": "id", "data_type": "integer", "grants": [] }],
    });
    serde_json::from_value(text).unwrap()
}

fn created(default: &str) -> String {
    let drawn = Blueprints::draw(&[table(default)], &Facts::default(), "fresh");
    assert_eq!(drawn.obstacles, Vec::<String>::new());
    let parts = drawn.tables.iter().flat_map(|table| &table.create);
    let statements: Vec<_> = parts.map(|part| part.statement.as_str()).collect();
    statements.join("; ")
}

#[test]
fn a_default_counts_with_the_sequence_of_its_own_table_whatever_schema_it_names() {
    for default in [
        "nextval('pm_website_names_id_seq'::regclass)",
        "nextval('mgnl.pm_website_names_id_seq'::regclass)",
        "nextval('\"My schema\".pm_website_names_id_seq'::regclass)",
        "nextval('lifeboat_old_2_18f.pm_website_names_id_seq'::regclass)",
    ] {
        let created = created(default);
        assert!(
            created.contains("DEFAULT nextval('\"fresh\".\"pm_website_names_id_seq\"'::regclass)"),
            "{default}: {created}"
        );
        assert_eq!(created.matches("CREATE SEQUENCE").count(), 1, "{created}");
    }
}

//! The part of a check that is about what restores have left in a database.

use crate::content::left::{Left, undropped_sentence};
use crate::content::postgres::connect::Connector;
use crate::content::postgres::replaced;
use crate::content::postgres::session::Session;
use crate::content::restoring::Checked;
use crate::domain::check::Findings;
use crate::domain::measure;

/// Gives what was found.
pub(super) fn check(
    about: &Checked<'_>,
    connector: &Connector,
    session: &mut Session,
    findings: &mut Findings<'_>,
) -> Vec<Left> {
    let found = replaced::find(connector, about.environment, about.instance);
    let all = session.begin().and_then(|mut transaction| {
        let rows = transaction.query(
            "SELECT nspname::text FROM pg_namespace WHERE starts_with(nspname, $1) ORDER BY 1",
            &[&replaced::PREFIX],
        )?;
        Ok(rows.iter().map(|row| row.get(0)).collect::<Vec<String>>())
    });
    let (left, all) = match (found, all) {
        (Ok(left), Ok(all)) => (left, all),
        (Err(error), _) => {
            findings.failed("leftovers", error.to_string());
            return Vec::new();
        }
        (_, Err(error)) => {
            let error = connector.failed("looking for what restores have left")(error);
            findings.failed("leftovers", error.to_string());
            return Vec::new();
        }
    };
    for left in &left {
        let undropped = about.undropped.iter().find(|(schema, _)| *schema == left.place);
        if let Some((schema, why)) = undropped.filter(|_| left.note.expires <= about.now) {
            findings.failed("leftovers", undropped_sentence(schema, why));
        } else {
            leftover(left, about.is_at_work, findings);
        }
    }
    let mut count = left.len();
    for schema in all {
        if !left.iter().any(|left| left.place == schema) {
            count += 1;
            findings.warning(
                "leftovers",
                format!(
                    "the schema {schema} is named like one of Lifeboat's and belongs to another environment or instance, \
                     or to nobody: Lifeboat leaves it alone here"
                ),
            );
        }
    }
    if count == 0 {
        findings.ok("leftovers", "no restore has left anything in the database");
    }
    left
}

/// What a restore has left in the database.
fn leftover(left: &Left, is_at_work: bool, findings: &mut Findings<'_>) {
    let what = format!("the schema {}, {}", left.place, measure::bytes(left.bytes));
    if left.is_replaced() {
        findings.ok(
            "leftovers",
            format!(
                "{what}: tables that job {} replaced, they stay until {}",
                left.note.job,
                measure::moment(left.note.expires)
            ),
        );
    } else if is_at_work {
        findings.ok("leftovers", format!("{what}: the job that runs is at work in it"));
    } else {
        findings.warning(
            "leftovers",
            format!("{what}: an interrupted restore or drill has left it, and it goes with the next backup"),
        );
    }
}
